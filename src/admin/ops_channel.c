/*
 * One verb. In a running bridge the channel's own life does it; else the store is told, and the next bridge goes on
 * from there. Invariant: it is done when the store has it.
 */
#include "admin/ops_channel.h"
#include "admin/ops_answer.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/fact.h"
#include <stdlib.h>
#include <string.h>

struct resumption {
    const struct ops_context *x;
    const struct config_channel *channel;
    ops_done_fn *done;
    void *arg;
    struct store_standings standings;
    struct store_standing standing;
};

static void answer(ops_done_fn *done, void *arg, int status, const char *key, const char *value)
{
    struct buf out;

    buf_init(&out, 4096);
    ops_write_word(&out, key, value);
    done(status, buf_span(&out), arg);
    buf_fini(&out);
}

static void end(enum err e, void *arg)
{
    struct resumption *r = arg;

    if (e == OK) {
        log_info("operator", LOG_STR("verb", "resume"), LOG_STR("channel", r->channel->name));
        answer(r->done, r->arg, 200, "resumed", r->channel->name);
    } else if (e == ERR_CONFLICT) {
        answer(r->done, r->arg, 409, "error",
               "Front has not deleted this channel: there is nothing to resume.");
    } else {
        answer(r->done, r->arg, 503, "error", "The store does not work at the moment; try again.");
    }
    store_standings_fini(&r->standings);
    free(r);
}

static void on_written(struct store_op *op)
{
    end(op->result, container_of(op, struct resumption, standing.op));
}

static bool is_stopped(const struct resumption *r)
{
    for (unsigned i = 0; i < r->standings.item_n; i++)
        if (strcmp(r->standings.item[i].channel, r->channel->name) == 0)
            return r->standings.item[i].standing.life == LIFE_STOPPED;
    return false;
}

static void on_read(struct store_op *op)
{
    struct resumption *r = container_of(op, struct resumption, standings.op);

    if (op->result != OK || !is_stopped(r)) {
        end(op->result ? op->result : ERR_CONFLICT, r);
        return;
    }
    r->standing = (struct store_standing){.op.on_done = on_written,
                                          .channel = r->channel->name,
                                          .fields = STANDING_LIFE,
                                          .to = {.life = LIFE_RESUMING, .life_since = clock_wall_ms()}};
    store_post_standing(r->x->store, &r->standing);
}

static void resume(const struct ops_context *x, const struct config_channel *channel, ops_done_fn *done,
                   void *arg)
{
    struct resumption *r = mem_zalloc(sizeof *r);

    *r = (struct resumption){.x = x, .channel = channel, .done = done, .arg = arg};
    if (x->resume) {
        x->resume(channel->name, end, r, x->arg);
        return;
    }
    r->standings.op.on_done = on_read;
    store_post_standings(x->store, &r->standings);
}

void ops_channel_run(const struct ops_context *x, struct span method, struct span rest, ops_done_fn *done,
                     void *arg)
{
    static const char verb[] = "/resume";
    size_t verb_n = sizeof verb - 1;
    bool is_verb = span_is(method, "POST") && rest.n > verb_n + 1 && rest.p[0] == '/' &&
                   memcmp(rest.p + rest.n - verb_n, verb, verb_n) == 0;
    const struct config_channel *c =
        is_verb ? config_channel_find(x->config, (struct span){rest.p + 1, rest.n - verb_n - 1}) : NULL;

    if (!is_verb)
        answer(done, arg, 404, "error", "There is no such verb; POST /api/v1/channels/NAME/resume.");
    else if (!c)
        answer(done, arg, 404, "error", "There is no such channel in the configuration.");
    else
        resume(x, c, done, arg);
}
