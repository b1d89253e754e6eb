/*
 * Windows of Front's events, one after the other: when to look and for what, and how far it is known. How pages are read is
 * event_pages.c's, what is made of an event happening.c's. Invariant: the mark moves only when every page of its window is
 * stored.
 */
#include "bridge/catch_up.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/event_pages.h"
#include "bridge/events.h"
#include "bridge/place.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    READY_MS =
        10 * 1000, /* so long the adapters have to say what they want, and Front where the channels are */
    AGAIN_MS = 30 * 1000, /* after a look that did not end */
    SOON_MS = 2000,
    RECALL_AGAIN_MS = 1000, /* after a store failure */
    FACT_MAX = STORE_FACT_MAX,
    WORD_MAX = 64,
    /* So many pages of a look are asked for at once. A long one would use up Front's minute, and customers' messages would
       wait for the next: the rest goes as history does, which leaves a place for whoever comes. */
    URGENT_PAGES = 10,
};

static const char first_key[] = "first_start", mark_key[] = "catch_up_mark", window_key[] = "catch_up_window";

struct catcher {
    struct account *account;
    char owner[80];
    bool is_recalled, is_looking, is_urgent;
    bool is_resumed; /* the look goes on with the window of an earlier process, which ends before now */
    mono_ms_t started_at, recall_at; /* recall_at: 0 while it is done, or is being done */
    wall_ms_t first_at, mark_at, look_at;
    struct store_fact fact;
    char fact_text[FACT_MAX];
    void (*after_fact)(struct catcher *c);

    /* the look */
    struct event_pages pages;
    char *word[2 * SEARCH_WORDS_MAX]; /* of pages.search */
    unsigned word_n;
    struct store_event_release release;
    struct catcher_search *order; /* of an operator; NULL: a look of our own */

    struct catcher_view view;
    char *ending; /* why a look ends before its last page; what it found is let go */
    char *trouble;
};

static void on_page(struct event_pages *p);
static void on_pages_end(struct event_pages *p, enum event_pages_end how, const char *why);

struct catcher *catcher_new(struct account *a)
{
    struct catcher *c = mem_zalloc(sizeof *c);

    c->account = a;
    c->pages.account = a;
    c->pages.on_page = on_page;
    c->pages.on_end = on_pages_end;
    snprintf(c->owner, sizeof c->owner, "account/%s", a->config->name);
    return c;
}

static void forget_look(struct catcher *c)
{
    for (unsigned i = 0; i < c->word_n; i++)
        free(c->word[i]);
    c->word_n = 0;
    event_pages_fini(&c->pages);
    free(c->ending);
    c->ending = NULL;
}

void catcher_free(struct catcher *c)
{
    forget_look(c);
    free(c->trouble);
    free(c);
}

struct catcher_view catcher_view(const struct catcher *c)
{
    struct catcher_view v = c->view;

    v.pages_n += c->pages.page_n;
    v.found_n += c->pages.found_n;
    v.new_n += c->pages.new_n;
    v.mark_at = c->mark_at;
    v.is_looking = c->is_looking;
    v.trouble = c->trouble;
    return v;
}

/* ---- Facts ---- */

static struct store *store_of(const struct catcher *c)
{
    return c->account->bridge->store;
}

static void on_fact(struct store_op *op)
{
    struct catcher *c = container_of(op, struct catcher, fact.op);

    c->after_fact(c);
}

static void post_fact(struct catcher *c, const char *key, bool is_write, struct span value,
                      void (*then)(struct catcher *c))
{
    c->after_fact = then;
    c->fact = (struct store_fact){
        .op.on_done = on_fact, .owner = c->owner, .key = key, .is_write = is_write, .value = value};
    store_post_fact(store_of(c), &c->fact);
}

static void write_time(struct catcher *c, const char *key, wall_ms_t at, void (*then)(struct catcher *c))
{
    snprintf(c->fact_text, sizeof c->fact_text, "%" PRId64, at);
    post_fact(c, key, true, span_of(c->fact_text), then);
}

/* The text that a read found, which is the caller's; NULL: none. */
static char *take_fact(struct catcher *c)
{
    char *text = c->fact.op.result == OK ? c->fact.found : NULL;

    c->fact.found = NULL;
    return text;
}

