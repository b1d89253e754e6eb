/*
 * The table of keys, and how rows are found. It decides names, defaults and limits, and reads nothing itself.
 */
#include "base/config_keys.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

#define BRIDGE(field)  offsetof(struct config, field)
#define ACCOUNT(field) offsetof(struct config_account, field)
#define CHANNEL(field) offsetof(struct config_channel, field)

static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const channel_kinds[] = {"custom", "application", NULL};
static const char *const sources[] = {"auto", "callbacks", "events", NULL};
static const char *const on_timeouts[] = {"accept", "error", NULL};
static const char *const handle_kinds[] = {"any", "phone", NULL};
static const char *const when_unsures[] = {"auto", "resend", "hold", NULL};
static const char *const late_failures[] = {"auto", "status", "comment", "none", NULL};

/* clang-format off */
const struct config_key config_keys[] = {
    {"listen", KEY_ADDRESS, BRIDGE(listen), .fallback = "0.0.0.0:8080",
     .help = "The public listener: Front's callbacks and the backends' webhooks."},
    {"tls.cert", KEY_TEXT, BRIDGE(listen_cert), .line_at = BRIDGE(listen_cert_line),
     .help = "Certificate chain (PEM file) of the public listener. Left out: plain HTTP, behind a proxy."},
    {"tls.key", KEY_TEXT, BRIDGE(listen_key), .line_at = BRIDGE(listen_key_line),
     .help = "The certificate's private key (PEM file)."},
    {"admin.listen", KEY_ADDRESS, BRIDGE(admin_listen), .fallback = "127.0.0.1:9090",
     .help = "Metrics, health and the admin API."},
    {"admin.token", KEY_SECRET, BRIDGE(admin_token),
     .help = "Bearer token of the admin listener. It may be left out on loopback only."},
    {"public_url", KEY_URL, BRIDGE(public_url), .line_at = BRIDGE(public_url_line),
     .help = "How Front and the backends reach `listen`, such as https://bridge.example.com. Needed to connect "
             "application channels, and for `channel register`."},
    {"store", KEY_TEXT, BRIDGE(store), .fallback = "/var/lib/front-bridge",
     .help = "The directory that keeps the messages."},
    {"lock_wait", KEY_DURATION, BRIDGE(lock_wait_ms), .fallback = "60s", .least = "0", .most = "1h",
     .help = "How long a starting bridge waits for another one to leave the store."},
    {"log.format", KEY_CHOICE, BRIDGE(log_format), .fallback = "json", .choices = log_formats,
     .help = "How lines are written to standard error."},
    {"log.level", KEY_CHOICE, BRIDGE(log_level), .fallback = "info", .choices = log_levels,
     .help = "The least important lines that are written."},

    {"limits.callback_body", KEY_SIZE, BRIDGE(callback_body_bytes),
     .fallback = "10MiB", .least = "16KiB", .most = "64MiB",
     .help = "The largest callback taken from Front."},
    {"limits.hook_body", KEY_SIZE, BRIDGE(hook_body_bytes),
     .fallback = "36MiB", .least = "1KiB", .most = "256MiB",
     .help = "The largest webhook taken from a backend."},
    {"limits.head", KEY_SIZE, BRIDGE(head_bytes), .fallback = "16KiB", .least = "1KiB", .most = "256KiB",
     .help = "Request line and headers together."},
    {"limits.connections", KEY_COUNT, BRIDGE(connections),
     .fallback = "10000", .least = "10", .most = "1000000",
     .help = "Open connections on the public listener; at most half of the files that the process may open (`ulimit -n`)."},
    {"limits.held", KEY_COUNT, BRIDGE(held), .fallback = "2000", .least = "1", .most = "1000000",
     .help = "Callbacks that wait for their delivery at the same time; more are answered by "
             "`on_timeout` at once."},
    {"limits.channel_quota", KEY_SIZE, BRIDGE(channel_quota_bytes),
     .fallback = "1GiB", .least = "1MiB", .most = "1024TiB",
     .help = "Disk that one channel's waiting messages may take; beyond it new ones are refused."},

    {"limits.attachments", KEY_SIZE, BRIDGE(attachments_bytes),
     .fallback = "25MiB", .least = "1KiB", .most = "25MiB",
     .help = "The largest sum of one message's files. Front itself takes 25 MB (25,000,000 bytes)."},

    {"retention.bodies", KEY_DURATION, BRIDGE(retention_bodies_ms),
     .fallback = "30d", .least = "1s", .most = "3650d",
     .help = "How long the text of settled messages is kept."},
    {"retention.files", KEY_DURATION, BRIDGE(retention_files_ms),
     .fallback = "1d", .least = "1s", .most = "3650d",
     .help = "How long the files of settled messages are kept."},
    {"retention.keys", KEY_DURATION, BRIDGE(retention_keys_ms),
     .fallback = "400d", .least = "1s", .most = "3650d",
     .help = "How long message ids are remembered, so that nothing is delivered twice; and what is known of a "
             "conversation after its last use."},

    {"accounts.*.api", KEY_ORIGIN, ACCOUNT(api), .fallback = "https://api2.frontapp.com",
     .help = "Front's API. The token is sent to this host only."},
    {"accounts.*.token", KEY_SECRET, ACCOUNT(token),
     .help = "API token. Needed for custom channels."},
    {"accounts.*.secrets", KEY_SECRETS, ACCOUNT(secrets),
     .help = "API secrets that sign the callbacks of custom channels; several, so that one can be changed."},
    {"accounts.*.app.uid", KEY_TEXT, ACCOUNT(app_uid),
     .help = "UID of your Front app. Needed for application channels."},
    {"accounts.*.app.secret", KEY_SECRET, ACCOUNT(app_secret),
     .help = "Secret of your Front app."},
    {"accounts.*.app.oauth.client_id", KEY_TEXT, ACCOUNT(oauth_client_id),
     .help = "Turns on sign-in by OAuth at `/apps/ACCOUNT/oauth`: the client ID that Front's app is given there."},
    {"accounts.*.app.oauth.client_secret", KEY_SECRET, ACCOUNT(oauth_client_secret),
     .help = "The client secret beside it. A new one ends every sign-in."},
    {"accounts.*.app.oauth.redirect_uris", KEY_URLS, ACCOUNT(oauth_redirect_uris),
     .help = "Where people may be sent back to: exactly the redirect URLs that Front's app shows."},
    {"accounts.*.rate.reserve", KEY_PERCENT, ACCOUNT(rate_reserve_percent),
     .fallback = "20%", .least = "0%", .most = "90%",
     .help = "Part of Front's rate limit that is left to the company's other tools."},
    {"accounts.*.rate.per_resource", KEY_RATE, ACCOUNT(rate_per_resource),
     .fallback = "5/s", .least = "1/s", .most = "50/s",
     .help = "Front's limit for calls that name the same channel or conversation."},
    {"accounts.*.catch_up.enabled", KEY_BOOL, ACCOUNT(catch_up_enabled), .fallback = "true",
     .help = "Look for events that were missed while nobody listened; needs a token."},
    {"accounts.*.catch_up.overlap", KEY_DURATION, ACCOUNT(catch_up_overlap_ms),
     .fallback = "6h", .least = "0", .most = "30d",
     .help = "How far each look goes back before the last one."},
    {"accounts.*.catch_up.every", KEY_DURATION, ACCOUNT(catch_up_every_ms),
     .fallback = "10m", .least = "1m", .most = "24h",
     .help = "Time between two looks."},

    {"channels.*.account", KEY_ACCOUNT, CHANNEL(account),
     .help = "The account that the Front channel belongs to. May be left out if there is only one."},
    {"channels.*.kind", KEY_CHOICE, CHANNEL(kind), .fallback = "custom", .choices = channel_kinds,
     .help = "What the channel is in Front."},
    {"channels.*.front_channel", KEY_FRONT_ID, CHANNEL(front_channel),
     .help = "Front's id of the channel, such as cha_12ab. A custom channel needs it to post to Front, and `front-bridge "
             "channel register` makes it; an application channel learns it when it is connected in Front, and what "
             "stands here wins."},
    {"channels.*.address", KEY_TEXT, CHANNEL(address),
     .help = "The channel's handle in Front: what `list_addresses` offers, and how its own messages are known among "
             "those of its inbox. Left out: the channel's name."},
    {"channels.*.api_key", KEY_SECRET, CHANNEL(api_key),
     .help = "What is typed in Front, where the app asks for an API key, to connect this application channel. Needed "
             "where several channels could be meant."},
    {"channels.*.secrets", KEY_SECRETS, CHANNEL(secrets),
     .help = "Sign this channel's callbacks. Left out: the account's `secrets` (custom) or `app.secret` "
             "(application)."},
    {"channels.*.adapter", KEY_ADAPTER, CHANNEL(adapter), .is_required = true,
     .line_at = CHANNEL(adapter_line),
     .help = "The adapter: a name such as `http`, or a path that ends in .so."},
    {"channels.*.source", KEY_CHOICE, CHANNEL(source), .fallback = "auto", .choices = sources,
     .help = "What may be delivered besides callbacks: nothing (callbacks), what any event tells of (events), or "
             "auto: the same, once events have come to this channel's own URL."},
    {"channels.*.answer.wait", KEY_DURATION, CHANNEL(answer_wait_ms),
     .fallback = "5s", .least = "0", .most = "6s",
     .help = "How long a callback is held for the outcome of its delivery. Front itself gives up after 7 s."},
    {"channels.*.answer.on_timeout", KEY_CHOICE, CHANNEL(answer_on_timeout),
     .fallback = "accept", .choices = on_timeouts,
     .help = "What Front hears then: success, with a report if it fails later; or an error, and nothing "
             "is sent."},
    {"channels.*.retry.first", KEY_DURATION, CHANNEL(retry_first_ms),
     .fallback = "5s", .least = "1ms", .most = "1h",
     .help = "Pause before the second attempt."},
    {"channels.*.retry.factor", KEY_FACTOR, CHANNEL(retry_factor),
     .fallback = "2", .least = "1", .most = "100",
     .help = "Each pause is so many times the last one."},
    {"channels.*.retry.max", KEY_DURATION, CHANNEL(retry_max_ms),
     .fallback = "10m", .least = "1ms", .most = "24h",
     .help = "The longest pause."},
    {"channels.*.retry.give_up", KEY_DURATION, CHANNEL(retry_give_up_ms),
     .fallback = "4h", .least = "1ms", .most = "30d",
     .help = "After so long a message is dead, and the agent is told."},
    {"channels.*.too_old", KEY_DURATION, CHANNEL(too_old_ms), .fallback = "2h", .least = "1s", .most = "30d",
     .help = "A message older than this is not sent any more."},
    {"channels.*.when_unsure", KEY_CHOICE, CHANNEL(when_unsure), .fallback = "auto", .choices = when_unsures,
     .help = "When it is not known whether an attempt arrived; auto: resend if the adapter is "
             "idempotent, else hold. Towards Front: when Front cannot be asked either; auto: hold."},
    {"channels.*.late_failure", KEY_CHOICE, CHANNEL(late_failure),
     .fallback = "auto", .choices = late_failures,
     .help = "How agents hear of a failure after the answer; auto: status where Front takes it, else a "
             "comment."},
    {"channels.*.late_failure_text", KEY_TEXT, CHANNEL(late_failure_text),
     .fallback = "The message to {recipient} was not delivered: {reason}",
     .help = "The comment that agents read then; {recipient} and {reason} are filled in."},
    {"channels.*.thread", KEY_THREAD, CHANNEL(thread), .fallback = "contact",
     .help = "What makes a conversation in Front: contact (one for each customer, whatever the backend names), conversation (the backend's), or a time "
             "of silence such as 24h."},
    {"channels.*.handles", KEY_CHOICE, CHANNEL(handles), .fallback = "any", .choices = handle_kinds,
     .help = "What the customers' handles are; phone: numbers with their country code, one customer for each whichever "
             "way it is written. A number without its country is refused."},
    {"channels.*.dry_run", KEY_BOOL, CHANNEL(dry_run), .fallback = "false",
     .help = "For staging: nothing leaves to the backend and nothing is written to Front. Every message is "
             "checked and stored, and ends with the reason \"dry run\"; agents get success."},
    {"channels.*.only_to", KEY_HANDLES, CHANNEL(only_to),
     .help = "For staging: the only recipients who may be written to, such as [ada, '+1555*', '*@example.com']; "
             "messages to all others are refused, and the agent is told. Capitals count."},
    {"channels.*.settings", KEY_SETTINGS, CHANNEL(setting), .line_at = CHANNEL(settings_line),
     .help = "The adapter's own settings; see its README."},
};
/* clang-format on */
const size_t config_key_n = ARRAY_LEN(config_keys);

