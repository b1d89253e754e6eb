/*
 * Cuts a stream of bytes into lines of a bounded length.
 */
#ifndef CHANNEL_EXEC_LINES_H
#define CHANNEL_EXEC_LINES_H

#include "base/buf.h"

struct lines {
    struct buf part;  /* of the line that has not ended */
    bool is_skipping; /* the rest of a line that was too long */
};

/* A line that is too long comes in pieces, as it is read. */
enum line_part { LINE_WHOLE, LINE_BEGINS, LINE_GOES_ON, LINE_ENDS };

/* bytes are borrowed and without the newline; absent with LINE_ENDS. */
typedef void line_fn(void *arg, struct span bytes, enum line_part part);

void lines_init(struct lines *l, size_t max_bytes);
void lines_fini(struct lines *l);
void lines_reset(struct lines *l); /* forgets what has not ended */
/* lines_feed calls on_line for each line that bytes complete, and for each piece of one that is too long. */
void lines_feed(struct lines *l, struct span bytes, line_fn *on_line, void *arg);

#endif
