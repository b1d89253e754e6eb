foreach(module buf crypto json)
  fb_unit_test(${module} SOURCES base/${module}_test.c LIBS base)
endforeach()