static wall_ms_t take_time(struct catcher *c)
{
    char *text = take_fact(c);
    uint64_t at = 0;

    if (!text || !span_u64(span_of(text), &at) || at > INT64_MAX)
        at = 0;
    free(text);
    return (wall_ms_t)at;
}

/* ---- At the start ---- */

/* True: a mark that cannot be read is not a mark that is not there. */
static bool must_recall_again(struct catcher *c)
{
    if (c->fact.op.result == OK || c->fact.op.result == ERR_NOT_FOUND)
        return false;
    c->recall_at = clock_mono_ms() + RECALL_AGAIN_MS;
    return true;
}

static bool looks_by_itself(const struct catcher *c)
{
    return c->account->config->catch_up_enabled && c->account->config->token;
}

static void set_free(struct catcher *c);

static void on_window(struct catcher *c)
{
    if (must_recall_again(c))
        return;
    char *text = take_fact(c);
    struct json doc;
    int64_t after, before;

    if (text && json_parse(&doc, span_of(text)) == OK &&
        json_i64(json_get(json_root(&doc), "after"), &after) == OK &&
        json_i64(json_get(json_root(&doc), "before"), &before) == OK) {
        c->pages.search.after = after;
        c->pages.search.before = before;
        c->pages.token = json_dup(json_get(json_root(&doc), "token"), SEARCH_TOKEN_MAX);
    }
    if (text)
        json_fini(&doc);
    free(text);
    if (looks_by_itself(c))
        c->is_recalled = true;
    else
        set_free(c);
}

static void recall_window(struct catcher *c)
{
    post_fact(c, window_key, false, SPAN_NONE, on_window);
}

static void on_mark(struct catcher *c)
{
    if (must_recall_again(c))
        return;
    c->mark_at = take_time(c);
    if (c->mark_at == 0)
        c->mark_at = c->first_at;
    recall_window(c);
}

static void recall_mark(struct catcher *c)
{
    post_fact(c, mark_key, false, SPAN_NONE, on_mark);
}

static void on_first(struct catcher *c)
{
    if (must_recall_again(c))
        return;
    c->first_at = take_time(c);
    if (c->first_at > 0) {
        recall_mark(c);
        return;
    }
    c->first_at = clock_wall_ms();
    write_time(c, first_key, c->first_at, recall_mark);
}

static void recall(struct catcher *c)
{
    c->recall_at = 0;
    post_fact(c, first_key, false, SPAN_NONE, on_first);
}

void catcher_start(struct catcher *c)
{
    c->started_at = clock_mono_ms();
    c->is_urgent = true;
    recall(c);
}

void catcher_soon(struct catcher *c)
{
    wall_ms_t at = clock_wall_ms() + SOON_MS;

    c->is_urgent = true;
    c->pages.lane = RATE_RESOLVE;
    if (c->look_at > at)
        c->look_at = at;
}

/* ---- What is looked for ---- */

static struct channel *channel_at(const struct catcher *c, size_t i)
{
    struct channel *ch = &c->account->bridge->channel[i];

    return ch->account == c->account ? ch : NULL;
}

static size_t channel_n(const struct catcher *c)
{
    return c->account->bridge->config->channel_n;
}

/* Types that mean something to every channel; the others only if an adapter asks for them. */
static bool is_always_wanted(const struct catcher *c, enum event_type t)
{
    if (t == EVENT_INBOUND || t == EVENT_SENDING_ERROR || t == EVENT_BOUNCE_ERROR || t == EVENT_MERGED)
        return true;
    if (t != EVENT_OUTBOUND && t != EVENT_OUT_REPLY)
        return false;
    for (size_t i = 0; i < channel_n(c); i++)
        if (channel_at(c, i) && channel_takes_events(channel_at(c, i)))
            return true;
    return false;
}

static bool is_asked_for(const struct catcher *c, const char *type)
{
    for (size_t i = 0; i < channel_n(c); i++)
        if (channel_at(c, i) && host_wants_event(channel_at(c, i)->host, type))
            return true;
    return false;
}

static const char *keep_word(struct catcher *c, struct span word)
{
    return c->word[c->word_n++] = span_strdup(word);
}

