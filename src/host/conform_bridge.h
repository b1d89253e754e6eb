/*
 * The scripted bridge side of the conformance suite: one host, what was sent to it, and how each call ended.
 */
#ifndef HOST_CONFORM_BRIDGE_H
#define HOST_CONFORM_BRIDGE_H

#include "host/conform.h"
#include "host/host.h"

enum { CONFORM_TOKENS_MAX = 4096, CONFORM_STOP_MS = 5000 };

struct conform_ending {
    unsigned n;
    enum outcome_kind kind;
    char reason[600];
    int status;
    unsigned part_n; /* of the message, and how it was cut */
    int64_t part_cut;
};

struct conform {
    const struct conform_options *o;
    conform_report_fn *report;
    void *arg;
    struct event_base *base;
    struct host *host;
    struct conform_ending ending[CONFORM_TOKENS_MAX];
    unsigned token_n, ended_n; /* tokens are 0, 1, 2, … */
    unsigned delivered_n;
    bool has_ended; /* the process, unasked */
    char down_reason[1000];
    char complaint[500]; /* the first rule that was broken under this promise, and under none before */
    char heard[4000];    /* all of them, a line each */
    unsigned receive_n;
    bool withholds;
    uint64_t withheld; /* ticket of a message that is not stored yet */
    bool is_broken;
    char text[1200]; /* what the promise under test has to say */
};

struct conform_message {
    const char *what;
    const char *text, *html, *subject;
    bool is_bare; /* all that may be null is */
    bool has_file;
    unsigned attempt;
    struct message_parts parts; /* what of it is delivered */
};

/* conform_open makes the host of a new process; it is not started. */
void conform_open(struct conform *c, unsigned probe);
void conform_turn(struct conform *c); /* of the loop; at most 20 ms */
void conform_rest(struct conform *c, int64_t ms);
/* conform_settle waits until all that was sent has ended; the host itself sees to the deadlines. */
bool conform_settle(struct conform *c);
uint64_t conform_token(struct conform *c);
/* conform_post delivers m when there is room; false: there is none in time, or the process is gone. */
bool conform_post(struct conform *c, const struct conform_message *m, uint64_t number);
/* conform_store answers a message of the adapter: it is durable. */
void conform_store(struct conform *c, uint64_t ticket);

#endif
