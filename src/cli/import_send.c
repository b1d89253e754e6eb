/*
 * Lines to the bridge, a batch at a time; or only judged here. Invariant: a line is counted as stored or known only when it
 * was answered so.
 */
#include "base/mem.h"
#include "cli/command.h"
#include "cli/import.h"
#include "cli/ops_call.h"
#include "cli/text.h"
#include "front/history.h"
#include <string.h>

enum { WAIT_MS = 500 /* for a bridge that is just starting, for room */ };

/* ---- Reading ---- */

static bool is_blank(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '\t')
            return false;
    return true;
}

/* next gives the next line that says something; bad ones of which not even the beginning is kept are said here. */
static enum err next(struct import *m, struct span *line)
{
    for (;;) {
        enum err e = import_lines_next(&m->lines, line);
        if (e == OK && is_blank(*line))
            continue;
        if (e != ERR_LIMIT) {
            m->line_n += e == OK;
            return e;
        }
        m->line_n++;
        import_say_bad(m, m->lines.number, SPAN_LIT("it is longer than 4 MiB"));
    }
}

static int fail_reading(const struct import *m)
{
    import_clear_bar(m);
    return command_fail(EXIT_FAILED, "cannot read %s: %s", m->file, strerror(m->lines.error));
}

static void keep(struct import *m, struct span line)
{
    buf_add_span(&m->body, line);
    buf_add_char(&m->body, '\n');
    m->number[m->n] = m->lines.number;
    m->end[m->n++] = m->body.n;
}

/* fill reads lines until the batch is full; *is_over: there are no more. */
static enum err fill(struct import *m, bool *is_over)
{
    struct span line;

    buf_clear(&m->body);
    m->n = 0;
    while (m->n < IMPORT_BATCH_LINES && m->body.n < IMPORT_BATCH_BYTES && !import_is_stopped) {
        enum err e = next(m, &line);
        if (e == ERR_NOT_FOUND)
            *is_over = true;
        if (e)
            return e == ERR_IO ? e : OK;
        keep(m, line);
    }
    return OK;
}

/* ---- Sending ---- */

static void take_answer(struct import *m, struct jval root, unsigned from, unsigned n)
{
    struct buf reason;

    buf_init(&reason, IMPORT_WHY_MAX);
    m->stored_n += import_number(root, "stored");
    m->known_n += import_number(root, "known");
    for (struct jval v = json_first(json_get(root, "bad")); v.doc; v = json_next(v)) {
        uint64_t at = import_number(v, "line");
        if (at >= 1 && at <= n)
            import_say_bad(m, m->number[from + at - 1], json_span(json_get(v, "reason"), &reason));
    }
    buf_fini(&reason);
}

/* What the answer says that is none; printed. */
static int refuse(const struct import *m, const struct ops_answer *a, struct jval root)
{
    struct buf sentence, safe;

    buf_init(&sentence, IMPORT_WHY_MAX);
    buf_init(&safe, IMPORT_WHY_MAX);
    text_add_safe(&safe, json_span(json_get(root, "error"), &sentence));
    import_clear_bar(m);
    int code = command_fail(a->status == 400   ? EXIT_USAGE
                            : a->status == 503 ? EXIT_TRY_LATER
                                               : EXIT_FAILED,
                            "%s", safe.n ? safe.p : "the answer could not be read");
    buf_fini(&sentence);
    buf_fini(&safe);
    return code;
}

enum sent { SENT, SENT_NOT_NOW, SENT_TOO_MUCH, SENT_FAILED };

/* try_send sends lines [from, from + n) of the batch once. */
static enum sent try_send(struct import *m, unsigned from, unsigned n, int *code, struct buf *why)
{
    size_t begin = from > 0 ? m->end[from - 1] : 0;
    struct span body = {m->body.p + begin, m->end[from + n - 1] - begin};
    enum sent result = SENT_FAILED;
    struct ops_answer a;
    struct buf target;
    struct json doc = {0};

    ops_answer_init(&a);
    import_target_init(&target, m->channel->name);
    buf_clear(why);
    *code = ops_send(m->config, "POST", target.p, body, &a, why);
    bool is_json = *code == EXIT_FINE && json_parse(&doc, buf_span(&a.json)) == OK;
    if (*code == EXIT_TRY_LATER) {
        result = SENT_NOT_NOW;
    } else if (*code != EXIT_FINE) {
        import_clear_bar(m);
        command_fail(*code, "%s", why->p);
    } else if (a.status == 200 && is_json) {
        take_answer(m, json_root(&doc), from, n);
        result = SENT;
    } else if (a.status == 429) {
        result = SENT_TOO_MUCH;
    } else if (a.status == 503) {
        buf_add_str(why, "the store does not work at the moment");
        result = SENT_NOT_NOW;
    } else {
        *code = refuse(m, &a, is_json ? json_root(&doc) : (struct jval){0});
    }
    json_fini(&doc);
    buf_fini(&target);
    ops_answer_fini(&a);
    return result;
}

/* send_batch does not give up while there is no room, and not at once where nobody answers. */
static int send_batch(struct import *m)
{
    mono_ms_t until = clock_mono_ms() + IMPORT_PATIENCE_MS;
    unsigned from = 0, most = m->n;
    struct buf why;
    int code = EXIT_FINE;

    buf_init(&why, IMPORT_WHY_MAX);
    while (from < m->n && !import_is_stopped) {
        unsigned n = most < m->n - from ? most : m->n - from;
        enum sent s = try_send(m, from, n, &code, &why);
        if (s == SENT) {
            from += n;
            until = clock_mono_ms() + IMPORT_PATIENCE_MS;
        } else if (s == SENT_TOO_MUCH && n > 1) {
            most = n / 2;
        } else if (s == SENT_TOO_MUCH) {
            import_show_reading(m);
            import_pause(2 * WAIT_MS);
        } else if (s == SENT_NOT_NOW && clock_mono_ms() < until) {
            import_pause(WAIT_MS);
        } else {
            if (s == SENT_NOT_NOW)
                code =
                    command_fail(EXIT_TRY_LATER, "%s; start it again later: it goes on where it was", why.p);
            break;
        }
    }
    buf_fini(&why);
    return from == m->n ? EXIT_FINE : import_is_stopped ? EXIT_TRY_LATER : code;
}

int import_send(struct import *m)
{
    bool is_over = false;

    while (!is_over && !import_is_stopped) {
        if (fill(m, &is_over) != OK)
            return fail_reading(m);
        int code = m->n > 0 ? send_batch(m) : EXIT_FINE;
        if (code != EXIT_FINE)
            return code;
        import_show_reading(m);
    }
    return import_is_stopped ? EXIT_TRY_LATER : EXIT_FINE;
}

/* ---- Checking ---- */

int import_check(struct import *m)
{
    struct span line;
    enum err e;

    while (!import_is_stopped && (e = next(m, &line)) != ERR_NOT_FOUND) {
        struct history h;
        struct buf why;
        if (e == ERR_IO)
            return fail_reading(m);
        if (e != OK)
            continue;
        buf_init(&why, IMPORT_WHY_MAX);
        if (history_read(&h, line, m->channel->kind, clock_wall_ms(), &why) != OK)
            import_say_bad(m, m->lines.number, buf_span(&why));
        history_fini(&h);
        buf_fini(&why);
        import_show_reading(m);
    }
    return import_is_stopped ? EXIT_TRY_LATER : EXIT_FINE;
}
