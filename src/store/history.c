/* The names under which history is stored. */
#include "store/import.h"
#include "store/store.h"
#include "base/err.h"
#include <stdio.h>
#include <string.h>

#define SUFFIX ":import"

void store_history_name(const char *channel, char out[STORE_CHANNEL_BYTES])
{
    must(snprintf(out, STORE_CHANNEL_BYTES, "%s" SUFFIX, channel) < STORE_CHANNEL_BYTES);
}

bool store_history_of(struct span name, struct span *channel)
{
    size_t n = sizeof SUFFIX - 1;

    if (name.n <= n || memcmp(name.p + name.n - n, SUFFIX, n) != 0)
        return false;
    *channel = (struct span){name.p, name.n - n};
    return true;
}
