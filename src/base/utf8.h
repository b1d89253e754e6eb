/* UTF-8, one character at a time; strict: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"
#include <stddef.h>
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xFFFD };

/* utf8_read reads the character at p and returns its 1 to 4 bytes; 0 if the bytes are not UTF-8. */
unsigned utf8_read(const char *p, size_t n, uint32_t *character);
/* utf8_write writes character and returns its bytes. */
unsigned utf8_write(uint32_t character, char out[4]);
void utf8_add(struct buf *b, uint32_t character);

#endif
