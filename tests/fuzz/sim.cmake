fb_fuzz_target(multipart SOURCES fuzz_multipart.c LIBS sim)
fb_fuzz_target(sim_search SOURCES fuzz_sim_search.c LIBS sim)
