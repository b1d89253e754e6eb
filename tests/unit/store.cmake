fb_unit_test(store SOURCES store/store_test.c store/kit.c LIBS store)
