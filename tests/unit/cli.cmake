fb_unit_test(cli_options SOURCES cli/options_test.c ${CMAKE_SOURCE_DIR}/src/cli/options.c LIBS base)
