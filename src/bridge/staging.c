/*
 * The rules themselves. The texts are the same for every message, so that failures of one cause count as one.
 */
#include "bridge/staging.h"
#include "base/log.h"
#include <string.h>

static const struct outcome dry_run = {
    .kind = OUTCOME_DELIVERED, .is_unsent = true, .reason = {"dry run", sizeof "dry run" - 1}};

#define DENIED                                                                                               \
    "This channel is being tried out and writes only to the recipients in its only_to list; this is not "    \
    "one "                                                                                                   \
    "of them. Nothing was sent."
static const struct outcome denied = {
    .kind = OUTCOME_REJECTED, .is_unsent = true, .reason = {DENIED, sizeof DENIED - 1}};

static bool fits(const char *pattern, const char *handle)
{
    size_t n = strlen(pattern), handle_n = strlen(handle);
    bool is_open_before = pattern[0] == '*', is_open_behind = n > 0 && pattern[n - 1] == '*';
    const char *core = pattern + is_open_before;
    size_t core_n = n - is_open_before - is_open_behind;

    if (handle_n < core_n)
        return false;
    if (is_open_before && is_open_behind)
        return memmem(handle, handle_n, core, core_n) != NULL;
    if (is_open_before)
        return memcmp(handle + handle_n - core_n, core, core_n) == 0;
    return memcmp(handle, core, core_n) == 0 && (is_open_behind || handle_n == core_n);
}

static bool is_listed(const struct config_texts *list, const char *handle)
{
    for (size_t i = 0; handle && i < list->n; i++)
        if (fits(list->item[i], handle))
            return true;
    return false;
}

static bool is_written_to_somebody(const struct store_message *m)
{
    return m->direction == MESSAGE_OUT && m->kind != KIND_FAILURE && m->kind != KIND_EVENT;
}

bool staging_withholds(const struct config_channel *rules, const struct store_message *m,
                       struct outcome *instead)
{
    bool is_denied =
        rules->only_to.n > 0 && is_written_to_somebody(m) && !is_listed(&rules->only_to, m->recipient);

    if (is_denied)
        *instead = denied;
    else if (rules->dry_run)
        *instead = dry_run;
    return is_denied || rules->dry_run;
}

struct front_call *staging_call(const struct channel *ch, const struct front_request *r,
                                front_done_fn *on_done, void *arg)
{
    struct front_request mine = *r;

    mine.is_read_only = ch->config->dry_run;
    return front_call_start(ch->account->front, &mine, on_done, arg);
}

struct front_call *staging_read(const struct account *a, const struct front_request *r,
                                front_done_fn *on_done, void *arg)
{
    struct front_request mine = *r;

    mine.is_read_only = true;
    return front_call_start(a->front, &mine, on_done, arg);
}

void staging_announce(const struct config *c)
{
    for (size_t i = 0; i < c->channel_n; i++) {
        const struct config_channel *ch = &c->channel[i];
        if (ch->dry_run)
            log_warn("dry_run", LOG_STR("channel", ch->name),
                     LOG_STR("means", "nothing leaves to the backend, nothing is written to Front"));
        if (ch->only_to.n > 0)
            log_warn("only_to", LOG_STR("channel", ch->name), LOG_I64("handles", ch->only_to.n),
                     LOG_STR("means", "messages to everyone else are refused"));
    }
}
