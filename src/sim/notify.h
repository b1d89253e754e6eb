/*
 * Sends events as Front does: signed, within their time, and again only where Front does so.
 *
 * Source: Front, "Webhooks": 5 seconds; an application webhook is retried up to three times, only on 408,
 * 429, 500 and a timeout; a rule's never. Every sending that has ended stands in the journal as an "event".
 */
#ifndef SIM_NOTIFY_H
#define SIM_NOTIFY_H

#include "sim/gather.h"
#include "sim/world.h"

enum { SIM_NOTICE_MS = 5000, SIM_HANDSHAKE_MS = 10000, SIM_NOTICE_RETRY_MS = 1000, SIM_NOTICE_ATTEMPTS = 4 };

enum sim_signing { SIM_SIGN_RIGHT, SIM_SIGN_WRONG, SIM_SIGN_NONE, SIM_SIGN_STALE };

/* One sending; strings are copied. */
struct sim_notice_spec {
    enum sim_hook_kind kind;
    const char *hook; /* its id; NULL: none */
    const char *url;
    const char *secret; /* NULL: the company's, or the app's */
    const struct sim_event *event;
    struct sim_event_view view;
    const char *links; /* stands in every link instead of SIM_LINK_BASE; NULL: nothing does */
    enum sim_signing signing;
};

/* g may be NULL: nobody waits. */
void sim_notify(struct sim *s, const struct sim_notice_spec *spec, struct sim_gather *g);
/* What a hook says of a sending to it; event and view are missing. Borrows from hook. */
struct sim_notice_spec sim_notice_to(const struct sim_hook *hook);
/* sim_notify_all sends e to every hook that wants it. */
void sim_notify_all(struct sim *s, const struct sim_event *e, struct sim_gather *g);
/* sim_handshake tries an application webhook that was added disabled: it is enabled, or removed. */
void sim_handshake(struct sim *s, const struct sim_hook *hook, struct sim_gather *g);
void sim_notify_stop(struct sim *s); /* after the client: ends what waits for its next attempt */

#endif
