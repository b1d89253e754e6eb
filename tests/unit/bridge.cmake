fb_unit_test(bridge_policy SOURCES bridge/policy_test.c LIBS bridge)
fb_unit_test(bridge_report SOURCES bridge/report_test.c LIBS bridge)
