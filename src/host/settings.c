/*
 * Checks the settings of a channel by the rows that its adapter declares, and writes their values in the one
 * form of each kind. Pure but for `KEY_file`; it never calls the adapter.
 */
#include "host/settings.h"
#include "base/config_value.h"
#include "base/json.h"
#include "base/mem.h"
#include "host/loader.h"
#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 256 * 1024, WHY_BYTES_MAX = 600, KEYS_MAX = 128 };

struct checking {
    const struct config_channel *channel;
    const struct fb_module *module;
    struct config_mistakes *mistakes;
    struct jout out;
};

static void mistake(struct checking *c, unsigned line, const char *key, const char *text)
{
    char path[200];
    must(snprintf(path, sizeof path, "channels.%s.settings.%s", c->channel->name, key) > 0);
    config_mistake(c->mistakes, line, path, "%s", text);
}

/* How a scalar of each kind is written by people, and turned into what adapters read. */

static bool as_text(struct span in, struct buf *out)
{
    buf_add_span(out, in);
    return !memchr(in.p, '\0', in.n);
}

static bool as_integer(struct span in, struct buf *out)
{
    size_t sign = in.n && in.p[0] == '-';
    uint64_t v;
    if (!span_u64((struct span){in.p + sign, in.n - sign}, &v) || v > INT64_MAX)
        return false;
    buf_addf(out, "%s%llu", sign && v ? "-" : "", (unsigned long long)v);
    return true;
}

static bool as_bool(struct span in, struct buf *out)
{
    buf_add_span(out, in);
    return span_is(in, "true") || span_is(in, "false");
}

static bool as_duration(struct span in, struct buf *out)
{
    int64_t ms;
    if (config_duration(in, &ms))
        return false;
    buf_addf(out, "%lld", (long long)ms);
    return true;
}

static bool as_size(struct span in, struct buf *out)
{
    uint64_t bytes;
    if (config_size(in, &bytes))
        return false;
    buf_addf(out, "%llu", (unsigned long long)bytes);
    return true;
}

static bool as_url(struct span in, struct buf *out)
{
    for (size_t i = 0; i < in.n; i++)
        if ((unsigned char)in.p[i] <= ' ' || in.p[i] == 0x7f)
            return false;
    buf_add_span(out, in);
    return config_authority(in).n > 0;
}

static bool has_only_strings(struct jval container)
{
    for (struct jval e = json_first(container); e.doc; e = json_next(e))
        if (json_type(e) != JSON_STRING)
            return false;
    return true;
}

static const struct kind {
    const char *cure;
    bool (*convert)(struct span in, struct buf *out); /* NULL: is a container */
    enum json_type container;
} kinds[] = {
    [FB_SETTING_STRING] = {"write text", as_text, JSON_ABSENT},
    [FB_SETTING_INTEGER] = {"write a whole number", as_integer, JSON_ABSENT},
    [FB_SETTING_BOOL] = {"write true or false", as_bool, JSON_ABSENT},
    [FB_SETTING_DURATION] = {"write a number and a unit, such as 250ms, 5s or 10m", as_duration, JSON_ABSENT},
    [FB_SETTING_SIZE] = {"write a number and a unit, such as 64KiB or 10MiB", as_size, JSON_ABSENT},
    [FB_SETTING_URL] = {"write a whole URL: https:// or http://, a host, and a port up to 65535 if any",
                        as_url, JSON_ABSENT},
    [FB_SETTING_LIST] = {"write a list of texts, such as [one, two]", NULL, JSON_ARRAY},
    [FB_SETTING_MAP] = {"write a map of texts, such as {name: value}", NULL, JSON_OBJECT},
};

/* convert_json takes a value as JSON text: a string for scalars, a container of strings for lists and maps.
 */
static bool convert_json(const struct kind *kind, struct span json, struct buf *out)
{
    struct json doc;
    struct buf text;
    bool is_good = json_parse(&doc, json) == OK;
    struct jval root = json_root(&doc);
    buf_init(&text, VALUE_BYTES_MAX);
    if (!kind->convert) {
        is_good = is_good && json_type(root) == kind->container && has_only_strings(root);
        buf_add_span(out, is_good ? json : SPAN_LIT(""));
    } else if (is_good) {
        is_good = json_str(root, &text) == OK && kind->convert(buf_span(&text), out);
    }
    if (text.p)
        mem_wipe(text.p, text.n);
    buf_fini(&text);
    json_fini(&doc);
    return is_good;
}

static bool convert_file(struct checking *c, const struct kind *kind, const struct config_setting *s,
                         struct buf *out)
{
    struct json doc;
    struct buf path, text, why;
    buf_init(&path, CONFIG_VALUE_MAX);
    buf_init(&text, CONFIG_VALUE_MAX);
    buf_init(&why, WHY_BYTES_MAX);
    bool is_good = json_parse(&doc, s->json) == OK && json_str(json_root(&doc), &path) == OK;
    if (!is_good || !kind->convert)
        buf_add_str(&why,
                    kind->convert
                        ? "write the path of a file that holds the secret"
                        : "a file holds one text, and this is a list or map; write ${ENV} in it instead");
    else if (config_read_secret(buf_span(&path).p, &text, &why) && !kind->convert(buf_span(&text), out))
        buf_addf(&why, "what the file holds does not fit; %s", kind->cure);
    if (why.n)
        mistake(c, s->line, s->key, why.p);
    is_good = why.n == 0;
    if (text.p)
        mem_wipe(text.p, text.n);
    buf_fini(&text);
    buf_fini(&path);
    buf_fini(&why);
    json_fini(&doc);
    return is_good;
}

