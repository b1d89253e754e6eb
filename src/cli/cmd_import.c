/*
 * front-bridge import: lines of history into the bridge's store, and a look at how they go on from there. What a line may
 * say is history.c's, what is known the store's. Invariant: a line is counted as stored or known only when it was
 * answered so; killed and started again, what is stored is known.
 */
#include "admin/ops_import.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/import_lines.h"
#include "cli/import_text.h"
#include "cli/ops_ask.h"
#include "cli/ops_call.h"
#include "cli/text.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BATCH_LINES = 500,
    BATCH_BYTES = 1 << 20, /* unless one line alone is longer */
    WAIT_MS = 500,         /* for a bridge that is just starting, for room */
    PATIENCE_MS = 60 * 1000,
    LOOK_MS = 1000,
    TERMINAL_MS = 200, /* between two looks of the bar */
    LOG_MS = 10000,    /* and between two lines of it on a pipe */
    WIDTH = 79,
    WHY_MAX = 16384,
};

static const struct option options[] = {
    {"channel", 0, "NAME", "whose history it is; may be left out where there is one channel"},
    {"check", 0, NULL, "look at the lines only: nothing is stored, no bridge is asked"},
    {"no-wait", 0, NULL, "leave once the lines are stored"},
    {"status", 0, "NAME", "say how far the import of this channel is, and leave"},
    {"json", 0, NULL, "as JSON, one object a line: each bad line, and the sums"},
    {NULL, 0, NULL, NULL},
};

struct import {
    const struct config *config;
    const struct config_channel *channel;
    const char *file; /* as people call it */
    bool is_json, is_terminal;
    struct import_lines lines;
    uint64_t file_bytes; /* 0: not known */
    struct buf body;     /* the lines that are to be sent */
    uint64_t number[BATCH_LINES];
    size_t end[BATCH_LINES]; /* of each in body */
    unsigned n;
    uint64_t line_n, stored_n, known_n, bad_n;
    mono_ms_t shown_at;
    struct import_pace pace;
    uint64_t done_before; /* of the history, when this began */
    uint64_t dead_before;
};

static volatile sig_atomic_t is_stopped;

static void on_signal(int signal)
{
    (void)signal;
    is_stopped = 1;
}

/* The second Ctrl-C is not asked again. */
static void catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

static void pause_ms(int64_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

/* ---- What is shown meanwhile ---- */

static void clear_bar(const struct import *m)
{
    if (m->is_terminal)
        fputs("\r\033[K", stderr);
}

static void show(struct import *m, const struct import_progress *p, bool is_last)
{
    mono_ms_t now = clock_mono_ms();
    struct buf line;

    if (!is_last && now - m->shown_at < (m->is_terminal ? TERMINAL_MS : LOG_MS))
        return;
    m->shown_at = now;
    buf_init(&line, 1024);
    import_text_progress(&line, p, m->is_terminal, WIDTH);
    clear_bar(m);
    fprintf(stderr, m->is_terminal ? "%s" : "%s\n", line.p);
    if (is_last && m->is_terminal)
        fputc('\n', stderr);
    fflush(stderr);
    buf_fini(&line);
}

static void show_reading(struct import *m)
{
    uint64_t total = m->file_bytes && m->lines.read_n
                         ? (uint64_t)((double)m->line_n * (double)m->file_bytes / (double)m->lines.read_n)
                         : 0;
    mono_ms_t now = clock_mono_ms();

    import_pace_add(&m->pace, m->line_n, now);
    show(m,
         &(struct import_progress){.what = m->file,
                                   .done = m->line_n,
                                   .total = total > m->line_n ? total : m->line_n,
                                   .of_what = "lines read",
                                   .per_minute = import_pace_per_minute(&m->pace, m->line_n, now),
                                   .bad_n = (unsigned)m->bad_n},
         false);
}

static void say_bad(struct import *m, uint64_t number, struct span reason)
{
    struct buf out, safe;
    struct jout j;

    m->bad_n++;
    clear_bar(m);
    buf_init(&out, WHY_MAX);
    buf_init(&safe, WHY_MAX);
    if (m->is_json) {
        jout_init(&j, &out);
        jout_object(&j);
        jout_kv_i64(&j, "line", (int64_t)number);
        jout_kv_span(&j, "bad", reason);
        jout_object_end(&j);
    } else {
        text_add_safe(&safe, reason);
        buf_addf(&out, "%s:%llu: %s", m->file, (unsigned long long)number, safe.p ? safe.p : "");
    }
    puts(out.p);
    buf_fini(&out);
    buf_fini(&safe);
}

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
        say_bad(m, m->lines.number, SPAN_LIT("it is longer than 4 MiB"));
    }
}

