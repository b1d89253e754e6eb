fb_fuzz_target(multipart SOURCES fuzz_multipart.c LIBS sim)
