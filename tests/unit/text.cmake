fb_unit_test(html SOURCES text/html_test.c LIBS text)
fb_unit_test(bodies SOURCES text/bodies_test.c LIBS text)
target_compile_definitions(test_bodies PRIVATE FB_BODIES="${CMAKE_CURRENT_SOURCE_DIR}/text/bodies.txt")
fb_unit_test(text_parts SOURCES text/parts_test.c LIBS text)
