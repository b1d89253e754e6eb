/*
 * One call of the simulated REST API, from its route to its answer. Known to api.c (who calls, limits,
 * faults, answers) and calls.c (what the calls do).
 */
#ifndef SIM_API_H
#define SIM_API_H

#include "base/multipart.h"
#include "sim/shape.h"
#include "sim/world.h"

enum { SIM_SEGMENTS_MAX = 8 };

/* Who may call: a company's API token, a channel's JWT, either. */
enum sim_allowed { SIM_FOR_COMPANY = 1, SIM_FOR_CHANNEL = 2, SIM_FOR_BOTH = 3 };

/* What a call takes as its body: nothing; a JSON object that must, or may, be there; the same or a form with
 * files. */
enum sim_body { SIM_BODY_NONE, SIM_BODY_JSON, SIM_BODY_OPTIONAL, SIM_BODY_FILES };

struct sim_route {
    const char *method, *pattern; /* "channels/+/incoming_messages": + is one segment */
    const char *name;             /* in the journal and in faults */
    enum sim_allowed allowed;
    const char *scope; /* what the company's token needs; NULL: nothing */
    enum sim_body body;
    void (*handler)(struct sim_call *c);
};
extern const struct sim_route sim_routes[];
extern const size_t sim_route_n;

struct sim_call {
    struct sim *sim;
    struct http_exchange *x; /* NULL: answered */
    const struct sim_route *route;
    char *segment[SIM_SEGMENTS_MAX]; /* decoded */
    unsigned segment_n;
    struct sim_identity who;
    struct sim_fault fault;
    struct event *timer;
    mono_ms_t started_at;
    struct json doc;      /* the request's body, if the route takes one; a form's fields as JSON */
    struct buf form_text; /* what doc borrows from then */
    struct multipart form;
    bool is_form, is_stream;
    int status; /* the answer */
    struct buf out, headers;
    struct jout j;                 /* writes to out */
    const struct sim_file *served; /* the answer is this file instead of out */
    LIST_ENTRY(sim_call) link;
};

enum sim_view sim_call_view(const struct sim_call *c);
void sim_call_refuse(struct sim_call *c, int status, const char *message, struct span details);
struct span sim_call_segment(const struct sim_call *c, unsigned i);
/* The conversation that the call names; NULL: it was refused, or answered with 301. */
struct sim_conversation *sim_call_conversation(struct sim_call *c);

/* event_calls.c */
void sim_call_events(struct sim_call *c);
void sim_call_conversation_inboxes(struct sim_call *c);
void sim_call_event(struct sim_call *c);

#endif