static void choose_types(struct catcher *c)
{
    /* A type that no adapter can name is only asked for by "*". */
    if (is_asked_for(c, "any type at all"))
        return;
    for (unsigned t = EVENT_UNKNOWN + 1; t < EVENT_TYPE_N; t++)
        if (is_always_wanted(c, (enum event_type)t) || is_asked_for(c, event_type_name((enum event_type)t)))
            c->pages.search.type[c->pages.search.type_n++] = event_type_name((enum event_type)t);
}

/* The inboxes of all channels, or none if one of them is not known. */
static void choose_inboxes(struct catcher *c)
{
    for (size_t i = 0; i < channel_n(c); i++) {
        struct channel *ch = channel_at(c, i);
        const struct place *place = ch ? place_of(ch, NULL) : NULL;
        if (!ch)
            continue;
        if (!place || !place->inbox || c->pages.search.inbox_n == SEARCH_WORDS_MAX) {
            c->pages.search.inbox_n = 0;
            return;
        }
        c->pages.search.inbox[c->pages.search.inbox_n++] = keep_word(c, span_of(place->inbox));
    }
}

/* False: too many words, or one that is too long; a word that is left out would mean more, not less. */
static bool split(struct catcher *c, const char *list, const char **out, unsigned *n)
{
    while (*list) {
        size_t length = strcspn(list, ",");
        if (length >= WORD_MAX || *n == SEARCH_WORDS_MAX)
            return false;
        if (length > 0)
            out[(*n)++] = keep_word(c, (struct span){list, length});
        list += length + (list[length] == ',');
    }
    return *n > 0;
}

static bool is_ready(const struct catcher *c)
{
    bool is_known = true;

    for (size_t i = 0; i < channel_n(c); i++)
        if (channel_at(c, i))
            is_known &= place_of(channel_at(c, i), NULL) && host_adapter(channel_at(c, i)->host);
    return is_known || clock_mono_ms() - c->started_at > READY_MS;
}

/* ---- The end of a look ---- */

static void end_look(struct catcher *c, const char *trouble)
{
    const struct config_account *config = c->account->config;
    struct catcher_search *order = c->order;
    uint64_t found_n = c->pages.found_n, new_n = c->pages.new_n;

    log_line(trouble ? LOG_WARN : LOG_INFO, "caught_up",
             (const struct log_field[]){
                 LOG_STR("account", config->name), LOG_I64("events", (int64_t)found_n),
                 LOG_I64("new", (int64_t)new_n), LOG_I64("took_pages", c->pages.seen_n + 1),
                 LOG_STR("window", c->is_resumed ? "resumed" : "new"), LOG_STR("reason", trouble)},
             trouble ? 6 : 5);
    free(c->trouble);
    c->trouble = trouble ? mem_strdup(trouble) : NULL;
    /* What was emitted after a window that was resumed is looked for at once. */
    c->look_at = clock_wall_ms() + (trouble ? AGAIN_MS : c->is_resumed ? 0 : config->catch_up_every_ms);
    c->is_urgent = (trouble || c->is_resumed) && c->is_urgent;
    c->is_resumed = false;
    c->view.pages_n += c->pages.page_n;
    c->view.found_n += found_n;
    c->view.new_n += new_n;
    c->view.looks_n += !trouble;
    c->is_looking = false;
    c->order = NULL;
    forget_look(c);
    if (order)
        order->done(order, found_n, new_n, c->trouble);
}

static void on_mark_moved(struct catcher *c)
{
    end_look(c, NULL);
}

static void move_mark(struct catcher *c)
{
    if (c->pages.search.before > c->mark_at)
        c->mark_at = c->pages.search.before;
    write_time(c, mark_key, c->mark_at, on_mark_moved);
}

static void on_released(struct store_op *op)
{
    struct catcher *c = container_of(op, struct catcher, release.op);

    eventer_soon(c->account->eventer);
    if (op->result != OK || c->ending)
        end_look(c, op->result != OK ? "the store failed" : c->ending);
    else if (c->order)
        end_look(c, NULL);
    else
        post_fact(c, window_key, true, SPAN_NONE, move_mark);
}

static void release(struct catcher *c)
{
    POINT("before_release");
    c->release = (struct store_event_release){
        .op.on_done = on_released, .account = c->account->config->name, .now = clock_wall_ms()};
    store_post_event_release(store_of(c), &c->release);
}

