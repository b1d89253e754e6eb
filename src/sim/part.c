/*
 * Makes parts of events. Refuses to know what happened. Invariant: a part's data is whole JSON, or absent.
 * Source of the fields: Front's core-api.json (RuleResponse, TagResponse, LinkResponse).
 */
#include "sim/part.h"
#include "base/json.h"
#include "base/mem.h"
#include "sim/shape.h"
#include <stdio.h>
#include <string.h>

enum { PART_MAX = 1 << 20 };

struct writer {
    struct buf out;
    struct jout j;
};

static void begin(struct writer *w)
{
    buf_init(&w->out, PART_MAX);
    jout_init(&w->j, &w->out);
}

/* A part that became too large says nothing but its kind. */
static struct sim_part end(struct writer *w, const char *kind, const char *path, const char *id)
{
    struct sim_part p = {.path = path};
    size_t n;
    snprintf(p.kind, sizeof p.kind, "%s", kind);
    snprintf(p.id, sizeof p.id, "%s", id);
    if (!w->out.is_over)
        p.data = buf_take(&w->out, &n);
    buf_fini(&w->out);
    return p;
}

static void self_link(struct jout *j, const char *path, const char *id)
{
    jout_key(j, "_links");
    jout_object(j);
    sim_shape_link(j, "self", path, id, "");
    jout_object_end(j);
}

struct sim_part sim_part_teammate(const struct sim_person *p)
{
    struct writer w;
    char id[SIM_ID_BYTES];
    begin(&w);
    sim_shape_name_id("tea_", p->handle, id);
    sim_shape_teammate(&w.j, p);
    return end(&w, "teammate", "teammates", id);
}

struct sim_part sim_part_rule(const char *name)
{
    struct writer w;
    char id[SIM_ID_BYTES];
    begin(&w);
    sim_shape_name_id("rul_", name, id);
    jout_object(&w.j);
    jout_key(&w.j, "_links");
    jout_object(&w.j);
    sim_shape_link(&w.j, "self", "rules", id, "");
    jout_key(&w.j, "related");
    jout_object(&w.j);
    sim_shape_link(&w.j, "owner", "teams", "tim_1", "");
    jout_object_end(&w.j);
    jout_object_end(&w.j);
    jout_kv_str(&w.j, "id", id);
    jout_kv_str(&w.j, "name", name);
    jout_kv_raw(&w.j, "actions", SPAN_LIT("[\"Assign to Grace Hopper\"]"));
    jout_kv_bool(&w.j, "is_private", false);
    jout_object_end(&w.j);
    return end(&w, "rule", "rules", id);
}

void sim_shape_tag(struct jout *j, const char *name)
{
    char id[SIM_ID_BYTES];
    sim_shape_name_id("tag_", name, id);
    jout_object(j);
    jout_key(j, "_links");
    jout_object(j);
    sim_shape_link(j, "self", "tags", id, "");
    jout_key(j, "related");
    jout_object(j);
    sim_shape_link(j, "conversations", "tags", id, "/conversations");
    sim_shape_link(j, "owner", "teams", "tim_1", "");
    jout_object_end(j);
    jout_object_end(j);
    jout_kv_str(j, "id", id);
    jout_kv_str(j, "name", name);
    jout_kv_str(j, "description", NULL);
    jout_kv_str(j, "highlight", NULL);
    jout_kv_bool(j, "is_private", false);
    jout_kv_bool(j, "is_visible_in_conversation_lists", true);
    jout_object_end(j);
}

struct sim_part sim_part_tag(const char *name)
{
    struct writer w;
    char id[SIM_ID_BYTES];
    begin(&w);
    sim_shape_name_id("tag_", name, id);
    sim_shape_tag(&w.j, name);
    return end(&w, "tag", "tags", id);
}

void sim_shape_external(struct jout *j, const char *url)
{
    char id[SIM_ID_BYTES];
    sim_shape_name_id("top_", url, id);
    jout_object(j);
    self_link(j, "links", id);
    jout_kv_str(j, "id", id);
    jout_kv_str(j, "name", url);
    jout_kv_str(j, "type", "web");
    jout_kv_str(j, "external_url", url);
    jout_kv_raw(j, "custom_fields", SPAN_LIT("{}"));
    jout_object_end(j);
}

struct sim_part sim_part_link(const char *url)
{
    struct writer w;
    char id[SIM_ID_BYTES];
    begin(&w);
    sim_shape_name_id("top_", url, id);
    sim_shape_external(&w.j, url);
    return end(&w, "link", "links", id);
}

struct sim_part sim_part_field(const char *name)
{
    struct writer w;
    char id[SIM_ID_BYTES];
    begin(&w);
    sim_shape_name_id("fld_", name, id);
    jout_object(&w.j);
    self_link(&w.j, "custom_fields", id);
    jout_kv_str(&w.j, "id", id);
    jout_kv_str(&w.j, "name", name);
    jout_object_end(&w.j);
    return end(&w, "custom_field", "custom_fields", id);
}

struct sim_part sim_part_comment(const struct sim_conversation *c, const struct sim_comment *comment)
{
    struct writer w;
    begin(&w);
    sim_shape_comment(&w.j, c, comment);
    return end(&w, "comment", "comments", comment->id);
}

struct sim_part sim_part_message(const struct sim_message *m)
{
    struct sim_part p = {.kind = "message", .path = "messages", .message = m};
    snprintf(p.id, sizeof p.id, "%s", m->id);
    return p;
}

struct sim_part sim_part_inbox(const struct sim_inbox *inbox)
{
    struct sim_part p = {.kind = "inboxes", .path = "inboxes", .inbox = inbox};
    snprintf(p.id, sizeof p.id, "%s", inbox->id);
    return p;
}

struct sim_part sim_part_recipient(const struct sim_person *p)
{
    struct writer w;
    begin(&w);
    if (p)
        sim_shape_recipient(&w.j, p, "to");
    else
        jout_null(&w.j);
    return end(&w, "recipient", NULL, "");
}

struct sim_part sim_part_deleted(struct sim_conversation *const *gone, unsigned n, bool as_objects)
{
    struct writer w;
    begin(&w);
    jout_array(&w.j);
    for (unsigned i = 0; i < n; i++) {
        if (as_objects) {
            jout_object(&w.j);
            jout_kv_str(&w.j, "id", gone[i]->id);
            jout_object_end(&w.j);
        } else {
            jout_str(&w.j, gone[i]->id);
        }
    }
    jout_array_end(&w.j);
    return end(&w, "deleted_conversation_ids", NULL, "");
}

struct sim_part sim_part_plain(const char *kind)
{
    struct sim_part p = {0};
    snprintf(p.kind, sizeof p.kind, "%s", kind);
    return p;
}

struct sim_part sim_part_raw(const char *kind, const char *id, struct span data)
{
    struct sim_part p = sim_part_plain(kind);
    snprintf(p.id, sizeof p.id, "%s", id);
    p.path = "resources";
    if (data.n)
        p.data = mem_strndup(data.p, data.n);
    return p;
}
