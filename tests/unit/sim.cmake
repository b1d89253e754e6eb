foreach(module account fault index limiter markup shape token verdict webhook)
  fb_unit_test(sim_${module} SOURCES sim/${module}_test.c LIBS sim)
endforeach()
