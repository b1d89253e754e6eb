/*
 * From a claimed message to a call of Front's API, and from its result to an outcome. What must be known before
 * the call is found out by steps, each of which passes, waits or ends the attempt.
 */
#include "bridge/relay.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/about.h"
#include "bridge/author.h"
#include "bridge/life.h"
#include "bridge/lookup.h"
#include "bridge/outgoing.h"
#include "bridge/place.h"
#include "bridge/staging.h"
#include "bridge/relay_way.h"
#include "bridge/upload.h"
#include "front/history.h"
#include "front/incoming.h"
#include "store/later.h"
#include <stdlib.h>
#include <string.h>

enum {
    PAYLOAD_MAX = 24 << 20,
    REASON_MAX = 1024,
    LOOK_MS = 50,             /* between two looks at what Front is being asked */
    PATIENCE_MS = 5000,       /* with what it is asked */
    PLACE_AGAIN_MS = 2000,    /* a message that does not know its place yet is tried again */
    COMMENT_WAITS_MS = 10000, /* for the conversation to be learnt; then it is a message */
};

/* One attempt, from its claim to its outcome. */
struct relay {
    LIST_ENTRY(relay) link;
    struct channel *channel;
    struct attempt *attempt;
    const struct way *way;
    unsigned step;
    struct event *timer; /* the next look at what this step waits for */
    mono_ms_t waits_since;
    char *wire, *thread_ref, *customer, *conversation, *author_email, *author_id, *reply_to;
    size_t wire_n;
    wall_ms_t created_at, sent_at, unsure_at, lost_at;
    struct lookup *lookup; /* whether Front has it already */
    struct upload *upload; /* its files; NULL: it has none */
    struct about *about;   /* of a sign: what it is about; NULL: it is a message */
    bool is_from_agent, is_posted, is_shown /* by what Front told of itself */;
    bool is_again; /* it was posted before, and was not found */
    char id[STORE_ID_BYTES];
};

static struct outcome outcome_of(const struct front_result *r)
{
    static const enum outcome_kind kind[] = {
        [FRONT_CALL_OK] = OUTCOME_DELIVERED,      [FRONT_CALL_RETRY] = OUTCOME_RETRY,
        [FRONT_CALL_REFUSED] = OUTCOME_REJECTED,  [FRONT_CALL_UNKNOWN] = OUTCOME_UNKNOWN,
        [FRONT_CALL_CANCELLED] = OUTCOME_UNKNOWN,
    };
    bool is_unsent = r->class == FRONT_CALL_CANCELLED && !r->is_sent;
    return (struct outcome){.kind = is_unsent ? OUTCOME_RETRY : kind[r->class],
                            .is_unsent = is_unsent,
                            .is_unreachable = r->is_unreachable,
                            .code = r->status,
                            .retry_after_ms = r->retry_after_ms,
                            .reason = r->reason};
}

/* ---- Life ---- */

static void on_look(evutil_socket_t fd, short what, void *arg);
static void on_turn(void *arg);

/* What is needed of the wire beside its text. */
static void read_wire(struct relay *r, enum message_kind kind)
{
    struct json doc;
    wall_ms_t at;

    if (json_parse(&doc, (struct span){r->wire, r->wire_n}) == OK) {
        struct jval root = json_root(&doc);
        r->is_from_agent = kind == KIND_AGENT || (kind == KIND_IMPORT && incoming_is_from_agent(root));
        if (r->is_from_agent)
            r->author_email = json_dup(json_get(root, "author_email"), INCOMING_HANDLE_MAX);
        if (kind == KIND_IMPORT ? history_time(json_get(root, "created_at"), &at) == OK
                                : json_millis(json_get(root, "sent_at"), &at) == OK)
            r->sent_at = at;
        if (kind != KIND_IMPORT)
            r->about = about_new(r->channel, root, on_turn, r);
    }
    json_fini(&doc);
}

/* The message that it answers, as Front was told it; NULL: none, or Front does not know it. */
static char *reply_to_of(const struct channel *ch, const struct store_message *m)
{
    char id[STORE_ID_BYTES];

    if (m->reply_id == 0)
        return m->reply ? delivery_external_id(m->reply) : NULL;
    store_id_format(ch->bridge->store, m->reply_id, id);
    return mem_strdup(id);
}

