/*
 * front-bridge channel register: makes Front call this bridge. A channel that Front has is given our URL; one
 * that it has not is made. Whether a channel is ours is register_plan's business.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/front_once.h"
#include "cli/register_plan.h"
#include "cli/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PATH_MAX_BYTES = 1024,
    BODY_MAX_BYTES = 65536,
    OUT_BYTES_MAX = 65536,
    MARK_BYTES = 10,
    LOOKS_MAX = 15, /* for a channel that was just made */
    LOOK_MS = 1000,
    NAMELESS_LOOKS = 2,
};

static const struct option options[] = {
    {"inbox", 0, "INB", "make a new channel in this inbox, such as inb_12ab"},
    {"dry-run", 0, NULL, "look, and say what would be done; change nothing"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

struct registration {
    const struct config *config;
    const struct config_channel *channel;
    const char *inbox;
    bool is_dry_run, is_json;
    struct front_once front;
    char *url;          /* that Front is to call */
    char *id;           /* of the channel in Front */
    const char *action; /* for --json */
    char mark[MARK_BYTES + 1];
};

/* ---- What was done ---- */

static void write_json(const struct registration *r, struct buf *out)
{
    struct jout j;

    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "channel", r->channel->name);
    jout_kv_str(&j, "action", r->action);
    jout_kv_str(&j, "front_channel", r->id);
    jout_kv_str(&j, "inbox", r->inbox);
    jout_kv_str(&j, "webhook_url", r->url);
    jout_object_end(&j);
    buf_add_char(out, '\n');
}

static void write_line(const struct registration *r, struct buf *out)
{
    buf_addf(out, "Write below channels.%s in %s:\n    front_channel: ", r->channel->name, r->config->file);
    text_add_safe(out, span_of(r->id));
    buf_add_char(out, '\n');
}

/* done prints text, or the JSON, and gives the exit code. */
static int done(struct registration *r, const char *action, struct buf *text)
{
    struct buf out;

    r->action = action;
    buf_init(&out, OUT_BYTES_MAX);
    if (r->is_json)
        write_json(r, &out);
    else
        buf_add_span(&out, buf_span(text));
    buf_fini(text);
    return command_print(&out);
}

static int fail(const struct registration *r, const char *what, const struct front_answer *a)
{
    if (a->status == 403)
        return command_fail(EXIT_FAILED,
                            "%s: %s The token of account \"%s\" may lack a scope: channels:read and "
                            "channels:write are needed here",
                            what, a->reason, r->channel->account->name);
    return command_fail(EXIT_FAILED, "%s: %s", what, a->reason);
}

/* ---- A channel that Front has ---- */

static bool patch(struct registration *r, struct jval channel, const char *name, struct front_answer *a)
{
    struct buf path, body;
    struct jout j;

    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&body, BODY_MAX_BYTES);
    front_path(&path, "/channels/%s", r->id);
    jout_init(&j, &body);
    jout_object(&j);
    if (name)
        jout_kv_str(&j, "name", name);
    jout_key(&j, "settings");
    register_settings(&j, channel, r->url);
    jout_object_end(&j);
    bool is_done = front_once_call(&r->front, "PATCH", path.p, buf_span(&body), a);
    buf_fini(&path);
    buf_fini(&body);
    return is_done;
}

static int update_known(struct registration *r, struct jval channel)
{
    struct front_answer a = {0};
    struct buf text;
    int code;

    if (!json_is(json_get(channel, "type"), "custom"))
        return command_fail(EXIT_FAILED,
                            "%s is no custom channel in Front; correct front_channel, or its kind", r->id);
    buf_init(&text, OUT_BYTES_MAX);
    if (json_is(json_path(channel, "settings.webhook_url"), r->url)) {
        buf_addf(&text, "Front calls %s for %s already.\n", r->url, r->id);
        return done(r, "unchanged", &text);
    }
    if (r->is_dry_run) {
        buf_addf(&text, "Front would be told to call %s for %s; its other settings would stay.\n", r->url,
                 r->id);
        return done(r, "would_update", &text);
    }
    if (patch(r, channel, NULL, &a)) {
        buf_addf(&text, "Front calls %s for %s.\n", r->url, r->id);
        code = done(r, "updated", &text);
    } else {
        buf_fini(&text);
        code = fail(r, "The channel was not changed", &a);
    }
    front_answer_fini(&a);
    return code;
}

static int update(struct registration *r)
{
    struct front_answer a;
    struct buf path;
    int code;

    buf_init(&path, PATH_MAX_BYTES);
    front_path(&path, "/channels/%s", r->id);
    if (front_once_call(&r->front, "GET", path.p, SPAN_NONE, &a))
        code = update_known(r, front_answer_root(&a));
    else if (a.status == 404)
        code = command_fail(EXIT_FAILED,
                            "Front knows no channel %s; correct front_channel, or leave it out and "
                            "write --inbox to make a new one",
                            r->id);
    else
        code = fail(r, "Front did not show the channel", &a);
    front_answer_fini(&a);
    buf_fini(&path);
    return code;
}

