# These start real children: of themselves, for they know the command channel-host.
foreach(module parent broken conform elder)
  fb_unit_test(host_${module} SOURCES host/${module}_test.c host/rig.c LIBS host)
  add_dependencies(test_host_${module} test_channels)
endforeach()
add_dependencies(test_host_conform channel_template)

fb_unit_test(host_settings SOURCES host/settings_test.c LIBS host)
fb_unit_test(host_frame SOURCES host/frame_test.c LIBS host)
fb_unit_test(host_link SOURCES host/link_test.c LIBS host)
fb_unit_test(host_inbound SOURCES host/inbound_test.c LIBS host)
fb_unit_test(host_loader SOURCES host/loader_test.c LIBS host)
target_compile_definitions(test_host_loader PRIVATE BUILD_DIR="${CMAKE_BINARY_DIR}")
add_dependencies(test_host_loader test_channels)

# Not a test: bench_host prints round trips per second and memory.
add_executable(bench_host ${CMAKE_SOURCE_DIR}/tests/bench/host_bench.c host/rig.c)
target_link_libraries(bench_host PRIVATE host PkgConfig::CMOCKA)
set_target_properties(bench_host PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests EXCLUDE_FROM_ALL ON)
add_dependencies(bench_host test_channels)
fb_unit_test(host_letter SOURCES host/letter_test.c LIBS host)
fb_unit_test(host_outcome SOURCES host/outcome_test.c LIBS host)

# The same sources again, which count what they do.
get_target_property(text_sources text SOURCES)
list(TRANSFORM text_sources PREPEND ${CMAKE_SOURCE_DIR}/src/text/)
add_library(counted STATIC ${text_sources} ${CMAKE_SOURCE_DIR}/src/host/letter.c)
target_compile_options(counted PRIVATE -fsanitize-coverage=trace-pc -fno-sanitize=all)
target_link_libraries(counted PUBLIC fb_flags base PkgConfig::CMARK ${UNISTRING})
fb_unit_test(host_letter_cost SOURCES host/letter_cost_test.c LIBS counted)
