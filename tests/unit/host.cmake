add_executable(test_channel_host host/child_main.c)
target_link_libraries(test_channel_host PRIVATE host)
set_target_properties(test_channel_host PROPERTIES OUTPUT_NAME channel_host
                      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

# Tests that start real children need the executable and the adapters, and the test points: without those a host's child is
# the very program that starts it.
if(FB_TEST_POINTS)
  foreach(module parent broken)
    fb_unit_test(host_${module} SOURCES host/${module}_test.c host/rig.c LIBS host)
    add_dependencies(test_host_${module} test_channel_host test_channels)
  endforeach()
endif()

fb_unit_test(host_settings SOURCES host/settings_test.c LIBS host)
fb_unit_test(host_frame SOURCES host/frame_test.c LIBS host)
fb_unit_test(host_inbound SOURCES host/inbound_test.c LIBS host)
fb_unit_test(host_loader SOURCES host/loader_test.c LIBS host)
add_dependencies(test_host_loader test_channels)

# Not a test: bench_host prints round trips per second and memory.
add_executable(bench_host ${CMAKE_SOURCE_DIR}/tests/bench/host_bench.c host/rig.c)
target_link_libraries(bench_host PRIVATE host PkgConfig::CMOCKA)
set_target_properties(bench_host PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests EXCLUDE_FROM_ALL ON)
add_dependencies(bench_host test_channel_host test_channels)
