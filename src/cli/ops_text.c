/*
 * Decides what people see of a message. Columns, facts and words are tables; what is absent is left out.
 * Invariant: every value of the API passes through text_add_safe or text_add_lines on its way out.
 */
#include "cli/ops_text.h"
#include "base/config.h"
#include "base/mem.h"
#include "cli/text.h"
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 120,
    VALUE_BYTES_MAX = 64 << 10,
    TEXT_BYTES_MAX = 16 << 20,
    TEXT_SHOWN = 800,
    TEXT_LINES_SHOWN = 15,
    REASONS_SHOWN = 10,
    LABEL_WIDTH = 22
};

/* ---- Values ---- */

static struct span value_of(struct jval object, const char *key, struct buf *scratch)
{
    struct span s = json_span(json_get(object, key), scratch);

    return s.p ? s : SPAN_LIT("");
}

static void add_value(struct buf *out, struct jval object, const char *key)
{
    struct buf scratch;

    buf_init(&scratch, VALUE_BYTES_MAX);
    text_add_safe(out, value_of(object, key, &scratch));
    buf_fini(&scratch);
}

static int64_t number_of(struct jval object, const char *key)
{
    int64_t n = 0;

    return json_i64(json_get(object, key), &n) == OK ? n : 0;
}

static bool time_of(struct jval object, const char *key, wall_ms_t *at)
{
    struct buf scratch;

    buf_init(&scratch, 64);
    bool is_there = text_read_time(value_of(object, key, &scratch), at) == OK;
    buf_fini(&scratch);
    return is_there;
}

static bool is_out(struct jval message)
{
    return json_is(json_get(message, "direction"), "out");
}

/* ---- Lists ---- */

static void write_age(struct buf *out, struct jval m, wall_ms_t now)
{
    wall_ms_t at;

    if (time_of(m, "created_at", &at))
        text_add_age(out, at, now);
}

static void write_whom(struct buf *out, struct jval m, wall_ms_t now)
{
    (void)now;
    add_value(out, m, is_out(m) ? "recipient" : "sender");
}

static void write_tries(struct buf *out, struct jval m, wall_ms_t now)
{
    (void)now;
    buf_addf(out, "%lld", (long long)number_of(m, "attempts"));
}

/* Why it stands as it stands. */
static void write_why(struct buf *out, struct jval m, wall_ms_t now)
{
    (void)now;
    if (json_has(json_get(m, "waits_for"))) {
        buf_add_str(out, "waits for ");
        add_value(out, m, "waits_for");
    } else {
        add_value(out, m, "reason");
    }
}

static const struct column {
    const char *title, *key; /* key: the value as it is, where there is no write */
    void (*write)(struct buf *out, struct jval m, wall_ms_t now);
    size_t most;
    bool in_queue, in_dead;
} columns[] = {
    {"ID", "id", NULL, 21, true, true},
    {"AGE", NULL, write_age, 8, true, true},
    {"WAY", "direction", NULL, 3, true, true},
    {"CHANNEL", "channel", NULL, 14, true, true},
    {"STATE", "state", NULL, 9, true, false},
    {"TRIES", NULL, write_tries, 6, false, true},
    {"MESSAGE", "source_id", NULL, 18, true, true},
    {"WHOM", NULL, write_whom, 16, true, true},
    {"REASON", NULL, write_why, WIDTH, true, true},
};

static bool is_shown(const struct column *c, bool is_dead)
{
    return is_dead ? c->in_dead : c->in_queue;
}

static void write_cell(struct buf *cell, const struct column *c, struct jval m, wall_ms_t now)
{
    buf_clear(cell);
    if (c->write)
        c->write(cell, m, now);
    else
        add_value(cell, m, c->key);
}

