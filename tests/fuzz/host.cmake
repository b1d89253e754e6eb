fb_fuzz_target(frames SOURCES fuzz_frames.c LIBS host)
