/*
 * Channels and inboxes: listing, making, changing, validating. Refuses to know what comes through them.
 */
#include "base/mem.h"
#include "sim/calls.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL_MAX_BYTES = 4096 };

static struct sim_inbox *inbox_of(struct sim_call *c)
{
    struct sim_inbox *found = sim_inbox_find(&c->sim->account, sim_call_segment(c, 1));
    if (!found)
        sim_call_refuse(c, 404, "Unknown inbox", SPAN_NONE);
    return found;
}

static struct sim_channel *channel_of(struct sim_call *c)
{
    struct sim_channel *found = sim_channel_find(&c->sim->account, sim_call_segment(c, 1));
    if (!found)
        sim_call_refuse(c, 404, "Unknown channel", SPAN_NONE);
    return found;
}

/* ---- Reading ---- */

/* inbox NULL: those of all. */
static void list_channels(struct sim_call *c, const char *path, const struct sim_inbox *inbox)
{
    const struct sim_account *a = &c->sim->account;
    const struct sim_channel *found[SIM_CHANNELS_MAX];
    struct sim_page page;
    unsigned n = 0;
    for (unsigned i = 0; i < a->channel_n; i++)
        if (!inbox || a->channel[i]->inbox == inbox)
            found[n++] = a->channel[i];
    c->status = 200;
    sim_page_open(&page, c, path, n);
    for (unsigned i = page.at; i < page.end; i++)
        sim_shape_channel(&c->j, found[i]);
    sim_page_close(&page, c);
}

void sim_call_channels(struct sim_call *c)
{
    list_channels(c, "channels", NULL);
}

void sim_call_inbox_channels(struct sim_call *c)
{
    char path[96];
    const struct sim_inbox *inbox = inbox_of(c);
    if (!inbox)
        return;
    snprintf(path, sizeof path, "inboxes/%s/channels", inbox->id);
    list_channels(c, path, inbox);
}

void sim_call_channel(struct sim_call *c)
{
    const struct sim_channel *channel = channel_of(c);
    if (!channel)
        return;
    c->status = 200;
    sim_shape_channel(&c->j, channel);
}

void sim_call_inboxes(struct sim_call *c)
{
    const struct sim_account *a = &c->sim->account;
    struct sim_page page;
    c->status = 200;
    sim_page_open(&page, c, "inboxes", a->inbox_n);
    for (unsigned i = page.at; i < page.end; i++)
        sim_shape_inbox(&c->j, a->inbox[i]);
    sim_page_close(&page, c);
}

void sim_call_inbox(struct sim_call *c)
{
    const struct sim_inbox *inbox = inbox_of(c);
    if (!inbox)
        return;
    c->status = 200;
    sim_shape_inbox(&c->j, inbox);
}

/* ---- Changing ---- */

struct settings {
    bool is_given, can_all_reply;
    int64_t undo_s;
    char *webhook_url;
};

static void take_undo(struct sim_fields *f, struct settings *s)
{
    static const int64_t known[] = {0, 5, 10, 15, 30, 60};
    s->undo_s = sim_take_number(f, "settings.undo_send_time", 60, SIM_OPTIONAL);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (s->undo_s == known[i])
            return;
    sim_mistake(f, "settings.undo_send_time", "should be 0, 5, 10, 15, 30 or 60");
}

static void take_url(struct sim_fields *f, struct settings *s, enum channel_kind kind)
{
    s->webhook_url = sim_take_text(f, "settings.webhook_url", URL_MAX_BYTES, SIM_OPTIONAL);
    if (!s->webhook_url)
        return;
    struct span url = span_of(s->webhook_url);
    if (kind != CHANNEL_CUSTOM)
        sim_mistake(f, "settings.webhook_url", "only allowed for custom channels");
    else if (!span_starts(url, "https://") && !span_starts(url, "http://"))
        sim_mistake(f, "settings.webhook_url", "should be a URL");
}

static void take_settings(struct sim_fields *f, struct settings *s, enum channel_kind kind)
{
    *s = (struct settings){.can_all_reply = true};
    s->is_given = json_has(sim_take(f, "settings", JSON_OBJECT, SIM_OPTIONAL));
    if (!s->is_given)
        return;
    take_undo(f, s);
    take_url(f, s, kind);
    s->can_all_reply = sim_take_bool(f, "settings.all_teammates_can_reply", true, SIM_OPTIONAL);
}

