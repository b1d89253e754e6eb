/*
 * The frames that the bridge and a channel host exchange over their socket pair: bytes to frames and back.
 * Pure; fuzzed.
 *
 * Shape: a head of 16 bytes (body length, type, flags, number of descriptors, token) and a body of fields.
 * Both ends are the same executable on the same machine, so numbers stand in its own byte order; HELLO
 * carries the version all the same, because a bridge can be upgraded on disk while its children run.
 * Invariant: frame_next gives only frames whose type belongs to this direction, whose body is within the
 * limit of its type and which announce descriptors only where that type may carry them.
 */
#ifndef HOST_FRAME_H
#define HOST_FRAME_H

#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    FRAME_VERSION = 2,
    FRAME_HEAD_BYTES = 16,
    FRAME_FDS_MAX = 32,        /* descriptors in one frame */
    FRAME_WIRE_MAX = 32 << 20, /* a delivery or notice: Front's callbacks are at most 10 MiB, times escapes */
    FRAME_INBOUND_MAX = 1 << 20,      /* a message of the backend, without its files */
    FRAME_INLINE_BODY_MAX = 64 << 10, /* a webhook body over this travels as a descriptor */
};

enum frame_side { TO_CHILD, TO_BRIDGE };

enum frame_type {
    FRAME_HELLO = 1, /* who you are, what to load: JSON */
    FRAME_DELIVER, /* token; deadline, parts delivered and how they were cut, wire JSON of the whole; descriptors of
                        its files, in order */
    FRAME_NOTICE,  /* token; is_failure, wire JSON */
    FRAME_REQUEST, /* token; a webhook request; perhaps its body as a descriptor */
    FRAME_EXPIRE,  /* token: its deadline has passed, close it and say so */
    FRAME_STORED,  /* ticket; answer to RECEIVE and RECEIPT */
    FRAME_KV_DONE, /* ticket; answer to KV */
    FRAME_PING,
    FRAME_STOP,

    FRAME_READY = 64, /* the adapter is open; what it says of itself */
    FRAME_FAILED,     /* it is not, and why */
    FRAME_OUTCOME,    /* token of DELIVER or NOTICE; its parts and their cut */
    FRAME_REPLY,      /* token of REQUEST */
    FRAME_CLOSED,     /* token of EXPIRE: no other end will come */
    FRAME_RECEIVE,    /* ticket; wire JSON; descriptors of its files */
    FRAME_RECEIPT,    /* ticket; wire JSON */
    FRAME_KV,         /* ticket; is_write, key, value */
    FRAME_EVENTS,     /* types of events that the adapter wants */
    FRAME_LOG,        /* level, text */
    FRAME_PONG,
};

struct frame {
    enum frame_type type;
    unsigned fd_n;
    uint64_t token;
    struct span body; /* borrowed from the input */
};

/* frame_next takes one frame off the front of in. OK sets *out and *used; ERR_NOT_FOUND: more bytes are
 * needed, *used says how many in all (0: the head is not whole yet); ERR_INVALID: the peer lies, *why says
 * how. */
MUST_CHECK enum err frame_next(struct span in, enum frame_side side, struct frame *out, size_t *used,
                               const char **why);
/* frame_max gives the limit of a type's body; 0 for types that have none. */
size_t frame_max(enum frame_type type);

/* Writing: frame_begin, any fields, frame_end. Sticky on the buffer's limit. */
size_t frame_begin(struct buf *out, enum frame_type type, unsigned fd_n, uint64_t token);
void frame_end(struct buf *out, size_t begun_at);
void frame_put_u32(struct buf *out, uint32_t v);
void frame_put_i64(struct buf *out, int64_t v);
void frame_put_span(struct buf *out, struct span s); /* absent stays absent */
void frame_put_str(struct buf *out, const char *s);  /* NULL is absent */

/* Reading a body: sticky; check frame_read_ended once at the end. */
struct frame_reader {
    struct span left;
    bool is_bad;
};
struct frame_reader frame_read(const struct frame *f);
uint32_t frame_get_u32(struct frame_reader *r);
int64_t frame_get_i64(struct frame_reader *r);
struct span frame_get_span(struct frame_reader *r);
bool frame_read_ended(const struct frame_reader *r); /* nothing was missing and nothing is left */

#endif
