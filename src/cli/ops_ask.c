/*
 * From a command line to a request, and from its answer to what is printed and the exit code. What may be
 * asked, and what it does, is the API's; nothing of it is repeated here.
 */
#include "cli/ops_ask.h"
#include "admin/ops.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/ops_call.h"
#include "cli/ops_text.h"
#include "cli/text.h"
#include "store/import.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_BYTES_MAX = 8192, TEXT_BYTES_MAX = 16 << 20, MISSING_SHOWN = 10 };

/* ---- Requests ---- */

static void target_init(struct buf *target, bool is_dead, const char *rest)
{
    buf_init(target, TARGET_BYTES_MAX);
    buf_addf(target, "/api/v1/%s%s?", is_dead ? "dead" : "messages", rest);
}

void ops_add_encoded(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_addf(out, isalnum((unsigned char)*text) || *text == '-' ? "%c" : "%%%02X", (unsigned char)*text);
}

void ops_add_parameter(struct buf *target, const char *name, const char *value)
{
    buf_addf(target, "%s=", name);
    ops_add_encoded(target, value);
    buf_add_char(target, '&');
}

/* Gives how many options select messages. */
static unsigned add_options(struct buf *target, const struct options *o)
{
    unsigned n = 0;

    for (const struct option *option = o->option; option->name; option++)
        if (option->value && options_has(o, option->name)) {
            ops_add_parameter(target, option->name, options_get(o, option->name));
            n++;
        }
    return n;
}

static void add_ids(struct buf *target, const struct options *o)
{
    for (unsigned i = 0; i < o->argument_n; i++) {
        buf_add_str(target, i ? "," : "id=");
        ops_add_encoded(target, o->argument[i]);
    }
}

/* ---- Answers ---- */

/* An answer that is none: print the API's sentence. */
static int refuse(const struct ops_answer *a, struct jval root)
{
    struct buf sentence, safe;

    buf_init(&sentence, 4096);
    buf_init(&safe, 8192);
    text_add_safe(&safe, json_span(json_get(root, "error"), &sentence));
    int code = command_fail(a->status == 400 ? EXIT_USAGE : EXIT_FAILED, "%s",
                            safe.n ? safe.p : "the answer could not be read");
    buf_fini(&sentence);
    buf_fini(&safe);
    return code;
}

bool ops_refuse_channel(const struct options *o, const struct config *c)
{
    const char *name = options_get(o, "channel");
    struct span channel = span_of(name);

    if (name)
        store_history_of(channel, &channel);
    if (!name || config_channel_find(c, channel))
        return false;
    command_no_channel(c, name);
    return true;
}

int ops_ask(const struct options *o, const char *method, struct buf *target, ops_present_fn *present,
            void *arg)
{
    struct config *c = command_config(o);
    struct ops_answer a;
    struct json doc;
    struct buf out;

    if (!c)
        return EXIT_USAGE;
    ops_answer_init(&a);
    buf_init(&out, OPS_ANSWER_MAX);
    int code = target->is_over ? command_fail(EXIT_USAGE, "the options and ids are too long")
                               : ops_call(c, method, buf_span(target).p, &a);
    if (code == EXIT_FINE) {
        bool is_json = json_parse(&doc, buf_span(&a.json)) == OK;
        struct jval root = is_json ? json_root(&doc) : (struct jval){0};
        code = is_json && a.status == 200 ? present(o, c, root, arg, &out) : refuse(&a, root);
        json_fini(&doc);
    }
    if (out.n > 0) {
        int printed = command_print(&out);
        code = printed ? printed : code;
    }
    buf_fini(&out);
    ops_answer_fini(&a);
    config_free(c);
    return code;
}

bool ops_add_json(const struct options *o, struct jval answer, struct buf *out)
{
    if (!options_has(o, "json"))
        return false;
    buf_add_span(out, json_raw(answer));
    buf_add_char(out, '\n');
    return true;
}

/* ---- List ---- */

struct listing {
    bool is_dead;
    uint64_t most;
};

static int present_list(const struct options *o, const struct config *c, struct jval answer, void *arg,
                        struct buf *out)
{
    const struct listing *l = arg;
    unsigned n = json_len(json_get(answer, "messages"));

    if (n == 0 && ops_refuse_channel(o, c))
        return EXIT_USAGE;
    if (ops_add_json(o, answer, out))
        return EXIT_FINE;
    ops_text_list(out, answer, l->is_dead, (unsigned)l->most, clock_wall_ms());
    if (l->is_dead)
        ops_text_reasons(out, answer, n < OPS_LIST_MAX);
    if (n >= l->most && l->most < OPS_LIST_MAX)
        buf_addf(out, "\nThese are the newest %u; --limit N lists more.\n", (unsigned)l->most);
    return EXIT_FINE;
}

