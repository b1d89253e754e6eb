fb_unit_test(bridge_policy SOURCES bridge/policy_test.c LIBS bridge)
fb_unit_test(bridge_report SOURCES bridge/report_test.c LIBS bridge)
fb_unit_test(bridge_staging SOURCES bridge/staging_test.c LIBS bridge)
fb_unit_test(bridge_choice SOURCES bridge/choice_test.c LIBS bridge)
