/*
 * Each question is one GET, in the lane of resolving. Application channels read conversations with their own JWT,
 * which is shown our ids; events need the account's token, which is not: what may be ours there is asked for one
 * by one.
 */
#include "bridge/lookup.h"
#include "base/mem.h"
#include "bridge/place.h"
#include "bridge/staging.h"
#include <stdlib.h>
#include <string.h>

enum {
    MARGIN_MS = 60 * 1000, /* between Front's clock and ours */
    PLACE_LOOK_MS = 50,
    PLACE_PATIENCE_MS = 5000,
    PATH_MAX_BYTES = 4096,
    REASON_MAX = 400,
};

/* The lists of a conversation in which it may stand. */
struct list {
    const char *call;
    void (*path)(struct buf *out, const char *conversation, const char *token);
    void (*read)(struct finding *f, const struct json *json, const struct sought *s);
};
static const struct list messages = {"conversation_messages", reconcile_messages_path, reconcile_messages},
                         comments = {"conversation_comments", reconcile_comments_path, reconcile_comments};

struct lookup {
    struct lookup_order order;
    const struct list *list;
    struct look look;
    struct sought sought;
    struct reconcile_window window;
    mono_ms_t place_until; /* how long to wait for where the channel is; 0: not waited for yet */
    bool is_asking, is_unreachable;
    char *token; /* of the next page; NULL: the first */
    char *id, *handle, *conversation, *comment;
    char *candidate[RECONCILE_CANDIDATES_MAX];
    struct finding finding;
    char reason[REASON_MAX];
};

/* Bounded, as clocks are set. */
static int64_t age_of(wall_ms_t at)
{
    int64_t age = clock_wall_ms() - at;

    return age < 0 ? 0 : age < DAY_MS ? age : DAY_MS;
}

struct lookup *lookup_new(const struct lookup_order *o)
{
    struct lookup *l = mem_zalloc(sizeof *l);
    mono_ms_t now = clock_mono_ms();
    wall_ms_t oldest = o->sent_at > 0 && o->sent_at < o->unsure_at ? o->sent_at : o->unsure_at;

    l->order = *o;
    l->id = mem_strdup(o->id);
    l->handle = mem_strdup(o->handle);
    l->conversation = o->conversation ? mem_strdup(o->conversation) : NULL;
    l->comment = o->comment ? mem_strdup(o->comment) : NULL;
    l->list = l->comment ? &comments : &messages;
    l->sought = (struct sought){
        .id = l->id, .handle = l->handle, .since = oldest - MARGIN_MS, .text = span_of(l->comment)};
    look_init(&l->look, l->conversation != NULL, now - age_of(o->lost_at), now);
    l->look.is_closed[LOOK_EVENTS] = l->comment != NULL; /* the conversation's list says it all */
    return l;
}

void lookup_free(struct lookup *l)
{
    if (!l)
        return;
    must(!l->is_asking);
    for (unsigned i = 0; i < RECONCILE_CANDIDATES_MAX; i++)
        free(l->candidate[i]);
    finding_fini(&l->finding);
    free(l->token);
    free(l->id);
    free(l->handle);
    free(l->conversation);
    free(l->comment);
    free(l);
}

const struct finding *lookup_finding(const struct lookup *l)
{
    return &l->finding;
}

const char *lookup_reason(const struct lookup *l)
{
    return l->reason;
}

bool lookup_is_unreachable(const struct lookup *l)
{
    return l->is_unreachable;
}

static void set_reason(struct lookup *l, struct span reason)
{
    snprintf(l->reason, sizeof l->reason, "%.*s", SPAN_FMT(reason));
}

/* ---- Answers ---- */

static void drop_token(struct lookup *l)
{
    free(l->token);
    l->token = NULL;
}

/* What an answer without a list means. */
static enum look_answer answer_of(struct lookup *l, const struct front_result *r)
{
    if (r->class == FRONT_CALL_OK)
        return LOOK_END;
    set_reason(l, r->reason);
    l->is_unreachable = r->is_unreachable;
    return r->class == FRONT_CALL_REFUSED ? LOOK_CLOSED : LOOK_NOT_NOW;
}

static enum look_answer judge(struct lookup *l, const struct finding *f)
{
    if (f->is_found)
        return LOOK_IS_IT;
    if (!f->is_readable || f->is_crowded || (f->next && l->token && strcmp(f->next, l->token) == 0)) {
        set_reason(l, f->is_crowded ? SPAN_LIT("Front shows too many messages that may be this one.")
                                    : SPAN_LIT("Front's list of messages cannot be read."));
        return LOOK_CLOSED;
    }
    return f->next && !f->is_past ? LOOK_MORE : LOOK_END;
}

static void take_candidates(struct lookup *l, struct finding *f)
{
    for (unsigned i = 0; i < f->candidate_n; i++) {
        free(l->candidate[i]);
        l->candidate[i] = f->candidate[i];
        f->candidate[i] = NULL;
    }
}

