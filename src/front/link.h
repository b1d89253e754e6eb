/*
 * Links in Front's objects. Pure. Only an id is ever taken from a link: its host is attacker-controlled, and
 * never contacted.
 */
#ifndef FRONT_LINK_H
#define FRONT_LINK_H

#include "base/buf.h"
#include "base/err.h"

enum { FRONT_ID_MAX = 200 };

/* front_id_of_link gives the last path segment of a link, whatever its host; absent if it is no such thing.
 */
struct span front_id_of_link(struct span link);
/* front_conversation_of_link: the id of the conversation that a link is about, or of something of it; absent: none. */
struct span front_conversation_of_link(struct span link);
/* front_is_id: what Front's ids look like. */
bool front_is_id(struct span s);
bool front_host_is_fronts(struct span host);
/* front_link_is_foreign: a link to a host that is none of Front's. */
bool front_link_is_foreign(struct span link);
/* front_path_of_link gives a link's path and query, "/conversations/cnv_1?a=b"; absent if it has none or odd
 * characters. */
struct span front_path_of_link(struct span link);
/* front_page_token_of_link appends the value of page_token in a link's query, decoded; ERR_NOT_FOUND if it has
 * none, ERR_INVALID or ERR_LIMIT if that is odd. */
MUST_CHECK enum err front_page_token_of_link(struct span link, struct buf *out);
/* front_host_of_link gives "host" or "host:port"; absent if it is no http(s) link. */
struct span front_host_of_link(struct span link);

#endif
