/*
 * Decides what a line of history may say and how Front is told it. What a message of the wire may say is incoming.c's;
 * here is what the past adds. Invariant: what history_read accepted, the builders can build.
 */
#include "front/history.h"
#include "base/mem.h"
#include "front/sign.h"
#include "front/thread.h"
#include "front/phone.h"
#include "front/posting.h"
#include <stdlib.h>
#include <time.h>

enum { BODY_MAX = 9 << 20, TIME_MAX = 40 };
#define MILLISECONDS_SINCE                                                                                   \
    INT64_C(100000000000) /* 1973: more than that many seconds is meant as milliseconds */

/* ---- Times ---- */

/* Digits after the point, of which three count. */
static const char *read_fraction(const char *p, wall_ms_t *ms)
{
    int64_t unit = 100;

    if (*p != '.' && *p != ',')
        return p;
    for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
        *ms += (*p - '0') * unit;
    return p;
}

/* A day that the month does not have is none. */
static bool is_real(struct tm said, time_t *at)
{
    struct tm is = said;

    *at = timegm(&is); /* which makes it real */
    return is.tm_mon == said.tm_mon && is.tm_mday == said.tm_mday && is.tm_hour == said.tm_hour;
}

static enum err read_iso(const char *text, wall_ms_t *at)
{
    struct tm tm = {0}, zone = {0};
    const char *p = strptime(text, "%Y-%m-%d", &tm);
    wall_ms_t ms = 0;

    if (p && (*p == 'T' || *p == 't' || *p == ' '))
        p = strptime(p + 1, "%H:%M", &tm);
    else
        p = NULL;
    if (p && *p == ':')
        p = strptime(p, ":%S", &tm);
    if (!p)
        return ERR_INVALID;
    p = read_fraction(p, &ms);
    p = *p == ' ' ? NULL : strptime(*p == 'z' ? "Z" : p, "%z", &zone);
    time_t seconds;
    if (!p || *p || !is_real(tm, &seconds))
        return ERR_INVALID;
    *at = ((wall_ms_t)seconds - zone.tm_gmtoff) * SECOND_MS + ms;
    return OK;
}

enum err history_time(struct jval v, wall_ms_t *at)
{
    char *text;

    if (json_type(v) != JSON_STRING)
        return json_millis(v, at);
    text = json_dup(v, TIME_MAX);
    enum err e = text ? read_iso(text, at) : ERR_INVALID;
    free(text);
    return e;
}

/* ---- The check ---- */

static enum err say(struct buf *why, const char *sentence)
{
    buf_add_str(why, sentence);
    return ERR_INVALID;
}

static enum err check_time(struct jval v, wall_ms_t now, struct buf *why)
{
    wall_ms_t at;

    if (!json_has(v))
        return say(why, "created_at is missing");
    if (history_time(v, &at) != OK || at < 0)
        return say(why, "created_at is no time: give Unix seconds, or 2024-01-31T09:30:00Z with Z or +01:00");
    if (at <= now + DAY_MS)
        return OK;
    bool is_in_ms = at / 1000 > MILLISECONDS_SINCE && at / 1000 <= now + DAY_MS;
    return say(why,
               is_in_ms ? "created_at is in milliseconds: give Unix seconds" : "created_at is in the future");
}

static enum err check_tag(struct jval v, struct buf *why)
{
    char *text = json_dup(v, HISTORY_TAG_MAX);
    bool is_good = text && *text;

    free(text);
    return is_good ? OK : say(why, "a tag must be a string of 1 to 200 bytes");
}

static enum err check_tags(struct jval tags, struct buf *why)
{
    if (!json_has(tags))
        return OK;
    if (json_type(tags) != JSON_ARRAY || json_len(tags) > HISTORY_TAGS_MAX)
        return say(why, "tags must be a list of at most 20 names");
    for (struct jval v = json_first(tags); v.doc; v = json_next(v)) {
        enum err e = check_tag(v, why);
        if (e)
            return e;
    }
    return OK;
}

/* What only a custom channel's call has a place for; elsewhere it is not left out in silence. */
static const struct choice {
    const char *key;
    bool is_switch;
} choices[] = {{"tags", false}, {"archived", true}, {"skip_rules", true}};

static enum err check_choices(struct jval root, enum channel_kind kind, struct buf *why)
{
    for (const struct choice *c = choices; c < choices + ARRAY_LEN(choices); c++) {
        struct jval v = json_get(root, c->key);
        if (!json_has(v))
            continue;
        if (kind == CHANNEL_APPLICATION)
            buf_addf(why, "%s is for custom channels: Front does not take it for an application channel",
                     c->key);
        else if (c->is_switch && json_type(v) != JSON_BOOL)
            buf_addf(why, "%s must be true or false", c->key);
        if (why->n > 0)
            return ERR_INVALID;
    }
    return OK;
}

