/*
 * front-bridge demo: the whole thing without an account. A simulated Front with its agent's page, a small
 * chat with its customer's page, and between them the real bridge as a process of its own. Decides what is
 * started and when it ends. Invariant: however it ends, the bridge and its folder are gone.
 */
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/demo_bridge.h"
#include "cli/demo_once.h"
#include "sim/sim.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { ID_N = 32, CHAT_KEY_BYTES = 32 };

static const struct option options[] = {
    {"once", 0, NULL, "send one message each way, print what happened, end"},
    {"json", 0, NULL, "with --once: as JSON"},
    {"listen", 0, "ADDRESS", "where the two pages are (default 127.0.0.1:0, a free port)"},
    {NULL, 0, NULL, NULL},
};

struct demo {
    struct event_base *base;
    struct sim *sim;
    struct demo_bridge *bridge;
    struct demo_once *once;
    struct event *interrupt, *terminate;
    bool is_once, is_json, is_shown;
    int code;
    char app_uid[ID_N + 1], app_secret[ID_N + 1], chat_secret[128];
};

static void make_secrets(struct demo *d)
{
    uint8_t key[CHAT_KEY_BYTES];
    struct buf text;
    crypto_random_id(d->app_uid, ID_N);
    crypto_random_id(d->app_secret, ID_N);
    crypto_random(key, sizeof key);
    buf_init(&text, sizeof d->chat_secret - 1);
    buf_add_str(&text, "whsec_");
    base64_encode(&text, (struct span){(const char *)key, sizeof key});
    memcpy(d->chat_secret, text.p, text.n + 1);
    buf_fini(&text);
}

/* configure tells the simulator about the channel; port 0 while the bridge's is not known. */
static void configure(struct demo *d, unsigned port)
{
    struct buf text, why;
    struct json doc;
    buf_init(&text, 4096);
    buf_init(&why, 512);
    buf_addf(&text,
             "{\"company\":\"Demo "
             "Company\",\"app\":{\"uid\":\"%s\",\"secret\":\"%s\"},\"channels\":[{\"id\":\"cha_demo\","
             "\"kind\":\"application\",\"name\":\"Support chat\",\"address\":\"support\"",
             d->app_uid, d->app_secret);
    if (port)
        buf_addf(&text, ",\"webhook_url\":\"http://127.0.0.1:%u/front/demo\"", port);
    buf_addf(&text, "}],\"chat\":{\"secret\":\"%s\"", d->chat_secret);
    if (port)
        buf_addf(&text, ",\"hook_url\":\"http://127.0.0.1:%u/hooks/demo\"", port);
    buf_add_str(&text, "}}");
    must(json_parse(&doc, buf_span(&text)) == OK && sim_configure(d->sim, json_root(&doc), &why) == OK);
    json_fini(&doc);
    buf_fini(&text);
    buf_fini(&why);
}

static void end(struct demo *d, int code)
{
    d->code = code;
    event_base_loopbreak(d->base);
}

static void on_over(void *arg)
{
    struct demo *d = arg;
    struct buf out;
    buf_init(&out, 64 << 10);
    if (d->is_json)
        demo_once_json(d->once, &out);
    else
        demo_once_text(d->once, &out);
    bool is_printed = command_print(&out) == EXIT_FINE;
    end(d, is_printed && demo_once_is_fine(d->once) ? EXIT_FINE : EXIT_FAILED);
}

static void show(struct demo *d, const struct demo_bridge_state *state)
{
    printf("\n"
           "  The agent     http://127.0.0.1:%u/\n"
           "  A customer    http://127.0.0.1:%u/chat\n"
           "\n"
           "  The bridge    http://127.0.0.1:%u/  (its admin address; its files are in %s)\n"
           "\n"
           "Write on one page and read on the other. Ctrl-C ends all of it.\n",
           sim_port(d->sim), sim_port(d->sim), state->admin_port, demo_bridge_folder(d->bridge));
    fflush(stdout);
    d->is_shown = true;
}

static void on_bridge(void *arg, const struct demo_bridge_state *state)
{
    struct demo *d = arg;
    if (state->why) {
        end(d, command_fail(EXIT_FAILED, "%s", state->why));
        return;
    }
    configure(d, state->port);
    if (d->is_once)
        d->once = demo_once_start(d->base, d->sim, on_over, d);
    else
        show(d, state);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct demo *d = arg;
    (void)number;
    (void)what;
    end(d, d->is_once ? EXIT_FAILED : EXIT_FINE);
}

static void open_demo(struct demo *d)
{
    d->base = event_base_new();
    must(d->base);
    d->sim = sim_new(d->base);
    d->interrupt = evsignal_new(d->base, SIGINT, on_signal, d);
    d->terminate = evsignal_new(d->base, SIGTERM, on_signal, d);
    must(d->interrupt && d->terminate);
    evsignal_add(d->interrupt, NULL);
    evsignal_add(d->terminate, NULL);
    make_secrets(d);
    configure(d, 0);
}

static void close_demo(struct demo *d)
{
    demo_bridge_stop(d->bridge); /* while the simulator still answers it */
    if (d->is_shown)
        puts("\nStopped, files removed.");
    demo_once_free(d->once);
    sim_free(d->sim);
    event_free(d->interrupt);
    event_free(d->terminate);
    event_base_free(d->base);
    mem_wipe(d, sizeof *d);
}

static int start(struct demo *d, const char *listen, struct buf *why)
{
    if (sim_listen(d->sim, listen ? listen : "127.0.0.1:0", why) != OK)
        return EXIT_USAGE;
    const struct demo_bridge_options bridge = {.front_port = sim_port(d->sim),
                                               .app_uid = d->app_uid,
                                               .app_secret = d->app_secret,
                                               .chat_secret = d->chat_secret};
    return demo_bridge_start(d->base, &bridge, on_bridge, d, &d->bridge, why) == OK ? EXIT_FINE : EXIT_FAILED;
}

static int run(const struct options *o)
{
    struct demo d = {.is_once = options_has(o, "once"), .is_json = options_has(o, "json")};
    struct buf why;
    if (d.is_json && !d.is_once)
        return command_fail(EXIT_USAGE, "--json goes with --once");
    buf_init(&why, 1024);
    open_demo(&d);
    int code = start(&d, options_get(o, "listen"), &why);
    if (code == EXIT_FINE) {
        event_base_dispatch(d.base);
        code = d.code;
    } else {
        command_fail(code, "%s", buf_span(&why).p);
    }
    buf_fini(&why);
    close_demo(&d);
    return code;
}

const struct command command_demo = {
    .name = "demo",
    .arguments = "",
    .summary = "try it without an account: agent, bridge and chat on this machine",
    .help = "Starts a simulated Front with an agent's page, a small chat with a customer's page, and the "
            "real bridge\n"
            "between them, in a temporary folder that is removed at the end. The configuration is not read.\n"
            "With --once it sends one message each way and exits 0 only if both arrived.\n",
    .options = options,
    .has_no_config = true,
    .run = run,
};
