/*
 * From the backend: a request to /hooks/CHANNEL is checked step by step, read, handed over, and answered when
 * it is durable.
 *
 * Decides who may speak and what is acceptable; the steps are a table, each ends the request or lets it pass.
 * Invariant: 2xx is said only from on_stored with FB_OK; every request token is replied to exactly once, or
 * is in ch->hooks.
 */
#include "base/mem.h"
#include "http.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_MAX = 600, ANSWER_MAX = 4096, HEADER_MAX = 1000 };

struct hook {
    struct channel *ch;
    fb_token token;
    bool is_receipt;
    uint64_t bytes; /* of its body, if that is a file: the host keeps it until the reply */
    LIST_ENTRY(hook) link;
};

/* A request while it is looked at. */
struct visit {
    struct channel *ch;
    fb_token token;
    const struct fb_request *r;
    struct wire_body body;
    bool is_form;
    struct form form;
    struct json doc;
    struct wire_item item;
    struct buf why;
};

/* ---- Answers ---- */

static void reply_json(const struct channel *ch, fb_token token, int status, const struct buf *json)
{
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", HOOK_RETRY_AFTER_S);
    const struct fb_header extra[] = {
        {"retry-after", seconds}, {"allow", "POST"}, {"www-authenticate", "Bearer"}};
    bool is_later = status == 429 || status == 503;
    struct fb_reply r = {.size = sizeof r, .status = status, .body = json->p, .body_n = json->n};
    if (is_later || status == 405 || (status == 401 && ch->token)) {
        r.headers = is_later ? &extra[0] : status == 405 ? &extra[1] : &extra[2];
        r.header_n = 1;
    }
    ch->host->reply(ch->host, token, &r);
}

static void reply_error(const struct channel *ch, fb_token token, int status, const char *sentence)
{
    struct buf json;
    struct jout j;
    buf_init(&json, ANSWER_MAX);
    jout_init(&j, &json);
    jout_object(&j);
    jout_kv_str(&j, "error", sentence);
    jout_object_end(&j);
    reply_json(ch, token, status, &json);
    buf_fini(&json);
}

/* What has no id was nothing to keep: typing. */
static void reply_stored(const struct hook *h, const struct fb_stored *stored)
{
    bool is_kept = h->is_receipt || stored->id;
    struct buf json;
    struct jout j;
    buf_init(&json, ANSWER_MAX);
    jout_init(&j, &json);
    jout_object(&j);
    if (!h->is_receipt && is_kept)
        jout_kv_str(&j, "id", stored->id);
    jout_kv_str(&j, "status", is_kept ? "accepted" : "ignored");
    jout_object_end(&j);
    reply_json(h->ch, h->token, h->is_receipt || !is_kept || stored->is_duplicate ? 200 : 202, &json);
    buf_fini(&json);
}

/* What the host refused, in HTTP. */
static void reply_refused(const struct channel *ch, fb_token token, int result, const char *message)
{
    static const struct {
        int result, status;
        const char *sentence;
    } refusals[] = {
        {FB_ERR_INVALID, 422,
         "The bridge does not take this message: it is too large or breaks a rule; its log says which."},
        {FB_ERR_NOT_FOUND, 404, "There is no such delivery in this channel."},
        {FB_ERR_FULL, 429, "Too much is waiting already: send it again later."},
        {FB_ERR_CLOSED, 503, "The channel is restarting: send it again in a moment."},
        {FB_ERR_FAILED, 503, "The message could not be stored: send it again later."},
    };
    size_t i = 0;
    while (i < ARRAY_LEN(refusals) - 1 && refusals[i].result != result)
        i++;
    reply_error(ch, token, refusals[i].status, message && *message ? message : refusals[i].sentence);
}

static void hook_free(struct hook *h)
{
    h->ch->hook_bytes -= h->bytes;
    LIST_REMOVE(h, link);
    free(h);
}