static enum err check_id(struct jval v, struct buf *why)
{
    char *id = json_dup(v, INCOMING_ID_MAX);
    bool is_good = id && *id;

    free(id);
    return is_good ? OK : say(why, "id is missing or empty: it is what a line is known by");
}

/* Lines of an inbound direction may say who they were for, too. */
static enum err check_to(struct jval to, struct buf *why)
{
    if (!json_has(to))
        return OK;
    if (json_type(to) != JSON_ARRAY || json_len(to) > INCOMING_TO_MAX)
        return say(why, "to must be a list of at most 50 objects with a handle");
    for (struct jval v = json_first(to); v.doc; v = json_next(v)) {
        char *handle = json_dup(json_get(v, "handle"), INCOMING_HANDLE_MAX);
        bool is_good = handle && *handle;
        free(handle);
        if (!is_good)
            return say(why, "to must hold objects with a handle of at most 512 bytes");
    }
    return OK;
}

static enum err check(struct jval root, enum channel_kind kind, wall_ms_t now, struct buf *why)
{
    if (sign_of(root) != SIGN_NONE)
        return say(
            why, "history holds messages alone: write each as it reads in the end, and leave out this line");
    enum err e = enclosures_check(json_get(root, "attachments"), false, why);
    if (!e)
        e = incoming_check_root(root, why);
    if (!e)
        e = check_id(json_get(root, "id"), why);
    if (!e)
        e = check_time(json_get(root, "created_at"), now, why);
    if (!e)
        e = check_to(json_get(root, "to"), why);
    if (!e)
        e = check_choices(root, kind, why);
    return e ? e : check_tags(json_get(root, "tags"), why);
}

/* ---- Reading ---- */

static void add_string(struct jval v, struct buf *out)
{
    if (json_str(v, out) != OK)
        buf_clear(out);
}

static void read_files(struct history *h, struct jval list)
{
    if (json_len(list) == 0)
        return;
    h->files = mem_zalloc(sizeof *h->files);
    enclosures_read(list, NULL, FRONT_UPLOAD_MAX, h->files);
}

enum err history_read(struct history *h, struct span line, enum channel_kind kind, wall_ms_t now,
                      struct buf *why)
{
    struct json doc;

    buf_init(&h->id, INCOMING_ID_MAX);
    buf_init(&h->customer, INCOMING_HANDLE_MAX);
    buf_init(&h->spelling, INCOMING_HANDLE_MAX);
    buf_init(&h->conversation, INCOMING_ID_MAX);
    buf_init(&h->reply_to, INCOMING_ID_MAX);
    h->files = NULL;
    enum err e = json_parse(&doc, line);
    struct jval root = e ? (struct jval){0} : json_root(&doc);
    if (e)
        buf_addf(why, "it is not JSON: %s at byte %zu", doc.error, doc.error_at);
    else
        e = check(root, kind, now, why);
    if (!e) {
        add_string(json_get(root, "id"), &h->id);
        add_string(json_get(root, "conversation_id"), &h->conversation);
        add_string(json_get(root, "in_reply_to"), &h->reply_to);
        add_string(incoming_is_from_agent(root) ? json_get(json_first(json_get(root, "to")), "handle")
                                                : json_path(root, "sender.handle"),
                   &h->customer);
        read_files(h, json_get(root, "attachments"));
    }
    json_fini(&doc);
    return e;
}

enum err history_phone(struct history *h, struct buf *why)
{
    struct buf number;

    buf_init(&number, INCOMING_HANDLE_MAX);
    enum err e = phone_write(buf_span(&h->customer), &number);
    if (e) {
        buf_add_str(why, "the customer's handle " PHONE_REFUSAL);
        buf_fini(&number);
        return e;
    }
    h->spelling = h->customer;
    h->customer = number;
    return OK;
}

void history_fini(struct history *h)
{
    buf_fini(&h->id);
    buf_fini(&h->customer);
    buf_fini(&h->spelling);
    buf_fini(&h->conversation);
    buf_fini(&h->reply_to);
    if (h->files)
        enclosures_fini(h->files);
    free(h->files);
}

/* ---- The bodies of calls ---- */

static void put_time(struct posting *p, const char *key)
{
    wall_ms_t at = 0;

    if (history_time(json_get(p->root, "created_at"), &at) == OK)
        jout_kv_i64(&p->j, key, at / 1000);
}

/* ---- Custom channels ---- */

/*
 * Front says of body_format that only e-mail may have it, and that a body is Markdown without it. So the HTML stands in
 * one element without an empty line, which Markdown leaves as it is: it is right whether Front renders it or not.
 */
