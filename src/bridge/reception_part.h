/*
 * What the two halves of a reception share: reception.c stores its parts and learns how they end, reception_answer.c makes
 * one answer of them, in time. Nobody else includes this.
 */
#ifndef BRIDGE_RECEPTION_PART_H
#define BRIDGE_RECEPTION_PART_H

#include "bridge/outgoing.h"
#include "bridge/reception.h"

enum part_state { PART_OPEN, PART_GOOD, PART_BAD };

struct part {
    struct part *next; /* of its bucket, while its message is open */
    struct reception *reception;
    int64_t id;
    enum part_state state;
    bool is_ours, is_cancelling;
    bool is_late;    /* its time is over; what becomes of it depends on the others */
    bool is_telling; /* refused: the answer waits for the commit that says so */
    enum front_error error;
    char *reason;
    struct store_cancel cancel;
};

struct reception {
    struct reception *next, *prev;
    struct channel *channel;
    struct http_exchange *x; /* NULL once answered */
    mono_ms_t started_at;
    struct event *deadline;
    bool is_put_done, is_over_time, is_error;
    unsigned promised_n, cancel_n;
    struct outgoing out;
    struct part *part;
    unsigned part_n;
};

/* ---- reception.c ---- */

void reception_unwatch(struct part *p);
/* reception_free_if_over: r is gone after it, or not. */
void reception_free_if_over(struct reception *r);

/* ---- reception_answer.c ---- */

void reception_answer(struct reception *r, enum front_error e, struct span message);
/* reception_decide answers as soon as no part is open: an error only if nothing speaks for success. */
void reception_decide(struct reception *r);
void reception_close_part(struct part *p, enum part_state s, enum front_error e, struct span reason);

int64_t reception_promised_ms(const struct reception *r);
void reception_arm(struct reception *r, int64_t after_start_ms);
void reception_on_deadline(evutil_socket_t fd, short what, void *r);
/* reception_time_out: the time is over for one part: accepted as it is, or late. The caller decides next. */
void reception_time_out(struct part *p);
/* reception_end_time: for all of them, so long after the first byte. */
void reception_end_time(struct reception *r, int64_t after_start_ms);
void reception_cancel(struct part *p, const char *reason);

#endif
