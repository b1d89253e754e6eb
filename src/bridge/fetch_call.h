/*
 * One file being fetched: the call that brings its bytes, told apart from what its end means (fetch.c).
 *
 * Shape: fetch_call starts it, from Front or from a backend, by the direction; it ends in fetch_judge or fetch_fail, which may
 * free it. Thread: the loop's.
 */
#ifndef BRIDGE_FETCH_CALL_H
#define BRIDGE_FETCH_CALL_H

#include "base/crypto.h"
#include "bridge/channel.h"
#include "bridge/fetch_policy.h"
#include "store/files.h"

struct fetcher;

struct fetch {
    LIST_ENTRY(fetch) link;
    struct fetcher *fetcher;
    struct channel *channel;
    struct store_file file;
    struct front_call *front; /* while Front has it */
    struct http_call *http;   /* while the backend has it */
    char *url;
    unsigned redirects;
    int fd;    /* -1: none */
    int error; /* errno of a write that failed; 0: none */
    struct sha256_sum *sum;
    struct file_job job; /* its name is that of the file */
    char sha256[FILE_SHA256_BYTES];
    int64_t bytes;
    struct buf why, reason;
    struct store_file_end end;
};

void fetch_call(struct fetch *t);
/* fetch_message_max gives the most that all files of its message may have; 0: as it is, since Front has sent it. */
uint64_t fetch_message_max(const struct fetch *t);
/* fetch_is_too_much ends it: with what is here of its message it would be more than that. */
void fetch_is_too_much(struct fetch *t);

/* fetch_judge takes the end of the call; why is in t->why. What was written is kept, or dropped. */
void fetch_judge(struct fetch *t, enum fetch_end end, int status, int64_t retry_after_ms);
void fetch_fail(struct fetch *t, enum fetch_end end, const char *why);
/* fetch_drop_bytes forgets what was written: it is of no use. */
void fetch_drop_bytes(struct fetch *t);
void fetch_free(struct fetch *t);

#endif
