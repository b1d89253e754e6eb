fb_fuzz_target(text SOURCES fuzz_text.c LIBS text)
