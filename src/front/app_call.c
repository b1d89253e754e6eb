/*
 * Envelopes of an app's calls to fields, and answers to text. It refuses to know which channel is meant.
 */
#include "front/app_call.h"
#include "base/mem.h"
#include <string.h>

/* Front's documents do not say where a page token stands in the request: the likely places, in this order. */
static const struct field {
    const char *path;
    size_t at, max_bytes;
    bool may_be_odd; /* what we can do without: as good as absent */
} fields[] = {
    {"payload.channel_id", offsetof(struct app_call, channel_id), APP_CALL_ID_MAX, false},
    {"payload.address", offsetof(struct app_call, address), APP_CALL_TEXT_MAX, false},
    {"pagination.page_token", offsetof(struct app_call, page_token), APP_CALL_ID_MAX, false},
    {"pagination.next_page_token", offsetof(struct app_call, page_token), APP_CALL_ID_MAX, false},
    {"payload.pagination.page_token", offsetof(struct app_call, page_token), APP_CALL_ID_MAX, false},
    {"payload.pagination.next_page_token", offsetof(struct app_call, page_token), APP_CALL_ID_MAX, false},
    {"payload.page_token", offsetof(struct app_call, page_token), APP_CALL_ID_MAX, false},
    {"payload.next_page_token", offsetof(struct app_call, page_token), APP_CALL_ID_MAX, false},
    {"page_token", offsetof(struct app_call, page_token), APP_CALL_ID_MAX, false},
    {"payload.message_uid", offsetof(struct app_call, message_uid), APP_CALL_ID_MAX, false},
    {"payload.metadata.external_id", offsetof(struct app_call, external_id), APP_CALL_ID_MAX, false},
    {"metadata.external_id", offsetof(struct app_call, external_id), APP_CALL_ID_MAX, false},
    {"payload.id", offsetof(struct app_call, message_id), APP_CALL_ID_MAX, true},
    {"payload._links.related.conversation", offsetof(struct app_call, conversation), APP_CALL_TEXT_MAX, true},
};

static bool has_control(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

static enum err take(const struct field *f, struct jval v, struct app_call *c, struct buf *why)
{
    char *to = (char *)c + f->at;
    struct buf scratch;

    if (!json_has(v) || *to || (f->may_be_odd && json_type(v) != JSON_STRING))
        return OK;
    if (json_type(v) != JSON_STRING) {
        buf_addf(why, "%s is not a string.", f->path);
        return ERR_INVALID;
    }
    buf_init(&scratch, f->max_bytes + 1);
    struct span s = json_span(v, &scratch);
    enum err e = scratch.is_over || s.n > f->max_bytes ? ERR_LIMIT : has_control(s) ? ERR_INVALID : OK;
    if (e && f->may_be_odd)
        e = OK;
    else if (e == ERR_LIMIT)
        buf_addf(why, "%s is longer than %zu bytes.", f->path, f->max_bytes);
    else if (e)
        buf_addf(why, "%s contains control characters.", f->path);
    else if (s.n > 0)
        memcpy(to, s.p, s.n);
    buf_fini(&scratch);
    return e;
}

enum err app_call_read(struct app_call *c, struct jval root, struct buf *why)
{
    *c = (struct app_call){0};
    for (const struct field *f = fields; f < fields + ARRAY_LEN(fields); f++) {
        enum err e = take(f, json_path(root, f->path), c, why);
        if (e)
            return e;
    }
    return OK;
}

void front_answer_webhook(struct buf *out, struct span url)
{
    struct jout j;

    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "type", "success");
    jout_kv_span(&j, "webhook_url", url);
    jout_object_end(&j);
}

enum err app_addresses_page(const struct app_address **page, size_t *n, const char *token, const char **next)
{
    const struct app_address *all = *page;
    size_t first = 0, left;

    for (size_t i = 0; *token && i < *n; i++)
        if (strcmp(all[i].name, token) == 0)
            first = i + 1;
    if (*token && first == 0)
        return ERR_INVALID;
    left = *n - first;
    *page = all + first;
    *n = left < APP_ADDRESSES_PAGE ? left : APP_ADDRESSES_PAGE;
    *next = left > APP_ADDRESSES_PAGE ? all[first + APP_ADDRESSES_PAGE - 1].name : NULL;
    return OK;
}

void front_answer_addresses(struct buf *out, const struct app_address *a, size_t n,
                            const char *next_page_token)
{
    struct jout j;

    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "type", "success");
    jout_key(&j, "addresses");
    jout_array(&j);
    for (size_t i = 0; i < n; i++) {
        jout_object(&j);
        jout_kv_str(&j, "address", a[i].address);
        jout_kv_str(&j, "name", a[i].name);
        jout_object_end(&j);
    }
    jout_array_end(&j);
    if (next_page_token) {
        jout_key(&j, "pagination");
        jout_object(&j);
        jout_kv_str(&j, "next_page_token", next_page_token);
        jout_object_end(&j);
    }
    jout_object_end(&j);
}
