/*
 * What Front's replies mean. Pure; fuzzed; inside src/front only.
 */
#ifndef FRONT_REPLY_H
#define FRONT_REPLY_H

#include "base/json.h"
#include "front/client.h"

enum { REPLY_REASON_MAX = 400 };

struct reply {
    enum http_fail fail;
    bool is_sent;
    int status;
    bool is_post; /* repeating it would do it twice */
    bool has_json;
};

/* reply_class sorts a reply; redirects that are followed never come here. */
enum front_class reply_class(const struct reply *r);
bool reply_is_unreachable(const struct reply *r);
/* reply_reason writes one sentence of at most REPLY_REASON_MAX bytes, without control characters. body may be
 * absent. */
void reply_reason(const struct reply *r, struct jval body, struct buf *out);

/* reply_rate reads the rate headers; get gives a header's value by its name, or an absent span. */
typedef struct span reply_header_fn(const void *arg, const char *name);
void reply_rate(struct rate_headers *out, int status, reply_header_fn *get, const void *arg, wall_ms_t now);

/*
 * reply_redirect gives the URL to repeat a request at: location's path on the host of api, and no other host
 * ever. ERR_DENIED if location is another host's; between Front's own names (api2.frontapp.com,
 * acme.api.frontapp.com) the path is taken.
 */
MUST_CHECK enum err reply_redirect(const char *api, struct span location, struct buf *url);
static inline bool reply_is_redirect(int status)
{
    return status == 301 || status == 307 || status == 308;
}

#endif
