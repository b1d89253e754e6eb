/*
 * /files/TOKEN: files of messages for whoever has a link to them.
 *
 * Shape: a link is made for each attempt, names one file and ends after FILE_LINK_LIFE_MS. What is answered is the same
 * for a link that is forged and for a file that is gone: nothing leaks. The key of the signatures lives in the store, so
 * that a restart spoils no link.
 */
#ifndef BRIDGE_LINKS_H
#define BRIDGE_LINKS_H

#include "bridge/channel.h"
#include "bridge/file_link.h"

struct links;

struct links *links_new(struct bridge *b);
void links_free(struct links *l);
/* links_start reads the key, or makes it, and calls on_ready when it is durable: before that no link can be made. */
void links_start(struct links *l, void (*on_ready)(struct bridge *b));
/* links_write appends the URL of a file. */
void links_write(const struct links *l, int64_t file_id, wall_ms_t now, struct buf *out);
/* GET and HEAD /files/TOKEN; arg is the bridge. */
void links_request(struct http_exchange *x, void *arg);
unsigned links_busy_n(const struct links *l);

#endif
