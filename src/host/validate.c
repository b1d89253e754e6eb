/*
 * Lets an adapter look at its settings without opening it: a host with setting(), log() and the time, and
 * nothing else.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 1 << 20, WHY_BYTES_MAX = 512 };

struct validating {
    struct fb_host host;
    char **value; /* key, value, key, value, … */
    size_t value_n;
};

static const char *on_setting(const struct fb_host *host, const char *key)
{
    const struct validating *v = (const void *)((const char *)host - offsetof(struct validating, host));
    for (size_t i = 0; key && i < v->value_n; i += 2)
        if (strcmp(v->value[i], key) == 0)
            return v->value[i + 1];
    return NULL;
}

static void on_log(const struct fb_host *host, int level, const char *text)
{
    log_line(level >= FB_LOG_DEBUG && level <= FB_LOG_ERROR ? (enum log_level)level : LOG_INFO, "adapter",
             (const struct log_field[]){LOG_STR("channel", host->channel), LOG_STR("text", text)}, 2);
}

static int64_t on_now_ms(const struct fb_host *host)
{
    (void)host;
    return clock_wall_ms();
}

static void take_values(struct validating *v, struct span json)
{
    struct json doc;
    struct buf scratch;
    buf_init(&scratch, VALUE_BYTES_MAX);
    must(json_parse(&doc, json) == OK);
    v->value = mem_calloc(2 * (size_t)json_len(json_root(&doc)) + 1, sizeof *v->value);
    for (struct jval e = json_first(json_root(&doc)); e.doc; e = json_next(e)) {
        v->value[v->value_n++] = span_strdup(json_key(e, &scratch));
        v->value[v->value_n++] = json_dup(e, VALUE_BYTES_MAX);
        buf_clear(&scratch);
    }
    buf_fini(&scratch);
    json_fini(&doc);
}

static void drop_values(struct validating *v)
{
    for (size_t i = 0; i < v->value_n; i++) {
        if (v->value[i])
            mem_wipe(v->value[i], strlen(v->value[i]));
        free(v->value[i]);
    }
    free(v->value);
}

static bool is_setting(const struct config_setting *s, const char *word, size_t n)
{
    return n > 0 && strncmp(s->key, word, n) == 0 && (!s->key[n] || strcmp(s->key + n, "_file") == 0);
}

/* The setting that a sentence is about: the first `name` in backticks that is written in the configuration. */
static const struct config_setting *named(const struct config_channel *c, const char *sentence)
{
    const char *tick = strchr(sentence, '`'), *end;
    for (; tick && (end = strchr(tick + 1, '`')); tick = strchr(end + 1, '`')) {
        size_t n = strspn(tick + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
        for (size_t i = 0; i < c->setting_n; i++)
            if (is_setting(&c->setting[i], tick + 1, n))
                return &c->setting[i];
    }
    return NULL;
}

static void refused(const struct config_channel *c, const char *why, struct config_mistakes *mistakes)
{
    char path[200];
    const struct config_setting *s = named(c, why);
    must(snprintf(path, sizeof path, "channels.%s.settings%s%.80s", c->name, s ? "." : "", s ? s->key : "") >
         0);
    config_mistake(mistakes,
                   s                  ? s->line
                   : c->settings_line ? c->settings_line
                                      : c->line,
                   path, "%s", why[0] ? why : "the adapter refuses these settings and does not say why");
}

enum err settings_validate(const struct config_channel *c, const struct fb_module *m, struct span json,
                           struct config_mistakes *mistakes)
{
    if (!FB_HAS(m, validate) || !m->validate)
        return OK;
    char why[WHY_BYTES_MAX] = "";
    struct validating v = {.host = {.size = sizeof v.host,
                                    .abi_major = FB_ABI_MAJOR,
                                    .abi_minor = FB_ABI_MINOR,
                                    .channel = c->name,
                                    .setting = on_setting,
                                    .log = on_log,
                                    .now_ms = on_now_ms}};
    take_values(&v, json);
    int status = m->validate(&v.host, why, sizeof why);
    drop_values(&v);
    if (status == FB_OK)
        return OK;
    why[sizeof why - 1] = '\0';
    refused(c, why, mistakes);
    return ERR_INVALID;
}
