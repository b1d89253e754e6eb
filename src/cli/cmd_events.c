/* front-bridge events …: what Front told, and what was made of it. What may be asked is the API's (admin/ops_event.h). */
#include "admin/ops.h"
#include "base/mem.h"
#include "cli/ops_ask.h"
#include "cli/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TARGET_MAX = 8192, CELL_MAX = 4096, TYPE_WIDTH = 20, ID_WIDTH = 16, AGE_WIDTH = 8, STATE_WIDTH = 7 };

#define TIME_EXAMPLES "2026-01-31T08:00:00Z, Unix seconds, or 2h (ago)" /* what fits behind --after */
#define TIME_HELP     "a time such as 2026-01-31T08:00:00Z, Unix seconds, or 2h for two hours ago"
#define EVENT_FILTERS                                                                                        \
    {"types", 0, "TYPE[,...]", "only these types, as Front names them: outbound, sending_error ..."},        \
        {"after", 0, "TIME", "only what was emitted since: " TIME_EXAMPLES},                                 \
        {"before", 0, "TIME", "only what was emitted before"},                                               \
        {"inboxes", 0, "INB[,...]", "only of these inboxes"},                                                \
    {                                                                                                        \
        "account", 0, "NAME", "only of this account"                                                         \
    }
#define MORE_FILTERS                                                                                         \
    {"channel", 0, "NAME", "only what came to this channel's own URL"},                                      \
    {                                                                                                        \
        "state", 0, "STATE[,...]", "only waiting, acted, ignored or failed ones"                             \
    }

static const struct option list_options[] = {
    EVENT_FILTERS, MORE_FILTERS, {OPS_LIMIT}, {OPS_JSON}, {NULL, 0, NULL, NULL}};
static const struct option show_options[] = {{OPS_JSON}, {NULL, 0, NULL, NULL}};
static const struct option replay_options[] = {
    EVENT_FILTERS,
    MORE_FILTERS,
    {"all", 0, NULL, "all that the other options select, instead of an id"},
    {"front", 0, NULL, "ask Front for what was emitted then, and act on what is not known"},
    {OPS_JSON},
    {NULL, 0, NULL, NULL}};

/* ---- Times ---- */

static enum err read_date(const char *text, wall_ms_t *at)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"};

    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct tm tm = {0};
        const char *rest = strptime(text, formats[i], &tm);
        if (rest && *rest == '\0') {
            *at = (wall_ms_t)timegm(&tm) * 1000;
            return OK;
        }
    }
    return text_read_time(span_of(text), at);
}

static enum err read_time(const char *text, wall_ms_t now, wall_ms_t *at)
{
    char *end;
    int64_t ago;
    double seconds = strtod(text, &end);

    if (end != text && *end == '\0' && seconds >= 0 && seconds < 1e11) {
        *at = (wall_ms_t)(seconds * 1000.0 + 0.5);
        return OK;
    }
    if (config_duration(span_of(text), &ago) == OK) {
        *at = now - ago;
        return OK;
    }
    return read_date(text, at);
}

/* False: it said what is wrong. */
static bool add_times(struct buf *target, const struct options *o)
{
    static const char *const names[] = {"after", "before"};
    wall_ms_t at;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *text = options_get(o, names[i]);
        if (text && read_time(text, clock_wall_ms(), &at) != OK) {
            command_fail(EXIT_USAGE, "--%s is " TIME_HELP ", not \"%.40s\"", names[i], text);
            return false;
        }
        if (text)
            buf_addf(target, "%s=%lld&", names[i], (long long)at);
    }
    return true;
}

static void add_filters(struct buf *target, const struct options *o)
{
    static const char *const names[] = {"types", "inboxes", "account", "channel", "state", "limit"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        bool is_known = false;
        for (const struct option *p = o->option; p->name; p++)
            is_known |= strcmp(p->name, names[i]) == 0;
        if (is_known && options_get(o, names[i]))
            ops_add_parameter(target, names[i], options_get(o, names[i]));
    }
}

/* ---- List ---- */

