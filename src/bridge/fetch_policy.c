/* One table says how often each end is tried, and how patiently. */
#include "bridge/fetch_policy.h"
#include "bridge/policy.h"

enum { QUICK_FIRST_MS = 500, TRIES_SHIFT_MAX = 16, EVER = 0 };

static const struct {
    unsigned tries_max[2]; /* by direction; EVER: until the message ends */
    bool is_quick;         /* the agent may still be waiting for the answer */
} rule[FETCH_END_N] = {
    [FETCH_FAILED] = {{[MESSAGE_OUT] = EVER, [MESSAGE_IN] = 6}, false},
    [FETCH_REFUSED] = {{[MESSAGE_OUT] = 4, [MESSAGE_IN] = 4}, true},
    [FETCH_OTHER] = {{[MESSAGE_OUT] = 4, [MESSAGE_IN] = 4}, true},
    [FETCH_TOO_LARGE] = {{[MESSAGE_OUT] = 4, [MESSAGE_IN] = 1}, true},
    [FETCH_TOO_MUCH] = {{[MESSAGE_OUT] = 1, [MESSAGE_IN] = 1}, true},
    [FETCH_FORBIDDEN] = {{[MESSAGE_OUT] = 1, [MESSAGE_IN] = 1}, true},
    [FETCH_NO_ROOM] = {{[MESSAGE_OUT] = EVER, [MESSAGE_IN] = EVER}, false},
};

static int64_t quick_delay_ms(unsigned tries)
{
    unsigned shift = tries < 1 ? 0 : tries - 1;

    return (int64_t)QUICK_FIRST_MS << (shift < TRIES_SHIFT_MAX ? shift : TRIES_SHIFT_MAX);
}

struct fetch_verdict fetch_verdict(const struct config_channel *rules, const struct fetch_facts *f,
                                   uint64_t seed)
{
    unsigned max = rule[f->end].tries_max[f->direction];
    /* What was just attached may not be everywhere at Front yet. */
    bool may_come = f->direction == MESSAGE_OUT && f->end == FETCH_REFUSED && f->status == 404;

    if (f->end == FETCH_DONE)
        return (struct fetch_verdict){.state = FILE_READY};
    if (may_come)
        max += 1;
    if (max != EVER && f->tries >= max)
        return (struct fetch_verdict){.state = FILE_GONE};
    int64_t delay = rule[f->end].is_quick ? quick_delay_ms(f->tries) : retry_delay_ms(rules, f->tries, seed);
    return (struct fetch_verdict){.state = FILE_WANTED,
                                  .delay_ms = delay > f->retry_after_ms ? delay : f->retry_after_ms};
}

static const char *source_of(const struct fetch_facts *f)
{
    return f->direction == MESSAGE_OUT ? "Front" : "the chat system";
}

void fetch_sentence(const struct fetch_facts *f, enum file_state state, struct buf *out)
{
    bool is_scope = f->direction == MESSAGE_OUT && f->end == FETCH_REFUSED && f->status == 403;

    if (f->end == FETCH_NO_ROOM) {
        buf_addf(out, "The file \"%s\" cannot be stored: %.*s.", f->filename, SPAN_FMT(f->why));
        return;
    }
    if (f->end == FETCH_TOO_MUCH) {
        buf_addf(out, "The file \"%s\" was left out: %.*s, which is the most that Front takes.", f->filename,
                 SPAN_FMT(f->why));
        return;
    }
    buf_addf(out, "The file \"%s\" %s be fetched from %s%s: %.*s.", f->filename,
             state == FILE_GONE ? "could not" : "cannot", source_of(f), state == FILE_GONE ? "" : " yet",
             SPAN_FMT(f->why));
    if (is_scope)
        buf_add_str(out, " The API token needs the scope attachments:read.");
    if (f->direction == MESSAGE_OUT && state == FILE_GONE)
        buf_add_str(out, " Nothing was sent.");
}