static void on_stored(void *arg, const struct fb_stored *stored)
{
    struct hook *h = arg;
    if (stored->status == FB_OK)
        reply_stored(h, stored);
    else
        reply_refused(h->ch, h->token, stored->status, stored->message);
    hook_free(h);
}

/* ---- The steps: 0 lets the request pass, else the status, with a sentence in why ---- */

static int refuse(struct visit *v, int status, const char *sentence)
{
    buf_add_str(&v->why, sentence);
    return status;
}

static const char *header(const struct visit *v, const char *name)
{
    return fb_header_get(v->r->headers, v->r->header_n, name);
}

static int path_check(struct visit *v)
{
    const char *path = v->r->path ? v->r->path : "";
    return !*path || !strcmp(path, "/") ? 0 : refuse(v, 404, "There is nothing below the channel's address.");
}

static int method_check(struct visit *v)
{
    if (!strcmp(v->r->method, "POST"))
        return 0;
    return refuse(
        v, 405, "This address takes what customers write in the chat system: POST it as JSON or as a form.");
}

/* Before the body is looked at: it costs nothing. */
static int token_check(struct visit *v)
{
    const char *given = header(v, "authorization");
    if (!v->ch->token)
        return 0;
    if (!given || strncasecmp(given, "bearer ", 7))
        return refuse(v, 401, "The token is missing: send it as Authorization: Bearer TOKEN.");
    return fb_secret_equal(given + 7, v->ch->token) ? 0 : refuse(v, 401, "The token is wrong.");
}

/* What waits to be stored is bounded, as is what one request brings. */
static uint64_t file_bytes(const struct visit *v)
{
    return v->r->body ? 0 : v->r->body_n;
}

static int body_load(struct visit *v)
{
    if (file_bytes(v) <= HOOK_BODY_MAX && v->ch->hook_bytes + file_bytes(v) > HOOKS_BODY_MAX)
        return refuse(v, 429, "Too many large messages wait to be stored: send it again later.");
    switch (wire_body_load(v->r, HOOK_BODY_MAX, &v->body)) {
    case OK:
        return 0;
    case ERR_LIMIT:
        return refuse(v, 413, "The body is larger than 36 MiB.");
    default:
        return refuse(v, 503, "The body could not be read: send it again.");
    }
}

static int signature_check(struct visit *v)
{
    const char *timestamp = header(v, "webhook-timestamp"), *signature = header(v, "webhook-signature");
    const struct signed_parts parts = {span_of(header(v, "webhook-id")), span_of(timestamp), v->body.bytes};
    uint64_t at;
    if (!v->ch->ring.n)
        return 0;
    if (!parts.id.n || !timestamp || !signature)
        return refuse(v, 401,
                      "The signature is missing: send webhook-id, webhook-timestamp and webhook-signature "
                      "as Standard Webhooks says.");
    if (parts.id.n > HEADER_MAX || strlen(signature) > HEADER_MAX || !span_u64(parts.timestamp, &at))
        return refuse(v, 401, "The signature's headers are malformed: webhook-timestamp is in Unix seconds.");
    if (!signature_fits(&v->ch->ring, &parts, span_of(signature)))
        return refuse(v, 401,
                      "The signature is wrong: sign \"id.timestamp.body\" with the channel's secret.");
    int64_t now = v->ch->host->now_ms(v->ch->host) / 1000;
    if (at > INT64_MAX || (int64_t)at < now - SIGNATURE_WINDOW_S || (int64_t)at > now + SIGNATURE_WINDOW_S)
        return refuse(v, 401, "The signature is stale: webhook-timestamp is more than 5 minutes away.");
    return 0;
}

static bool type_is(const char *given, const char *wanted)
{
    size_t n = given ? strcspn(given, " \t;") : 0;
    return n == strlen(wanted) && !strncasecmp(given, wanted, n);
}

static int type_check(struct visit *v)
{
    const char *type = header(v, "content-type");
    v->is_form = type_is(type, "multipart/form-data");
    if (v->is_form || type_is(type, "application/json"))
        return 0;
    buf_add_str(&v->why, "The body must be JSON or a form: send it as Content-Type: application/json, or as "
                         "multipart/form-data with files");
    if (type && *type)
        buf_addf(&v->why, "; this one has \"%.60s\".", type);
    else
        buf_add_str(&v->why, "; this one has no Content-Type.");
    return 415;
}

