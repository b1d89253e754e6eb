/*
 * A chat system that answers at once: it takes every delivery, writes down when it came, and does nothing
 * else. Prints its port, and at the end how many came, how many of them more than once.
 */
#include "http/server.h"
#include "track.h"
#include <err.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 1 << 20 };

struct sink {
    struct event_base *base;
    struct track *track; /* NULL: only count */
    uint64_t n, twice_n;
};

/* The number in the message_id of a delivery, which is base 36; false where there is none. */
static bool message_number(struct span body, uint64_t *out)
{
    static const char key[] = "\"message_id\":\"msg_";
    const char *at = memmem(body.p, body.n, key, sizeof key - 1);
    char digits[NUMBER_DIGITS + 1] = "";

    if (!at || at + sizeof key - 1 + NUMBER_DIGITS > body.p + body.n)
        return false;
    memcpy(digits, at + sizeof key - 1, NUMBER_DIGITS);
    *out = strtoull(digits, NULL, 36);
    return true;
}

static void write_down(struct sink *s, struct span body)
{
    uint64_t number;

    if (!s->track || !message_number(body, &number) || number - s->track->first >= s->track->n)
        return;
    struct track_times *t = &s->track->at[number - s->track->first];
    if (t->arrived_ns != 0)
        s->twice_n++;
    else
        __atomic_store_n(&t->arrived_ns, now_ns(), __ATOMIC_RELEASE);
}

static void on_delivery(struct http_exchange *x, void *arg)
{
    struct sink *s = arg;
    char answer[64];

    write_down(s, http_body(x));
    int n = snprintf(answer, sizeof answer, "{\"external_id\":\"x-%lu\"}", ++s->n);
    http_reply(x, 200, "application/json", (struct span){answer, (size_t)n}, NULL);
}

static void refusal(struct buf *body, int status, const char *reason)
{
    (void)status;
    buf_add_str(body, reason);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct sink *s = arg;

    (void)fd;
    (void)what;
    event_base_loopbreak(s->base);
}

int main(int argc, char **argv)
{
    struct sink s = {.base = event_base_new()};
    const struct http_route route = {"POST", "/deliver", HTTP_EXACT, BODY_MAX, NULL, on_delivery, &s};
    struct buf why;

    if (argc < 2)
        errx(2, "usage: sink ADDRESS [TRACK-FILE]");
    if (argc > 2)
        s.track = track_open(argv[2]);
    buf_init(&why, 1024);
    struct http_server *server = http_server_new(s.base, &http_limits_default, &route, 1, refusal);
    if (http_server_listen(server, argv[1], &why) != OK)
        errx(1, "%s", why.p);
    struct event *term = evsignal_new(s.base, SIGTERM, on_signal, &s);
    event_add(term, NULL);
    printf("%u\n", http_server_port(server));
    fflush(stdout);
    event_base_dispatch(s.base);
    printf("{\"deliveries\":%lu,\"twice\":%lu}\n", s.n, s.twice_n);
    event_free(term);
    http_server_free(server);
    event_base_free(s.base);
    buf_fini(&why);
    return 0;
}