static struct queue *queue_of(const struct relay *r)
{
    return r->attempt->kind == KIND_IMPORT ? &r->channel->history : &r->channel->in;
}

static struct relay *relay_new(struct channel *ch, struct store_message *m)
{
    struct relay *r = mem_zalloc(sizeof *r);

    *r = (struct relay){.channel = ch,
                        .attempt = attempt_new(ch, MESSAGE_IN, m),
                        .way = relay_way(m->kind, ch->config->kind),
                        .timer = evtimer_new(ch->bridge->base, on_look, r),
                        .wire = mem_strndup(m->body ? m->body : "", m->body_n),
                        .wire_n = m->body_n,
                        .thread_ref = m->thread_ref ? mem_strdup(m->thread_ref) : NULL,
                        .customer = mem_strdup(m->recipient),
                        .conversation = m->front_conversation ? mem_strdup(m->front_conversation) : NULL,
                        .reply_to = reply_to_of(ch, m),
                        .created_at = m->created_at,
                        .unsure_at = m->unsure_at,
                        .lost_at = m->ended_at};
    must(r->timer);
    read_wire(r, m->kind);
    if (m->kind == KIND_IMPORT && ch->config->kind == CHANNEL_APPLICATION && r->is_from_agent)
        r->way = &relay_history_outbound;
    store_id_format(ch->bridge->store, m->id, r->id);
    r->attempt->has_conversation = r->conversation != NULL;
    r->attempt->is_unsure = m->unsure_at > 0;
    r->attempt->is_probe = ch->account->breaker.is_open;
    breaker_started(&ch->account->breaker, 1);
    r->upload = upload_new(queue_of(r), m);
    LIST_INSERT_HEAD(&ch->relays, r, link);
    return r;
}

static void end_lookup(struct relay *r)
{
    if (!r->lookup)
        return;
    lookup_free(r->lookup);
    r->lookup = NULL;
    queue_of(r)->looking_n--;
}

/* The attempt goes on to its settle. */
static void relay_free(struct relay *r)
{
    end_lookup(r);
    LIST_REMOVE(r, link);
    event_free(r->timer);
    upload_free(r->upload);
    about_free(r->about);
    free(r->wire);
    free(r->thread_ref);
    free(r->customer);
    free(r->conversation);
    free(r->reply_to);
    free(r->author_email);
    free(r->author_id);
    free(r);
}

/* Ends an attempt that has not been sent. */
static void end(struct relay *r, const struct outcome *o)
{
    struct attempt *a = r->attempt;

    breaker_lost(&r->channel->account->breaker, a->is_probe);
    attempt_settle(a, o);
    relay_free(r);
}

/* ---- The call ---- */

static void on_answer(const struct front_result *result, void *arg)
{
    struct relay *r = arg;
    struct attempt *a = r->attempt;
    struct outcome o = outcome_of(result);
    struct buf uid, why;

    POINT("after_relay");
    buf_init(&uid, CALLBACK_ID_MAX);
    buf_init(&why, REASON_MAX);
    if (result->status == 403 && r->way->scope) {
        buf_addf(&why, "%.*s The account's token needs the scope %s", SPAN_FMT(o.reason), r->way->scope);
        o.reason = buf_span(&why);
    }
    if (result->class == FRONT_CALL_OK && incoming_uid(result->json, &uid) == OK)
        o.external_id = buf_span(&uid);
    if (r->way == &relay_comment) {
        a->facts.is_shown = true; /* a comment is there when Front says so */
        a->facts.is_resendable &=
            !r->is_again; /* its words may look otherwise in Front: a third one would be too much */
    }
    if (result->class == FRONT_CALL_CANCELLED)
        breaker_lost(&r->channel->account->breaker, a->is_probe);
    else
        attempt_learn(a, &r->channel->account->breaker, &o);
    attempt_settle(a, &o);
    relay_free(r);
    buf_fini(&uid);
    buf_fini(&why);
}

