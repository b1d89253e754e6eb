foreach(module account event fault files form index limiter markup options search seen shape token verdict webhook)
  fb_unit_test(sim_${module} SOURCES sim/${module}_test.c LIBS sim)
endforeach()
