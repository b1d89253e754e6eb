/*
 * One end of the socket pair between the bridge and a channel host: frames in and out, on the loop.
 *
 * Shape: link_begin, frame_put_*, link_end append a frame; what a loop turn appended leaves in one write.
 * on_frame is called for each frame that arrives, on_end once, when the peer has left or lied; nothing is
 * called after it. Invariant: descriptors arrive only with the frame that announces them; any other is closed
 * and ends the link. Thread: the loop's.
 */
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include "base/buf.h"
#include "host/frame.h"
#include <event2/event.h>

struct link;

struct link_events {
    /* Returns what is wrong with the frame, or NULL. fd has f->fd_n descriptors, closed after the call unless
     * taken (-1). */
    const char *(*on_frame)(struct link *l, const struct frame *f, int *fd, void *arg);
    /* fault: NULL when the peer closed, else what was wrong with its bytes. Not from within any other call of
     * ours. */
    void (*on_end)(struct link *l, const char *fault, void *arg);
};

/* Takes fd. in is the direction that is read here. */
struct link *link_new(struct event_base *base, int fd, enum frame_side in, size_t out_max_bytes,
                      const struct link_events *e, void *arg);
void link_free(struct link *l);

/* link_begin opens a frame in the output; put its fields into the buffer, then link_end. */
struct buf *link_begin(struct link *l, enum frame_type type, uint64_t token);
/* Hands over copies of descriptors with the frame that is open. Call it right after link_begin. */
void link_attach(struct link *l, const int *fd, unsigned fd_n);
void link_end(struct link *l);
void link_send(struct link *l, enum frame_type type, uint64_t token); /* a frame without a body */

size_t link_waiting(const struct link *l);    /* bytes not yet written */
uint64_t link_position(const struct link *l); /* bytes ever appended: the place of the next frame */
bool link_has_left(const struct link *l, uint64_t position); /* has any byte after position been written? */

void link_pause(struct link *l,
                bool is_paused); /* reads nothing while paused, so that the peer's socket fills */
/* link_drain handles what the peer had written before it died; for use after its end is known. */
void link_drain(struct link *l);
/* link_flush_wait writes all that waits, blocking at most timeout_ms; for the last words before an exit. */
bool link_flush_wait(struct link *l, int timeout_ms);
void link_end_output(struct link *l); /* the peer reads EOF */

#endif
