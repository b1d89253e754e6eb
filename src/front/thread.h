/*
 * What Front is told as the thread of a message. Pure.
 *
 * Front takes external ids of at most 200 characters; longer ones are told as a digest, the same each time.
 */
#ifndef FRONT_THREAD_H
#define FRONT_THREAD_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/config.h"

enum { FRONT_REF_MAX = 200 };

/* front_ref appends id itself, or "fb:" and a digest if it is longer than Front takes. */
void front_ref(struct span id, struct buf *out);
/*
 * thread_ref appends the reference of the thread that a customer's message belongs to: of the handle, or for
 * THREAD_CONVERSATION of the backend's conversation (the handle if that is empty or absent). For
 * THREAD_ROLLING it is that of a thread which begins now; whether an older one goes on is the store's to
 * know.
 */
void thread_ref(enum thread_mode mode, struct span handle, struct span conversation, wall_ms_t now,
                struct buf *out);

#endif
