fb_unit_test(cli_options SOURCES cli/options_test.c ${CMAKE_SOURCE_DIR}/src/cli/options.c LIBS base)
fb_unit_test(cli_import
  SOURCES cli/import_test.c ${CMAKE_SOURCE_DIR}/src/cli/import_text.c ${CMAKE_SOURCE_DIR}/src/cli/import_lines.c
          ${CMAKE_SOURCE_DIR}/src/cli/text.c
  LIBS base)
fb_unit_test(cli_text SOURCES cli/text_test.c ${CMAKE_SOURCE_DIR}/src/cli/text.c LIBS base)
fb_unit_test(cli_ops_text
  SOURCES cli/ops_text_test.c ${CMAKE_SOURCE_DIR}/src/cli/ops_text.c ${CMAKE_SOURCE_DIR}/src/cli/text.c LIBS base)
fb_unit_test(cli_doctor
  SOURCES cli/doctor_test.c ${CMAKE_SOURCE_DIR}/src/cli/doctor_judge.c ${CMAKE_SOURCE_DIR}/src/cli/doctor_judge_http.c
          ${CMAKE_SOURCE_DIR}/src/cli/doctor_report.c ${CMAKE_SOURCE_DIR}/src/cli/text.c
  LIBS front http base)
fb_unit_test(cli_register
  SOURCES cli/register_test.c ${CMAKE_SOURCE_DIR}/src/cli/register_plan.c LIBS base)
fb_unit_test(cli_man_text SOURCES cli/man_text_test.c ${CMAKE_SOURCE_DIR}/src/cli/man_text.c LIBS base)