static void on_page(const struct front_result *r, void *arg)
{
    struct lookup *l = arg;
    enum look_source source = l->look.source;
    enum look_answer a = answer_of(l, r);
    struct finding f = {0};

    l->is_asking = false;
    if (a == LOOK_END) {
        (source == LOOK_EVENTS ? reconcile_events : l->list->read)(&f, r->json, &l->sought);
        a = judge(l, &f);
    }
    drop_token(l);
    if (a == LOOK_MORE) {
        l->token = f.next;
        f.next = NULL;
    }
    bool has_candidates = a == LOOK_MORE || a == LOOK_END;
    if (has_candidates)
        take_candidates(l, &f);
    look_page(&l->look, a, has_candidates ? f.candidate_n : 0);
    if (a == LOOK_MORE && l->look.source != source)
        set_reason(l, SPAN_LIT("Front has had too many messages since then to look through them all."));
    if (a == LOOK_IS_IT)
        l->finding = f;
    else
        finding_fini(&f);
    l->order.on_turn(l->order.arg);
}

static void on_candidate(const struct front_result *r, void *arg)
{
    struct lookup *l = arg;
    enum look_answer a = r->status == 404 ? LOOK_END : answer_of(l, r);
    struct finding f = {0};

    l->is_asking = false;
    if (r->class == FRONT_CALL_OK) {
        reconcile_message(&f, r->json, &l->sought);
        a = judge(l, &f);
    }
    look_candidate(&l->look, a);
    if (a == LOOK_IS_IT)
        l->finding = f;
    else
        finding_fini(&f);
    l->order.on_turn(l->order.arg);
}

/* ---- Questions ---- */

static void call(struct lookup *l, const char *name, enum front_auth auth, const char *path,
                 front_done_fn *done)
{
    struct channel *ch = l->order.channel;

    l->is_asking = true;
    staging_call(ch,
                 &(struct front_request){.name = name,
                                         .lane = RATE_RESOLVE,
                                         .auth = auth,
                                         .channel = channel_front_id(ch),
                                         .method = "GET",
                                         .path = path},
                 done, l);
}

static enum front_auth auth_of_channel(const struct lookup *l)
{
    return l->order.channel->config->kind == CHANNEL_APPLICATION ? FRONT_AUTH_CHANNEL : FRONT_AUTH_TOKEN;
}

static void ask_conversation(struct lookup *l)
{
    struct buf path;

    buf_init(&path, PATH_MAX_BYTES);
    l->list->path(&path, l->conversation, l->token);
    l->sought.is_hidden = false;
    call(l, l->list->call, l->comment ? FRONT_AUTH_TOKEN : auth_of_channel(l), path.p, on_page);
    buf_fini(&path);
}

/* Each pass has a window of its own, which does not move while its pages are read. */
static void ask_events(struct lookup *l, const struct place *place)
{
    struct buf path;

    if (!l->token)
        l->window = (struct reconcile_window){.inbox = place->inbox,
                                              .is_from_agent = l->order.is_from_agent,
                                              .after = l->order.unsure_at - MARGIN_MS,
                                              .before = clock_wall_ms() + MARGIN_MS};
    buf_init(&path, PATH_MAX_BYTES);
    reconcile_events_path(&path, &l->window, l->token);
    l->sought.is_hidden = l->order.channel->config->kind == CHANNEL_APPLICATION;
    call(l, "events", FRONT_AUTH_TOKEN, path.p, on_page);
    buf_fini(&path);
}

static void ask_candidate(struct lookup *l)
{
    struct buf path;

    buf_init(&path, PATH_MAX_BYTES);
    front_path(&path, "/messages/%s", l->candidate[l->look.candidate_n - 1]);
    call(l, "message", auth_of_channel(l), path.p, on_candidate);
    buf_fini(&path);
}

/* The inbox whose events to read, or why there is none; NULL and no reason: Front is being asked. */
static const struct place *place_for_events(struct lookup *l, const char **why)
{
    mono_ms_t now = clock_mono_ms();

    *why = l->order.channel->account->config->token
               ? NULL
               : "The account has no API token, which reading events needs.";
    if (*why)
        return NULL;
    const struct place *place = place_of(l->order.channel, why);
    if (l->place_until == 0)
        l->place_until = now + PLACE_PATIENCE_MS;
    if (!place && now < l->place_until)
        *why = NULL;
    if (place && !place->inbox)
        *why = "Front shows no inbox for this channel.";
    return place && place->inbox ? place : NULL;
}

/* False: where the channel is has to be waited for. */
static bool ask_page(struct lookup *l)
{
    const char *why = NULL;

    if (l->look.source == LOOK_CONVERSATION) {
        ask_conversation(l);
        return true;
    }
    const struct place *place = place_for_events(l, &why);
    if (place)
        ask_events(l, place);
    if (why) {
        set_reason(l, span_of(why));
        look_page(&l->look, LOOK_CLOSED, 0);
    }
    return place || why;
}

enum lookup_state lookup_go_on(struct lookup *l, int64_t *wait_ms)
{
    static const enum lookup_state ends[] = {[LOOK_FOUND] = LOOKUP_FOUND,
                                             [LOOK_ABSENT] = LOOKUP_ABSENT,
                                             [LOOK_LATER] = LOOKUP_LATER,
                                             [LOOK_IMPOSSIBLE] = LOOKUP_IMPOSSIBLE};
    mono_ms_t now = clock_mono_ms(), at;

    while (!l->is_asking) {
        enum look_next next = look_next(&l->look, now, &at);
        if (next == LOOK_WAIT) {
            *wait_ms = at - now;
            return LOOKUP_WAITS;
        }
        if (next == LOOK_CANDIDATE) {
            ask_candidate(l);
        } else if (next != LOOK_PAGE) {
            return ends[next];
        } else if (!ask_page(l)) {
            *wait_ms = PLACE_LOOK_MS;
            return LOOKUP_WAITS;
        }
    }
    return LOOKUP_ASKS;
}
