fb_fuzz_target(file_link SOURCES fuzz_file_link.c LIBS bridge)
fb_fuzz_target(oauth SOURCES fuzz_oauth.c LIBS bridge)