enum key_scope config_key_scope(const struct config_key *k)
{
    if (strncmp(k->path, "accounts.", 9) == 0)
        return SCOPE_ACCOUNT;
    return strncmp(k->path, "channels.", 9) == 0 ? SCOPE_CHANNEL : SCOPE_BRIDGE;
}

static bool is_secret(const struct config_key *k)
{
    return k->kind == KEY_SECRET || k->kind == KEY_SECRETS;
}

const struct config_key *config_key_find(const char *pattern, bool *is_file)
{
    for (size_t i = 0; i < config_key_n; i++) {
        const struct config_key *k = &config_keys[i];
        size_t n = strlen(k->path);
        if (strncmp(pattern, k->path, n) != 0)
            continue;
        *is_file = is_secret(k) && strcmp(pattern + n, "_file") == 0;
        if (pattern[n] == '\0' || *is_file)
            return k;
    }
    return NULL;
}

/* below gives what follows "GROUP." in path, or NULL if path is not below group. */
static const char *below(const char *path, const char *group)
{
    size_t n = strlen(group);
    if (n == 0)
        return path;
    return strncmp(path, group, n) == 0 && path[n] == '.' ? path + n + 1 : NULL;
}

bool config_key_is_group(const char *pattern)
{
    for (size_t i = 0; i < config_key_n; i++)
        if (below(config_keys[i].path, pattern))
            return true;
    return false;
}

size_t config_key_siblings(const char *group, const char **names,
                           char scratch[KEY_SIBLINGS_MAX][KEY_PATH_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < config_key_n && n < KEY_SIBLINGS_MAX; i++) {
        const char *rest = below(config_keys[i].path, group);
        if (!rest)
            continue;
        snprintf(scratch[n], KEY_PATH_MAX, "%.*s", (int)strcspn(rest, "."), rest);
        names[n] = scratch[n];
        if (n == 0 || strcmp(names[n], names[n - 1]) != 0) /* rows of a group stand together */
            n++;
    }
    return n;
}