static void add_block(struct span html, struct buf *out)
{
    bool is_empty = false; /* the line, so far */

    buf_add_str(out, "<div>");
    for (size_t i = 0; i < html.n; i++) {
        char c = html.p[i];
        if (c == '\r')
            buf_add_str(out, "&#13;");
        else if (c == '\n' && is_empty)
            buf_add_str(out, "&#10;");
        else
            buf_add_char(out, c);
        is_empty = c == '\n' ? !is_empty : is_empty && (c == ' ' || c == '\t');
    }
    buf_add_str(out, "</div>");
}

static bool put_block(struct posting *p)
{
    struct buf html, block;

    buf_init(&html, BODY_MAX);
    buf_init(&block, 2 * BODY_MAX);
    bool is_whole = posting_html(p, &html);
    add_block(buf_span(&html), &block);
    jout_kv_span(&p->j, "body", buf_span(&block));
    is_whole = is_whole && !block.is_over;
    buf_fini(&html);
    buf_fini(&block);
    return is_whole;
}

/* Imported threads are apart from all others in Front; agents' messages of today are imported too, and must not end up
 * in an archived conversation of last year. */
static void put_thread(struct posting *p)
{
    struct buf name, ref;

    buf_init(&name, 4096);
    buf_init(&ref, FRONT_REF_MAX);
    buf_addf(&name, "history:%s", p->in->thread_ref);
    front_ref(buf_span(&name), &ref);
    jout_kv_span(&p->j, "thread_ref", buf_span(&ref));
    buf_fini(&name);
    buf_fini(&ref);
}

static bool write_custom(struct posting *p)
{
    bool is_inbound = !incoming_is_from_agent(p->root);

    posting_imported_sender(p, is_inbound);
    /* Front wants somebody here: where an inbound line says nobody it is the channel. */
    posting_handles(p, p->in->address ? p->in->address : "channel");
    posting_field(p, "subject", "subject");
    bool is_whole = put_block(p);
    posting_ref(p, "external_id", "id");
    put_time(p, "created_at");
    jout_kv_str(&p->j, "type", "custom");
    if (json_len(json_get(p->root, "tags")) > 0)
        jout_kv_raw(&p->j, "tags", json_raw(json_get(p->root, "tags")));
    posting_known(p, "conversation_id", p->in->conversation);
    jout_key(&p->j, "metadata");
    jout_object(&p->j);
    if (!p->in->conversation) /* which would make Front forget thread_ref */
        put_thread(p);
    jout_kv_bool(&p->j, "is_inbound", is_inbound);
    jout_kv_bool(&p->j, "is_archived", json_bool(json_get(p->root, "archived"), true));
    jout_kv_bool(&p->j, "should_skip_rules", json_bool(json_get(p->root, "skip_rules"), true));
    jout_object_end(&p->j);
    return is_whole;
}

/* ---- Application channels ---- */

static bool write_application(struct posting *p)
{
    struct buf html;

    buf_init(&html, BODY_MAX);
    if (incoming_is_from_agent(p->root)) {
        posting_field(p, "sender_name", "sender.name");
        posting_customers(p);
        posting_known(p, "author_id", p->in->author_id);
    } else {
        posting_person(p, "sender", json_get(p->root, "sender"), true);
    }
    posting_field(p, "subject", "subject");
    bool is_whole = posting_html(p, &html);
    jout_kv_span(&p->j, "body", buf_span(&html));
    jout_key(&p->j, "metadata");
    jout_object(&p->j);
    jout_kv_str(&p->j, "external_id",
                p->in->id); /* ours, as for live messages: what Front shows is known by it */
    jout_kv_str(&p->j, "external_conversation_id", p->in->thread_ref);
    posting_known(p, "referenced_message_external_id", p->in->reply_to);
    jout_object_end(&p->j);
    put_time(p, "delivered_at");
    buf_fini(&html);
    return is_whole;
}

static enum err build(const struct incoming *in, enum channel_kind kind, bool write(struct posting *),
                      struct buf *out, struct buf *why)
{
    struct json doc;
    enum err e = json_parse(&doc, in->wire);

    if (e)
        buf_add_str(why, "The stored line is not JSON");
    else
        e = check(json_root(&doc), kind, INT64_MAX / 2, why);
    if (!e) {
        struct posting p = {.root = json_root(&doc), .in = in};
        jout_init(&p.j, out);
        jout_object(&p.j);
        e = write(&p) ? OK : ERR_LIMIT;
        jout_object_end(&p.j);
    }
    json_fini(&doc);
    return e;
}

enum err history_custom(const struct incoming *in, struct buf *out, struct buf *why)
{
    return build(in, CHANNEL_CUSTOM, write_custom, out, why);
}

enum err history_application(const struct incoming *in, struct buf *out, struct buf *why)
{
    return build(in, CHANNEL_APPLICATION, write_application, out, why);
}
