/*
 * Takes the simulator's options, at the start and while it runs. Refuses to know where they came from.
 */
#include "base/mem.h"
#include "sim/chat.h"
#include "sim/options.h"
#include "sim/world.h"
#include <stdlib.h>
#include <string.h>

static void take(char **field, struct jval v)
{
    char *text = json_dup(v, 4096);
    if (!text)
        return;
    free(*field);
    *field = text;
}

static bool take_kind(struct jval v, enum channel_kind *out)
{
    *out = json_is(v, "application") ? CHANNEL_APPLICATION : CHANNEL_CUSTOM;
    return !json_has(v) || json_is(v, "application") || json_is(v, "custom");
}

static struct sim_channel *add_channel(struct sim *s, const struct sim_channel_spec *spec, struct buf *why)
{
    struct sim_channel *c = NULL;
    if (spec->id && (!*spec->id || strpbrk(spec->id, " /")))
        buf_add_str(why, "A channel's id has no blank and no slash");
    else if (sim_channel_add(&s->account, spec, &c) != OK)
        buf_add_str(why, "There are too many channels, or the id is too long");
    return c;
}

static struct sim_channel *change_channel(struct sim_channel *c, struct jval spec)
{
    take(&c->name, json_get(spec, "name"));
    take(&c->address, json_get(spec, "address"));
    take(&c->webhook_url, json_get(spec, "webhook_url"));
    take(&c->secret, json_get(spec, "secret"));
    take(&c->type, json_get(spec, "type"));
    return c;
}

static struct sim_inbox *take_inbox(struct sim *s, struct jval id, struct jval name, struct buf *why)
{
    struct sim_inbox *inbox = NULL;
    char *text = json_dup(id, 60), *called = json_dup(name, 200);
    if (!text || !*text || strpbrk(text, " /") ||
        sim_inbox_add(&s->account, span_of(text), called, &inbox) != OK)
        buf_add_str(why, "An inbox has an id of at most 60 characters without blank and slash; there are at "
                         "most 50 of them");
    free(text);
    free(called);
    return inbox;
}

static bool place_channel(struct sim *s, struct sim_channel *c, struct jval inbox, struct buf *why)
{
    if (!json_has(inbox))
        return true;
    struct sim_inbox *found = take_inbox(s, inbox, (struct jval){0}, why);
    if (found)
        c->inbox = found;
    return found;
}

struct sim_channel *sim_configure_channel(struct sim *s, struct jval spec, struct buf *why)
{
    enum channel_kind kind;
    if (!take_kind(json_get(spec, "kind"), &kind)) {
        buf_add_str(why, "A channel's kind is custom or application");
        return NULL;
    }
    char *id = json_dup(json_get(spec, "id"), 200);
    struct sim_channel *c = sim_channel_find(&s->account, span_of(id));
    if (!c)
        c = add_channel(s, &(struct sim_channel_spec){.id = id, .kind = kind}, why);
    free(id);
    if (!c || !place_channel(s, c, json_get(spec, "inbox"), why))
        return NULL;
    return change_channel(c, spec);
}

static bool configure_rate(struct sim *s, struct jval rate)
{
    int64_t limit = s->limiter.limit, burst = -1, per_resource = s->limiter.per_resource;
    if (!json_i64_within(json_get(rate, "limit"), 0, 1000000, &limit) ||
        !json_i64_within(json_get(rate, "burst"), 0, 1000000, &burst) ||
        !json_i64_within(json_get(rate, "per_resource"), 0, SIM_RESOURCE_MAX_PER_S, &per_resource))
        return false;
    sim_limiter_init(&s->limiter, limit, burst < 0 ? limit / 2 : burst, (unsigned)per_resource,
                     clock_wall_ms());
    return true;
}

static bool configure_numbers(struct sim *s, struct jval options, struct buf *why)
{
    struct jval rate = json_get(options, "rate");
    if (json_has(rate) && !configure_rate(s, rate)) {
        buf_add_str(
            why,
            "rate is {\"limit\",\"burst\",\"per_resource\"}: counts, 0 for no limit, per_resource up to 50");
        return false;
    }
    int64_t upload = (int64_t)s->attachments_max, kept = (int64_t)s->account.files.kept_max;
    if (!json_i64_within(json_path(options, "attachments.max_bytes"), 0, SIM_ATTACHMENTS_MAX, &upload) ||
        !json_i64_within(json_path(options, "attachments.kept_bytes"), 0, SIM_FILES_KEPT_MAX, &kept)) {
        buf_add_str(why, "attachments is {\"max_bytes\",\"kept_bytes\"}: up to 25000000, up to 512 MiB");
        return false;
    }
    s->attachments_max = (size_t)upload;
    sim_files_limit(&s->account.files, (size_t)kept);
    if (!json_i64_within(json_get(options, "created_delay_ms"), 0, 60000, &s->created_delay_ms)) {
        buf_add_str(why, "created_delay_ms is 0 to 60000");
        return false;
    }
    if (!json_i64_within(json_get(options, "lag_ms"), 0, 600000, &s->lag_ms) ||
        !json_i64_within(json_get(options, "imported_delay_ms"), 0, 600000, &s->imported_delay_ms) ||
        !json_i64_within(json_get(options, "webhook_timeout_ms"), 0, 600000, &s->notice_ms) ||
        !json_i64_within(json_get(options, "webhook_retry_ms"), 0, 600000, &s->notice_retry_ms)) {
        buf_add_str(why,
                    "lag_ms, imported_delay_ms, webhook_timeout_ms and webhook_retry_ms are 0 to 600000");
        return false;
    }
    return true;
}

