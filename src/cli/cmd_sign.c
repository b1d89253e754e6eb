/*
 * front-bridge sign: the headers by which Front would sign a body, for trying a channel by hand.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/command.h"
#include "front/signature.h"
#include <stdio.h>
#include <string.h>

enum { BODY_BYTES_MAX = 64 << 20, SECRET_BYTES_MAX = 64 << 10 };

static const struct option options[] = {
    {"channel", 0, "NAME", "sign with this channel's first secret, in the way of its kind"},
    {"secret-file", 0, "FILE", "sign with the secret in FILE instead"},
    {"sha256", 0, NULL, "sign as application channels do (HMAC-SHA256 with a time); else HMAC-SHA1"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

struct signing {
    struct buf secret;
    bool is_sha256;
};

static int take_channel(const struct options *o, const char *name, struct signing *s)
{
    struct config *config = command_config(o);
    if (!config)
        return EXIT_USAGE;
    const struct config_channel *c = config_channel_find(config, span_of(name));
    if (c) {
        buf_add_str(&s->secret, c->secrets.item[0]);
        s->is_sha256 = s->is_sha256 || c->kind == CHANNEL_APPLICATION;
    }
    int code = c ? EXIT_FINE : command_no_channel(config, name);
    config_free(config);
    return code;
}

static int take_secret(const struct options *o, struct signing *s)
{
    const char *channel = options_get(o, "channel"), *file = options_get(o, "secret-file");
    if ((channel == NULL) == (file == NULL))
        return command_fail(EXIT_USAGE, "write --channel NAME or --secret-file FILE");
    if (channel)
        return take_channel(o, channel, s);
    int code = command_read(file, &s->secret);
    if (code == EXIT_FINE && s->secret.n && s->secret.p[s->secret.n - 1] == '\n')
        buf_cut(&s->secret, s->secret.n - 1);
    if (code == EXIT_FINE && s->secret.n == 0)
        return command_fail(EXIT_USAGE, "%s is empty; it should hold the secret", file);
    return code;
}

static void write_headers(const struct signing *s, struct span body, bool is_json, struct buf *out)
{
    char signature[SIGNATURE_TEXT_MAX], timestamp[24];
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)clock_wall_ms());
    if (s->is_sha256)
        signature_make_sha256(body, span_of(timestamp), buf_span(&s->secret).p, signature);
    else
        signature_make_sha1(body, buf_span(&s->secret).p, signature);
    const char *open = is_json ? "{\"X-Front-Signature\":\"" : "X-Front-Signature: ";
    buf_addf(out, "%s%s", open, signature);
    if (s->is_sha256)
        buf_addf(
            out, "%s%s",
            is_json ? "\",\"X-Front-Request-Timestamp\":\"" : "\nX-Front-Request-Timestamp: ", timestamp);
    buf_add_str(out, is_json ? "\"}\n" : "\n");
}

static int run(const struct options *o)
{
    struct signing s = {.is_sha256 = options_has(o, "sha256")};
    struct buf body, out;
    buf_init(&s.secret, SECRET_BYTES_MAX);
    buf_init(&body, BODY_BYTES_MAX);
    buf_init(&out, 1024);
    int code = take_secret(o, &s);
    if (code == EXIT_FINE)
        code = command_read(o->argument[0], &body);
    if (code == EXIT_FINE) {
        write_headers(&s, buf_span(&body), options_has(o, "json"), &out);
        code = command_print(&out);
    }
    if (s.secret.p)
        mem_wipe(s.secret.p, s.secret.n);
    buf_fini(&s.secret);
    buf_fini(&body);
    buf_fini(&out);
    return code;
}

const struct command command_sign = {
    .name = "sign",
    .arguments = "[FILE]",
    .summary = "make the signature that Front would give a body",
    .help = "Prints the headers by which Front signs the body in FILE (or on standard input), so that a "
            "callback\n"
            "can be tried by hand. The signature covers the very bytes: send the same file.\n\n"
            "  front-bridge sign --channel support body.json > headers\n"
            "  curl -H @headers -H 'Content-Type: application/json' --data-binary @body.json \\\n"
            "       http://127.0.0.1:8080/front/support\n",
    .options = options,
    .argument_most = 1,
    .run = run,
};
