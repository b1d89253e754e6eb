/* Writes a query and takes one word from a link. Refuses to know what is searched for. */
#include "front/search.h"
#include "front/client.h"
#include "front/link.h"
#include "http/server.h"
#include <stdlib.h>
#include <string.h>

enum { LINK_MAX = 16384 };

static void add_times(const struct search *s, struct buf *out)
{
    struct jout j;

    buf_add_str(out, "&q[after]=");
    jout_init(&j, out);
    jout_seconds(&j, s->after);
    buf_add_str(out, "&q[before]=");
    jout_init(&j, out);
    jout_seconds(&j, s->before);
}

void search_path(const struct search *s, struct buf *out)
{
    buf_addf(out, "/events?limit=%d", SEARCH_LIMIT);
    for (unsigned i = 0; i < s->type_n; i++)
        front_path(out, "&q[types][]=%s", s->type[i]);
    for (unsigned i = 0; i < s->inbox_n; i++)
        front_path(out, "&q[inboxes][]=%s", s->inbox[i]);
    add_times(s, out);
    if (s->page_token.p) {
        char *token = span_strdup(s->page_token);
        front_path(out, "&page_token=%s", token);
        free(token);
    }
}

/* The value of page_token in a link's query, still encoded; absent if it is not there. */
static struct span token_in(struct span link)
{
    static const char key[] = "page_token=";
    struct span path = front_path_of_link(link);
    const char *at = path.n ? memchr(path.p, '?', path.n) : NULL;
    const char *end = at ? path.p + path.n : NULL;

    while (at && at < end) {
        const char *start = at + 1, *next = memchr(start, '&', (size_t)(end - start));
        struct span pair = {start, (size_t)((next ? next : end) - start)};
        if (span_starts(pair, key))
            return (struct span){pair.p + sizeof key - 1, pair.n - (sizeof key - 1)};
        at = next;
    }
    return SPAN_NONE;
}

enum err search_next(struct jval page, struct buf *token)
{
    struct jval next = json_path(page, "_pagination.next");
    struct buf scratch;

    if (!json_has(next))
        return ERR_NOT_FOUND;
    buf_init(&scratch, LINK_MAX);
    struct span given = token_in(json_span(next, &scratch));
    enum err e = given.n > 0 ? http_percent_decode(given, true, token) : ERR_INVALID;
    if (e == OK && (token->n == 0 || token->is_over))
        e = ERR_INVALID;
    buf_fini(&scratch);
    return e;
}
