/* One function per family; each family is written whole, with its help and type. */
#include "admin/metrics.h"

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static const char *result_name(unsigned e)
{
    return e == FRONT_OK ? "success" : front_error_type((enum front_error)e);
}

static void callbacks(struct buf *out, const struct bridge *b)
{
    family(out, "front_bridge_callbacks_total", "counter",
           "Callbacks of Front, by shape and by what was answered.");
    for (size_t i = 0; i < b->config->channel_n; i++)
        for (unsigned s = 0; s < CALLBACK_SHAPE_N; s++)
            for (unsigned e = 0; e < FRONT_ERROR_N; e++)
                if (b->channel[i].stats.callbacks[s][e])
                    buf_addf(out,
                             "front_bridge_callbacks_total{channel=\"%s\",shape=\"%s\",result=\"%s\"} %llu\n",
                             b->config->channel[i].name, callback_shape_name((enum callback_shape)s),
                             result_name(e), (unsigned long long)b->channel[i].stats.callbacks[s][e]);
}

static void outcomes(struct buf *out, const struct bridge *b, const char *name, const char *help, bool is_out)
{
    family(out, name, "counter", help);
    for (size_t i = 0; i < b->config->channel_n; i++) {
        const struct channel_stats *stats = &b->channel[i].stats;
        const uint64_t *n = is_out ? stats->deliveries : stats->inbound;
        for (unsigned o = OUTCOME_DELIVERED; o < OUTCOME_N; o++)
            buf_addf(out, "%s{channel=\"%s\",outcome=\"%s\"} %llu\n", name, b->config->channel[i].name,
                     outcome_name((enum outcome_kind)o), (unsigned long long)n[o]);
        for (unsigned o = OUTCOME_DELIVERED; !is_out && o < OUTCOME_N; o++)
            if (stats->history[o]) /* under the name that the store has for it */
                buf_addf(out, "%s{channel=\"%s\",outcome=\"%s\"} %llu\n", name, b->channel[i].history_name,
                         outcome_name((enum outcome_kind)o), (unsigned long long)stats->history[o]);
    }
}

/* What became of files, of agents (out) and customers (in). */
static void files(struct buf *out, const struct bridge *b)
{
    static const char *const result[] = {
        [FILE_READY] = "stored", [FILE_WANTED] = "failed", [FILE_GONE] = "gone"};

    family(out, "front_bridge_files_total", "counter",
           "Files: stored; fetches that failed and are made again; files that could not be had, or were too "
           "much.");
    for (size_t i = 0; i < b->config->channel_n; i++)
        for (enum message_direction d = MESSAGE_OUT; d <= MESSAGE_IN; d++)
            for (unsigned s = 0; s < FILE_STATE_N; s++)
                buf_addf(out,
                         "front_bridge_files_total{channel=\"%s\",direction=\"%s\",result=\"%s\"} %llu\n",
                         b->config->channel[i].name, message_direction_name(d), result[s],
                         (unsigned long long)b->channel[i].stats.files[d].n[s]);
    family(out, "front_bridge_file_bytes_total", "counter", "Bytes of the files that were stored.");
    for (size_t i = 0; i < b->config->channel_n; i++)
        for (enum message_direction d = MESSAGE_OUT; d <= MESSAGE_IN; d++)
            buf_addf(out, "front_bridge_file_bytes_total{channel=\"%s\",direction=\"%s\"} %llu\n",
                     b->config->channel[i].name, message_direction_name(d),
                     (unsigned long long)b->channel[i].stats.files[d].bytes);
}

static void per_channel(struct buf *out, const struct bridge *b, const char *name, const char *type,
                        const char *help, uint64_t (*value)(const struct channel *ch))
{
    family(out, name, type, help);
    for (size_t i = 0; i < b->config->channel_n; i++)
        buf_addf(out, "%s{channel=\"%s\"} %llu\n", name, b->config->channel[i].name,
                 (unsigned long long)value(&b->channel[i]));
}

static uint64_t is_up(const struct channel *ch)
{
    return host_status(ch->host) == HOST_UP;
}

static uint64_t is_dry_run(const struct channel *ch)
{
    return ch->config->dry_run;
}

