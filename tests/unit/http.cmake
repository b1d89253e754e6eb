fb_unit_test(http_address SOURCES http/address_test.c LIBS http)
fb_unit_test(http_client SOURCES http/client_test.c http/certificate.c LIBS http)