static void complain(struct checking *c, const struct fb_setting *row, const struct config_setting *s)
{
    char text[WHY_BYTES_MAX];
    bool is_shown = !(row->flags & FB_SETTING_SECRET) && s->json.n <= 60;
    must(snprintf(text, sizeof text, "%.60s does not fit; %s", is_shown ? s->json.p : "this value",
                  kinds[row->kind].cure) > 0);
    mistake(c, s->line, s->key, text);
}

static const struct config_setting *find(const struct config_channel *c, const char *key, const char *suffix)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < c->setting_n; i++)
        if (strncmp(c->setting[i].key, key, n) == 0 && strcmp(c->setting[i].key + n, suffix) == 0)
            return &c->setting[i];
    return NULL;
}

/* Where a setting would stand that is not written. */
static unsigned line_of(const struct config_channel *c)
{
    return c->settings_line ? c->settings_line : c->line;
}

static bool takes_file(const struct fb_setting *row)
{
    return (row->flags & FB_SETTING_SECRET) != 0;
}

static bool use_fallback(struct checking *c, const struct fb_setting *row, struct buf *out)
{
    const struct kind *kind = &kinds[row->kind];
    struct span fallback = span_of(row->fallback);
    if (kind->convert ? kind->convert(fallback, out) : convert_json(kind, fallback, out))
        return true;
    mistake(c, line_of(c->channel), row->key,
            "the adapter's own default does not fit its kind; ask its author, or write a value");
    return false;
}

/* take_value puts the value of row into out; false: there is none, and if that is wrong, it was said. */
static bool take_value(struct checking *c, const struct fb_setting *row, struct buf *out)
{
    const struct config_setting *plain = find(c->channel, row->key, "");
    const struct config_setting *file = takes_file(row) ? find(c->channel, row->key, "_file") : NULL;
    if ((plain && plain->is_broken) || (file && file->is_broken))
        return false;
    if (plain && file) {
        mistake(c, file->line, file->key, "the secret is given twice, here and without _file; remove one");
        return false;
    }
    if (file)
        return convert_file(c, &kinds[row->kind], file, out);
    if (plain && convert_json(&kinds[row->kind], plain->json, out)) {
        if (out->n || !(row->flags & FB_SETTING_REQUIRED))
            return true;
        mistake(c, plain->line, row->key, "the value is empty; write it");
        return false;
    }
    if (plain)
        complain(c, row, plain);
    else if (row->fallback)
        return use_fallback(c, row, out);
    else if (row->flags & FB_SETTING_REQUIRED)
        mistake(c, line_of(c->channel), row->key,
                takes_file(row) ? "this setting is missing; write it, or as a file by _file"
                                : "this setting is missing; write it");
    return false;
}

static bool is_declared(const struct fb_module *m, const char *key)
{
    for (uint32_t i = 0; i < m->setting_n; i++) {
        const struct fb_setting *row = adapter_setting(m, i);
        size_t n = strlen(row->key);
        if (strncmp(key, row->key, n) == 0 &&
            (key[n] == '\0' || (takes_file(row) && strcmp(key + n, "_file") == 0)))
            return true;
    }
    return false;
}

static void check_known(struct checking *c, const struct config_setting *s)
{
    const char *names[KEYS_MAX];
    size_t n = 0;
    if (is_declared(c->module, s->key))
        return;
    for (; n < c->module->setting_n && n < KEYS_MAX; n++)
        names[n] = adapter_setting(c->module, (uint32_t)n)->key;
    const char *near = config_nearest(s->key, names, n);
    struct buf text;
    buf_init(&text, WHY_BYTES_MAX);
    buf_addf(&text, "the adapter %.32s has no such setting; ", c->module->name);
    if (near)
        buf_addf(&text, "did you mean \"%s\"?", near);
    else
        buf_add_str(&text, n ? "it has " : "it has none");
    for (size_t i = 0; !near && i < n; i++)
        buf_addf(&text, "%s%s", i ? ", " : "", names[i]);
    mistake(c, s->line, s->key, buf_span(&text).p);
    buf_fini(&text);
}

static bool is_any_broken(const struct config_channel *c)
{
    for (size_t i = 0; i < c->setting_n; i++)
        if (c->setting[i].is_broken)
            return true;
    return false;
}

enum err settings_check(const struct config_channel *channel, const struct fb_module *m,
                        struct config_mistakes *mistakes, struct buf *json)
{
    struct checking c = {.channel = channel, .module = m, .mistakes = mistakes};
    size_t before = mistakes->n;
    jout_init(&c.out, json);
    jout_object(&c.out);
    for (size_t i = 0; i < channel->setting_n; i++)
        check_known(&c, &channel->setting[i]);
    for (uint32_t i = 0; i < m->setting_n; i++) {
        const struct fb_setting *row = adapter_setting(m, i);
        struct buf value;
        buf_init(&value, VALUE_BYTES_MAX);
        if (take_value(&c, row, &value))
            jout_kv_span(&c.out, row->key, buf_span(&value));
        if (value.p)
            mem_wipe(value.p, value.n);
        buf_fini(&value);
    }
    jout_object_end(&c.out);
    if (json->is_over)
        config_mistake(mistakes, line_of(channel), channel->name,
                       "the settings are too large together; shorten them");
    return mistakes->n > before || is_any_broken(channel) ? ERR_INVALID : OK;
}
