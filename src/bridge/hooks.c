/*
 * Passes requests through, both ways. Authentication is the adapter's; the limits are the server's and the
 * host's.
 */
#include "bridge/hooks.h"
#include "base/mem.h"
#include "bridge/intake.h"
#include <stdlib.h>

enum { HEADERS_MAX = 100 };

/* Answered in a backend's terms: it may come again soon. */
static void busy(struct http_exchange *x, int status, const char *sentence)
{
    struct buf body;

    buf_init(&body, 512);
    buf_addf(&body, "{\"error\":\"%s\"}", sentence);
    http_reply(x, status, "application/json", buf_span(&body), "Retry-After: 2\r\n");
    buf_fini(&body);
}

static enum err pass(struct channel *ch, struct http_exchange *x, struct span path, uint64_t token)
{
    struct host_header header[HEADERS_MAX];
    unsigned n = 0;

    while (n < HEADERS_MAX && http_header_at(x, n, &header[n].name, &header[n].value))
        n++;
    return host_request(ch->host, token,
                        &(struct host_request){.method = http_method(x),
                                               .path = path,
                                               .query = http_query(x),
                                               .peer = http_peer(x),
                                               .header = header,
                                               .header_n = n,
                                               .body = http_body(x)});
}

void hooks_request(struct http_exchange *x, void *arg)
{
    struct bridge *b = arg;
    struct span path;
    struct channel *ch = bridge_channel(b, route_name(x, &path));

    if (!ch) {
        http_refuse(x, 404, "There is no channel of this name.");
        return;
    }
    uint64_t token = b->is_stopping ? 0 : slots_add(&ch->hooks, x);
    enum err e = token ? pass(ch, x, path, token) : ERR_FULL;
    if (e == OK)
        return;
    slots_take(&ch->hooks, token);
    if (e == ERR_NOT_FOUND)
        http_refuse(x, 404, "The adapter of this channel takes no requests.");
    else if (e == ERR_FULL)
        busy(x, 503, "Too many requests are under way; try again.");
    else
        busy(x, 503, "The channel is not up at the moment; try again.");
}

void hooks_on_reply(struct host *h, uint64_t token, int status, struct span content_type, struct span body,
                    const char *headers, void *arg)
{
    struct channel *ch = arg;
    struct http_exchange *x = slots_take(&ch->hooks, token);
    char *type = span_strdup(content_type);

    (void)h;
    if (x)
        http_reply(x, status, type, body, headers);
    free(type);
}
