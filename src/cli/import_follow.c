/* How far the bridge is with a history, asked again and again. */
#include "base/mem.h"
#include "cli/command.h"
#include "cli/import.h"
#include "cli/ops_ask.h"
#include "cli/ops_call.h"
#include <stdio.h>

enum { LOOK_MS = 1000, TARGET_BYTES_MAX = 4096 };

uint64_t import_number(struct jval object, const char *key)
{
    int64_t n = 0;

    return json_i64(json_get(object, key), &n) == OK && n > 0 ? (uint64_t)n : 0;
}

void import_target_init(struct buf *target, const char *channel)
{
    buf_init(target, TARGET_BYTES_MAX);
    buf_add_str(target, "/api/v1/imports?");
    ops_add_parameter(target, "channel", channel);
    buf_cut(target, target->n - 1); /* the last "&" */
}

bool import_read_figures(const struct import *m, struct import_figures *f)
{
    struct ops_answer a;
    struct buf target;
    struct json doc = {0};

    ops_answer_init(&a);
    import_target_init(&target, m->channel->name);
    *f = (struct import_figures){.is_running = ops_ask_bridge(m->config, target.p, &a)};
    if (f->is_running && json_parse(&doc, buf_span(&a.json)) == OK) {
        struct jval v = json_first(json_get(json_root(&doc), "imports"));
        f->waiting = import_number(v, "waiting");
        f->dead = import_number(v, "dead") + import_number(v, "unknown");
        f->done =
            import_number(v, "imported") + import_number(v, "dropped") + import_number(v, "held") + f->dead;
        f->per_minute = (int64_t)import_number(v, "per_minute");
    }
    json_fini(&doc);
    buf_fini(&target);
    ops_answer_fini(&a);
    return f->is_running;
}

static struct import_progress progress_of(struct import *m, const struct import_figures *f)
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

static int end_following(struct import *m, const struct import_figures *f)
{
    struct import_progress p = progress_of(m, f);

    import_show(m, &p, true);
    if (f->dead <= m->dead_before)
        return EXIT_FINE;
    return command_fail(
        EXIT_FAILED,
        "%llu of them failed; front-bridge dead list --channel %s:import says why, and import takes a "
        "mended line with the same id again",
        (unsigned long long)(f->dead - m->dead_before), m->channel->name);
}

int import_follow(struct import *m)
{
    mono_ms_t until = clock_mono_ms() + IMPORT_PATIENCE_MS;
    struct import_figures f;

    m->pace = (struct import_pace){.n = 0};
    while (!import_is_stopped) {
        if (import_read_figures(m, &f)) {
            until = clock_mono_ms() + IMPORT_PATIENCE_MS;
            if (f.waiting == 0)
                return end_following(m, &f);
            struct import_progress p = progress_of(m, &f);
            import_show(m, &p, false);
        } else if (clock_mono_ms() >= until) {
            import_clear_bar(m);
            return command_fail(EXIT_TRY_LATER,
                                "the bridge has stopped; what is left goes on when it runs again");
        }
        import_pause(LOOK_MS);
    }
    import_clear_bar(m);
    fprintf(stderr, "The import goes on in the bridge; front-bridge import --status %s shows it.\n",
            m->channel->name);
    return EXIT_FINE;
}
