/*
 * Allocation that never fails: every buffer has a limit, so running out of memory means that the machine has
 * none, and ending the process loses nothing (what was acknowledged is on disk).
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_zalloc(size_t size); /* zeroed; free() it */
void *mem_calloc(size_t n, size_t size);
void *mem_realloc(void *p, size_t size);
void *mem_dup(const void *p, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);

/* mem_wipe clears secrets in a way that the compiler keeps. */
void mem_wipe(void *p, size_t size);

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_LEN(a)                    (sizeof(a) / sizeof((a)[0]))

#endif
