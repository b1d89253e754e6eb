fb_unit_test(bridge_policy SOURCES bridge/policy_test.c LIBS bridge)
