/*
 * From a wish to a call. Invariant: one step of a change is under way at a time, and "ok" is forgotten only after
 * Front took it or refused it for good.
 */
#include "bridge/presence.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/life.h"
#include "bridge/staging.h"

enum { AGAIN_MS = 30 * 1000, BODY_MAX = 256, PATH_MAX_BYTES = 1024 };

void presence_init(struct channel *ch)
{
    ch->presence = (struct presence){0};
    outage_init(&ch->presence.outage, clock_mono_ms());
}

static void on_kept(enum err e, void *arg)
{
    struct channel *ch = arg;

    (void)e; /* if it could not be kept, the next tick begins anew */
    ch->presence.is_busy = false;
}

static void keep(struct channel *ch, bool is_offline)
{
    ch->presence.is_busy = true;
    life_tell(ch, is_offline, on_kept, ch);
}

static void write_line(const struct channel *ch, bool is_offline, const struct front_result *r)
{
    log_line(r->class == FRONT_CALL_OK && !is_offline ? LOG_INFO : LOG_WARN,
             is_offline ? "channel_offline" : "channel_ok",
             (const struct log_field[]){
                 LOG_STR("channel", ch->config->name),
                 LOG_STR("front", r->class == FRONT_CALL_OK ? "told" : "refused"),
                 LOG_SPAN("reason", r->reason),
             },
             r->class == FRONT_CALL_OK ? 2 : 3);
}

static void on_answer(const struct front_result *r, void *arg)
{
    struct channel *ch = arg;
    struct presence *p = &ch->presence;

    p->is_busy = false;
    if (r->class == FRONT_CALL_CANCELLED)
        return;
    if (r->class != FRONT_CALL_OK && r->class != FRONT_CALL_REFUSED) {
        p->again_at = clock_mono_ms() + AGAIN_MS;
        return;
    }
    write_line(ch, p->is_telling_offline, r);
    p->has_told_offline = p->is_telling_offline;
    if (!p->is_telling_offline)
        keep(ch, false);
}

static void tell(struct channel *ch, bool is_offline)
{
    struct presence *p = &ch->presence;
    struct buf path, body;
    struct jout j;

    p->is_busy = true;
    p->is_telling_offline = is_offline;
    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&body, BODY_MAX);
    front_path(&path, "/channels/%s", channel_front_id(ch));
    jout_init(&j, &body);
    jout_object(&j);
    jout_kv_str(&j, "status", is_offline ? "offline" : "ok");
    jout_object_end(&j);
    staging_call(ch,
                 &(struct front_request){.name = "channel_status",
                                         .lane = RATE_STATUS,
                                         .auth = FRONT_AUTH_CHANNEL,
                                         .channel = channel_front_id(ch),
                                         .method = "PATCH",
                                         .path = path.p,
                                         .resource = channel_front_id(ch),
                                         .body = buf_span(&body)},
                 on_answer, ch);
    buf_fini(&path);
    buf_fini(&body);
}

void presence_tick(struct channel *ch)
{
    struct presence *p = &ch->presence;
    bool is_offline = ch->life.standing.is_offline;
    mono_ms_t now = clock_mono_ms();

    if (ch->config->kind != CHANNEL_APPLICATION || channel_is_closed(ch))
        return;
    bool is_wanted =
        outage_wants(&p->outage, host_status(ch->host) == HOST_UP, ch->breaker.is_open, is_offline, now);
    if (p->is_busy || now < p->again_at || !channel_front_id(ch) || ch->bridge->is_stopping)
        return;
    if (is_wanted && !is_offline)
        keep(ch, true); /* the next tick tells */
    else if (is_wanted && !p->has_told_offline && outage_is_certain(&p->outage, now))
        tell(ch, true);
    else if (!is_wanted && is_offline)
        tell(ch, false);
}
