/*
 * What is made of an event, by its type; and what the acts share with the happening that they are done in.
 *
 * Shape: an act asks for what it lacks, decides, posts to the store, and ends the happening when that is durable. After a
 * call that ends or asks, h may be gone: nothing follows it. Thread: the loop's.
 */
#ifndef BRIDGE_ACT_H
#define BRIDGE_ACT_H

#include "bridge/events.h"
#include "bridge/happening.h"
#include "bridge/outgoing.h"
#include "store/later.h"
#include "store/map.h"
#include "store/put.h"

enum {
    ACT_LAG_MAX_MS =
        10 * 60 * 1000, /* so long an id may be unknown to Front itself, or hold up its conversation */
    ACT_GIVE_UP_MS = 24 * 60 * 60 * 1000, /* then an event has failed, whatever it waits for */
    ACT_RESULT_MAX = 500,
};

struct happening;
typedef void act_step_fn(struct happening *h);

struct happening {
    struct eventer *eventer;
    struct account *account;
    struct channel *via; /* NULL: it came to no channel's URL */
    struct store_event event;
    struct json doc, whole, inboxes; /* as stored; as GET /events/{id} shows it; of its conversation */
    char *whole_text, *inboxes_text, *message_text;
    struct front_event what;
    struct callback *message;  /* the target, once it is known */
    act_step_fn *on_message;   /* goes on then */
    bool has_asked;            /* for the whole event */
    bool steps_aside;          /* it waits for something that others need not wait for */
    char *why;                 /* it must be asked again */
    size_t next;               /* channel that is looked at next */
    unsigned made_n;           /* notices put, proofs found, … */
    bool is_early;             /* a channel that it concerns has an adapter that was never up */
    struct channel *channel;   /* that an operation is for */
    struct buf handle, number; /* of a failure: as Front says it; as a phone number */
    struct buf reason, text, lane;
    struct store_item item;
    struct store_put put;
    struct outgoing out;
    struct store_failed failed;
    unsigned failed_n[3]; /* cancelled, delivered, ended: over all channels */
    struct store_confirm confirm;
    struct store_merge merge;
    struct gone {
        char *id[STORE_MERGE_MAX];
        struct span span[STORE_MERGE_MAX];
        unsigned n;
    } * gone;
    struct store_event_end end;
    char *result;
};

/* act_start does what belongs to the event's type; again, when more of it is known. */
void act_start(struct happening *h);

/* ---- Of the happening ---- */

void happening_end(struct happening *h, enum event_state s, const char *result);
/* happening_later: by back-off, until it has been tried for patience_ms. */
void happening_later(struct happening *h, const char *why, int64_t patience_ms);
/* happening_is_done is false if the store did not do it: then h is gone. */
bool happening_is_done(struct happening *h, const struct store_op *op);

/* happening_ask sends a GET to Front; fmt as front_path. */
void happening_ask(struct happening *h, const char *call, const char *fmt, const char *id,
                   front_done_fn *done);
/* happening_is_answered is false if the answer was of no use: then h is gone. */
bool happening_is_answered(struct happening *h, const struct front_result *r);
/* happening_need_message goes on with then once h->message is known. */
void happening_need_message(struct happening *h, act_step_fn *then);
/* happening_needs_whole is true if the event is being asked about: the act begins anew with the answer. */
bool happening_needs_whole(struct happening *h);

#endif