static int form_check(struct visit *v)
{
    if (!v->is_form)
        return 0;
    return form_read(&v->form, span_of(header(v, "content-type")), v->body.bytes, &v->why);
}

static int body_parse(struct visit *v)
{
    if (!json_parse(&v->doc, v->is_form ? v->form.json : v->body.bytes))
        return 0;
    buf_addf(&v->why, "%s is not JSON: %s (byte %zu).", v->is_form ? "The form's part `message`" : "The body",
             v->doc.error ? v->doc.error : "it is empty", v->doc.error_at);
    return 400;
}

/* A message without an id of its own has the request's: that is what makes a repeated request harmless. */
static void id_default(struct visit *v)
{
    const char *id = header(v, "webhook-id");
    if (!v->item.is_receipt && !v->item.inbound.id && id && *id && strlen(id) <= WIRE_ID_MAX)
        v->item.inbound.id = id;
}

static int read_refused(enum err e)
{
    return e == ERR_LIMIT ? 413 : e == ERR_IO ? 503 : 422;
}

static int body_read(struct visit *v)
{
    struct jval root = json_root(&v->doc), type = json_get(root, "type");
    const struct wire_also files = {.part = v->form.file, .part_n = v->form.file_n};
    bool is_receipt = json_is(type, "receipt");
    if (json_type(root) != JSON_OBJECT)
        return refuse(v, 422, "The body must be a JSON object.");
    bool is_sign = wire_is_sign(root);
    if (json_has(type) && !is_receipt && !is_sign && !json_is(type, "message"))
        return refuse(v, 422, "`type` must be message, receipt, edit, delete, reaction or typing.");
    if ((is_receipt || is_sign) && files.part_n)
        return refuse(v, 422, "Files are only taken with a message: send them as one.");
    enum err e = is_receipt ? wire_read_receipt(root, &v->item, &v->why)
                 : is_sign  ? wire_read_sign(root, &v->item, &v->why)
                            : wire_read_message(root, &files, &v->item, &v->why);
    if (e)
        return read_refused(e);
    id_default(v);
    return 0;
}

static int (*const steps[])(struct visit *) = {path_check, method_check,    token_check,
                                               body_load,  signature_check, type_check,
                                               form_check, body_parse,      body_read};

static void hand_over(struct visit *v)
{
    const struct fb_host *host = v->ch->host;
    struct hook *h = mem_zalloc(sizeof *h);
    *h = (struct hook){
        .ch = v->ch, .token = v->token, .is_receipt = v->item.is_receipt, .bytes = file_bytes(v)};
    LIST_INSERT_HEAD(&v->ch->hooks, h, link);
    v->ch->hook_bytes += h->bytes;
    int result = h->is_receipt ? host->receipt(host, &v->item.receipt, on_stored, h)
                               : host->receive(host, &v->item.inbound, on_stored, h);
    if (result == FB_OK)
        return;
    hook_free(h);
    reply_refused(v->ch, v->token, result, NULL);
}

void hook_request(void *self, fb_token token, const struct fb_request *r)
{
    struct visit v = {.ch = self, .token = token, .r = r};
    int status = 0;
    buf_init(&v.why, ERROR_MAX);
    for (size_t i = 0; i < ARRAY_LEN(steps) && !status; i++)
        status = steps[i](&v);
    if (status)
        reply_error(v.ch, token, status, buf_span(&v.why).p);
    else
        hand_over(&v);
    wire_item_fini(&v.item);
    json_fini(&v.doc);
    form_fini(&v.form);
    buf_fini(&v.why);
    wire_body_fini(&v.body);
}

void hook_fini(struct channel *ch)
{
    struct hook *h;
    while ((h = LIST_FIRST(&ch->hooks)))
        hook_free(h);
}