static void add_text(struct buf *out, struct jval event, const char *key, size_t width)
{
    struct buf raw, safe;

    buf_init(&raw, CELL_MAX);
    buf_init(&safe, 4 * CELL_MAX);
    text_add_safe(&safe, json_span(json_get(event, key), &raw));
    if (width)
        text_add_cell(out, buf_span(&safe), width);
    else
        buf_add_span(out, buf_span(&safe));
    buf_add_str(out, width ? "  " : "");
    buf_fini(&raw);
    buf_fini(&safe);
}

static void add_age(struct buf *out, struct jval event, wall_ms_t now)
{
    struct buf raw, age;
    wall_ms_t at;

    buf_init(&raw, 64);
    buf_init(&age, 64);
    if (text_read_time(json_span(json_get(event, "emitted_at"), &raw), &at) == OK)
        text_add_age(&age, at, now);
    text_add_cell(out, buf_span(&age), AGE_WIDTH);
    buf_add_str(out, "  ");
    buf_fini(&raw);
    buf_fini(&age);
}

static int present_list(const struct options *o, const struct config *c, struct jval answer, void *arg,
                        struct buf *out)
{
    wall_ms_t now = clock_wall_ms();
    struct jval events = json_get(answer, "events");

    (void)arg;
    if (json_len(events) == 0 && ops_refuse_channel(o, c))
        return EXIT_USAGE;
    if (ops_add_json(o, answer, out))
        return EXIT_FINE;
    if (json_len(events) == 0) {
        buf_add_str(out, "There are no such events.\n");
        return EXIT_FINE;
    }
    buf_addf(out, "%-*s  %-*s  %-*s  %-*s  RESULT\n", ID_WIDTH, "ID", AGE_WIDTH, "EMITTED", TYPE_WIDTH,
             "TYPE", STATE_WIDTH, "STATE");
    for (struct jval e = json_first(events); e.doc; e = json_next(e)) {
        add_text(out, e, "id", ID_WIDTH);
        add_age(out, e, now);
        add_text(out, e, "type", TYPE_WIDTH);
        add_text(out, e, "state", STATE_WIDTH);
        add_text(out, e, "result", 0);
        buf_add_char(out, '\n');
    }
    if (json_has(json_get(answer, "next")))
        buf_add_str(out, "\nThere are older ones; --limit N lists more.\n");
    return EXIT_FINE;
}

static int run_list(const struct options *o)
{
    struct buf target;
    int code = EXIT_USAGE;

    buf_init(&target, TARGET_MAX);
    buf_add_str(&target, "/api/v1/events?");
    add_filters(&target, o);
    if (add_times(&target, o))
        code = ops_ask(o, "GET", &target, present_list, NULL);
    buf_fini(&target);
    return code;
}

/* ---- Show ---- */

/* One event may be stored more than once: for each place that it came to. */
static void add_way(struct buf *out, struct jval event)
{
    struct buf account, channel, way;

    buf_init(&account, CELL_MAX);
    buf_init(&channel, CELL_MAX);
    buf_init(&way, 2 * CELL_MAX);
    struct span a = json_span(json_get(event, "account"), &account),
                c = json_span(json_get(event, "channel"), &channel);
    if (json_is(json_get(event, "origin"), "caught up"))
        buf_add_str(&way, "Front was asked for what had been missed");
    else if (json_has(json_get(event, "channel")))
        buf_addf(&way, "Front called the channel's own URL, /front/%.*s", SPAN_FMT(c));
    else
        buf_addf(&way, "Front called a webhook, /events/%.*s", SPAN_FMT(a));
    buf_addf(out, "%-12s", "came by");
    text_add_safe(out, buf_span(&way));
    buf_add_char(out, '\n');
    buf_fini(&account);
    buf_fini(&channel);
    buf_fini(&way);
}

static void add_count(struct buf *out, size_t n)
{
    if (n > 1)
        buf_addf(
            out,
            "This event came by %zu ways, and is kept once for each. What it stands for is done once: each "
            "record says what was made of it.\n\n",
            n);
}

static int present_show(const struct options *o, const struct config *c, struct jval answer, void *arg,
                        struct buf *out)
{
    static const char *const keys[] = {"id",        "type",  "account", "channel", "emitted_at",
                                       "stored_at", "state", "result",  "due_at"};

