/* Parameters of the endpoints of a sign-in, however they come. */
#include "base/mem.h"
#include "bridge/oauth_endpoint.h"
#include "http/text.h"

enum { BODY_MAX = 16 << 10 };

void oauth_params_init(struct oauth_params *p, const struct http_exchange *x)
{
    *p = (struct oauth_params){0};
    if (span_is(http_method(x), "POST")) {
        p->is_json = http_media_type_is(http_header(x, "Content-Type"), "application/json");
        bool is_form =
            http_media_type_is(http_header(x, "Content-Type"), "application/x-www-form-urlencoded");
        p->is_bad = !(p->is_json || is_form) || http_body(x).n > BODY_MAX;
        p->form = p->is_bad || p->is_json ? SPAN_NONE : http_body(x);
        if (p->is_json && !p->is_bad)
            p->is_bad = json_parse(&p->doc, http_body(x)) != OK;
    } else {
        p->form = http_query(x);
    }
}

void oauth_params_fini(struct oauth_params *p)
{
    json_fini(&p->doc);
}

struct span oauth_param(struct oauth_params *p, const char *key, struct buf *value)
{
    bool is_there, is_read;

    buf_clear(value);
    buf_add(value, "", 0);
    if (p->is_json) {
        struct jval v = p->is_bad ? (struct jval){0} : json_get(json_root(&p->doc), key);
        is_there = json_has(v);
        is_read = is_there && json_str(v, value) == OK;
    } else {
        struct span encoded = http_query_find(p->form, key);
        is_there = encoded.p != NULL;
        is_read = is_there && http_percent_decode(encoded, true, value) == OK && !value->is_over;
    }
    p->is_bad |= is_there && !is_read;
    return is_read ? buf_span(value) : SPAN_NONE;
}

void oauth_wipe(struct buf *b)
{
    if (b->p)
        mem_wipe(b->p, b->cap);
    buf_fini(b);
}
