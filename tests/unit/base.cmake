foreach(module buf clock config crypto json json_out log point utf8 filename multipart)
  fb_unit_test(${module} SOURCES base/${module}_test.c LIBS base)
endforeach()
