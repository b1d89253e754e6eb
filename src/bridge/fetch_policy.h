/*
 * What the end of a fetch means for a file: it is here, it is tried again, or it cannot be had. Pure.
 *
 * An agent's message waits for its files and goes out whole or not at all: what Front refuses is refused to the agent, within
 * the time that the agent still waits if that is possible, and a Front that cannot be reached is tried until the message's own
 * end. A customer's message is too good to lose for a file: it waits for a few tries, and then goes on without it, with a
 * line that says so.
 */
#ifndef BRIDGE_FETCH_POLICY_H
#define BRIDGE_FETCH_POLICY_H

#include "base/config.h"
#include "store/file.h"

enum fetch_end {
    FETCH_DONE,
    FETCH_FAILED,    /* no connection, no whole answer, or "not now" */
    FETCH_REFUSED,   /* the peer says no; status says how */
    FETCH_OTHER,     /* what came is not what was announced */
    FETCH_TOO_LARGE, /* more than may come */
    FETCH_TOO_MUCH,  /* with what is here of its message */
    FETCH_FORBIDDEN, /* we may not or cannot ask: no token, a private address, no such kind of URL */
    FETCH_NO_ROOM,   /* on our disk, or in the channel's quota */
    FETCH_END_N
};

struct fetch_facts {
    enum message_direction direction;
    enum fetch_end end;
    int status;
    unsigned tries;         /* with this one */
    int64_t retry_after_ms; /* as the peer asked; 0: it did not */
    const char *filename;
    struct span why; /* in a few words, without a full stop */
};

struct fetch_verdict {
    enum file_state state;
    int64_t delay_ms; /* FILE_WANTED */
};

struct fetch_verdict fetch_verdict(const struct config_channel *rules, const struct fetch_facts *f,
                                   uint64_t seed);
/* fetch_sentence writes the reason that goes with a verdict. */
void fetch_sentence(const struct fetch_facts *f, enum file_state state, struct buf *out);

#endif