static bool configure_events(struct sim *s, struct jval options, struct buf *why)
{
    char *next = json_dup(json_get(options, "next_event"), 64);
    bool is_ok = !next || (span_starts(span_of(next), "evt_") &&
                           sim_event_log_next(&s->account.events, span_of(next + 4)) == OK);
    free(next);
    if (!is_ok)
        buf_add_str(why, "next_event is evt_ and a number in base 36, larger than the last one");
    s->has_no_imported = !json_bool(json_get(options, "imported"), !s->has_no_imported);
    s->has_echo = json_bool(json_get(options, "echo_errors"), s->has_echo);
    s->has_thin_pages = json_bool(json_get(options, "thin_pages"), s->has_thin_pages);
    for (struct jval w = json_first(json_get(options, "webhooks")); w.doc && is_ok; w = json_next(w))
        is_ok = sim_hook_add(&s->hooks, &s->account, w, why);
    return is_ok;
}

/* The scopes of a token as one text; without an array it gets none. */
static void join_scopes(struct jval list, struct buf *out)
{
    for (struct jval e = json_first(list); e.doc; e = json_next(e)) {
        buf_add_str(out, out->n ? " " : "");
        if (json_str(e, out) != OK)
            buf_add_char(out, '?');
    }
}

static bool grant(struct sim *s, struct jval spec)
{
    struct buf scopes;
    char *token = json_dup(json_get(spec, "token"), 1024);
    buf_init(&scopes, 4096);
    join_scopes(json_get(spec, "scopes"), &scopes);
    bool is_ok = token && *token && json_type(json_get(spec, "scopes")) == JSON_ARRAY && !scopes.is_over &&
                 sim_tokens_grant(&s->tokens, token, buf_span(&scopes).p) == OK;
    buf_fini(&scopes);
    free(token);
    return is_ok;
}

static bool configure_tokens(struct sim *s, struct jval list, struct buf *why)
{
    if (!json_has(list))
        return true;
    sim_tokens_revoke(&s->tokens);
    for (struct jval t = json_first(list); t.doc; t = json_next(t))
        if (!grant(s, t)) {
            buf_add_str(why, "tokens is an array of at most 16 {\"token\",\"scopes\":[\"messages:read\"]}");
            return false;
        }
    return true;
}

static bool are_known(struct jval options, struct buf *why)
{
    struct config_mistakes mistakes = {0};
    sim_options_check(options, &mistakes);
    bool are_fine = mistakes.n == 0;
    if (!are_fine)
        buf_addf(why, "%s: %s", mistakes.item[0].key, mistakes.item[0].text);
    config_mistakes_fini(&mistakes);
    return are_fine;
}

enum err sim_configure(struct sim *s, struct jval options, struct buf *why)
{
    if (!are_known(options, why))
        return ERR_INVALID;
    take(&s->token, json_get(options, "token"));
    take(&s->secret, json_get(options, "secret"));
    take(&s->app_uid, json_path(options, "app.uid"));
    take(&s->app_secret, json_path(options, "app.secret"));
    take(&s->account.company, json_get(options, "company"));
    s->tokens.token = s->token;
    s->tokens.app_uid = s->app_uid;
    s->tokens.app_secret = s->app_secret;
    s->dedupes = json_bool(json_get(options, "dedupe"), s->dedupes);
    if (!configure_numbers(s, options, why) || !configure_tokens(s, json_get(options, "tokens"), why))
        return ERR_INVALID;
    for (struct jval i = json_first(json_get(options, "inboxes")); i.doc; i = json_next(i))
        if (!take_inbox(s, json_get(i, "id"), json_get(i, "name"), why))
            return ERR_INVALID;
    for (struct jval c = json_first(json_get(options, "channels")); c.doc; c = json_next(c))
        if (!sim_configure_channel(s, c, why))
            return ERR_INVALID;
    if (!configure_events(s, options, why))
        return ERR_INVALID;
    struct jval chat = json_get(options, "chat");
    return json_has(chat) ? sim_chat_configure(s->chat, chat, why) : OK;
}
