/*
 * Makes old messages. Refuses to know the REST call that imports them.
 */
#include "sim/import_old.h"
#include "base/mem.h"
#include "sim/emit.h"
#include <stdlib.h>

struct spec {
    char *channel, *conversation, *from, *text;
    wall_ms_t created_at;
};

static const char *read_spec(struct spec *o, struct jval spec)
{
    o->channel = json_dup(json_get(spec, "channel"), 64);
    o->conversation = json_dup(json_get(spec, "conversation"), 64);
    o->from = json_dup(json_get(spec, "from"), 512);
    o->text = json_dup(json_get(spec, "text"), SIM_TEXT_MAX);
    if (json_millis(json_get(spec, "created_at"), &o->created_at) != OK || o->created_at <= 0)
        return "created_at is seconds with up to three decimals";
    return o->text && (o->from || o->conversation) ? NULL
                                                   : "It needs a text, and a conversation or from, a handle";
}

static struct sim_person person(const char *handle)
{
    return (struct sim_person){.handle = mem_strdup(handle)};
}

static void address(struct sim_message *m, const char *customer, bool is_inbound)
{
    const char *ours = m->channel->address;
    m->sender = person(is_inbound ? customer : ours);
    m->to = mem_calloc(1, sizeof *m->to);
    m->to_n = 1;
    m->to[0] = person(is_inbound ? ours : customer);
    m->to[0].role = "to";
    if (is_inbound)
        m->author = person(customer);
}

static struct sim_message *import(struct sim *s, const struct spec *o, bool is_inbound, const char **why)
{
    struct sim_account *a = &s->account;
    struct sim_channel *channel = sim_channel_find(a, span_of(o->channel));
    struct sim_conversation *c = o->conversation ? sim_conversation_find(a, span_of(o->conversation)) : NULL;
    *why = !channel                ? "There is no such channel"
           : o->conversation && !c ? "There is no such conversation"
                                   : NULL;
    if (*why)
        return NULL;
    struct sim_message *m = sim_message_new(channel, o->created_at);
    m->is_import = true;
    m->type = channel->type ? channel->type : "custom";
    address(m, c ? c->customer.handle : o->from, is_inbound);
    sim_message_text(m, span_of(o->text));
    sim_account_import(a, m, c, is_inbound, clock_wall_ms());
    return m;
}

struct sim_message *sim_import_old(struct sim *s, struct jval spec, const char **why)
{
    struct spec o = {0};
    struct sim_message *m = NULL;
    *why = read_spec(&o, spec);
    if (!*why)
        m = import(s, &o, json_bool(json_get(spec, "is_inbound"), true), why);
    if (m) {
        m->skips_rules = !json_bool(json_get(spec, "rules"), false);
        m->external_id = json_dup(json_get(spec, "external_id"), 200);
        sim_changed(s, m->conversation);
        sim_emit_message(s, m);
    }
    free(o.channel);
    free(o.conversation);
    free(o.from);
    free(o.text);
    return m;
}
