/*
 * Cuts lists into pages. Refuses to know what is listed. Invariant: at <= end <= n.
 */
#include "sim/page.h"
#include <stdio.h>

enum { LIMIT = 50, LIMIT_MAX = 100 };

unsigned sim_page_number(const struct sim_call *c, const char *key, unsigned fallback, unsigned max)
{
    struct buf text;
    uint64_t n = fallback;
    buf_init(&text, 32);
    if (http_query_get(c->x, key, &text) != OK || !span_u64(buf_span(&text), &n) || n > max)
        n = fallback;
    buf_fini(&text);
    return (unsigned)n;
}

static void page_link(struct jout *j, const char *key, const char *path, const char *query)
{
    struct buf text;
    buf_init(&text, 512);
    buf_addf(&text, "%s/%s%s", SIM_LINK_BASE, path, query);
    jout_kv_span(j, key, buf_span(&text));
    buf_fini(&text);
}

void sim_page_open(struct sim_page *p, struct sim_call *c, const char *path, unsigned n)
{
    char tail[64];
    unsigned limit = sim_page_number(c, "limit", LIMIT, LIMIT_MAX);
    limit = limit ? limit : LIMIT;
    p->at = sim_page_number(c, "page_token", 0, n);
    p->end = n - p->at < limit ? n : p->at + limit;
    snprintf(tail, sizeof tail, "?limit=%u&page_token=%u", limit, p->end);
    jout_object(&c->j);
    jout_key(&c->j, "_pagination");
    jout_object(&c->j);
    if (p->end < n)
        page_link(&c->j, "next", path, tail);
    else
        jout_kv_str(&c->j, "next", NULL);
    jout_object_end(&c->j);
    jout_key(&c->j, "_links");
    jout_object(&c->j);
    page_link(&c->j, "self", path, "");
    jout_object_end(&c->j);
    jout_key(&c->j, "_results");
    jout_array(&c->j);
}

void sim_page_close(struct sim_page *p, struct sim_call *c)
{
    (void)p;
    jout_array_end(&c->j);
    jout_object_end(&c->j);
}