/* Every column is as wide as its widest cell, within its most; the last gets what the others leave. */
static void measure(struct jval messages, bool is_dead, unsigned most, wall_ms_t now, size_t *width)
{
    struct buf cell;
    size_t sum = 0;

    buf_init(&cell, VALUE_BYTES_MAX);
    for (unsigned i = 0; i < ARRAY_LEN(columns); i++) {
        unsigned left = most;
        width[i] = strlen(columns[i].title);
        if (!is_shown(&columns[i], is_dead))
            continue;
        for (struct jval m = json_first(messages); m.doc && left > 0; m = json_next(m), left--) {
            write_cell(&cell, &columns[i], m, now);
            size_t n = text_width(buf_span(&cell));
            width[i] = n <= width[i] ? width[i] : n < columns[i].most ? n : columns[i].most;
        }
        if (sum + width[i] > WIDTH)
            width[i] = WIDTH - sum;
        sum += width[i] + 2;
    }
    buf_fini(&cell);
}

static void trim(struct buf *out)
{
    while (out->n && out->p[out->n - 1] == ' ')
        buf_cut(out, out->n - 1);
    buf_add_char(out, '\n');
}

/* A row of the table; an absent m writes the titles. */
static void write_row(struct buf *out, struct jval m, bool is_dead, const size_t *width, wall_ms_t now)
{
    struct buf cell;

    buf_init(&cell, VALUE_BYTES_MAX);
    for (unsigned i = 0; i < ARRAY_LEN(columns); i++) {
        if (!is_shown(&columns[i], is_dead))
            continue;
        if (m.doc)
            write_cell(&cell, &columns[i], m, now);
        text_add_cell(out, m.doc ? buf_span(&cell) : span_of(columns[i].title), width[i]);
        buf_add_str(out, "  ");
    }
    trim(out);
    buf_fini(&cell);
}

void ops_text_list(struct buf *out, struct jval answer, bool is_dead, unsigned most, wall_ms_t now)
{
    struct jval messages = json_get(answer, "messages");
    size_t width[ARRAY_LEN(columns)];
    unsigned left = most;

    if (json_len(messages) == 0) {
        buf_add_str(out, is_dead ? "No dead letters.\n" : "No messages.\n");
        return;
    }
    measure(messages, is_dead, most, now, width);
    write_row(out, (struct jval){0}, is_dead, width, now);
    for (struct jval m = json_first(messages); m.doc && left > 0; m = json_next(m), left--)
        write_row(out, m, is_dead, width, now);
}

/* ---- Dead letters by reason ---- */

struct group {
    char *reason;
    unsigned n;
};

static int by_reason(const void *a, const void *b)
{
    return strcmp(((const struct group *)a)->reason, ((const struct group *)b)->reason);
}

static int by_count(const void *a, const void *b)
{
    const struct group *x = a, *y = b;

    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : by_reason(a, b);
}

/* gather makes a group of every message, sorts them and lays equal neighbours together. */
static unsigned gather(struct jval messages, struct group *group)
{
    unsigned n = 0, kept = 0;
    struct buf text;

    buf_init(&text, VALUE_BYTES_MAX);
    for (struct jval m = json_first(messages); m.doc; m = json_next(m)) {
        buf_clear(&text);
        add_value(&text, m, "reason");
        group[n++] = (struct group){mem_strdup(text.n ? text.p : "no reason"), 1};
    }
    buf_fini(&text);
    qsort(group, n, sizeof *group, by_reason);
    for (unsigned i = 0; i < n; i++) {
        if (kept > 0 && strcmp(group[kept - 1].reason, group[i].reason) == 0) {
            group[kept - 1].n++;
            free(group[i].reason);
        } else {
            group[kept++] = group[i];
        }
    }
    qsort(group, kept, sizeof *group, by_count);
    return kept;
}

void ops_text_reasons(struct buf *out, struct jval answer, bool is_all)
{
    struct jval messages = json_get(answer, "messages");
    unsigned total = json_len(messages);

    if (total == 0)
        return;
    struct group *group = mem_calloc(total, sizeof *group);
    unsigned n = gather(messages, group);
    buf_addf(out, is_all ? "\n%u dead letter%s, by reason:\n" : "\nThe newest %u dead letter%s, by reason:\n",
             total, total == 1 ? "" : "s");
    for (unsigned i = 0; i < n; i++) {
        if (i < REASONS_SHOWN) {
            buf_addf(out, "%6u  ", group[i].n);
            text_add_cell(out, span_of(group[i].reason), WIDTH - 8);
            trim(out);
        }
        free(group[i].reason);
    }
    if (n > REASONS_SHOWN)
        buf_addf(out, "        and %u other reasons\n", n - REASONS_SHOWN);
    free(group);
}

