/*
 * The files of a message that an adapter hands over, on their way into the store: what came as descriptors is copied into
 * the store's directory before the message is put, what is named by a URL is put as still to be fetched.
 *
 * Invariant: a copy is complete and synced before deposit_done_fn hears OK; one that no message names is removed by
 * deposit_free, or at the next start. Thread: the loop's.
 */
#ifndef BRIDGE_DEPOSIT_H
#define BRIDGE_DEPOSIT_H

#include "bridge/channel.h"
#include "front/enclosure.h"

struct deposit;

/* deposit_rows writes the rows of files of which none is here yet; they borrow from e. */
void deposit_rows(const struct enclosures *e, struct store_file_put put[ATTACHMENTS_MAX]);

/* result: OK; ERR_INVALID or ERR_LIMIT: the files are wrong; ERR_FULL, ERR_IO: later perhaps. why is one sentence. */
typedef void deposit_done_fn(enum err result, const char *why, void *arg);

/* deposit_new starts at once; list is the wire's, and was checked (front/enclosure.h). Takes the descriptors that it needs:
 * these are -1 then. on_done comes from the loop, once, never from inside this. */
struct deposit *deposit_new(struct channel *ch, struct jval list, int *fd, unsigned fd_n,
                            deposit_done_fn *on_done, void *arg);
/* The rows of the put; borrowed. */
const struct store_file_put *deposit_files(const struct deposit *d, unsigned *n);
/* Whether a file is still to be fetched. */
bool deposit_wants(const struct deposit *d);
/* deposit_free, after on_done; is_stored: a message names the copies now. */
void deposit_free(struct deposit *d, bool is_stored);

#endif
