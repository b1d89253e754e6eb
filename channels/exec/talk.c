/*
 * What the program says: a table of kinds, each line a JSON object of one of them.
 *
 * Decides what is believed; a line that is none of ours is logged (never its content) and ignored.
 * Invariant: a message is answered by exactly one "stored", if the program that sent it still runs.
 */
#include "base/mem.h"
#include "exec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REASON_MAX = WIRE_SENTENCE_MAX,
    HEADERS_MAX = 16,
    RETRY_AFTER_MAX_MS = 24 * 3600 * 1000,
    OUTCOME_NAME_MAX = 32
};

struct receiving {
    LIST_ENTRY(receiving) link;
    struct channel *ch;
    unsigned generation;
    char *ref; /* JSON */
};

static void ignore(struct channel *ch, const char *why)
{
    char text[200];
    snprintf(text, sizeof text, "a line of the program is ignored: %s", why);
    channel_noise(ch, FB_LOG_WARN, text);
}

/* The string of a member in one line; empty if there is none. */
static void line_read(struct jval v, char *out, size_t out_n)
{
    struct buf scratch;
    buf_init(&scratch, LINE_MAX_BYTES);
    *out = '\0';
    wire_line(json_span(v, &scratch), out, out_n);
    buf_fini(&scratch);
}

/* "7" as it was given, or 7. */
static bool token_read(struct jval v, uint64_t *token)
{
    struct buf scratch;
    if (json_type(v) == JSON_NUMBER)
        return span_u64(json_raw(v), token);
    buf_init(&scratch, 64);
    bool is_number = span_u64(json_span(v, &scratch), token);
    buf_fini(&scratch);
    return is_number;
}

static struct call *call_of(struct channel *ch, struct jval line, bool is_request)
{
    uint64_t token = 0;
    bool is_number = token_read(json_get(line, "token"), &token);
    struct call *c = is_number ? calls_sent(ch, token, is_request) : NULL;
    if (!c)
        ignore(ch, "its token is not open (answered before, or too late)");
    return c;
}

/* ---- Outcome ---- */

static const struct {
    const char *name;
    uint32_t kind;
    const char *reason; /* when the program gives none */
} outcomes[] = {
    {"delivered", FB_DELIVERED, NULL},
    {"retry", FB_RETRY, "The channel's program cannot take the message now."},
    {"rejected", FB_REJECTED, "The chat system refused the message."},
    {"hold", FB_HOLD, "The channel's program asks an operator to look at the message."},
    {"unknown", FB_UNKNOWN, "The channel's program does not know whether the message arrived."},
    {NULL, FB_UNKNOWN, "The channel's program answered with an outcome that does not exist."},
};

/* Its name may be logged if it looks like one: what else stands there may be part of a message. */
static void complain_of_outcome(struct channel *ch, struct jval outcome)
{
    char name[OUTCOME_NAME_MAX + 2], text[120];
    line_read(outcome, name, sizeof name);
    if (!*name || strlen(name) > OUTCOME_NAME_MAX || name[strspn(name, "_-abcdefghijklmnopqrstuvwxyz")])
        strcpy(name, "?");
    snprintf(text, sizeof text, "the program answered with the outcome \"%s\", which does not exist", name);
    channel_noise(ch, FB_LOG_WARN, text);
}

static void on_outcome(struct channel *ch, struct jval line)
{
    char reason[REASON_MAX], external_id[WIRE_ID_MAX + 1], conversation_id[WIRE_ID_MAX + 1];
    struct call *c = call_of(ch, line, false);
    int64_t retry_after_ms;
    size_t i = 0;
    if (!c)
        return;
    while (outcomes[i].name && !json_is(json_get(line, "outcome"), outcomes[i].name))
        i++;
    struct fb_outcome o = {.size = sizeof o, .kind = outcomes[i].kind, .reason = outcomes[i].reason};
    if (!outcomes[i].name)
        complain_of_outcome(ch, json_get(line, "outcome"));
    line_read(json_get(line, "reason"), reason, sizeof reason);
    if (*reason && outcomes[i].name)
        o.reason = reason;
    if (o.kind == FB_DELIVERED && wire_id(json_get(line, "external_id"), external_id))
        o.external_id = external_id;
    if (o.kind == FB_DELIVERED && wire_id(json_get(line, "conversation_id"), conversation_id))
        o.conversation_id = conversation_id;
    if (o.kind == FB_RETRY && json_bool(json_get(line, "unreachable"), false))
        o.flags = FB_OUTCOME_UNREACHABLE;
    if (o.kind == FB_RETRY && !json_millis(json_get(line, "retry_after"), &retry_after_ms) &&
        retry_after_ms > 0)
        o.retry_after_ms = retry_after_ms < RETRY_AFTER_MAX_MS ? retry_after_ms : RETRY_AFTER_MAX_MS;
    call_complete(ch, c, &o);
}