static enum err build(const struct relay *r, const char *address, struct buf *body, struct buf *why)
{
    unsigned note_n;
    const struct span *note = upload_notes(r->upload, &note_n);
    enum err e = r->way->build(&(struct incoming){.wire = {r->wire, r->wire_n},
                                                  .note = note,
                                                  .note_n = note_n,
                                                  .id = r->id,
                                                  .thread_ref = r->thread_ref,
                                                  .created_at = r->created_at,
                                                  .author_id = r->author_id,
                                                  .address = address,
                                                  .reply_to = r->reply_to,
                                                  .has_phones = r->channel->config->handles == HANDLES_PHONE,
                                                  .about = about_words(r->about),
                                                  .conversation = r->conversation},
                               body, why);
    if (e == OK && body->is_over)
        e = ERR_LIMIT;
    if (e && why->n == 0)
        buf_add_str(why, "The message cannot be said to Front: its text is too large");
    return e;
}

static void call(struct relay *r, const char *of, struct span body)
{
    struct buf path;
    struct outcome instead;

    buf_init(&path, 1024);
    front_path(&path, r->way->path, of);
    struct front_request q = {.name = r->way->call,
                              .lane = r->attempt->kind == KIND_IMPORT ? RATE_HISTORY : RATE_INBOUND,
                              .auth = r->way->auth,
                              .channel = channel_front_id(r->channel),
                              .method = "POST",
                              .path = path.p,
                              .resource = of,
                              .body = body};
    bool has_files = upload_has_files(r->upload);
    if (has_files && !upload_pack(r->upload, &q, &instead)) {
        end(r, &instead);
    } else {
        r->is_posted = true;
        staging_call(r->channel, &q, on_answer, r);
        if (has_files)
            upload_unpack(r->upload);
    }
    buf_fini(&path);
}

/* ---- The steps ---- */

enum progress {
    STEP_PASSED,
    STEP_WAITS, /* for something that Front is being asked: it is looked at again */
    STEP_TAKEN  /* whoever took it goes on with it, or has ended it */
};

static bool is_patient(const struct relay *r)
{
    return clock_mono_ms() - r->waits_since < PATIENCE_MS;
}

static void wait_for(struct relay *r, int64_t ms)
{
    struct timeval tv = clock_tv(ms);

    event_add(r->timer, &tv);
}

/* Front has it: it is told as delivered, and its conversation is learnt. */
static void end_shown(struct relay *r, const struct finding *f)
{
    struct attempt *a = r->attempt;
    struct outcome o = {.kind = OUTCOME_DELIVERED, .code = 200, .external_id = span_of(f ? f->uid : NULL)};

    a->facts.is_shown = true;
    a->is_unsure = false;
    if (f && f->conversation)
        a->front_conversation = mem_strdup(f->conversation);
    attempt_learn(a, &r->channel->account->breaker, &o);
    attempt_settle(a, &o);
    relay_free(r);
}

static void end_later(struct relay *r)
{
    struct attempt *a = r->attempt;
    struct outcome o = {.kind = OUTCOME_RETRY,
                        .is_unreachable = lookup_is_unreachable(r->lookup),
                        .reason = span_of(lookup_reason(r->lookup))};

    attempt_learn(a, &r->channel->account->breaker, &o);
    attempt_settle(a, &o);
    relay_free(r);
}

static void end_unknown(struct relay *r)
{
    struct buf why;

    buf_init(&why, REASON_MAX);
    buf_addf(
        &why,
        "Front may have this message or not: its answer was lost, and looking was not possible (%s) Look in "
        "Front: if the message is not there, retry sends it again; if it is, drop it here",
        lookup_reason(r->lookup));
    r->attempt->facts.is_resendable = false;
    end(r, &(struct outcome){.kind = OUTCOME_UNKNOWN, .reason = buf_span(&why)});
    buf_fini(&why);
}

/* The words of a comment, as they were said before; NULL: it is a message. */
static char *words_of_comment(const struct relay *r)
{
    struct buf body, why;
    struct json doc;
    char *words = NULL;

    if (r->way != &relay_comment)
        return NULL;
    buf_init(&body, PAYLOAD_MAX);
    buf_init(&why, REASON_MAX);
    if (build(r, NULL, &body, &why) == OK) {
        if (json_parse(&doc, buf_span(&body)) == OK)
            words = json_dup(json_get(json_root(&doc), "body"), PAYLOAD_MAX);
        json_fini(&doc);
    }
    buf_fini(&body);
    buf_fini(&why);
    return words;
}

