fb_fuzz_target(http_head SOURCES fuzz_http_head.c LIBS http)