int ops_list(const struct options *o, bool is_dead)
{
    struct listing l = {.is_dead = is_dead, .most = OPS_LIST_DEFAULT};
    const char *limit = options_get(o, "limit");
    struct buf target;

    if (limit && (!span_u64(span_of(limit), &l.most) || l.most < 1 || l.most > OPS_LIST_MAX))
        return command_fail(EXIT_USAGE, "--limit is a number from 1 to %d, not \"%.40s\"", OPS_LIST_MAX,
                            limit);
    target_init(&target, is_dead, "");
    if (is_dead && !options_has(o, "json")) /* as many as there may be, for the figures below the table */
        buf_addf(&target, "limit=%d&", OPS_LIST_MAX);
    add_options(&target, o);
    int code = ops_ask(o, "GET", &target, present_list, &l);
    buf_fini(&target);
    return code;
}

/* ---- Show ---- */

static int present_show(const struct options *o, const struct config *c, struct jval answer, void *arg,
                        struct buf *out)
{
    (void)c, (void)arg;
    if (!ops_add_json(o, answer, out))
        ops_text_show(out, answer, clock_wall_ms());
    return EXIT_FINE;
}

int ops_show(const struct options *o, bool is_dead)
{
    struct buf target, rest;

    buf_init(&rest, TARGET_BYTES_MAX);
    buf_add_char(&rest, '/');
    ops_add_encoded(&rest, o->argument[0]);
    target_init(&target, is_dead, rest.p);
    int code = ops_ask(o, "GET", &target, present_show, NULL);
    buf_fini(&rest);
    buf_fini(&target);
    return code;
}

/* ---- Retry, hold, release, drop ---- */

static const struct change {
    const char *verb, *done;
} changes[] = {
    {"retry", "queued again"},
    {"hold", "held"},
    {"release", "released"},
    {"drop", "dropped"},
};

static int64_t count_of(struct jval answer, const char *key)
{
    int64_t n = 0;

    return json_i64(json_get(answer, key), &n) == OK ? n : 0;
}

/* Which of those that were named are not there: "2 not found: A, B." */
static void write_missing(struct buf *out, struct jval ids, int64_t missing)
{
    unsigned i = 0;

    buf_addf(out, "%lld not found", (long long)missing);
    for (struct jval id = json_first(ids); id.doc && i < MISSING_SHOWN; id = json_next(id), i++) {
        struct buf text;
        buf_init(&text, 256);
        buf_add_str(out, i ? ", " : ": ");
        text_add_safe(out, json_span(id, &text));
        buf_fini(&text);
    }
    if (i > 0 && missing > i)
        buf_addf(out, " and %lld more", (long long)missing - i);
    buf_add_str(out, ".\n");
}

static void write_change(struct buf *out, const struct change *c, struct jval answer)
{
    int64_t changed = count_of(answer, "changed"), skipped = count_of(answer, "skipped"),
            missing = count_of(answer, "missing");

    if (changed + skipped + missing == 0)
        buf_addf(out, "There is nothing to %s.\n", c->verb);
    else
        buf_addf(out, "%lld message%s %s.\n", (long long)changed, changed == 1 ? "" : "s", c->done);
    if (skipped > 0)
        buf_addf(out, "%lld left alone: just being sent, or in a state in which there is nothing to %s.\n",
                 (long long)skipped, c->verb);
    if (missing > 0)
        write_missing(out, json_get(answer, "missing_ids"), missing);
}

/* Of messages that were named, each must have been changed; of a selection, one. */
static int present_change(const struct options *o, const struct config *c, struct jval answer, void *arg,
                          struct buf *out)
{
    int64_t changed = count_of(answer, "changed"), skipped = count_of(answer, "skipped"),
            missing = count_of(answer, "missing");
    bool is_fine = options_has(o, "all") ? changed > 0 : skipped + missing == 0;

    if (changed + skipped + missing == 0 && ops_refuse_channel(o, c))
        return EXIT_USAGE;
    if (!ops_add_json(o, answer, out))
        write_change(out, arg, answer);
    return is_fine ? EXIT_FINE : EXIT_FAILED;
}

int ops_change(const struct options *o, bool is_dead, const char *verb)
{
    bool is_all = options_has(o, "all");
    struct buf target;
    char rest[16];
    size_t i = 0;
    int code;

    while (strcmp(changes[i].verb, verb) != 0)
        must(++i < ARRAY_LEN(changes));
    must(snprintf(rest, sizeof rest, "/%s", verb) < (int)sizeof rest);
    target_init(&target, is_dead, rest);
    unsigned selecting_n = add_options(&target, o);
    buf_add_str(&target, is_all ? "all=1" : "");
    add_ids(&target, o);
    if (is_all == (o->argument_n > 0))
        code = command_fail(EXIT_USAGE, "name messages by their ids, or say --all; either, not both");
    else if (selecting_n > 0 && !is_all)
        code = command_fail(EXIT_USAGE, "options that select messages go with --all, not with ids");
    else
        code = ops_ask(o, "POST", &target, present_change, (void *)(uintptr_t)&changes[i]);
    buf_fini(&target);
    return code;
}
