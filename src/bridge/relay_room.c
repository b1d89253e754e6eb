/* Decides how many messages of a channel may be on their way to Front. It refuses to know what they are. */
#include "bridge/life.h"
#include "bridge/relay.h"

enum {
    WINDOW = 4, /* calls of one channel that are started or wait for the budget */
    LOOKING_MAX =
        32, /* messages of one channel that are being looked for: that takes seconds, and little else */
};

/* Those that are looked for have had their call: they take nobody's place. */
static unsigned calling_n(const struct queue *q)
{
    return q->in_flight - q->looking_n;
}

/* Nothing may leave, or there is no room. */
static bool is_shut(const struct queue *q)
{
    const struct channel *ch = q->channel;

    return ch->bridge->is_stopping || channel_is_closed(ch) || calling_n(q) >= WINDOW ||
           q->looking_n >= LOOKING_MAX;
}

static unsigned capacity(const struct queue *q, enum rate_lane lane, mono_ms_t now)
{
    const struct account *a = q->channel->account;

    if (!channel_front_id(q->channel))
        return 0;
    /* One always, so that another channel of the account that fills the budget does not keep this one out. */
    bool is_crowded = front_client_waiting(a->front, lane) >= WINDOW;
    unsigned wanted = !is_crowded ? WINDOW - calling_n(q) : calling_n(q) == 0 ? 1 : 0;
    return breaker_allows(&a->breaker, wanted, now);
}

unsigned relay_capacity(const struct channel *ch, mono_ms_t now)
{
    if (is_shut(&ch->in))
        return 0;
    if (ch->config->dry_run) /* Front is not asked */
        return WINDOW - calling_n(&ch->in);
    return capacity(&ch->in, RATE_INBOUND, now);
}

/* A dry run would mark lines as imported that Front never saw: they wait until it is over. */
unsigned relay_history_capacity(const struct channel *ch, mono_ms_t now)
{
    return is_shut(&ch->history) || ch->config->dry_run ? 0 : capacity(&ch->history, RATE_HISTORY, now);
}

static int64_t wait_ms(const struct queue *q, mono_ms_t now)
{
    const struct breaker *b = &q->channel->account->breaker;

    if (q->channel->config->dry_run || !b->is_open || b->is_probing || is_shut(q))
        return -1;
    return b->probe_at > now ? b->probe_at - now : 0;
}

int64_t relay_wait_ms(const struct channel *ch, mono_ms_t now)
{
    return wait_ms(&ch->in, now);
}

int64_t relay_history_wait_ms(const struct channel *ch, mono_ms_t now)
{
    return wait_ms(&ch->history, now);
}
