fb_fuzz_target(json SOURCES fuzz_json.c LIBS base)
fb_fuzz_target(filename SOURCES fuzz_filename.c LIBS base)
fb_fuzz_target(config SOURCES fuzz_config.c LIBS base)
