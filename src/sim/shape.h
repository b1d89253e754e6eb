/*
 * The simulated account's things as Front writes them: every field of Front's OpenAPI schemas that such a
 * thing has. Pure.
 *
 * Links point to a company host of Front, never to the simulator: whoever calls them, instead of taking their
 * id, is found out. Source: Front's core-api.json (MessageResponse, ConversationResponse, ChannelResponse,
 * CommentResponse, IdentityResponse).
 */
#ifndef SIM_SHAPE_H
#define SIM_SHAPE_H

#include "base/json.h"
#include "sim/account.h"

#define SIM_LINK_BASE  "https://simulator.api.frontapp.com"
#define SIM_COMPANY_ID "cmp_k30"

enum { SIM_SHAPE_MAX = 64 << 20 };

/* What a reader may see of a message's metadata. */
enum sim_view {
    SIM_VIEW_COMPANY /* thread_ref, headers */,
    SIM_VIEW_CHANNEL /* external_id */,
    SIM_VIEW_CALLBACK
};

/* "key": a link to path/id and tail on the company's host. */
void sim_shape_link(struct jout *j, const char *key, const char *path, const char *id, const char *tail);
/* The id of what has no other than its name: always the same for one name. */
void sim_shape_name_id(const char *prefix, const char *name, char out[SIM_ID_BYTES]);
void sim_shape_teammate(struct jout *j, const struct sim_person *p);
void sim_shape_recipient(struct jout *j, const struct sim_person *p, const char *role);
/* part.c: what an event may name besides; each is known by its name alone. */
void sim_shape_tag(struct jout *j, const char *name);
void sim_shape_external(struct jout *j, const char *url); /* a link to another system */
void sim_shape_message(struct jout *j, const struct sim_message *m, enum sim_view view);
void sim_shape_conversation(struct jout *j, const struct sim_conversation *c, enum sim_view view);
/* Newest first, a page of limit from offset on; what is not visible yet is left out. */
void sim_shape_messages(struct jout *j, const struct sim_conversation *c, enum sim_view view, unsigned offset,
                        unsigned limit, wall_ms_t now);
void sim_shape_inbox(struct jout *j, const struct sim_inbox *i);
void sim_shape_channel(struct jout *j, const struct sim_channel *c);
void sim_shape_comment(struct jout *j, const struct sim_conversation *c, const struct sim_comment *comment);
void sim_shape_me(struct jout *j, const struct sim_account *a);
/* The body of a send: the Message itself, or an application channel's envelope with `type`. */
void sim_shape_callback(struct buf *out, const struct sim_message *m, const char *type);
/* {"_error":{"status","title","message","details"?}}; details is a JSON array, or absent. */
void sim_shape_error(struct buf *out, int status, const char *message, struct span details);

#endif