/* ---- Receive and receipt ---- */

/* What has no id was nothing to keep: typing. */
static const char *status_name(const struct fb_stored *s)
{
    bool is_never = s->status == FB_ERR_INVALID || s->status == FB_ERR_NOT_FOUND;
    if (s->status == FB_OK)
        return s->id ? "accepted" : "ignored";
    return is_never ? "invalid" : "retry";
}

static void stored_write(struct channel *ch, const char *ref, const struct fb_stored *s)
{
    struct jout j;
    if (ch->child.in < 0)
        return;
    if (!program_unread(ch))
        ch->wrote_at = clock_mono_ms();
    jout_init(&j, &ch->out);
    jout_object(&j);
    jout_kv_str(&j, "type", "stored");
    jout_kv_raw(&j, "ref", span_of(ref));
    jout_kv_str(&j, "status", status_name(s));
    if (s->status == FB_OK && s->id) {
        jout_kv_str(&j, "id", s->id);
        jout_kv_bool(&j, "duplicate", s->is_duplicate);
    } else if (s->status != FB_OK) {
        jout_kv_str(&j, "error", s->message ? s->message : "Send it again later.");
    }
    jout_object_end(&j);
    buf_add_char(&ch->out, '\n');
    must(!ch->out.is_over);
}

static void receiving_free(struct receiving *r)
{
    LIST_REMOVE(r, link);
    r->ch->receiving_n--;
    free(r->ref);
    free(r);
}

static void on_stored(void *arg, const struct fb_stored *s)
{
    struct receiving *r = arg;
    struct channel *ch = r->ch;
    if (r->generation == ch->generation && program_is_up(ch))
        stored_write(ch, r->ref, s);
    receiving_free(r);
    program_pump(ch);
}

/* ref is echoed as it stands; what is no string or number, or too long, as null. */
static char *ref_read(struct jval v)
{
    struct span raw = json_raw(v);
    bool is_fit = (json_type(v) == JSON_STRING || json_type(v) == JSON_NUMBER) && raw.n <= REF_MAX;
    return span_strdup(is_fit ? raw : SPAN_LIT("null"));
}

static void item_hand_over(struct channel *ch, struct wire_item *item, enum err e, struct jval ref,
                           const char *why)
{
    const struct fb_host *host = ch->host;
    struct receiving *r = mem_zalloc(sizeof *r);
    *r = (struct receiving){.ch = ch, .generation = ch->generation, .ref = ref_read(ref)};
    LIST_INSERT_HEAD(&ch->receivings, r, link);
    ch->receiving_n++;
    int result = e == ERR_IO        ? FB_ERR_FAILED
                 : e                ? FB_ERR_INVALID
                 : item->is_receipt ? host->receipt(host, &item->receipt, on_stored, r)
                                    : host->receive(host, &item->inbound, on_stored, r);
    if (result == FB_OK)
        return;
    const struct fb_stored refused = {.size = sizeof refused, .status = result, .message = *why ? why : NULL};
    stored_write(ch, r->ref, &refused);
    receiving_free(r);
}

static void item_read(struct channel *ch, struct jval line,
                      enum err (*read)(struct jval, struct wire_item *, struct buf *))
{
    struct wire_item item;
    struct buf why;
    buf_init(&why, REASON_MAX);
    enum err e = read(line, &item, &why);
    item_hand_over(ch, &item, e, json_get(line, "ref"), buf_span(&why).p);
    wire_item_fini(&item);
    buf_fini(&why);
}

static enum err message_read(struct jval line, struct wire_item *item, struct buf *why)
{
    return wire_read_message(line, &(struct wire_also){.takes_paths = true}, item, why);
}

static void on_receive(struct channel *ch, struct jval line)
{
    item_read(ch, line, message_read);
}

static void on_receipt(struct channel *ch, struct jval line)
{
    item_read(ch, line, wire_read_receipt);
}

static void on_sign(struct channel *ch, struct jval line)
{
    item_read(ch, line, wire_read_sign);
}

/* ---- Reply ---- */

struct header_list {
    struct fb_header h[HEADERS_MAX];
    char text[HEADERS_MAX][2][REASON_MAX];
    uint32_t n;
};

