fb_fuzz_target(wire SOURCES fuzz_wire.c ${CMAKE_SOURCE_DIR}/channels/http/answer.c LIBS wire)
fb_fuzz_target(exec_talk SOURCES fuzz_exec_talk.c ${CMAKE_SOURCE_DIR}/channels/exec/talk.c
               ${CMAKE_SOURCE_DIR}/channels/exec/calls.c ${CMAKE_SOURCE_DIR}/channels/exec/lines.c
               ${CMAKE_SOURCE_DIR}/channels/exec/skim.c LIBS wire)
fb_fuzz_target(form SOURCES fuzz_form.c ${CMAKE_SOURCE_DIR}/channels/http/form.c LIBS wire)