    (void)c, (void)arg;
    if (ops_add_json(o, answer, out))
        return EXIT_FINE;
    add_count(out, json_len(json_get(answer, "events")));
    for (struct jval e = json_first(json_get(answer, "events")); e.doc; e = json_next(e)) {
        add_way(out, e);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            if (!json_has(json_get(e, keys[i])))
                continue;
            buf_addf(out, "%-12s", keys[i]);
            add_text(out, e, keys[i], 0);
            buf_add_char(out, '\n');
        }
        buf_add_str(out, "data\n");
        text_add_lines(out, json_raw(json_get(e, "data")), "  ");
        buf_add_str(out, "\n\n");
    }
    return EXIT_FINE;
}

static int run_show(const struct options *o)
{
    struct buf target;

    buf_init(&target, TARGET_MAX);
    buf_add_str(&target, "/api/v1/events/");
    ops_add_encoded(&target, o->argument[0]);
    int code = ops_ask(o, "GET", &target, present_show, NULL);
    buf_fini(&target);
    return code;
}

/* ---- Replay ---- */

static int64_t number_of(struct jval answer, const char *key)
{
    int64_t n = 0;

    return json_i64(json_get(answer, key), &n) == OK ? n : 0;
}

static int present_replay(const struct options *o, const struct config *c, struct jval answer, void *arg,
                          struct buf *out)
{
    (void)arg;
    if (number_of(answer, "replayed") + number_of(answer, "found") == 0 && ops_refuse_channel(o, c))
        return EXIT_USAGE;
    if (ops_add_json(o, answer, out))
        return EXIT_FINE;
    if (options_has(o, "front"))
        buf_addf(out, "Front knows %lld of them; %lld were new here and are acted on.\n",
                 (long long)number_of(answer, "found"), (long long)number_of(answer, "new"));
    else
        buf_addf(out, "%lld acted on again; what was delivered is not delivered twice.\n",
                 (long long)number_of(answer, "replayed"));
    return EXIT_FINE;
}

static int run_replay(const struct options *o)
{
    bool is_front = options_has(o, "front"), is_all = options_has(o, "all");
    struct buf target;
    int code = EXIT_USAGE;

    if ((o->argument_n > 0) + is_front + is_all != 1)
        return command_fail(EXIT_USAGE,
                            "name an event, or say --all or --front with what it is about; one of them");
    buf_init(&target, TARGET_MAX);
    buf_add_str(&target, is_front ? "/api/v1/events/search?" : "/api/v1/events/replay?");
    if (is_all)
        buf_add_str(&target, "all=1&");
    if (o->argument_n > 0)
        ops_add_parameter(&target, "id", o->argument[0]);
    add_filters(&target, o);
    if (add_times(&target, o))
        code = ops_ask(o, "POST", &target, present_replay, NULL);
    buf_fini(&target);
    return code;
}

const struct command command_events_list = {
    .name = "events list",
    .arguments = "",
    .summary = "list Front's events and what was made of them",
    .help = "Lists the events that came or were caught up with, those emitted last first.\n",
    .options = list_options,
    .run = run_list,
};

const struct command command_events_show = {
    .name = "events show",
    .arguments = "ID",
    .summary = "show an event with its data",
    .help = "Shows an event of Front (evt_...), once for each way that it came by: a channel's own URL, a "
            "webhook, "
            "or a look for\nwhat had been missed.\n",
    .options = show_options,
    .argument_least = 1,
    .argument_most = 1,
    .run = run_show,
};

const struct command command_events_replay = {
    .name = "events replay",
    .arguments = "[ID]",
    .summary = "act on events again, or on those that were missed",
    .help = "Acts on stored events again: on the one that is named, or with --all on those that the options "
            "select. With --front\n"
            "Front is asked for the events of that time (--after is needed), and those that are not known "
            "here are acted on.\n"
            "What was delivered is known by its id, and is never delivered twice.\n",
    .options = replay_options,
    .argument_most = 1,
    .run = run_replay,
};