/* ---- A new channel ---- */

static bool list(struct registration *r, struct front_answer *a)
{
    struct buf path;

    buf_init(&path, PATH_MAX_BYTES);
    front_path(&path, "/inboxes/%s/channels", r->inbox);
    bool is_there = front_once_list(&r->front, path.p, a);
    buf_fini(&path);
    return is_there;
}

static struct jval results(const struct front_answer *a)
{
    return json_get(front_answer_root(a), "_results");
}

static bool post(struct registration *r, struct front_answer *a)
{
    struct buf path, body, name;
    struct jout j;

    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&body, BODY_MAX_BYTES);
    buf_init(&name, REGISTER_NAME_MAX);
    register_name(&name, r->channel->name, r->mark);
    front_path(&path, "/inboxes/%s/channels", r->inbox);
    jout_init(&j, &body);
    jout_object(&j);
    jout_kv_str(&j, "type", "custom");
    jout_kv_span(&j, "name", buf_span(&name));
    jout_key(&j, "settings");
    register_settings(&j, (struct jval){0}, r->url);
    jout_object_end(&j);
    bool is_done = front_once_call(&r->front, "POST", path.p, buf_span(&body), a);
    buf_fini(&path);
    buf_fini(&body);
    buf_fini(&name);
    return is_done;
}

/* Front may show a new channel only after a moment. Where it shows no names the only new one is ours, but who
 * registers at the same time is given time to be seen. */
static void look_for_it(struct registration *r, struct jval before)
{
    for (unsigned i = 0; i < LOOKS_MAX && !r->id; i++) {
        struct front_answer a;
        if (i > 0)
            nanosleep(&(struct timespec){.tv_sec = LOOK_MS / 1000}, NULL);
        if (list(r, &a))
            r->id = register_find(results(&a), r->channel->name, r->mark, NULL);
        if (!r->id && i >= NAMELESS_LOOKS)
            r->id = register_new(before, results(&a));
        front_answer_fini(&a);
    }
}

/* The mark has done its work. Without a name of its own the channel works as well. */
static void take_off_mark(struct registration *r)
{
    struct front_answer a;
    struct buf name;

    buf_init(&name, REGISTER_NAME_MAX);
    register_name(&name, r->channel->name, NULL);
    if (!patch(r, (struct jval){0}, name.p, &a))
        fprintf(stderr, "front-bridge: %s keeps the mark %s in its name: %s\n", r->id, r->mark, a.reason);
    front_answer_fini(&a);
    buf_fini(&name);
}

static void warn_of_twin(struct registration *r)
{
    struct front_answer a;

    if (list(r, &a)) {
        char *twin = register_find(results(&a), r->channel->name, NULL, r->id);
        if (twin)
            fprintf(stderr,
                    "front-bridge: another registration made %s at the same time; remove one in Front\n",
                    twin);
        free(twin);
    }
    front_answer_fini(&a);
}

static int create(struct registration *r, struct jval before)
{
    struct front_answer a;
    struct buf text;

    crypto_random_id(r->mark, MARK_BYTES);
    bool is_taken = post(r, &a);
    if (is_taken || a.class == FRONT_CALL_UNKNOWN) /* perhaps it was, and the answer was lost */
        look_for_it(r, before);
    if (!r->id) {
        int code = is_taken || a.class == FRONT_CALL_UNKNOWN
                       ? command_fail(EXIT_FAILED,
                                      "Front may have made the channel, but does not show it in %s; look "
                                      "there, and run this again in a minute",
                                      r->inbox)
                       : fail(r, "The channel was not made", &a);
        front_answer_fini(&a);
        return code;
    }
    front_answer_fini(&a);
    take_off_mark(r);
    warn_of_twin(r);
    buf_init(&text, OUT_BYTES_MAX);
    buf_addf(&text, "%s is made in inbox %s, and Front calls %s for it.\n", r->id, r->inbox, r->url);
    write_line(r, &text);
    return done(r, "created", &text);
}

static int create_once(struct registration *r, struct jval before)
{
    struct buf text;

    r->id = register_find(before, r->channel->name, NULL, NULL);
    if (!r->id && !r->is_dry_run)
        return create(r, before);
    buf_init(&text, OUT_BYTES_MAX);
    if (!r->id) {
        buf_addf(&text, "A custom channel would be made in inbox %s, and Front would call %s for it.\n",
                 r->inbox, r->url);
        return done(r, "would_create", &text);
    }
    buf_addf(&text, "Inbox %s has the channel %s, made by an earlier registration; nothing was changed.\n",
             r->inbox, r->id);
    write_line(r, &text);
    return done(r, "found", &text);
}

static int make(struct registration *r)
{
    struct front_answer before;
    int code;

    if (list(r, &before))
        code = create_once(r, results(&before));
    else if (before.status == 404)
        code = command_fail(EXIT_FAILED, "Front knows no inbox %s", r->inbox);
    else
        code = fail(r, "Front did not show the inbox's channels", &before);
    front_answer_fini(&before);
    return code;
}

