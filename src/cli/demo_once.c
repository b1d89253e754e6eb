/*
 * Sends one message each way and checks what arrived: the same text, the same person, the same conversation.
 * Refuses to know how the bridge runs. Invariant: a step is written down when it was seen, never because it
 * must have happened.
 */
#include "cli/demo_once.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HANDLE        "ada-lovelace"
#define NAME          "Ada Lovelace"
#define CONVERSATION  "chat-" HANDLE /* as the chat names it */
#define CUSTOMER_TEXT "Hello! Has my order left the workshop? <3"
#define AGENT_TEXT    "Hello Ada, it left this morning.\nIt comes by train. – Grace"

enum { STEPS_MAX = 16, WITHIN_MS = 30000 };

enum direction { TO_FRONT, TO_CUSTOMER };
static const char *const direction_keys[] = {"customer_to_agent", "agent_to_customer"};
static const char *const direction_titles[] = {"A customer writes", "An agent answers"};

struct step {
    enum direction direction;
    int64_t at_us; /* since the first step of its direction */
    char what[160];
};

struct demo_once {
    struct event_base *base;
    struct sim *sim;
    struct event *too_late, *turn;
    demo_over_fn *on_over;
    void *arg;
    enum direction direction;
    int64_t began_us[2];
    struct step step[STEPS_MAX];
    unsigned step_n;
    char conversation[SIM_ID_BYTES]; /* Front's, of the customer's message */
    bool has_chat_received, has_arrived[2];
    char wrong[200]; /* empty: nothing yet */
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void PRINTF_LIKE(2, 3) note(struct demo_once *d, const char *fmt, ...)
{
    if (d->step_n == STEPS_MAX)
        return;
    struct step *s = &d->step[d->step_n++];
    int64_t now = now_us();
    if (!d->began_us[d->direction])
        d->began_us[d->direction] = now;
    s->direction = d->direction;
    s->at_us = now - d->began_us[d->direction];
    va_list args;
    va_start(args, fmt);
    vsnprintf(s->what, sizeof s->what, fmt, args);
    va_end(args);
}

/* on_over frees d, perhaps: it is called from the loop, with nothing of ours on the stack. */
static void over(struct demo_once *d, const char *wrong)
{
    if (wrong && !d->wrong[0])
        snprintf(d->wrong, sizeof d->wrong, "%s", wrong);
    event_active(d->turn, EV_TIMEOUT, 0);
}

/* ---- An agent answers ---- */

static void answer(struct demo_once *d)
{
    const char *why;
    const struct sim_send send = {.channel = "cha_demo",
                                  .conversation = d->conversation,
                                  .text = AGENT_TEXT,
                                  .author_name = "Grace Hopper",
                                  .author_email = "grace@example.com"};
    d->direction = TO_CUSTOMER;
    note(d, "the agent answers");
    if (!sim_send(d->sim, &send, NULL, NULL, &why))
        over(d, why);
}

static void on_chat_received(struct demo_once *d, const struct sim_moment_info *info)
{
    note(d, "the bridge has stored it and delivers it; the chat checks the signature and shows it");
    d->has_chat_received = true;
    if (strcmp(info->text, AGENT_TEXT) != 0 || strcmp(info->handle, HANDLE) != 0)
        over(d, "the chat received another text or person than the agent wrote");
    else if (!info->conversation || strcmp(info->conversation, CONVERSATION) != 0)
        over(d, "the agent's answer did not reach the customer's own conversation");
}

static void on_answered(struct demo_once *d, const struct sim_message *m)
{
    if (m->state != SIM_SENT) {
        char wrong[200];
        snprintf(wrong, sizeof wrong, "the agent sees an error: %.150s", m->error_message);
        over(d, wrong);
        return;
    }
    note(d, "the agent sees success, %lld ms after the send", (long long)m->took_ms);
    if (strcmp(m->conversation->id, d->conversation) != 0)
        over(d, "the agent's answer left the customer's conversation in Front");
    else if (!d->has_chat_received)
        over(d, "the agent was told success before the chat had the message");
    d->has_arrived[TO_CUSTOMER] = !d->wrong[0];
    over(d, NULL);
}

/* ---- A customer writes ---- */

static void on_hook(struct demo_once *d, const struct sim_moment_info *info)
{
    if (info->status >= 200 && info->status < 300)
        note(d, "the bridge answers %d: it is stored", info->status);
    else
        note(d, "the bridge answers %d; the chat tries again", info->status);
}

static void on_created(struct demo_once *d, const struct sim_message *m)
{
    note(d, "the agent sees it, in the conversation %s", m->conversation->id);
    memcpy(d->conversation, m->conversation->id, sizeof d->conversation);
    if (strcmp(m->text, CUSTOMER_TEXT) != 0)
        over(d, "the customer's text did not arrive as it was written");
    else if (strcmp(m->author.handle, HANDLE) != 0)
        over(d, "the customer's message arrived under another name");
    d->has_arrived[TO_FRONT] = !d->wrong[0];
    if (d->has_arrived[TO_FRONT])
        answer(d);
}

static void observe(void *arg, const struct sim_moment_info *info)
{
    struct demo_once *d = arg;
    switch (info->at) {
    case SIM_AT_CALLBACK_SENT:
        note(d, "Front sends the bridge a callback, signed with HMAC-SHA256");
        break;
    case SIM_AT_CHAT_RECEIVED:
        on_chat_received(d, info);
        break;
    case SIM_AT_CALLBACK_ANSWERED:
        on_answered(d, info->message);
        break;
    case SIM_AT_HOOK_ANSWERED:
        on_hook(d, info);
        break;
    case SIM_AT_API_CALLED:
        if (!strcmp(info->text, "inbound_messages"))
            note(d, "the bridge calls Front's inbound_messages: %d", info->status);
        break;
    case SIM_AT_MESSAGE_CREATED:
        on_created(d, info->message);
        break;
    }
}

/* ---- Begin and end ---- */

static void on_too_late(evutil_socket_t fd, short what, void *arg)
{
    struct demo_once *d = arg;
    (void)fd;
    (void)what;
    over(d, d->direction == TO_CUSTOMER ? "the agent's answer did not arrive within 30 seconds"
                                        : "the customer's message did not arrive within 30 seconds");
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct demo_once *d = arg;
    (void)fd;
    (void)what;
    sim_observe(d->sim, NULL, NULL);
    evtimer_del(d->too_late);
    d->on_over(d->arg);
}

struct demo_once *demo_once_start(struct event_base *base, struct sim *s, demo_over_fn *on_over, void *arg)
{
    struct demo_once *d = mem_zalloc(sizeof *d);
    struct timeval limit = clock_tv(WITHIN_MS);
    d->sim = s;
    d->on_over = on_over;
    d->arg = arg;
    d->too_late = evtimer_new(base, on_too_late, d);
    d->turn = event_new(base, -1, 0, on_turn, d);
    must(d->too_late && d->turn);
    evtimer_add(d->too_late, &limit);
    sim_observe(s, observe, d);
    note(d, "the customer writes in the chat, which posts it to the bridge, signed");
    sim_chat_say(s, HANDLE, NAME, SPAN_LIT(CUSTOMER_TEXT));
    return d;
}

void demo_once_free(struct demo_once *d)
{
    if (!d)
        return;
    event_free(d->too_late);
    event_free(d->turn);
    free(d);
}

bool demo_once_is_fine(const struct demo_once *d)
{
    return !d->wrong[0] && d->has_arrived[TO_CUSTOMER] && d->has_arrived[TO_FRONT];
}

void demo_once_text(const struct demo_once *d, struct buf *out)
{
    for (unsigned i = 0; i < d->step_n; i++) {
        const struct step *s = &d->step[i];
        if (!i || s->direction != d->step[i - 1].direction)
            buf_addf(out, "%s%s\n", i ? "\n" : "", direction_titles[s->direction]);
        buf_addf(out, "  %8.1f ms  %s\n", (double)s->at_us / 1000, s->what);
    }
    if (demo_once_is_fine(d))
        buf_add_str(out, "\nBoth arrived: same text, same person, one conversation on either side.\n");
    else
        buf_addf(out, "\nSomething is wrong: %s.\n", d->wrong);
}

static void write_direction(const struct demo_once *d, enum direction direction, struct jout *j)
{
    jout_key(j, direction_keys[direction]);
    jout_object(j);
    jout_kv_bool(j, "arrived", d->has_arrived[direction]);
    jout_key(j, "steps");
    jout_array(j);
    for (unsigned i = 0; i < d->step_n; i++) {
        char ms[32];
        if (d->step[i].direction != direction)
            continue;
        snprintf(ms, sizeof ms, "%.3f", (double)d->step[i].at_us / 1000);
        jout_object(j);
        jout_kv_raw(j, "at_ms", span_of(ms));
        jout_kv_str(j, "what", d->step[i].what);
        jout_object_end(j);
    }
    jout_array_end(j);
    jout_object_end(j);
}

void demo_once_json(const struct demo_once *d, struct buf *out)
{
    struct jout j;
    jout_init(&j, out);
    jout_object(&j);
    jout_kv_bool(&j, "ok", demo_once_is_fine(d));
    jout_kv_str(&j, "wrong", d->wrong[0] ? d->wrong : NULL);
    jout_kv_str(&j, "conversation", d->conversation[0] ? d->conversation : NULL);
    write_direction(d, TO_FRONT, &j);
    write_direction(d, TO_CUSTOMER, &j);
    jout_object_end(&j);
    buf_add_char(out, '\n');
}
