fb_fuzz_target(json SOURCES fuzz_json.c LIBS base)