/* ---- One message ---- */

static const struct fact {
    const char *key, *out, *in; /* what it is called, by direction; NULL: not shown */
} facts[] = {
    {"channel", "channel", "channel"},
    {"recipient", "to", NULL},
    {"sender", NULL, "from"},
    {"source_id", "Front's message", "backend's message"},
    {"conversation", "Front's conversation", "backend's conversation"},
    {"event_id", "Front's event", NULL},
    {"thread_ref", "thread told to Front", "thread told to Front"},
    {"external_id", "backend's message", "Front's message"},
    {"peer_conversation", "backend's conversation", NULL},
};

static void write_label(struct buf *out, const char *label)
{
    buf_addf(out, "  %-*s  ", LABEL_WIDTH, label);
}

static void write_parts(struct buf *out, struct jval parts)
{
    if (json_type(parts) != JSON_OBJECT)
        return;
    write_label(out, "parts");
    buf_addf(out, "%lld of %lld delivered\n", (long long)number_of(parts, "delivered"),
             (long long)number_of(parts, "of"));
}

static void write_facts(struct buf *out, struct jval m)
{
    write_label(out, "way");
    buf_add_str(out, is_out(m) ? "out, from Front to the backend\n" : "in, from the backend to Front\n");
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        const char *label = is_out(m) ? facts[i].out : facts[i].in;
        if (!label || !json_has(json_get(m, facts[i].key)))
            continue;
        write_label(out, label);
        add_value(out, m, facts[i].key);
        buf_add_char(out, '\n');
    }
    write_parts(out, json_get(m, "parts"));
}

static void write_file(struct buf *out, struct jval f)
{
    char size[SIZE_TEXT_BYTES];

    add_value(out, f, "filename");
    buf_add_str(out, ", ");
    add_value(out, f, "content_type");
    if (json_has(json_get(f, "bytes")))
        buf_addf(out, ", %s", config_size_text((uint64_t)number_of(f, "bytes"), size));
    if (!json_is(json_get(f, "state"), "ready"))
        buf_add_str(out, json_is(json_get(f, "state"), "gone") ? ", left out" : ", still to be fetched");
    if (json_has(json_get(f, "reason"))) {
        buf_add_str(out, ": ");
        add_value(out, f, "reason");
    }
    buf_add_char(out, '\n');
}

static void write_files(struct buf *out, struct jval files)
{
    for (struct jval f = json_first(files); f.doc; f = json_next(f)) {
        write_label(out, "file");
        write_file(out, f);
    }
}

/* Times of a timeline are UTC, as in the log. */
static void write_moment(struct buf *out, wall_ms_t at, wall_ms_t now)
{
    char iso[25];
    struct buf age;

    clock_iso(at, iso);
    iso[10] = ' ';
    iso[23] = '\0';
    buf_init(&age, 64);
    text_add_age(&age, at, now);
    buf_addf(out, "  %s  %-8s  ", iso, buf_span(&age).p);
    buf_fini(&age);
}

/* What the backend said of it later has no number. */
static bool is_receipt(struct jval a)
{
    return number_of(a, "n") == 0;
}

static void add_reason(struct buf *out, struct jval a)
{
    if (json_has(json_get(a, "reason"))) {
        buf_add_str(out, ": ");
        add_value(out, a, "reason");
    }
    buf_add_char(out, '\n');
}

static void write_receipt(struct buf *out, struct jval a, wall_ms_t at, wall_ms_t now)
{
    write_moment(out, at, now);
    add_value(out, a, "outcome");
    add_reason(out, a);
}

