/*
 * What a channel host gives up before it loads an adapter. Faults are contained by it, not malice: an adapter
 * is trusted code.
 */
#ifndef HOST_SANDBOX_H
#define HOST_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* stays_readable: /proc shows to its own user what it has open.
 * sandbox_enter sets limits, gives up new privileges and core dumps, and hides n paths where the kernel has
 * Landlock. */
void sandbox_enter(char *const *hide, size_t n, bool stays_readable);

#endif