/* All settings are replaced: those of a custom channel have its webhook_url among them. Takes s. */
static void replace_settings(struct sim_channel *channel, struct settings *s)
{
    if (!s->is_given)
        return;
    channel->undo_send_s = (int)s->undo_s;
    channel->can_all_reply = s->can_all_reply;
    if (channel->kind != CHANNEL_CUSTOM)
        return;
    free(channel->webhook_url);
    channel->webhook_url = s->webhook_url;
    s->webhook_url = NULL;
}

struct change {
    char *name, *inbox;
    struct settings settings;
    const char *status;
};

static void take_change(struct sim_fields *f, struct sim_call *c, const struct sim_channel *channel,
                        struct change *change)
{
    static const char *const statuses[] = {"offline", "ok"};
    *change = (struct change){0};
    if (channel->kind == CHANNEL_APPLICATION)
        change->status = sim_take_choice(f, "status", statuses, ARRAY_LEN(statuses), SIM_OPTIONAL);
    if (c->who.caller == SIM_CALLER_CHANNEL)
        return; /* a channel's own token tells its status, and nothing else */
    change->name = sim_take_text(f, "name", 200, SIM_OPTIONAL);
    change->inbox = sim_take_text(f, "inbox_id", 64, SIM_OPTIONAL);
    if (change->inbox && !sim_inbox_find(&c->sim->account, span_of(change->inbox)))
        sim_mistake(f, "inbox_id", "unknown inbox");
    take_settings(f, &change->settings, channel->kind);
}

/* The channel's conversations go with it. */
static void move_channel(struct sim_account *a, struct sim_channel *channel, struct sim_inbox *inbox)
{
    channel->inbox = inbox;
    for (unsigned i = 0; i < a->conversation_n; i++)
        if (a->conversation[i]->channel == channel)
            a->conversation[i]->inbox = inbox;
}

static void apply(struct sim_account *a, struct sim_channel *channel, struct change *change)
{
    if (change->status)
        channel->is_offline = !strcmp(change->status, "offline");
    if (change->inbox)
        move_channel(a, channel, sim_inbox_find(a, span_of(change->inbox)));
    if (change->name) {
        free(channel->name);
        channel->name = change->name;
        change->name = NULL;
    }
    replace_settings(channel, &change->settings);
}

void sim_call_channel_patch(struct sim_call *c)
{
    struct sim_channel *channel = channel_of(c);
    struct sim_fields f;
    struct change change;
    if (!channel)
        return;
    sim_fields_open(&f, c);
    take_change(&f, c, channel, &change);
    if (sim_fields_close(&f, c)) {
        c->status = 204;
        apply(&c->sim->account, channel, &change);
    }
    free(change.name);
    free(change.inbox);
    free(change.settings.webhook_url);
}

static bool add_channel(struct sim_call *c, struct sim_inbox *inbox, const char *name, struct settings *s)
{
    struct sim_channel *channel;
    const struct sim_channel_spec spec = {.inbox = inbox, .name = name, .kind = CHANNEL_CUSTOM};
    if (sim_channel_add(&c->sim->account, &spec, &channel) != OK)
        return false;
    replace_settings(channel, s);
    return true;
}

/* 204 and no id, as Front does: look for it in the inbox. */
void sim_call_channel_create(struct sim_call *c)
{
    static const char *const types[] = {"custom", "smtp", "twilio"};
    struct sim_inbox *inbox = inbox_of(c);
    struct sim_fields f;
    struct settings settings;
    if (!inbox)
        return;
    sim_fields_open(&f, c);
    const char *type = sim_take_choice(&f, "type", types, ARRAY_LEN(types), SIM_REQUIRED);
    char *name = sim_take_text(&f, "name", 200, SIM_OPTIONAL);
    take_settings(&f, &settings, CHANNEL_CUSTOM);
    bool is_application = json_has(json_get(f.body, "application_uid"));
    if (sim_fields_close(&f, c)) {
        c->status = 204;
        if (strcmp(type, "custom") != 0 || is_application)
            sim_call_refuse(c, 400, "By this call the simulator makes custom channels only", SPAN_NONE);
        else if (!add_channel(c, inbox, name, &settings))
            sim_call_refuse(c, 400, "The simulator has as many channels as it can", SPAN_NONE);
    }
    free(name);
    free(settings.webhook_url);
}

/* It concerns SMTP channels; others are accepted and nothing happens. */
void sim_call_channel_validate(struct sim_call *c)
{
    if (!channel_of(c))
        return;
    c->status = 202;
    jout_object(&c->j);
    jout_kv_str(&c->j, "status", "accepted");
    jout_object_end(&c->j);
}
