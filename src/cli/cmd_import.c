/*
 * front-bridge import: lines of history into the bridge's store, and a look at how they go on from there. What a line may
 * say is front/history.h's, what is known the store's: killed and started again, what is stored is known.
 */
#include "base/mem.h"
#include "cli/command.h"
#include "cli/import.h"
#include "cli/ops_ask.h"
#include "front/history.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct option options[] = {
    {"channel", 0, "NAME", "whose history it is; may be left out where there is one channel"},
    {"check", 0, NULL, "look at the lines only: nothing is stored, no bridge is asked"},
    {"no-wait", 0, NULL, "leave once the lines are stored"},
    {"status", 0, "NAME", "say how far the import of this channel is, and leave"},
    {"json", 0, NULL, "as JSON, one object a line: each bad line, and the sums"},
    {NULL, 0, NULL, NULL},
};

volatile sig_atomic_t import_is_stopped;

static void on_signal(int signal)
{
    (void)signal;
    import_is_stopped = 1;
}

/* The second Ctrl-C is not asked again. */
static void catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

void import_pause(int64_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

static void add_sum(struct buf *out, uint64_t n, const char *what)
{
    import_text_count(out, n);
    buf_add_str(out, what);
}

static int print_sums(const struct import *m, bool is_check)
{
    struct buf out;
    struct jout j;

    import_clear_bar(m);
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
    struct import_figures f;

    if (code != EXIT_FINE) {
        if (import_is_stopped)
            fputs("Stopped. What is stored goes on in the bridge; start it again for the rest.\n", stderr);
        return code;
    }
    if (!import_read_figures(m, &f))
        fputs("The bridge does not run; front-bridge run sends what is stored.\n", stderr);
    else if (is_waiting)
        return import_follow(m);
    return EXIT_FINE;
}

static int work(struct import *m, const struct options *o)
{
    bool is_check = options_has(o, "check");
    struct import_figures f = {0};
    struct stat st;

    m->is_json = options_has(o, "json");
    m->is_terminal = isatty(STDERR_FILENO);
    if (fstat(m->lines.fd, &st) == 0 && S_ISREG(st.st_mode))
        m->file_bytes = (uint64_t)st.st_size;
    catch_signals();
    if (!is_check)
        import_read_figures(m, &f);
    m->done_before = f.done;
    m->dead_before = f.dead;
    m->shown_at = clock_mono_ms();
    int code = is_check ? import_check(m) : import_send(m);
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
        command_no_channel(c, name);
    return found;
}

/* A folder opens too, and would fail only when it is read. */
static int open_lines(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        errno = EISDIR;
        return -1;
    }
    return fd;
}

static int import(const struct options *o, const struct config *c, const struct config_channel *ch)
{
    bool is_input = strcmp(o->argument[0], "-") == 0;
    int fd = is_input ? STDIN_FILENO : open_lines(o->argument[0]);
    struct import *m;

    if (fd < 0)
        return command_fail(EXIT_USAGE, "cannot read %s: %s", o->argument[0], strerror(errno));
    m = mem_zalloc(sizeof *m);
    m->config = c;
    m->channel = ch;
    m->file = is_input ? "<stdin>" : o->argument[0];
    import_lines_init(&m->lines, fd, HISTORY_LINE_MAX);
    buf_init(&m->body, IMPORT_BATCH_BYTES + HISTORY_LINE_MAX + IMPORT_BATCH_LINES);
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
    uint64_t waiting = import_number(v, "waiting");

    (void)c;
    if (ops_add_json(o, answer, out))
        return EXIT_FINE;
    buf_addf(out, "%s: ", (const char *)arg);
    add_sum(out, waiting, " waiting, ");
    add_sum(out, import_number(v, "imported"), " in Front, ");
    add_sum(out, import_number(v, "held"), " held, ");
    add_sum(out, import_number(v, "unknown"), " unknown, ");
    add_sum(out, import_number(v, "dead"), " dead; ");
    if (json_has(json_get(v, "per_minute")))
        import_text_forecast(out, waiting, -1, (int64_t)import_number(v, "per_minute"));
    else
        buf_add_str(out, "the bridge does not run");
    buf_add_char(out, '\n');
    return EXIT_FINE;
}

static int status(const struct options *o, const struct config_channel *ch)
{
    struct buf target;

    import_target_init(&target, ch->name);
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
