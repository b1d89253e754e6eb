/*
 * Writes events. Decides how much of each part is shown, and nothing else.
 */
#include "sim/event_shape.h"
#include "base/mem.h"
#include "sim/shape.h"

static const char *const form_names[] = {
    [SIM_FORM_FULL] = "full", [SIM_FORM_PREVIEW] = "preview", [SIM_FORM_SLIM] = "slim",
    [SIM_FORM_NULL] = "null", [SIM_FORM_META] = "meta",       [SIM_FORM_ABSENT] = "absent",
};

bool sim_form_named(struct jval name, enum sim_form *out)
{
    for (unsigned i = 0; i < ARRAY_LEN(form_names); i++)
        if (json_is(name, form_names[i])) {
            *out = (enum sim_form)i;
            return true;
        }
    return false;
}

const char *sim_form_name(enum sim_form f)
{
    return form_names[f];
}

struct sim_event_view sim_event_view(enum sim_form all)
{
    return (struct sim_event_view){.source = all, .target = all, .conversation = all};
}

void sim_shape_inboxes(struct jout *j, const struct sim_inbox *i)
{
    jout_array(j);
    sim_shape_inbox(j, i);
    jout_array_end(j);
}

/* The inboxes where something happened are an array, the one to which it moves is not. */
static void data(struct jout *j, const struct sim_part *p, bool is_source)
{
    if (p->message)
        sim_shape_message(j, p->message, SIM_VIEW_COMPANY);
    else if (p->inbox && is_source)
        sim_shape_inboxes(j, p->inbox);
    else if (p->inbox)
        sim_shape_inbox(j, p->inbox);
    else
        jout_raw(j, p->data ? span_of(p->data) : SPAN_LIT("null"));
}

static void meta(struct jout *j, const char *kind)
{
    jout_key(j, "_meta");
    jout_object(j);
    jout_kv_str(j, "type", kind);
    jout_object_end(j);
}

static void id_and_link(struct jout *j, const char *path, const char *id)
{
    jout_key(j, "_links");
    jout_object(j);
    sim_shape_link(j, "self", path, id, "");
    jout_object_end(j);
    jout_kv_str(j, "id", id);
}

static void slim(struct jout *j, const struct sim_part *p, bool is_source)
{
    bool is_array = p->inbox && is_source;
    jout_key(j, "data");
    if (!*p->id || !p->path) {
        jout_null(j);
        return;
    }
    if (is_array)
        jout_array(j);
    jout_object(j);
    id_and_link(j, p->path, p->id);
    jout_object_end(j);
    if (is_array)
        jout_array_end(j);
}

static void part(struct jout *j, const struct sim_part *p, enum sim_form form, bool is_source)
{
    bool has_id = *p->id && p->path;
    jout_object(j);
    if (form == SIM_FORM_PREVIEW && has_id) {
        id_and_link(j, p->path, p->id);
        jout_kv_str(j, "type", p->kind);
        jout_object_end(j);
        return;
    }
    meta(j, p->kind);
    if (form == SIM_FORM_FULL) {
        jout_key(j, "data");
        data(j, p, is_source);
    } else if (form == SIM_FORM_NULL) {
        jout_kv_str(j, "data", NULL);
    } else if (form == SIM_FORM_SLIM) {
        slim(j, p, is_source);
    }
    jout_object_end(j);
}

static void conversation(struct jout *j, struct sim_conversation *c, enum sim_form form)
{
    jout_key(j, "conversation");
    if (form == SIM_FORM_FULL) {
        sim_shape_conversation(j, c, SIM_VIEW_COMPANY);
        return;
    }
    if (form == SIM_FORM_NULL) {
        jout_null(j);
        return;
    }
    jout_object(j);
    if (form != SIM_FORM_META) {
        id_and_link(j, "conversations", c->id);
        jout_kv_str(j, "type", "conversation");
    }
    jout_object_end(j);
}

/* kv_raw writes what the view holds for key; false if it holds nothing. */
static bool kv_raw(struct jout *j, const char *key, struct jval raw)
{
    if (json_type(raw) == JSON_ABSENT)
        return false;
    jout_kv_raw(j, key, json_raw(raw));
    return true;
}

static void kv_part(struct jout *j, const char *key, const struct sim_part *p, enum sim_form form,
                    struct jval raw)
{
    if (kv_raw(j, key, raw) || !*p->kind || form == SIM_FORM_ABSENT)
        return;
    jout_key(j, key);
    part(j, p, form, *key == 's');
}

static void kv_conversation(struct jout *j, const struct sim_event *e, const struct sim_event_view *view)
{
    struct sim_conversation *c = sim_conversation_now(e->conversation);
    if (!kv_raw(j, "conversation", view->raw.conversation) && c && view->conversation != SIM_FORM_ABSENT)
        conversation(j, c, view->conversation);
}

void sim_shape_event(struct jout *j, const struct sim_event *e, const struct sim_event_view *view)
{
    jout_object(j);
    jout_key(j, "_links");
    jout_object(j);
    sim_shape_link(j, "self", "events", e->id, "");
    jout_object_end(j);
    if (!kv_raw(j, "id", view->raw.id))
        jout_kv_str(j, "id", e->id);
    if (!kv_raw(j, "type", view->raw.type))
        jout_kv_str(j, "type", e->type);
    if (!kv_raw(j, "emitted_at", view->raw.emitted_at))
        jout_kv_seconds(j, "emitted_at", e->emitted_at);
    kv_part(j, "source", &e->source, view->source, view->raw.source);
    kv_part(j, "target", &e->target, view->target, view->raw.target);
    kv_conversation(j, e, view);
    jout_object_end(j);
}
