fb_fuzz_target(callback SOURCES fuzz_callback.c LIBS front)
fb_fuzz_target(front_reply SOURCES fuzz_front_reply.c LIBS front)
fb_fuzz_target(incoming SOURCES fuzz_incoming.c LIBS front)
fb_fuzz_target(reconcile SOURCES fuzz_reconcile.c LIBS front)