static uint64_t only_to(const struct channel *ch)
{
    return ch->config->only_to.n;
}

static uint64_t is_offline(const struct channel *ch)
{
    return ch->life.standing.is_offline;
}

static uint64_t late_failures(const struct channel *ch)
{
    return ch->stats.late_failures;
}

static uint64_t alerts(const struct channel *ch)
{
    return ch->stats.alerts;
}

static uint64_t foreign_links(const struct channel *ch)
{
    return ch->stats.foreign_links;
}

static uint64_t unsent(const struct channel *ch)
{
    return ch->stats.unsent;
}

static void histogram(struct buf *out, const struct bridge *b, const char *name, const char *help,
                      size_t offset)
{
    family(out, name, "histogram", help);
    for (size_t i = 0; i < b->config->channel_n; i++) {
        const char *channel = b->config->channel[i].name;
        const struct histogram *h = (const void *)((const char *)&b->channel[i].stats + offset);
        uint64_t sum = 0;
        for (unsigned k = 0; k < HISTOGRAM_BUCKETS; k++) {
            sum += h->bucket[k];
            buf_addf(out, "%s_bucket{channel=\"%s\",le=\"%g\"} %llu\n", name, channel, histogram_bounds_s[k],
                     (unsigned long long)sum);
        }
        buf_addf(out,
                 "%s_bucket{channel=\"%s\",le=\"+Inf\"} %llu\n%s_sum{channel=\"%s\"} %.3f\n"
                 "%s_count{channel=\"%s\"} %llu\n",
                 name, channel, (unsigned long long)h->n, name, channel, h->sum_s, name, channel,
                 (unsigned long long)h->n);
    }
}

static void depths(struct buf *out, const struct store_stats *stats, wall_ms_t now)
{
    family(out, "front_bridge_queue_depth", "gauge",
           "Messages in the store, by channel, direction and state.");
    for (unsigned i = 0; i < stats->count_n; i++)
        for (unsigned s = 0; s < MESSAGE_STATE_N; s++)
            buf_addf(out, "front_bridge_queue_depth{channel=\"%s\",direction=\"%s\",state=\"%s\"} %llu\n",
                     stats->count[i].channel, message_direction_name(stats->count[i].direction),
                     message_state_name((enum message_state)s), (unsigned long long)stats->count[i].n[s]);
    family(out, "front_bridge_oldest_seconds", "gauge", "Age of the oldest message that still waits.");
    for (unsigned i = 0; i < stats->count_n; i++) {
        const struct store_count *c = &stats->count[i];
        buf_addf(out, "front_bridge_oldest_seconds{channel=\"%s\",direction=\"%s\"} %.3f\n", c->channel,
                 message_direction_name(c->direction),
                 c->oldest_at > 0 && now > c->oldest_at ? (double)(now - c->oldest_at) / 1000.0 : 0.0);
    }
    family(out, "front_bridge_store_bytes", "gauge", "Size of the store on disk.");
    buf_addf(
        out,
        "front_bridge_store_bytes{file=\"database\"} %llu\nfront_bridge_store_bytes{file=\"wal\"} %llu\n",
        (unsigned long long)stats->file_bytes, (unsigned long long)stats->wal_bytes);
}

static void commits(struct buf *out, const struct bridge *b)
{
    struct store_commit_times t;

    store_commit_times(b->store, &t);
    family(out, "front_bridge_store_commit_seconds", "histogram", "Time that a commit took.");
    for (unsigned i = 0; i < STORE_COMMIT_BUCKETS; i++)
        buf_addf(out, "front_bridge_store_commit_seconds_bucket{le=\"%g\"} %llu\n", store_commit_bounds_s[i],
                 (unsigned long long)t.bucket[i]);
    buf_addf(out,
             "front_bridge_store_commit_seconds_bucket{le=\"+Inf\"} %llu\n"
             "front_bridge_store_commit_seconds_sum %.6f\nfront_bridge_store_commit_seconds_count %llu\n",
             (unsigned long long)t.n, t.sum_s, (unsigned long long)t.n);
    family(out, "front_bridge_store_up", "gauge", "1 while the store takes work.");
    buf_addf(out, "front_bridge_store_up %d\n", store_is_healthy(b->store));
}