static void on_set_free(struct store_op *op)
{
    struct catcher *c = container_of(op, struct catcher, release.op);

    c->is_recalled = true;
    eventer_soon(c->account->eventer);
}

/* What an earlier look found, and had no time to let go: no look will come that does. */
static void set_free(struct catcher *c)
{
    c->release = (struct store_event_release){
        .op.on_done = on_set_free, .account = c->account->config->name, .now = clock_wall_ms()};
    store_post_event_release(store_of(c), &c->release);
}

/* It will not be better soon: what was found is let go, though in the order of the pages and not of the events. */
static void give_up_look(struct catcher *c, const char *why)
{
    if (!c->ending)
        c->ending = mem_strdup(why);
    release(c);
}

/* ---- Pages ---- */

static void ask_page(struct catcher *c)
{
    event_pages_ask(&c->pages);
}

static void remember_window(struct catcher *c)
{
    struct buf text;
    struct jout j;

    buf_init(&text, FACT_MAX - 1);
    jout_init(&j, &text);
    jout_object(&j);
    jout_kv_i64(&j, "after", c->pages.search.after);
    jout_kv_i64(&j, "before", c->pages.search.before);
    jout_kv_str(&j, "token", c->pages.token);
    jout_object_end(&j);
    snprintf(c->fact_text, sizeof c->fact_text, "%.*s", SPAN_FMT(buf_span(&text)));
    buf_fini(&text);
    post_fact(c, window_key, true, span_of(c->fact_text), ask_page);
}

static void on_page(struct event_pages *p)
{
    struct catcher *c = container_of(p, struct catcher, pages);

    if (p->page_n >= URGENT_PAGES)
        p->lane = RATE_HISTORY;
    if (c->order)
        ask_page(c);
    else
        remember_window(c);
}

static void on_pages_end(struct event_pages *p, enum event_pages_end how, const char *why)
{
    struct catcher *c = container_of(p, struct catcher, pages);

    if (how == EVENT_PAGES_READ)
        release(c);
    else if (how == EVENT_PAGES_USELESS || (how == EVENT_PAGES_FAILED && c->order))
        give_up_look(c, why);
    else
        end_look(c, why);
}

/* ---- The beginning of a look ---- */

static void begin_look(struct catcher *c, wall_ms_t now)
{
    wall_ms_t after = c->mark_at - c->account->config->catch_up_overlap_ms;

    c->is_resumed = c->pages.search.before > 0;
    c->is_looking = true;
    c->pages.lane = c->is_urgent ? RATE_RESOLVE : RATE_HISTORY;
    if (!c->is_resumed) {
        c->pages.search.after = after > c->first_at ? after : c->first_at;
        c->pages.search.before = now;
    }
    choose_types(c);
    choose_inboxes(c);
    if (c->is_resumed)
        ask_page(c);
    else
        remember_window(c);
}

void catcher_tick(struct catcher *c, wall_ms_t now)
{
    const struct config_account *config = c->account->config;

    if (c->look_at > now + config->catch_up_every_ms)
        c->look_at = now; /* the clock was set back */
    if (c->recall_at && clock_mono_ms() >= c->recall_at && !c->account->bridge->is_stopping)
        recall(c);
    if (!looks_by_itself(c) || !c->is_recalled || c->is_looking || now < c->look_at ||
        c->account->bridge->is_stopping || !is_ready(c))
        return;
    begin_look(c, now);
}

enum err catcher_search(struct catcher *c, struct catcher_search *s)
{
    if (c->is_looking || !c->is_recalled)
        return ERR_CONFLICT;
    forget_look(c);
    if ((s->types && !split(c, s->types, c->pages.search.type, &c->pages.search.type_n)) ||
        (s->inboxes && !split(c, s->inboxes, c->pages.search.inbox, &c->pages.search.inbox_n))) {
        forget_look(c);
        return ERR_INVALID;
    }
    c->is_looking = true;
    c->order = s;
    c->pages.lane = RATE_RESOLVE;
    c->pages.search.after = s->after;
    c->pages.search.before = s->before;
    if (!s->types)
        choose_types(c);
    if (!s->inboxes)
        choose_inboxes(c);
    ask_page(c);
    return OK;
}
