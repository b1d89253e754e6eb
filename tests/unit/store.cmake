fb_unit_test(store_state SOURCES store/state_test.c LIBS store)
foreach(part store dedupe ops)
  fb_unit_test(store_${part} SOURCES store/${part}_test.c store/kit.c LIBS store)
endforeach()
