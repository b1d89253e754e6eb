/*
 * Who wrote it, in Front's terms: the teammate behind an e-mail address. Asked of Front once, by whoever needs it
 * first, and remembered for a while.
 *
 * Shape: a few hundred addresses per account, each found, unknown, or being asked; the oldest gives way.
 * Thread: the loop's.
 */
#ifndef BRIDGE_AUTHOR_H
#define BRIDGE_AUTHOR_H

#include "bridge/channel.h"

struct authors;

struct authors *authors_new(void);
void authors_free(struct authors *a); /* after the account's client, which ends what is being asked */

/*
 * author_find says whether it is known who has this address: *id is the teammate's id then, NULL if there is
 * none or Front does not tell. Not known: Front is being asked; come again. *id is borrowed until the next call.
 */
bool author_find(struct channel *ch, const char *email, const char **id);

#endif
