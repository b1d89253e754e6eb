/*
 * A run of `doctor`: what its parts share.
 *
 * Shape: all checks are made as findings first, in the order in which they are printed. Then everything is
 * asked at once on one loop, and the run is over when nothing is under way, or its time is: what is open
 * then is cancelled, and its finding says so. Invariant: nothing that is asked changes anything, anywhere.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "bridge/preflight.h"
#include "cli/doctor_judge.h"
#include "cli/doctor_report.h"
#include "http/client.h"

/* The findings of a channel; NULL where there is nothing to look at. */
struct channel_checks {
    struct finding *adapter, *status, *front, *app, *webhook, *signature;
    struct finding **backend; /* one for each URL of its settings */
};

struct doctor {
    struct event_base *base;
    struct http_client *http;
    const struct config *config;
    const struct preflight *preflight;
    struct jval bridge; /* what the running bridge says of its channels; absent: none runs */
    struct findings findings;
    struct channel_checks *channel;
    struct front_visit *visit; /* one for each account */
    struct url_visit *url;
    int64_t time_ms;
    unsigned under_way;
    bool is_over;
};

void doctor_begin(struct doctor *d);
void doctor_end(struct doctor *d);
/* doctor_front_channel gives Front's id of channel i: configured, or as the running bridge has learnt it; NULL. */
char *doctor_front_channel(const struct doctor *d, size_t i);
/* doctor_live gives what the running bridge says of channel i; absent: nothing. */
struct jval doctor_live(const struct doctor *d, size_t i);

/* Front, account by account: doctor_front.c */
void front_visits_add(struct doctor *d); /* the findings of accounts */
void front_visits_start(struct doctor *d);
void front_visits_stop(struct doctor *d); /* ends what is open */
/* front_visit_cost gives how many requests an account took. */
uint64_t front_visit_cost(const struct doctor *d, size_t account);
void front_visits_free(struct doctor *d);

/* The public URL and the backends: doctor_url.c */
void url_visit_add(struct doctor *d);
void url_visit_start(struct doctor *d);
void url_visit_stop(struct doctor *d);
void url_visit_free(struct doctor *d);

/* The store and the bridge on it, at once: doctor_store.c */
void store_look(struct doctor *d);

#endif
