/* Allocation that ends the process when the machine has no memory left; it knows no other failure. */
#include "base/mem.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
    must(memory);
    return memory;
}

void *mem_zalloc(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *mem_calloc(size_t n, size_t size)
{
    return checked(calloc(n ? n : 1, size ? size : 1));
}

void *mem_realloc(void *p, size_t size)
{
    return checked(realloc(p, size ? size : 1));
}

void *mem_dup(const void *p, size_t size)
{
    void *copy = checked(malloc(size ? size : 1));
    if (size)
        memcpy(copy, p, size);
    return copy;
}

char *mem_strdup(const char *s)
{
    return checked(strdup(s));
}

char *mem_strndup(const char *s, size_t n)
{
    return checked(strndup(s, n));
}

void mem_wipe(void *p, size_t size)
{
    if (p)
        explicit_bzero(p, size);
}