static void begin_lookup(struct relay *r)
{
    char *comment = words_of_comment(r);

    r->lookup = lookup_new(&(struct lookup_order){.channel = r->channel,
                                                  .id = r->id,
                                                  .handle = r->customer,
                                                  .conversation = r->conversation,
                                                  .comment = comment,
                                                  .is_from_agent = r->is_from_agent,
                                                  .unsure_at = r->unsure_at,
                                                  .lost_at = r->lost_at,
                                                  .sent_at = comment ? 0 : r->sent_at,
                                                  .on_turn = on_turn,
                                                  .arg = r});
    free(comment);
    queue_of(r)->looking_n++; /* there is room for another: whoever claimed this one looks again */
}

/* It was not there, or whoever runs the bridge would rather have it twice. */
static enum progress post_again(struct relay *r)
{
    end_lookup(r);
    r->is_again = true;
    r->attempt->is_unsure = false;
    return STEP_PASSED;
}

/* ---- Signs ---- */

/* It goes on where the message is that it is about; then nothing is to be learnt of its own thread. */
static void move_to(struct relay *r, const char *thread_ref, const char *conversation)
{
    if (thread_ref && (!r->thread_ref || strcmp(r->thread_ref, thread_ref) != 0)) {
        free(r->thread_ref);
        r->thread_ref = mem_strdup(thread_ref);
        r->attempt->is_elsewhere = true;
    }
    if (conversation) {
        free(r->conversation);
        r->conversation = mem_strdup(conversation);
    }
}

/* A comment needs a conversation and the token; a conversation that is new is soon learnt. False: not yet. */
static bool choose_form(struct relay *r)
{
    bool may_comment = about_form(r->about) == SIGN_AS_COMMENT && r->channel->account->config->token;

    if (may_comment && r->conversation)
        r->way = &relay_comment;
    return !may_comment || r->conversation || clock_wall_ms() - r->created_at > COMMENT_WAITS_MS;
}

/* The message that a sign is about: it decides where, and as what, the sign is told. */
static enum progress find_about(struct relay *r)
{
    if (!r->about)
        return STEP_PASSED;
    switch (about_go_on(r->about)) {
    case ABOUT_ASKS:
        return STEP_TAKEN;
    case ABOUT_LATER:
        end(r, &(struct outcome){.kind = OUTCOME_RETRY, .reason = SPAN_LIT("the store could not be read")});
        return STEP_TAKEN;
    case ABOUT_KNOWN:
        move_to(r, about_thread(r->about), about_conversation(r->about));
        if (choose_form(r))
            return STEP_PASSED;
        end(r, &(struct outcome){.kind = OUTCOME_RETRY,
                                 .reason = SPAN_LIT("Front does not show yet which conversation it is in")});
        return STEP_TAKEN;
    }
    never("a message is asked for, known, or not to be had");
}

/* Whether Front has it from an attempt whose answer was lost. */
static enum progress look_first(struct relay *r)
{
    int64_t wait_ms;

    if (!r->attempt->is_unsure || r->way->is_deduplicated)
        return STEP_PASSED;
    if (!r->lookup)
        begin_lookup(r);
    switch (lookup_go_on(r->lookup, &wait_ms)) {
    case LOOKUP_WAITS:
        wait_for(r, wait_ms);
        return STEP_TAKEN;
    case LOOKUP_ASKS:
        return STEP_TAKEN;
    case LOOKUP_FOUND:
        end_shown(r, lookup_finding(r->lookup));
        return STEP_TAKEN;
    case LOOKUP_ABSENT:
        return post_again(r);
    case LOOKUP_LATER:
        end_later(r);
        return STEP_TAKEN;
    case LOOKUP_IMPOSSIBLE:
        if (r->channel->config->when_unsure == UNSURE_RESEND)
            return post_again(r);
        end_unknown(r);
        return STEP_TAKEN;
    }
    never("a lookup has one of six states");
}

/* The teammate behind an agent's e-mail address; the message goes without, rather than not at all. */
static enum progress find_author(struct relay *r)
{
    const char *id;

    if (!r->author_email || r->way == &relay_comment)
        return STEP_PASSED;
    if (!author_find(r->channel, r->author_email, &id))
        return is_patient(r) ? STEP_WAITS : STEP_PASSED;
    r->author_id = id ? mem_strdup(id) : NULL;
    return STEP_PASSED;
}

/* The inbox, where the call needs one. */
static enum progress find_place(struct relay *r)
{
    const char *why;

