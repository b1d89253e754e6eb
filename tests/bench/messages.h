/*
 * Front's side of a callback: distinct Message objects of 1.3 kB, signed before the clock starts.
 *
 * Only numbers differ, and they have a fixed width: one request is kept and patched in place. What is kept
 * for each message is its signature, 28 bytes.
 */
#ifndef BENCH_MESSAGES_H
#define BENCH_MESSAGES_H

#include "base/buf.h"

struct messages_options {
    const char *host, *path, *secret;
    uint64_t first; /* the number of the first message: later runs on the same store take later ones */
    uint64_t n;
    uint64_t lane_n; /* conversations (and recipients); 0: one for each message */
};

struct messages;

struct messages *messages_new(const struct messages_options *o);
void messages_free(struct messages *m);
/* The whole request number i (0 is the first): borrowed until the next call. Cost: a few dozen stores. */
struct span messages_get(struct messages *m, uint64_t i);
size_t messages_body_bytes(const struct messages *m);

#endif
