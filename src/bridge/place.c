/* One GET an hour and channel; a refusal is believed for a while, so that a wrong id costs nothing. */
#include "bridge/place.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/staging.h"
#include "front/link.h"
#include <stdlib.h>
#include <string.h>

enum {
    AGAIN_MS = 5000,
    REFUSED_AGAIN_MS = 5 * 60 * 1000,
    FRESH_MS = 60 * 60 * 1000, /* then it is asked for again: people move channels */
    TEXT_MAX = 1024,
};

struct placer {
    struct channel *channel;
    struct place place;
    bool is_known, is_asking;
    bool is_outdated; /* the answer on its way is about another channel */
    mono_ms_t ask_at;
    char *refusal; /* why Front did not say */
};

struct placer *placer_new(struct channel *ch)
{
    struct placer *p = mem_zalloc(sizeof *p);

    p->channel = ch;
    return p;
}

static void place_fini(struct place *p)
{
    free(p->inbox);
    free(p->address);
    free(p->type);
}

void placer_free(struct placer *p)
{
    if (!p)
        return;
    place_fini(&p->place);
    free(p->refusal);
    free(p);
}

void placer_forget(struct placer *p)
{
    place_fini(&p->place);
    p->place = (struct place){0};
    p->is_known = false;
    p->is_outdated = p->is_asking;
    p->ask_at = 0;
}

static void take(struct place *p, struct jval channel)
{
    struct buf scratch;

    place_fini(p);
    buf_init(&scratch, TEXT_MAX);
    p->inbox = span_strdup(front_id_of_link(json_span(json_path(channel, "_links.related.inbox"), &scratch)));
    p->address = json_dup(json_get(channel, "address"), TEXT_MAX);
    p->type = json_dup(json_get(channel, "type"), TEXT_MAX);
    buf_fini(&scratch);
}

static void on_answer(const struct front_result *r, void *arg)
{
    struct placer *p = arg;
    mono_ms_t now = clock_mono_ms();

    bool is_of_no_use = r->class == FRONT_CALL_CANCELLED || p->is_outdated;

    p->is_asking = p->is_outdated = false;
    if (is_of_no_use)
        return;
    if (r->class == FRONT_CALL_OK && r->json) {
        take(&p->place, json_root(r->json));
        p->is_known = true;
        p->ask_at = now + FRESH_MS;
        return;
    }
    p->ask_at = now + (r->class == FRONT_CALL_REFUSED ? REFUSED_AGAIN_MS : AGAIN_MS);
    free(p->refusal);
    p->refusal = span_strdup(r->reason);
    log_warn("channel_unknown", LOG_STR("channel", p->channel->config->name), LOG_SPAN("reason", r->reason));
}

static void ask(struct placer *p)
{
    const struct channel *ch = p->channel;
    struct buf path;

    p->is_asking = true;
    buf_init(&path, TEXT_MAX);
    front_path(&path, "/channels/%s", channel_front_id(ch));
    staging_call(ch,
                 &(struct front_request){
                     .name = "channel",
                     .lane = RATE_RESOLVE,
                     .auth = ch->account->config->token ? FRONT_AUTH_TOKEN : FRONT_AUTH_CHANNEL,
                     .channel = channel_front_id(ch),
                     .method = "GET",
                     .path = path.p,
                     .resource = channel_front_id(ch),
                 },
                 on_answer, p);
    buf_fini(&path);
}

const struct place *place_of(struct channel *ch, const char **why)
{
    struct placer *p = ch->placer;

    if (!p->is_asking && channel_front_id(ch) && clock_mono_ms() >= p->ask_at && !ch->bridge->is_stopping)
        ask(p);
    if (p->is_known)
        return &p->place;
    if (why)
        *why = !channel_front_id(ch) ? "the channel has no id in Front yet"
               : p->refusal          ? p->refusal
                                     : "Front has not said yet where the channel is";
    return NULL;
}