static int fail_reading(const struct import *m)
{
    clear_bar(m);
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
    while (m->n < BATCH_LINES && m->body.n < BATCH_BYTES && !is_stopped) {
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

static uint64_t number_of(struct jval object, const char *key)
{
    int64_t n = 0;

    return json_i64(json_get(object, key), &n) == OK && n > 0 ? (uint64_t)n : 0;
}

static void take_answer(struct import *m, struct jval root, unsigned from, unsigned n)
{
    struct buf reason;

    buf_init(&reason, WHY_MAX);
    m->stored_n += number_of(root, "stored");
    m->known_n += number_of(root, "known");
    for (struct jval v = json_first(json_get(root, "bad")); v.doc; v = json_next(v)) {
        uint64_t at = number_of(v, "line");
        if (at >= 1 && at <= n)
            say_bad(m, m->number[from + at - 1], json_span(json_get(v, "reason"), &reason));
    }
    buf_fini(&reason);
}

static void add_target(struct buf *target, const char *channel)
{
    buf_add_str(target, "/api/v1/imports?");
    ops_add_parameter(target, "channel", channel);
    target->n--; /* the last "&" */
    target->p[target->n] = '\0';
}

/* What the answer says that is none; printed. */
static int refuse(const struct import *m, const struct ops_answer *a, struct jval root)
{
    struct buf sentence, safe;

    buf_init(&sentence, WHY_MAX);
    buf_init(&safe, WHY_MAX);
    text_add_safe(&safe, json_span(json_get(root, "error"), &sentence));
    clear_bar(m);
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
    buf_init(&target, 4096);
    add_target(&target, m->channel->name);
    buf_clear(why);
    *code = ops_send(m->config, "POST", target.p, body, &a, why);
    bool is_json = *code == EXIT_FINE && json_parse(&doc, buf_span(&a.json)) == OK;
    if (*code == EXIT_TRY_LATER) {
        result = SENT_NOT_NOW;
    } else if (*code != EXIT_FINE) {
        clear_bar(m);
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
    mono_ms_t until = clock_mono_ms() + PATIENCE_MS;
    unsigned from = 0, most = m->n;
    struct buf why;
    int code = EXIT_FINE;

    buf_init(&why, WHY_MAX);
    while (from < m->n && !is_stopped) {
        unsigned n = most < m->n - from ? most : m->n - from;
        enum sent s = try_send(m, from, n, &code, &why);
        if (s == SENT) {
            from += n;
            until = clock_mono_ms() + PATIENCE_MS;
        } else if (s == SENT_TOO_MUCH && n > 1) {
            most = n / 2;
        } else if (s == SENT_TOO_MUCH) {
            show_reading(m);
            pause_ms(2 * WAIT_MS);
        } else if (s == SENT_NOT_NOW && clock_mono_ms() < until) {
            pause_ms(WAIT_MS);
        } else {
            if (s == SENT_NOT_NOW)
                code =
                    command_fail(EXIT_TRY_LATER, "%s; start it again later: it goes on where it was", why.p);
            break;
        }
    }
    buf_fini(&why);
    return from == m->n ? EXIT_FINE : is_stopped ? EXIT_TRY_LATER : code;
}

static int send_all(struct import *m)
{
    bool is_over = false;

    while (!is_over && !is_stopped) {
        if (fill(m, &is_over) != OK)
            return fail_reading(m);
        int code = m->n > 0 ? send_batch(m) : EXIT_FINE;
        if (code != EXIT_FINE)
            return code;
        show_reading(m);
    }
    return is_stopped ? EXIT_TRY_LATER : EXIT_FINE;
}

/* ---- Checking ---- */

static int check_all(struct import *m)
{
    struct span line;
    enum err e;

    while (!is_stopped && (e = next(m, &line)) != ERR_NOT_FOUND) {
        struct history h;
        struct buf why;
        if (e == ERR_IO)
            return fail_reading(m);
        if (e != OK)
            continue;
        buf_init(&why, WHY_MAX);
        if (history_read(&h, line, m->channel->kind, clock_wall_ms(), &why) != OK)
            say_bad(m, m->lines.number, buf_span(&why));
        history_fini(&h);
        buf_fini(&why);
        show_reading(m);
    }
    return is_stopped ? EXIT_TRY_LATER : EXIT_FINE;
}

/* ---- Following ---- */

struct figures {
    uint64_t waiting, done, dead;
    int64_t per_minute;
    bool is_running; /* a bridge answered */
};

static bool read_figures(const struct import *m, struct figures *f)
{
    struct ops_answer a;
    struct buf target;
    struct json doc = {0};

    ops_answer_init(&a);
    buf_init(&target, 4096);
    add_target(&target, m->channel->name);
    *f = (struct figures){.is_running = ops_ask_bridge(m->config, target.p, &a)};
    if (f->is_running && json_parse(&doc, buf_span(&a.json)) == OK) {
        struct jval v = json_first(json_get(json_root(&doc), "imports"));
        f->waiting = number_of(v, "waiting");
        f->dead = number_of(v, "dead") + number_of(v, "unknown");
        f->done = number_of(v, "imported") + number_of(v, "dropped") + number_of(v, "held") + f->dead;
        f->per_minute = (int64_t)number_of(v, "per_minute");
    }
    json_fini(&doc);
    buf_fini(&target);
    ops_answer_fini(&a);
    return f->is_running;
}

static struct import_progress progress_of(struct import *m, const struct figures *f)
{
    mono_ms_t now = clock_mono_ms();
    uint64_t done = f->done > m->done_before ? f->done - m->done_before : 0;

    import_pace_add(&m->pace, done, now);
    return (struct import_progress){.what = m->channel->name,
                                    .done = done,
                                    .total = done + f->waiting,
                                    .of_what = "sent",
                                    .per_minute = import_pace_per_minute(&m->pace, done, now),
                                    .plan_per_minute = f->per_minute};
}

static int end_following(struct import *m, const struct figures *f)
{
    struct import_progress p = progress_of(m, f);

    show(m, &p, true);
    if (f->dead <= m->dead_before)
        return EXIT_FINE;
    return command_fail(
        EXIT_FAILED,
        "%llu of them failed; front-bridge dead list --channel %s:import says why, and import takes a "
        "mended line with the same id again",
        (unsigned long long)(f->dead - m->dead_before), m->channel->name);
}

/* follow shows what waits until nothing does. */
static int follow(struct import *m)
{
    mono_ms_t until = clock_mono_ms() + PATIENCE_MS;
    struct figures f;

    m->pace = (struct import_pace){.n = 0};
    while (!is_stopped) {
        if (read_figures(m, &f)) {
            until = clock_mono_ms() + PATIENCE_MS;
            if (f.waiting == 0)
                return end_following(m, &f);
            struct import_progress p = progress_of(m, &f);
            show(m, &p, false);
        } else if (clock_mono_ms() >= until) {
            clear_bar(m);
            return command_fail(EXIT_TRY_LATER,
                                "the bridge has stopped; what is left goes on when it runs again");
        }
        pause_ms(LOOK_MS);
    }
    clear_bar(m);
    fprintf(stderr, "The import goes on in the bridge; front-bridge import --status %s shows it.\n",
            m->channel->name);
    return EXIT_FINE;
}

/* ---- The command ---- */

static void add_sum(struct buf *out, uint64_t n, const char *what)
{
    import_text_count(out, n);
    buf_add_str(out, what);
}

static int print_sums(const struct import *m, bool is_check)
{
    struct buf out;
    struct jout j;

    clear_bar(m);
    buf_init(&out, 4096);
    if (m->is_json) {
        jout_init(&j, &out);
        jout_object(&j);
        jout_kv_str(&j, "channel", m->channel->name);
        jout_kv_i64(&j, "lines", (int64_t)m->line_n);
        if (!is_check) {
            jout_kv_i64(&j, "stored", (int64_t)m->stored_n);
            jout_kv_i64(&j, "known", (int64_t)m->known_n);
        }
        jout_kv_i64(&j, "bad_lines", (int64_t)m->bad_n);
        jout_object_end(&j);
    } else {
        buf_addf(&out, "%s: ", m->file);
        add_sum(&out, m->line_n, m->line_n == 1 ? " line, " : " lines, ");
        if (is_check) {
            add_sum(&out, m->line_n - m->bad_n, " good, ");
        } else {
            add_sum(&out, m->stored_n, " stored, ");
            add_sum(&out, m->known_n, " known already, ");
        }
        add_sum(&out, m->bad_n, " bad");
    }
    buf_add_char(&out, '\n');
    return command_print(&out);
}

static int after_sending(struct import *m, bool is_waiting, int code)
{
    struct figures f;

    if (code != EXIT_FINE) {
        if (is_stopped)
            fputs("Stopped. What is stored goes on in the bridge; start it again for the rest.\n", stderr);
        return code;
    }
    if (!read_figures(m, &f))
        fputs("The bridge does not run; front-bridge run sends what is stored.\n", stderr);
    else if (is_waiting)
        return follow(m);
    return EXIT_FINE;
}

static int work(struct import *m, const struct options *o)
{
    bool is_check = options_has(o, "check");
    struct figures f = {0};
    struct stat st;

    m->is_json = options_has(o, "json");
    m->is_terminal = isatty(STDERR_FILENO);
    if (fstat(m->lines.fd, &st) == 0 && S_ISREG(st.st_mode))
        m->file_bytes = (uint64_t)st.st_size;
    catch_signals();
    if (!is_check)
        read_figures(m, &f);
    m->done_before = f.done;
    m->dead_before = f.dead;
    m->shown_at = clock_mono_ms();
    int code = is_check ? check_all(m) : send_all(m);
    int printed = print_sums(m, is_check);
    if (!is_check)
        code = after_sending(m, !options_has(o, "no-wait"), code);
    return code ? code : printed ? printed : m->bad_n > 0 ? EXIT_FAILED : EXIT_FINE;
}

static const struct config_channel *channel_of(const struct config *c, const char *name)
{
    const struct config_channel *found = name ? config_channel_find(c, span_of(name)) : NULL;

    if (!name && c->channel_n == 1)
        return &c->channel[0];
    if (!name)
        command_fail(EXIT_USAGE, "say whose history it is: --channel NAME");
    else if (!found)
        command_fail(EXIT_USAGE, "there is no channel \"%.63s\" in the configuration", name);
    return found;
}

static int import(const struct options *o, const struct config *c, const struct config_channel *ch)
{
    bool is_input = strcmp(o->argument[0], "-") == 0;
    int fd = is_input ? STDIN_FILENO : open(o->argument[0], O_RDONLY | O_CLOEXEC);
    struct import *m;

    if (fd < 0)
        return command_fail(EXIT_FAILED, "cannot read %s: %s", o->argument[0], strerror(errno));
    m = mem_zalloc(sizeof *m);
    m->config = c;
    m->channel = ch;
    m->file = is_input ? "<stdin>" : o->argument[0];
    import_lines_init(&m->lines, fd, HISTORY_LINE_MAX);
    buf_init(&m->body, BATCH_BYTES + HISTORY_LINE_MAX + BATCH_LINES);
    int code = work(m, o);
    buf_fini(&m->body);
    import_lines_fini(&m->lines);
    free(m);
    if (!is_input)
        close(fd);
    return code;
}

static int present_status(const struct options *o, const struct config *c, struct jval answer, void *arg,
                          struct buf *out)
{
    struct jval v = json_first(json_get(answer, "imports"));
    uint64_t waiting = number_of(v, "waiting");

    (void)c;
    if (ops_add_json(o, answer, out))
        return EXIT_FINE;
    buf_addf(out, "%s: ", (const char *)arg);
    add_sum(out, waiting, " waiting, ");
    add_sum(out, number_of(v, "imported"), " in Front, ");
    add_sum(out, number_of(v, "held"), " held, ");
    add_sum(out, number_of(v, "unknown"), " unknown, ");
    add_sum(out, number_of(v, "dead"), " dead; ");
    if (json_has(json_get(v, "per_minute")))
        import_text_forecast(out, waiting, -1, (int64_t)number_of(v, "per_minute"));
    else
        buf_add_str(out, "the bridge does not run");
    buf_add_char(out, '\n');
    return EXIT_FINE;
}

static int status(const struct options *o, const struct config_channel *ch)
{
    struct buf target;

    buf_init(&target, 4096);
    add_target(&target, ch->name);
    int code = ops_ask(o, "GET", &target, present_status, (void *)(uintptr_t)ch->name);
    buf_fini(&target);
    return code;
}

static int run(const struct options *o)
{
    const char *of = options_get(o, "status");
    struct config *c;
    int code = EXIT_USAGE;

    if ((of != NULL) == (o->argument_n == 1))
        return command_fail(EXIT_USAGE,
                            of ? "--status takes no file" : "say which file: front-bridge import FILE");
    c = command_config(o);
    if (!c)
        return EXIT_USAGE;
    const struct config_channel *ch = channel_of(c, of ? of : options_get(o, "channel"));
    if (ch)
        code = of ? status(o, ch) : import(o, c, ch);
    config_free(c);
    return code;
}

const struct command command_import = {
    .name = "import",
    .arguments = "[FILE]",
    .summary = "bring the history of a channel into Front",
    .help = "Reads messages of the past, one JSON object a line, and posts them to Front in the lowest lane: "
            "live messages do\n"
            "not wait for them. FILE may be \"-\", the standard input. A line is what a backend posts to "
            "/hooks/CHANNEL, with \"id\"\n"
            "and \"created_at\" (Unix seconds, or 2024-01-31T09:30:00Z):\n"
            "\n"
            "  "
            "{\"id\":\"m1\",\"created_at\":1600000000,\"sender\":{\"handle\":\"ada\",\"name\":\"Ada\"},"
            "\"text\":\"Hello\"}\n"
            "  "
            "{\"id\":\"m2\",\"created_at\":\"2020-09-13T12:30:00Z\",\"direction\":\"outbound\",\"sender\":{"
            "\"handle\":\"grace\"},\n"
            "   \"to\":[{\"handle\":\"ada\"}],\"text\":\"Hello Ada\"}    (on one line)\n"
            "\n"
            "Bad lines are listed with their number and what is wrong; the rest goes on. Killed and started "
            "again it goes on where\n"
            "it was: a line is stored once for each id. The lines wait in the bridge's store, so it may be "
            "left with Ctrl-C.\n"
            "Exit status: 1 if any line was bad or failed.\n",
    .options = options,
    .argument_most = 1,
    .run = run,
};
