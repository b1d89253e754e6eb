# Adapters are tested through a scripted host that loads what was built, as the real one does.
add_library(fake_host STATIC channels/fake_host.c)
target_link_libraries(fake_host PUBLIC base PkgConfig::CMOCKA ${CMAKE_DL_LIBS})
function(fb_adapter_test adapter)
  fb_unit_test(channel_${adapter} SOURCES channels/${adapter}_test.c LIBS fake_host)
  target_compile_definitions(test_channel_${adapter} PRIVATE ADAPTER="$<TARGET_FILE:channel_${adapter}>"
                             SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_dependencies(test_channel_${adapter} channel_${adapter})
endfunction()

fb_adapter_test(http)
fb_unit_test(http_signature SOURCES channels/signature_test.c ${CMAKE_SOURCE_DIR}/channels/http/signature.c LIBS base)
fb_unit_test(http_answer SOURCES channels/answer_test.c ${CMAKE_SOURCE_DIR}/channels/http/answer.c LIBS wire)
fb_unit_test(wire SOURCES channels/wire_test.c LIBS wire)
foreach(test http_signature http_answer wire)
  target_include_directories(test_${test} PRIVATE ${CMAKE_SOURCE_DIR}/channels)
endforeach()

# The adapter to copy must build outside the tree, by the one line that its README gives, as C11 and as C++17.
fb_adapter_test(template)
foreach(standard c11 c++17)
  string(REGEX REPLACE "[0-9]+" "" language ${standard})
  add_test(NAME template_alone_${standard}
           COMMAND cc -x ${language} -std=${standard} -Wall -Werror -shared -fPIC -I ${CMAKE_SOURCE_DIR}/include
                   ${CMAKE_SOURCE_DIR}/channels/template/template.c -o ${CMAKE_BINARY_DIR}/tests/template_${language}.so)
endforeach()

fb_adapter_test(exec)

# The same adapters in real hosts.
fb_unit_test(channels_in_hosts SOURCES channels/in_hosts_test.c host/rig.c LIBS host)
target_compile_definitions(test_channels_in_hosts PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")
target_include_directories(test_channels_in_hosts PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/host)
add_dependencies(test_channels_in_hosts channel_http channel_exec channel_template)

fb_unit_test(exec_lines SOURCES channels/lines_test.c ${CMAKE_SOURCE_DIR}/channels/exec/lines.c LIBS base)
target_include_directories(test_exec_lines PRIVATE ${CMAKE_SOURCE_DIR}/channels)
fb_unit_test(exec_skim SOURCES channels/skim_test.c ${CMAKE_SOURCE_DIR}/channels/exec/skim.c LIBS base)
target_include_directories(test_exec_skim PRIVATE ${CMAKE_SOURCE_DIR}/channels)