static void signs(struct buf *out, const struct bridge *b)
{
    static const char *const result[SIGN_RESULT_N] = {
        [SIGN_ACCEPTED] = "accepted", [SIGN_AGAIN] = "again", [SIGN_NOT_KEPT] = "ignored"};

    family(out, "front_bridge_signs_total", "counter",
           "What backends told of messages, and typing: stored, stored before, or nothing for Front.");
    for (size_t i = 0; i < b->config->channel_n; i++)
        for (unsigned s = SIGN_NONE + 1; s < SIGN_N; s++)
            for (unsigned r = 0; r < SIGN_RESULT_N; r++)
                if (b->channel[i].stats.signs[s][r])
                    buf_addf(out, "front_bridge_signs_total{channel=\"%s\",sign=\"%s\",result=\"%s\"} %llu\n",
                             b->config->channel[i].name, sign_name((enum sign)s), result[r],
                             (unsigned long long)b->channel[i].stats.signs[s][r]);
}

struct visit {
    struct buf *out;
    const char *account;
};

static void front_request(const char *call, int status, uint64_t n, void *arg)
{
    const struct visit *v = arg;

    buf_addf(v->out, "front_bridge_front_requests_total{account=\"%s\",call=\"%s\",status=\"%d\"} %llu\n",
             v->account, call, status, (unsigned long long)n);
}

static void accounts(struct buf *out, const struct bridge *b)
{
    family(out, "front_bridge_front_requests_total", "counter",
           "Requests to Front's API, by call and status; 0: no answer.");
    for (size_t i = 0; i < b->config->account_n; i++)
        front_client_counts(b->account[i].front, front_request,
                            &(struct visit){out, b->config->account[i].name});
    family(out, "front_bridge_rate_remaining", "gauge", "Requests that Front still allows in this minute.");
    for (size_t i = 0; i < b->config->account_n; i++)
        buf_addf(out, "front_bridge_rate_remaining{account=\"%s\"} %lld\n", b->config->account[i].name,
                 (long long)front_client_rate(b->account[i].front).remaining);
}

static const char *const app_call_name[APP_CALL_N] = {
    [APP_AUTHORIZATION] = "authorization", [APP_ADDRESSES] = "list_addresses",
    [APP_SIGN_IN] = "oauth_authorize",     [APP_TOKEN] = "oauth_token",
    [APP_INTROSPECT] = "oauth_introspect", [APP_OTHER] = "other"};

static void app_calls(struct buf *out, const struct bridge *b)
{
    family(out, "front_bridge_app_calls_total", "counter",
           "Calls to an app's base URL and its sign-in, by what was answered.");
    for (size_t i = 0; i < b->config->account_n; i++)
        for (unsigned k = 0; k < APP_CALL_N; k++)
            for (unsigned e = 0; e < FRONT_ERROR_N; e++)
                if (b->account[i].app_calls[k][e])
                    buf_addf(out,
                             "front_bridge_app_calls_total{account=\"%s\",call=\"%s\",result=\"%s\"} %llu\n",
                             b->config->account[i].name, app_call_name[k], result_name(e),
                             (unsigned long long)b->account[i].app_calls[k][e]);
}

static void confirmations(struct buf *out, const struct bridge *b)
{
    family(out, "front_bridge_confirmations_total", "counter",
           "Messages that Front says it shows: ours, ours again, or none of ours.");
    for (size_t i = 0; i < b->config->channel_n; i++) {
        const struct channel_stats *s = &b->channel[i].stats;
        const char *name = b->config->channel[i].name;
        buf_addf(out,
                 "front_bridge_confirmations_total{channel=\"%s\",result=\"confirmed\"} %llu\n"
                 "front_bridge_confirmations_total{channel=\"%s\",result=\"again\"} %llu\n"
                 "front_bridge_confirmations_total{channel=\"%s\",result=\"unknown\"} %llu\n",
                 name, (unsigned long long)s->confirmed, name, (unsigned long long)s->confirmed_again, name,
                 (unsigned long long)s->unconfirmed);
    }
}

