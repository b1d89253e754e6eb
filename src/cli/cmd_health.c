/*
 * front-bridge health: is the bridge of this configuration ready? For HEALTHCHECK and scripts. Asks /readyz
 * on the admin listener, on this machine.
 */
#include "base/json.h"
#include "cli/command.h"
#include "http/client.h"
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 5000, URL_BYTES_MAX = 512 };

static const struct option options[] = {
    {"url", 0, "URL", "ask this address instead of the configured admin listener, without a token"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

struct asking {
    char url[URL_BYTES_MAX];
    const char *unix_socket;
    struct buf bearer;
    int status;
    const char *fail;
    struct event_base *base;
};

/* A listener on all addresses is asked on loopback. */
static void url_of(const char *listen, struct asking *a)
{
    static const struct {
        const char *any, *loopback;
    } hosts[] = {{":", "127.0.0.1:"}, {"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}, {"*:", "127.0.0.1:"}};
    const char *host = "";
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        if (strncmp(listen, hosts[i].any, strlen(hosts[i].any)) != 0)
            continue;
        host = hosts[i].loopback;
        listen += strlen(hosts[i].any);
        break;
    }
    must(snprintf(a->url, sizeof a->url, "http://%s%s/readyz", host, listen) > 0);
}

static void aim(const struct config *c, struct asking *a)
{
    if (strncmp(c->admin_listen, "unix:", 5) == 0) {
        a->unix_socket = c->admin_listen + 5;
        must(snprintf(a->url, sizeof a->url, "http://localhost/readyz") > 0);
    } else {
        url_of(c->admin_listen, a);
    }
    if (c->admin_token)
        buf_addf(&a->bearer, "Bearer %s", c->admin_token);
}

static void on_done(const struct http_answer *answer, void *arg)
{
    struct asking *a = arg;
    a->status = answer->status;
    a->fail = answer->fail == HTTP_FAIL_NONE ? NULL : http_fail_text(answer->fail);
    event_base_loopbreak(a->base);
}

static void ask(struct asking *a)
{
    a->base = event_base_new();
    must(a->base);
    struct http_client *client =
        http_client_new(a->base, &(struct http_client_options){.unix_socket = a->unix_socket});
    struct http_header_line header = {"Authorization", buf_span(&a->bearer).p};
    struct http_request r = {.method = "GET",
                             .url = a->url,
                             .headers = &header,
                             .header_n = a->bearer.n ? 1 : 0,
                             .body_fd = -1,
                             .timeout_ms = TIMEOUT_MS};
    http_call_start(client, &r, on_done, a);
    event_base_dispatch(a->base);
    http_client_free(client);
    event_base_free(a->base);
}

static int report(const struct options *o, const struct asking *a)
{
    struct buf out;
    struct jout j;
    bool is_ready = a->status == 200;
    buf_init(&out, 4096);
    jout_init(&j, &out);
    if (options_has(o, "json")) {
        jout_object(&j);
        jout_kv_bool(&j, "is_ready", is_ready);
        jout_kv_i64(&j, "status", a->status);
        jout_kv_str(&j, "reason", a->fail);
        jout_object_end(&j);
        buf_add_char(&out, '\n');
    } else if (is_ready) {
        buf_add_str(&out, "ready\n");
    } else if (a->fail) {
        buf_addf(&out, "not ready: %s (%s)\n", a->fail, a->url);
    } else {
        buf_addf(&out, "not ready: %s answers %d\n", a->url, a->status);
    }
    int code = command_print(&out);
    return is_ready ? code : EXIT_FAILED;
}

/* A listener on port 0 has taken a free one, which only STORE/ports and its log know. */
static bool is_any_port(const char *url)
{
    const char *tail = ":0/readyz";
    size_t n = strlen(url);
    return n >= strlen(tail) && strcmp(url + n - strlen(tail), tail) == 0;
}

static int run(const struct options *o)
{
    struct asking a = {0};
    struct config *c = NULL;
    const char *url = options_get(o, "url");
    if (url && strlen(url) >= sizeof a.url)
        return command_fail(EXIT_USAGE, "the URL is longer than %d characters", URL_BYTES_MAX - 1);
    if (!url && !(c = command_config(o)))
        return EXIT_USAGE;
    buf_init(&a.bearer, 70000);
    if (url)
        memcpy(a.url, url, strlen(url) + 1);
    else
        aim(c, &a);
    int code;
    if (c && is_any_port(a.url)) {
        code = command_fail(EXIT_USAGE, "admin.listen takes any free port; ask the one in %s/ports by --url",
                            c->store);
    } else {
        ask(&a);
        code = report(o, &a);
    }
    buf_fini(&a.bearer);
    config_free(c);
    return code;
}

const struct command command_health = {
    .name = "health",
    .arguments = "",
    .summary = "ask whether the bridge is ready",
    .help = "Asks /readyz on the admin listener of the configuration. Exit status 0 if the bridge is ready,\n"
            "1 if it is not or does not answer within 5 s.\n",
    .options = options,
    .run = run,
};
