/*
 * Names are compared as a whole: a person's channel that only begins alike is not ours.
 */
#include "cli/register_plan.h"
#include "base/mem.h"
#include <string.h>

static const char open_text[] = " (front-bridge", close_text[] = ")";

void register_name(struct buf *out, const char *channel, const char *mark)
{
    buf_addf(out, "%s%s%s%s%s", channel, open_text, mark ? " " : "", mark ? mark : "", close_text);
}

static bool is_mark(struct span s)
{
    for (size_t i = 1; i < s.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", s.p[i]))
            return false;
    return s.n == 0 || (s.n > 1 && s.p[0] == ' ');
}

static bool is_called(struct span name, const char *channel, const char *mark)
{
    size_t channel_n = strlen(channel), open_n = strlen(open_text);
    struct buf whole;

    if (mark) {
        buf_init(&whole, 4 * REGISTER_NAME_MAX);
        register_name(&whole, channel, mark);
        bool is_so = span_eq(name, buf_span(&whole));
        buf_fini(&whole);
        return is_so;
    }
    if (name.n < channel_n + open_n + 1 || !span_starts(name, channel) ||
        name.p[name.n - 1] != close_text[0] || memcmp(name.p + channel_n, open_text, open_n) != 0)
        return false;
    return is_mark((struct span){name.p + channel_n + open_n, name.n - channel_n - open_n - 1});
}

static bool is_custom(struct jval channel)
{
    return json_is(json_get(channel, "type"), "custom");
}

char *register_find(struct jval list, const char *channel, const char *mark, const char *other)
{
    struct buf name;
    char *id = NULL;

    buf_init(&name, 4 * REGISTER_NAME_MAX);
    for (struct jval c = json_first(list); c.doc && !id; c = json_next(c))
        if (is_custom(c) && is_called(json_span(json_get(c, "name"), &name), channel, mark) &&
            !(other && json_is(json_get(c, "id"), other)))
            id = json_dup(json_get(c, "id"), REGISTER_ID_MAX);
    buf_fini(&name);
    return id;
}

static bool has_id(struct jval list, struct span id)
{
    struct buf scratch;
    bool is_there = false;

    buf_init(&scratch, REGISTER_ID_MAX);
    for (struct jval c = json_first(list); c.doc && !is_there; c = json_next(c))
        is_there = span_eq(json_span(json_get(c, "id"), &scratch), id);
    buf_fini(&scratch);
    return is_there;
}

static bool has_name(struct jval channel)
{
    return json_has(json_get(channel, "name")) && !json_is(json_get(channel, "name"), "");
}

char *register_new(struct jval before, struct jval after)
{
    struct buf scratch;
    struct jval only = {0};
    unsigned n = 0;

    buf_init(&scratch, REGISTER_ID_MAX);
    for (struct jval c = json_first(after); c.doc; c = json_next(c)) {
        struct span id = json_span(json_get(c, "id"), &scratch);
        if (!is_custom(c) || has_name(c) || id.n == 0 || has_id(before, id))
            continue;
        only = c;
        n++;
    }
    buf_fini(&scratch);
    return n == 1 ? json_dup(json_get(only, "id"), REGISTER_ID_MAX) : NULL;
}

void register_settings(struct jout *j, struct jval channel, const char *url)
{
    struct buf key;

    buf_init(&key, REGISTER_NAME_MAX);
    jout_object(j);
    for (struct jval v = json_first(json_get(channel, "settings")); v.doc; v = json_next(v)) {
        struct span name = json_key(v, &key);
        if (!name.p || span_is(name, "webhook_url") || !json_has(v))
            continue;
        jout_key_span(j, name);
        jout_raw(j, json_raw(v));
    }
    jout_kv_str(j, "webhook_url", url);
    jout_object_end(j);
    buf_fini(&key);
}