static void webhooks(struct buf *out, const struct bridge *b)
{
    family(out, "front_bridge_webhooks_total", "counter", "Requests to /events/ACCOUNT, by the answer.");
    for (size_t i = 0; i < b->config->account_n; i++)
        for (unsigned e = 0; e < FRONT_ERROR_N; e++)
            if (b->account[i].webhooks[e])
                buf_addf(out, "front_bridge_webhooks_total{account=\"%s\",result=\"%s\"} %llu\n",
                         b->config->account[i].name, result_name(e),
                         (unsigned long long)b->account[i].webhooks[e]);
}

static void events(struct buf *out, const struct bridge *b)
{
    family(out, "front_bridge_events_total", "counter",
           "Events of Front, by type and by what was made of them.");
    for (size_t i = 0; i < b->config->account_n; i++)
        for (unsigned t = 0; t < EVENT_TYPE_N; t++)
            for (unsigned s = 0; s < EVENT_STATE_N; s++)
                if (b->account[i].events[t][s])
                    buf_addf(out, "front_bridge_events_total{account=\"%s\",type=\"%s\",state=\"%s\"} %llu\n",
                             b->config->account[i].name,
                             t == EVENT_UNKNOWN ? "other" : event_type_name((enum event_type)t),
                             store_event_state_name((enum event_state)s),
                             (unsigned long long)b->account[i].events[t][s]);
    family(out, "front_bridge_webhook_foreign_links_total", "counter",
           "Links in webhooks to hosts other than Front's: never contacted.");
    for (size_t i = 0; i < b->config->account_n; i++)
        buf_addf(out, "front_bridge_webhook_foreign_links_total{account=\"%s\"} %llu\n",
                 b->config->account[i].name, (unsigned long long)b->account[i].foreign_links);
}

static void connections(struct buf *out, const struct bridge *b)
{
    struct http_server_stats s = http_server_stats(b->server);

    family(out, "front_bridge_connections", "gauge", "Open connections of the public listener.");
    buf_addf(out, "front_bridge_connections %u\n", s.connections);
    family(out, "front_bridge_http_refused_total", "counter", "Requests that never reached a channel.");
    buf_addf(out, "front_bridge_http_refused_total %llu\n", (unsigned long long)s.refused);
}

void metrics_write(struct buf *out, const struct bridge *b, const struct store_stats *stats)
{
    callbacks(out, b);
    app_calls(out, b);
    webhooks(out, b);
    confirmations(out, b);
    outcomes(out, b, "front_bridge_deliveries_total", "Attempts to deliver to the backend, by outcome.",
             true);
    outcomes(out, b, "front_bridge_inbound_total", "Attempts to post to Front, by outcome.", false);
    files(out, b);
    signs(out, b);
    histogram(out, b, "front_bridge_delivery_seconds", "From the callback to the backend's acceptance.",
              offsetof(struct channel_stats, delivery_time));
    histogram(out, b, "front_bridge_answer_seconds", "From a callback's first byte to our answer.",
              offsetof(struct channel_stats, answer_time));
    per_channel(out, b, "front_bridge_unsent_total", "counter",
                "Messages that an event told of and that were not sent any more: old, imported or failed.",
                unsent);
    events(out, b);
    per_channel(out, b, "front_bridge_channel_up", "gauge", "1 while the channel's adapter runs.", is_up);
    per_channel(out, b, "front_bridge_channel_dry_run", "gauge",
                "1 while nothing leaves the channel (dry_run).", is_dry_run);
    per_channel(out, b, "front_bridge_channel_only_to", "gauge",
                "Handles in the channel's only_to list; 0: it may write to everyone.", only_to);
    per_channel(out, b, "front_bridge_channel_offline", "gauge",
                "1 while Front has been told that the channel is offline.", is_offline);
    per_channel(out, b, "front_bridge_late_failures_total", "counter",
                "Messages that failed after Front was told success.", late_failures);
    per_channel(out, b, "front_bridge_alerts_total", "counter",
                "Alerts: one cause failed too many messages to tell each, or Front has deleted the channel.",
                alerts);
    per_channel(out, b, "front_bridge_foreign_links_total", "counter",
                "Links in callbacks to hosts that are not Front's; never contacted.", foreign_links);
    if (stats)
        depths(out, stats, clock_wall_ms());
    commits(out, b);
    accounts(out, b);
    connections(out, b);
}
