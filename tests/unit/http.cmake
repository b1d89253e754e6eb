foreach(module address chunks head peers text wheel)
  fb_unit_test(http_${module} SOURCES http/${module}_test.c LIBS http)
endforeach()
fb_unit_test(http_client SOURCES http/client_test.c http/certificate.c LIBS http)