    if (r->way->of != OF_INBOX)
        return STEP_PASSED;
    const struct place *place = place_of(r->channel, &why);
    if (place && place->inbox)
        return STEP_PASSED;
    if (!place && is_patient(r))
        return STEP_WAITS;
    if (!place)
        end(r, &(struct outcome){
                   .kind = OUTCOME_RETRY, .retry_after_ms = PLACE_AGAIN_MS, .reason = span_of(why)});
    else
        end(r,
            &(struct outcome){
                .kind = OUTCOME_REJECTED,
                .reason = SPAN_LIT("Front shows no inbox for this channel, which takes what agents wrote")});
    return STEP_TAKEN;
}

/* Whose call it is. */
static const char *target_of(const struct relay *r, const struct place *place)
{
    switch (r->way->of) {
    case OF_CHANNEL:
        return channel_front_id(r->channel);
    case OF_INBOX:
        return place->inbox;
    case OF_MESSAGE:
        return r->attempt->source_id + sizeof STORE_SEEN - 1;
    case OF_CONVERSATION:
        return r->conversation;
    }
    never("a call is of one of four things");
}

static enum progress post(struct relay *r)
{
    const struct place *place = r->way->of == OF_INBOX ? place_of(r->channel, NULL) : NULL;
    struct buf body, why;

    buf_init(&body, PAYLOAD_MAX);
    buf_init(&why, REASON_MAX);
    if (build(r, place ? place->address : NULL, &body, &why) == OK)
        call(r, target_of(r, place), buf_span(&body));
    else
        end(r, &(struct outcome){.kind = OUTCOME_REJECTED, .is_unsent = true, .reason = buf_span(&why)});
    buf_fini(&body);
    buf_fini(&why);
    return STEP_TAKEN;
}

static enum progress (*const steps[])(struct relay *r) = {find_about, look_first, find_author, find_place,
                                                          post};

static void go_on(struct relay *r)
{
    enum progress p = STEP_PASSED;

    while (p == STEP_PASSED) {
        p = steps[r->step](r);
        if (p == STEP_PASSED) {
            r->step++;
            r->waits_since = clock_mono_ms();
        }
    }
    if (p == STEP_WAITS)
        wait_for(r, LOOK_MS);
}

/* Why nothing may leave now; NULL: it may. */
static const char *why_not(const struct channel *ch)
{
    return ch->bridge->is_stopping ? "the bridge is stopping"
           : channel_is_closed(ch) ? "the channel is deleted in Front"
                                   : NULL;
}

static void put_back(struct relay *r, const char *why)
{
    end(r, &(struct outcome){.kind = OUTCOME_RETRY, .is_unsent = true, .reason = span_of(why)});
}

/* Goes on after a pause. */
static void on_turn(void *arg)
{
    struct relay *r = arg;
    const char *why = why_not(r->channel);

    if (r->is_shown)
        end_shown(r, NULL);
    else if (why)
        put_back(r, why);
    else
        go_on(r);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    on_turn(arg);
}

void relay_start(struct channel *ch, struct store_message *m)
{
    struct relay *r = relay_new(ch, m);
    const char *why = why_not(ch);
    struct outcome instead;

    if (why) { /* claimed just before; the client may be gone */
        put_back(r, why);
    } else if (!r->way->call) {
        instead = (struct outcome){.kind = OUTCOME_REJECTED,
                                   .is_unsent = true,
                                   .reason = SPAN_LIT("Front has no call for what this is")};
        end(r, &instead);
    } else if (staging_withholds(ch->config, m, &instead)) {
        end(r, &instead);
    } else {
        r->waits_since = clock_mono_ms();
        go_on(r);
    }
}

void relay_shown(struct channel *ch, int64_t id)
{
    struct relay *r;

    LIST_FOREACH(r, &ch->relays, link)
    if (r->attempt->facts.id == id && !r->is_posted) {
        r->is_shown = true;
        if (evtimer_pending(r->timer, NULL))
            wait_for(r, 0);
    }
}

void relay_close(struct channel *ch)
{
    for (struct relay *r = LIST_FIRST(&ch->relays), *next; r; r = next) {
        next = LIST_NEXT(r, link);
        if (evtimer_pending(r->timer, NULL) || about_is_asking(r->about))
            put_back(r, "the bridge is stopping");
    }
}
