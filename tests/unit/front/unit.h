/* What every cmocka program of src/front needs. */
#ifndef TEST_FRONT_UNIT_H
#define TEST_FRONT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

/* assert_text compares what a buf holds with a C string. */
#define assert_text(b, expected)                                                                             \
    do {                                                                                                     \
        buf_add_char((b), '\0');                                                                             \
        assert_string_equal((b)->p, (expected));                                                             \
        buf_clear((b));                                                                                      \
    } while (0)

#endif
