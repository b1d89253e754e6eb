/*
 * Keeps the hooks, and decides which events they want. Refuses to know how one is sent (notify.c).
 */
#include "sim/hook.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
    [SIM_HOOK_CHANNEL] = "channel", [SIM_HOOK_RULE] = "rule", [SIM_HOOK_APPLICATION] = "application"};

const char *sim_hook_kind_name(enum sim_hook_kind k)
{
    return kind_names[k];
}

bool sim_hook_kind_named(struct jval name, enum sim_hook_kind *out)
{
    for (unsigned i = 0; i < ARRAY_LEN(kind_names); i++)
        if (json_is(name, kind_names[i])) {
            *out = (enum sim_hook_kind)i;
            return true;
        }
    return false;
}

static void names_fini(struct sim_names *n)
{
    for (unsigned i = 0; i < n->n; i++)
        free(n->item[i]);
}

static bool names_read(struct sim_names *n, struct jval list)
{
    if (json_has(list) && json_type(list) != JSON_ARRAY)
        return false;
    for (struct jval e = json_first(list); e.doc; e = json_next(e)) {
        char *name = n->n < SIM_HOOK_NAMES_MAX ? json_dup(e, 200) : NULL;
        if (!name)
            return false;
        n->item[n->n++] = name;
    }
    return true;
}

static bool names_have(const struct sim_names *n, const char *name)
{
    for (unsigned i = 0; i < n->n; i++)
        if (!strcmp(n->item[i], name))
            return true;
    return !n->n;
}

static void hook_free(struct sim_hook *hook)
{
    names_fini(&hook->types);
    names_fini(&hook->inboxes);
    free(hook->url);
    free(hook->secret);
    free(hook);
}

static const char *read_place(struct sim_hook *hook, const struct sim_account *a, struct jval spec)
{
    if (hook->kind == SIM_HOOK_CHANNEL) {
        char *id = json_dup(json_get(spec, "channel"), 64);
        hook->channel = sim_channel_find(a, span_of(id));
        free(id);
        return hook->channel && hook->channel->kind == CHANNEL_CUSTOM ? NULL
                                                                      : "channel is a custom channel's id";
    }
    hook->url = json_dup(json_get(spec, "url"), 4096);
    return hook->url && *hook->url ? NULL : "url is missing";
}

static const char *read_hook(struct sim_hook *hook, const struct sim_account *a, struct jval spec)
{
    int64_t disable_after = 0;
    struct jval form = json_get(spec, "form"), after = json_get(spec, "disable_after");
    if (!sim_hook_kind_named(json_get(spec, "kind"), &hook->kind))
        return "kind is channel, rule or application";
    hook->form = hook->kind == SIM_HOOK_APPLICATION ? SIM_FORM_FULL : SIM_FORM_PREVIEW;
    if (json_has(form) && !sim_form_named(form, &hook->form))
        return "form is full or preview";
    if (!names_read(&hook->types, json_get(spec, "types")) ||
        !names_read(&hook->inboxes, json_get(spec, "inboxes")))
        return "types and inboxes are arrays of at most 64 names";
    if (json_has(after) &&
        (json_i64(after, &disable_after) != OK || disable_after < 0 || disable_after > 1000))
        return "disable_after is 0 to 1000";
    hook->disable_after = (unsigned)disable_after;
    hook->secret = json_dup(json_get(spec, "secret"), 4096);
    return read_place(hook, a, spec);
}

struct sim_hook *sim_hook_add(struct sim_hooks *h, const struct sim_account *a, struct jval spec,
                              struct buf *why)
{
    struct sim_hook *hook = mem_zalloc(sizeof *hook);
    const char *wrong = h->n == SIM_HOOKS_MAX ? "There are too many webhooks" : read_hook(hook, a, spec);
    if (wrong) {
        buf_add_str(why, wrong);
        hook_free(hook);
        return NULL;
    }
    snprintf(hook->id, sizeof hook->id, "whk_%u", ++h->sequence);
    h->item[h->n++] = hook;
    return hook;
}

struct sim_hook *sim_hook_find(const struct sim_hooks *h, struct span id)
{
    for (unsigned i = 0; i < h->n; i++)
        if (span_is(id, h->item[i]->id))
            return h->item[i];
    return NULL;
}

void sim_hook_remove(struct sim_hooks *h, struct sim_hook *hook)
{
    unsigned at = 0;
    while (h->item[at] != hook)
        at++;
    memmove(&h->item[at], &h->item[at + 1], (--h->n - at) * sizeof(struct sim_hook *));
    hook_free(hook);
}

void sim_hooks_fini(struct sim_hooks *h)
{
    while (h->n)
        hook_free(h->item[--h->n]);
}

static bool is_named(const struct sim_hook *hook, const struct sim_event *e)
{
    const struct sim_event_type *type = sim_event_type_find(e->type);
    return names_have(&hook->types, e->type) ||
           (hook->kind == SIM_HOOK_APPLICATION && type && names_have(&hook->types, type->webhook));
}

/* Imports are told to no application, and to rules only if they need not skip them. */
static bool is_told(const struct sim_hook *hook, const struct sim_message *m)
{
    return !m || !m->is_import || (hook->kind != SIM_HOOK_APPLICATION && !m->skips_rules);
}

bool sim_hook_wants(const struct sim_hook *hook, const struct sim_event *e)
{
    if (hook->is_disabled || !is_named(hook, e) || !is_told(hook, e->target.message))
        return false;
    if (hook->channel && (!e->inbox || e->inbox != hook->channel->inbox))
        return false;
    return !hook->inboxes.n || (e->inbox && names_have(&hook->inboxes, e->inbox->id));
}

static void view_names(struct jout *j, const char *key, const struct sim_names *n)
{
    jout_key(j, key);
    jout_array(j);
    for (unsigned i = 0; i < n->n; i++)
        jout_str(j, n->item[i]);
    jout_array_end(j);
}

void sim_hook_view(struct jout *j, const struct sim_hook *hook)
{
    jout_object(j);
    jout_kv_str(j, "id", hook->id);
    jout_kv_str(j, "kind", kind_names[hook->kind]);
    jout_kv_str(j, "channel", hook->channel ? hook->channel->id : NULL);
    jout_kv_str(j, "url", hook->channel ? hook->channel->webhook_url : hook->url);
    view_names(j, "types", &hook->types);
    view_names(j, "inboxes", &hook->inboxes);
    jout_kv_str(j, "form", sim_form_name(hook->form));
    jout_kv_bool(j, "is_disabled", hook->is_disabled);
    jout_object_end(j);
}