/* Without --inbox: which there are. */
static int ask_for_inbox(struct registration *r)
{
    struct front_answer a;
    struct buf text, scratch;

    buf_init(&text, OUT_BYTES_MAX);
    buf_init(&scratch, 1024);
    bool is_told = front_once_list(&r->front, "/inboxes", &a);
    if (is_told)
        for (struct jval v = json_first(results(&a)); v.doc; v = json_next(v)) {
            buf_add_str(&text, "\n    --inbox ");
            text_add_safe(&text, json_span(json_get(v, "id"), &scratch));
            buf_add_str(&text, "  ");
            text_add_safe(&text, json_span(json_get(v, "name"), &scratch));
        }
    int code =
        is_told ? command_fail(EXIT_USAGE, "in which inbox is the channel to be made? Write --inbox INB%s%s",
                               text.n ? "; there are" : ", such as inb_12ab", buf_span(&text).p)
                : command_fail(EXIT_FAILED, "Front did not show its inboxes: %s", a.reason);
    buf_fini(&text);
    buf_fini(&scratch);
    front_answer_fini(&a);
    return code;
}

/* ---- An application's channel ---- */

static int explain(struct registration *r)
{
    struct buf text;

    buf_init(&text, OUT_BYTES_MAX);
    free(r->url);
    must(asprintf(&r->url, "%s/apps/%s", r->config->public_url, r->channel->account->name) >= 0);
    buf_addf(&text,
             "An application channel is connected in Front, and Front tells the bridge then:\n"
             "1. Settings, Developers, the app %s, its channel type: set the base URL to\n"
             "       %s\n"
             "   and the authentication to API key.\n"
             "2. Start the bridge.\n"
             "3. Settings, Inboxes, your inbox, Channels: connect a channel of this app%s.\n"
             "4. `front-bridge channel list` shows the id that the bridge has learnt.\n",
             r->channel->account->app_uid, r->url,
             r->channel->api_key ? ", and type the channel's api_key where Front asks for a key" : "");
    return done(r, "by_hand", &text);
}

/* ---- The command ---- */

static int act(struct registration *r)
{
    const struct config_channel *c = r->channel;
    int code;

    must(asprintf(&r->url, "%s/front/%s", r->config->public_url, c->name) >= 0);
    if (c->kind == CHANNEL_APPLICATION)
        return explain(r);
    r->id = c->front_channel ? mem_strdup(c->front_channel) : NULL;
    front_once_init(&r->front, c->account);
    if (r->id)
        code = update(r);
    else if (!r->inbox)
        code = ask_for_inbox(r);
    else
        code = make(r);
    front_once_fini(&r->front);
    return code;
}

static int start(const struct options *o, const struct config *c)
{
    struct registration r = {.config = c,
                             .channel = config_channel_find(c, span_of(o->argument[0])),
                             .inbox = options_get(o, "inbox"),
                             .is_dry_run = options_has(o, "dry-run"),
                             .is_json = options_has(o, "json")};

    if (!r.channel)
        return command_no_channel(c, o->argument[0]);
    if (r.channel->dry_run && !r.is_dry_run)
        return command_fail(
            EXIT_USAGE,
            "channel \"%s\" has dry_run: true, so nothing is written to Front; register it with the "
            "configuration that is to serve it, or look with --dry-run",
            r.channel->name);
    if (!c->public_url)
        return command_fail(EXIT_USAGE,
                            "Front has to be told where this bridge is; write public_url: https://… at the "
                            "top of %s",
                            c->file);
    if (r.inbox && strncmp(r.inbox, "inb_", 4) != 0)
        return command_fail(EXIT_USAGE, "--inbox takes the id that Front shows, such as inb_12ab");
    if (r.inbox && (r.channel->front_channel || r.channel->kind == CHANNEL_APPLICATION))
        return command_fail(EXIT_USAGE, "--inbox is for a channel that is to be made; \"%s\" %s",
                            r.channel->name,
                            r.channel->front_channel ? "has a front_channel" : "is connected in Front");
    int code = act(&r);
    free(r.url);
    free(r.id);
    return code;
}

static int run(const struct options *o)
{
    struct config *c = command_config(o);
    int code = c ? start(o, c) : EXIT_USAGE;

    config_free(c);
    return code;
}

const struct command command_channel_register = {
    .name = "channel register",
    .arguments = "NAME",
    .summary = "make Front call this bridge for a channel",
    .help = "Tells Front the URL of a custom channel, PUBLIC_URL/front/NAME. If the configuration has its\n"
            "front_channel, that channel is given the URL, and keeps its other settings. Else a channel is "
            "made in\n"
            "the inbox, and the line to write into the configuration is printed; if an earlier run made it "
            "already,\n"
            "that one is printed and nothing is changed. For an application channel it says what to do in "
            "Front.\n"
            "The API token needs the scopes channels:read and channels:write.\n",
    .options = options,
    .argument_least = 1,
    .argument_most = 1,
    .run = run,
};
