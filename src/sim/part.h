/*
 * Sources and targets of events, made of what the account holds or of a name alone. Pure.
 *
 * Owns: each fills a part that sim_part_fini (or the log) frees.
 */
#ifndef SIM_PART_H
#define SIM_PART_H

#include "sim/account.h"
#include "sim/event.h"

struct sim_part sim_part_teammate(const struct sim_person *p);
struct sim_part sim_part_rule(const char *name);
struct sim_part sim_part_tag(const char *name);
struct sim_part sim_part_link(const char *url);
struct sim_part sim_part_field(const char *name); /* a custom field */
struct sim_part sim_part_comment(const struct sim_conversation *c, const struct sim_comment *comment);
struct sim_part sim_part_message(const struct sim_message *m);
struct sim_part sim_part_inbox(const struct sim_inbox *inbox);
struct sim_part sim_part_recipient(const struct sim_person *p); /* whom a message did not reach */
/* The merged conversations' ids: strings, or objects with an id. */
struct sim_part sim_part_deleted(struct sim_conversation *const *gone, unsigned n, bool as_objects);
struct sim_part sim_part_plain(const char *kind); /* api, oauth_client, …: without data */
struct sim_part sim_part_raw(const char *kind, const char *id, struct span data);

#endif