static void write_attempt(struct buf *out, struct jval a, wall_ms_t now)
{
    wall_ms_t started = 0, ended = 0;
    bool has_ended = time_of(a, "ended_at", &ended) && !json_is(json_get(a, "outcome"), "");
    int64_t code = number_of(a, "code");

    if (!time_of(a, "started_at", &started))
        return;
    write_moment(out, started, now);
    buf_addf(out, "attempt %lld  ", (long long)number_of(a, "n"));
    if (!has_ended) {
        buf_add_str(out, "is under way\n");
        return;
    }
    add_value(out, a, "outcome");
    buf_add_str(out, ", took "); /* "retry after" would be the pause before the next one */
    text_add_duration(out, ended > started ? ended - started : 0);
    if (code)
        buf_addf(out, ", code %lld", (long long)code);
    add_reason(out, a);
}

static void write_moment_of(struct buf *out, struct jval m, const char *key, const char *what, wall_ms_t now)
{
    wall_ms_t at;

    if (!time_of(m, key, &at))
        return;
    write_moment(out, at, now);
    buf_addf(out, "%s\n", what);
}

/* How it stands, since when. */
static void write_state(struct buf *out, struct jval m, wall_ms_t now)
{
    struct buf state;

    buf_init(&state, 64);
    add_value(&state, m, "state");
    write_moment_of(out, m, "updated_at", buf_span(&state).p, now);
    buf_fini(&state);
}

static void write_timeline(struct buf *out, struct jval m, wall_ms_t now)
{
    struct jval attempts = json_get(m, "timeline");
    bool is_queued = json_is(json_get(m, "state"), "queued");
    bool is_told = is_queued || json_is(json_get(m, "state"), "sending");
    wall_ms_t at, since = 0;

    buf_add_str(out, "\nTimeline (UTC)\n");
    if (json_has(json_get(m, "received_at")))
        write_moment_of(out, m, "received_at", "received", now);
    else
        write_moment_of(out, m, "created_at", "created", now);
    (void)time_of(m, "updated_at", &since);
    for (struct jval a = json_first(attempts); a.doc; a = json_next(a)) {
        if (!is_receipt(a)) {
            write_attempt(out, a, now);
        } else if (time_of(a, "started_at", &at)) {
            if (!is_told && since <= at) {
                write_state(out, m, now);
                is_told = true;
            }
            write_receipt(out, a, at, now);
        }
    }
    if (is_queued) {
        write_moment_of(out, m, "due_at", json_len(attempts) ? "next attempt" : "first attempt", now);
        write_moment_of(out, m, "expires_at", "gives up", now);
    } else if (!is_told) {
        write_state(out, m, now);
    }
}

static void write_body(struct buf *out, struct jval m)
{
    static const char *const forms[] = {"text", "markdown", "html"};
    struct jval body = json_get(m, "body");
    struct buf scratch;
    size_t i = 0;

    while (i < ARRAY_LEN(forms) - 1 && !json_has(json_get(body, forms[i])))
        i++;
    buf_init(&scratch, TEXT_BYTES_MAX);
    struct span text = json_span(json_get(body, forms[i]), &scratch);
    struct span shown = text_cut(text, TEXT_SHOWN, TEXT_LINES_SHOWN);
    if (!body.doc) {
        buf_add_str(out, "\nThe text is not kept any more.\n");
    } else if (text.n) {
        buf_addf(out, "\n%c%s\n", forms[i][0] - 'a' + 'A', forms[i] + 1);
        text_add_lines(out, shown, "  ");
    }
    if (shown.n < text.n)
        buf_addf(out, "  … %zu characters in all; --json has them\n", text_width(text));
    buf_fini(&scratch);
}

void ops_text_show(struct buf *out, struct jval message, wall_ms_t now)
{
    add_value(out, message, "id");
    buf_add_str(out, "  ");
    add_value(out, message, "state");
    if (json_has(json_get(message, "waits_for")) || json_has(json_get(message, "reason"))) {
        buf_add_str(out, ": ");
        write_why(out, message, now);
    }
    buf_add_str(out, "\n\n");
    write_facts(out, message);
    write_files(out, json_get(message, "files"));
    write_timeline(out, message, now);
    write_body(out, message);
}