static bool is_token(const char *s)
{
    return *s && !s[strspn(s, "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

static void headers_read(struct jval headers, struct header_list *out)
{
    out->n = 0;
    for (struct jval m = json_first(headers); m.doc && out->n < HEADERS_MAX; m = json_next(m)) {
        struct buf scratch;
        char *name = out->text[out->n][0], *value = out->text[out->n][1];
        buf_init(&scratch, REASON_MAX);
        wire_line(json_key(m, &scratch), name, REASON_MAX);
        buf_fini(&scratch);
        line_read(m, value, REASON_MAX);
        if (is_token(name) && strcasecmp(name, "content-length") && strcasecmp(name, "content-type"))
            out->h[out->n++] = (struct fb_header){name, value};
    }
}

static void on_reply(struct channel *ch, struct jval line)
{
    struct call *c = call_of(ch, line, true);
    struct jval body = json_get(line, "body");
    struct header_list headers;
    char type[REASON_MAX];
    int64_t status;
    if (!c)
        return;
    if (json_i64(json_get(line, "status"), &status) || status < 200 || status > 599)
        status = json_has(json_get(line, "status")) ? 500 : 200;
    line_read(json_get(line, "content_type"), type, sizeof type);
    if (json_type(json_get(line, "headers")) == JSON_OBJECT)
        headers_read(json_get(line, "headers"), &headers);
    else
        headers.n = 0;
    char *text = json_dup(body, LINE_MAX_BYTES);
    struct span bytes = text ? span_of(text) : json_type(body) >= JSON_ARRAY ? json_raw(body) : SPAN_NONE;
    const struct fb_reply r = {.size = sizeof r,
                               .status = (int32_t)status,
                               .content_type = *type  ? type
                                               : text ? "text/plain; charset=utf-8"
                                                      : NULL,
                               .body = bytes.p,
                               .body_n = bytes.n,
                               .headers = headers.h,
                               .header_n = headers.n};
    call_reply(ch, c, &r);
    free(text);
}

/* ---- Lines ---- */

static const struct kind {
    const char *type;
    void (*on)(struct channel *ch, struct jval line);
    bool is_stored; /* it is answered by "stored" */
} kinds[] = {{"outcome", on_outcome, false}, {"receive", on_receive, true}, {"receipt", on_receipt, true},
             {"reply", on_reply, false},     {"edit", on_sign, true},       {"delete", on_sign, true},
             {"reaction", on_sign, true},    {"typing", on_sign, true}};

static const struct kind *kind_of(struct jval type)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (json_is(type, kinds[i].type))
            return &kinds[i];
    return NULL;
}

static void line_dispatch(struct channel *ch, struct jval line)
{
    struct jval type = json_get(line, "type");
    if (!json_has(type) && json_has(json_get(line, "outcome"))) {
        on_outcome(ch, line);
        return;
    }
    const struct kind *kind = kind_of(type);
    if (kind)
        kind->on(ch, line);
    else
        ignore(ch, "its `type` is not outcome, receive, receipt, edit, delete, reaction, typing or reply");
}

static void line_read_whole(struct channel *ch, struct span line)
{
    struct json doc;
    char why[120];
    if (!json_parse(&doc, line)) {
        line_dispatch(ch, json_root(&doc));
    } else {
        snprintf(why, sizeof why, "it is not JSON: %.60s (byte %zu)", doc.error ? doc.error : "?",
                 doc.error_at);
        ignore(ch, why);
    }
    json_fini(&doc);
}

/* What was skimmed, as an object of its own: it came from outside, and is read like a line. */
static void skimmed_write(const struct skim *s, struct buf *out)
{
    const struct skim_value *type = &s->type, *ref = &s->ref;
    buf_addf(out, "{\"type\":%.*s,\"ref\":%.*s}", type->n ? (int)type->n : 4, type->n ? type->text : "null",
             ref->n ? (int)ref->n : 4, ref->n ? ref->text : "null");
}

/* Whoever sent it waits for an answer: no, and why. */
static void line_refuse(struct channel *ch)
{
    static const struct fb_stored refused = {
        .size = sizeof refused,
        .status = FB_ERR_INVALID,
        .message = "The line is longer than 2 MiB: name large files by path or url, and cut long texts."};
    struct buf text;
    struct json doc;
    buf_init(&text, 4 * SKIM_BYTES);
    skimmed_write(&ch->skim, &text);
    if (!json_parse(&doc, buf_span(&text))) {
        const struct kind *kind = kind_of(json_get(json_root(&doc), "type"));
        char *ref = ref_read(json_get(json_root(&doc), "ref"));
        if (kind && kind->is_stored)
            stored_write(ch, ref, &refused);
        free(ref);
    }
    json_fini(&doc);
    buf_fini(&text);
}

void talk_line(void *self, struct span bytes, enum line_part part)
{
    struct channel *ch = self;
    if (part == LINE_WHOLE) {
        if (bytes.n)
            line_read_whole(ch, bytes);
        return;
    }
    if (part == LINE_BEGINS) {
        ignore(ch, "it is longer than 2 MiB");
        skim_begin(&ch->skim);
    }
    skim_feed(&ch->skim, bytes);
    if (part == LINE_ENDS)
        line_refuse(ch);
}

void talk_fini(struct channel *ch)
{
    while (!LIST_EMPTY(&ch->receivings))
        receiving_free(LIST_FIRST(&ch->receivings));
}
