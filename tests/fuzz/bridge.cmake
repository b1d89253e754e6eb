fb_fuzz_target(oauth SOURCES fuzz_oauth.c LIBS bridge)
