/*
 * Writes Front's JSON. Decides nothing but what a reader may see. Invariant: a field that Front has is there,
 * if only as null.
 */
#include "sim/shape.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

static void kv_link(struct jout *j, const char *key, const char *path, const char *id, const char *tail)
{
    char link[256];
    snprintf(link, sizeof link, "%s/%s/%s%s", SIM_LINK_BASE, path, id, tail);
    jout_kv_str(j, key, link);
}

void sim_shape_link(struct jout *j, const char *key, const char *path, const char *id, const char *tail)
{
    kv_link(j, key, path, id, tail);
}

static void person_link(struct jout *j)
{
    jout_key(j, "_links");
    jout_object(j);
    jout_key(j, "related");
    jout_object(j);
    jout_kv_str(j, "contact", NULL);
    jout_object_end(j);
    jout_object_end(j);
}

static void recipient(struct jout *j, const char *handle, const char *name, const char *role)
{
    jout_object(j);
    person_link(j);
    jout_kv_str(j, "name", name);
    jout_kv_str(j, "handle", handle);
    jout_kv_str(j, "role", role);
    jout_object_end(j);
}

void sim_shape_recipient(struct jout *j, const struct sim_person *p, const char *role)
{
    recipient(j, p->handle, p->name, role);
}

static void recipients(struct jout *j, const struct sim_message *m)
{
    jout_array(j);
    if (m->is_import) {
        recipient(j, m->sender.handle, m->sender.name, "from");
        for (unsigned i = 0; i < m->to_n; i++)
            recipient(j, m->to[i].handle, m->to[i].name, m->to[i].role);
    } else if (m->state == SIM_RECEIVED) {
        recipient(j, m->author.handle, m->author.name, "from");
        recipient(j, m->channel->address, NULL, "to");
    } else {
        recipient(j, m->channel->address, NULL, "from");
        for (unsigned i = 0; i < m->to_n; i++)
            recipient(j, m->to[i].handle, m->to[i].name, "to");
    }
    jout_array_end(j);
}

/* A teammate's name is kept whole; Front has two fields for it. */
static void names(struct jout *j, const char *name)
{
    const char *blank = strchr(name, ' ');
    jout_kv_span(j, "first_name", (struct span){name, blank ? (size_t)(blank - name) : strlen(name)});
    jout_kv_str(j, "last_name", blank ? blank + 1 : "");
}

void sim_shape_name_id(const char *prefix, const char *name, char out[SIM_ID_BYTES])
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *p = name; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    size_t at = strlen(prefix);
    memcpy(out, prefix, at);
    for (h = h >> 32 | 1; h; h /= 36)
        out[at++] = "0123456789abcdefghijklmnopqrstuvwxyz"[h % 36];
    out[at] = '\0';
}

static void teammate(struct jout *j, const struct sim_person *p)
{
    char id[SIM_ID_BYTES];
    if (span_starts(span_of(p->handle), "tea_")) /* known by nothing else */
        snprintf(id, sizeof id, "%s", p->handle);
    else
        sim_shape_name_id("tea_", p->handle, id);
    jout_object(j);
    jout_key(j, "_links");
    jout_object(j);
    kv_link(j, "self", "teammates", id, "");
    jout_key(j, "related");
    jout_object(j);
    kv_link(j, "inboxes", "teammates", id, "/inboxes");
    kv_link(j, "conversations", "teammates", id, "/conversations");
    jout_object_end(j);
    jout_object_end(j);
    jout_kv_str(j, "id", id);
    jout_kv_str(j, "email", p->email ? p->email : p->handle);
    jout_kv_str(j, "username", p->handle);
    names(j, p->name ? p->name : p->handle);
    jout_kv_str(j, "license_type", "full");
    jout_kv_bool(j, "is_admin", false);
    jout_kv_bool(j, "is_available", true);
    jout_kv_bool(j, "is_blocked", false);
    jout_kv_str(j, "type", "user");
    jout_kv_raw(j, "custom_fields", SPAN_LIT("{}"));
    jout_object_end(j);
}

void sim_shape_teammate(struct jout *j, const struct sim_person *p)
{
    teammate(j, p);
}

static void author(struct jout *j, const struct sim_message *m)
{
    jout_key(j, "author");
    if (m->state == SIM_RECEIVED || !m->author.handle)
        jout_null(j);
    else
        teammate(j, &m->author);
}

static void message_links(struct jout *j, const struct sim_message *m, bool is_nameless)
{
    jout_key(j, "_links");
    jout_object(j);
    if (!is_nameless)
        kv_link(j, "self", "messages", m->id, "");
    jout_key(j, "related");
    jout_object(j);
    kv_link(j, "conversation", "conversations", m->conversation->id, "");
    if (m->replied_to)
        kv_link(j, "message_replied_to", "messages", m->replied_to->id, "");
    if (!is_nameless)
        kv_link(j, "message_seen", "messages", m->id, "/seen");
    jout_object_end(j);
    jout_object_end(j);
}

static void metadata(struct jout *j, const struct sim_message *m, enum sim_view view)
{
    bool is_custom = m->channel->kind == CHANNEL_CUSTOM, is_inbound = m->state == SIM_RECEIVED;
    jout_key(j, "metadata");
    jout_object(j);
    if (is_custom && is_inbound && m->thread_ref)
        jout_kv_str(j, "thread_ref", m->thread_ref);
    if (is_custom && is_inbound && m->headers)
        jout_kv_raw(j, "headers", span_of(m->headers));
    if (is_custom && !is_inbound) {
        jout_key(j, "headers");
        jout_object(j);
        jout_kv_str(j, "in_reply_to", m->replied_to ? m->replied_to->uid : NULL);
        jout_object_end(j);
    }
    if (!is_custom && view == SIM_VIEW_CHANNEL && m->external_id)
        jout_kv_str(j, "external_id", m->external_id);
    jout_object_end(j);
}

static void version(struct jout *j, const struct sim_message *m)
{
    char text[96];
    snprintf(text, sizeof text, "%s-%u-%lld-%04x", m->uid, m->version, (long long)m->created_at,
             (m->version * 0x9e37u) & 0xffff);
    jout_kv_str(j, "version", text);
}

/* The first hundred bytes of the text, cut at a character's border. */
static struct span blurb(const char *text)
{
    size_t n = strlen(text);
    if (n > 100)
        for (n = 100; n && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    return (struct span){text, n};
}

static void attachment(struct jout *j, const struct sim_file *f)
{
    jout_object(j);
    jout_kv_str(j, "id", f->id);
    kv_link(j, "url", "download", f->id, "");
    jout_kv_str(j, "filename", f->filename);
    jout_kv_str(j, "content_type", f->claimed_type ? f->claimed_type : f->content_type);
    jout_kv_i64(j, "size", f->claimed_size);
    jout_key(j, "metadata");
    jout_object(j);
    jout_kv_bool(j, "is_inline", f->cid);
    if (f->cid)
        jout_kv_str(j, "cid", f->cid);
    jout_object_end(j);
    jout_object_end(j);
}

static void attachments(struct jout *j, const struct sim_message *m)
{
    jout_key(j, "attachments");
    jout_array(j);
    for (unsigned i = 0; i < m->file_n; i++)
        attachment(j, m->file[i]);
    jout_array_end(j);
}

void sim_shape_message(struct jout *j, const struct sim_message *m, enum sim_view view)
{
    /* An auto reply goes out before it is a message: it has no id, no link to itself and no author. */
    bool is_nameless = m->is_auto_reply && view == SIM_VIEW_CALLBACK;
    jout_object(j);
    message_links(j, m, is_nameless);
    if (!is_nameless)
        jout_kv_str(j, "id", m->id);
    jout_kv_str(j, "message_uid", m->uid);
    jout_kv_str(j, "type", is_nameless ? "auto_reply" : sim_message_type(m));
    jout_kv_bool(j, "is_inbound", m->state == SIM_RECEIVED);
    jout_kv_bool(j, "is_draft", m->is_draft);
    jout_kv_str(j, "draft_mode", m->is_draft ? "shared" : NULL);
    jout_kv_str(j, "error_type", m->error_type);
    version(j, m);
    jout_kv_seconds(j, "created_at", m->created_at);
    jout_kv_str(j, "subject", m->subject);
    jout_kv_span(j, "blurb", blurb(m->text));
    if (!is_nameless)
        author(j, m);
    jout_key(j, "recipients");
    recipients(j, m);
    jout_kv_str(j, "body", m->html);
    jout_kv_str(j, "text", m->text);
    attachments(j, m);
    jout_kv_str(j, "signature", NULL);
    metadata(j, m, view);
    jout_object_end(j);
}

static void conversation_links(struct jout *j, const struct sim_conversation *c)
{
    static const char *const related[] = {"events", "followers", "messages", "comments", "inboxes"};
    jout_key(j, "_links");
    jout_object(j);
    kv_link(j, "self", "conversations", c->id, "");
    jout_key(j, "related");
    jout_object(j);
    for (size_t i = 0; i < ARRAY_LEN(related); i++) {
        char tail[32];
        snprintf(tail, sizeof tail, "/%s", related[i]);
        kv_link(j, related[i], "conversations", c->id, tail);
    }
    if (c->message_n)
        kv_link(j, "last_message", "messages", c->message[c->message_n - 1]->id, "");
    jout_object_end(j);
    jout_object_end(j);
}

static void external_ids(struct jout *j, const struct sim_conversation *c)
{
    jout_key(j, "external_conversation_ids");
    jout_array(j);
    for (unsigned i = 0; i < c->external_n; i++)
        jout_str(j, c->external[i]);
    jout_array_end(j);
}

static void labels(struct jout *j, const char *key, char *const *label, unsigned n,
                   void shape(struct jout *j, const char *label))
{
    jout_key(j, key);
    jout_array(j);
    for (unsigned i = 0; i < n; i++)
        shape(j, label[i]);
    jout_array_end(j);
}

void sim_shape_conversation(struct jout *j, const struct sim_conversation *c, enum sim_view view)
{
    bool is_open = !strcmp(c->status, "open");
    jout_object(j);
    conversation_links(j, c);
    jout_kv_str(j, "id", c->id);
    jout_kv_str(j, "type", "conversation");
    jout_kv_str(j, "subject", c->subject ? c->subject : "");
    jout_kv_str(j, "status",
                is_open                          ? c->assignee.handle ? "assigned" : "unassigned"
                : !strcmp(c->status, "archived") ? "archived"
                                                 : "deleted");
    jout_kv_str(j, "status_category", is_open ? "open" : "resolved");
    jout_kv_raw(j, "ticket_ids", SPAN_LIT("[]"));
    jout_key(j, "assignee");
    if (c->assignee.handle)
        teammate(j, &c->assignee);
    else
        jout_null(j);
    jout_key(j, "recipient");
    recipient(j, c->customer.handle, c->customer.name, c->is_begun_by_agent ? "to" : "from");
    labels(j, "tags", c->tag, c->tag_n, sim_shape_tag);
    labels(j, "links", c->link, c->link_n, sim_shape_external);
    jout_kv_raw(j, "custom_fields", SPAN_LIT("{}"));
    jout_kv_seconds(j, "created_at", c->created_at);
    jout_kv_seconds(j, "updated_at", c->updated_at);
    jout_kv_bool(j, "is_private", false);
    jout_kv_raw(j, "scheduled_reminders", SPAN_LIT("[]"));
    jout_key(j, "metadata");
    jout_object(j);
    if (view == SIM_VIEW_CHANNEL)
        external_ids(j, c);
    jout_object_end(j);
    jout_object_end(j);
}

static void pagination(struct jout *j, const struct sim_conversation *c, unsigned next, unsigned limit)
{
    char tail[96];
    snprintf(tail, sizeof tail, "/messages?limit=%u&page_token=%u", limit, next);
    jout_key(j, "_pagination");
    jout_object(j);
    if (next < c->message_n)
        kv_link(j, "next", "conversations", c->id, tail);
    else
        jout_kv_str(j, "next", NULL);
    jout_object_end(j);
}

void sim_shape_messages(struct jout *j, const struct sim_conversation *c, enum sim_view view, unsigned offset,
                        unsigned limit, wall_ms_t now)
{
    unsigned end = c->message_n - offset < limit ? c->message_n : offset + limit;
    jout_object(j);
    pagination(j, c, end, limit);
    jout_key(j, "_links");
    jout_object(j);
    kv_link(j, "self", "conversations", c->id, "/messages");
    jout_object_end(j);
    jout_key(j, "_results");
    jout_array(j);
    for (unsigned i = offset; i < end; i++)
        if (c->message[c->message_n - 1 - i]->visible_at <= now)
            sim_shape_message(j, c->message[c->message_n - 1 - i], view);
    jout_array_end(j);
    jout_object_end(j);
}

void sim_shape_channel(struct jout *j, const struct sim_channel *c)
{
    jout_object(j);
    jout_key(j, "_links");
    jout_object(j);
    kv_link(j, "self", "channels", c->id, "");
    jout_key(j, "related");
    jout_object(j);
    kv_link(j, "inbox", "inboxes", c->inbox->id, "");
    kv_link(j, "owner", "teams", "tim_1", "");
    jout_object_end(j);
    jout_object_end(j);
    jout_kv_str(j, "id", c->id);
    jout_kv_str(j, "name", c->name);
    jout_kv_str(j, "address", c->address);
    jout_kv_str(j, "type", "custom");
    jout_kv_str(j, "send_as", c->address);
    jout_key(j, "settings");
    jout_object(j);
    jout_kv_i64(j, "undo_send_time", c->undo_send_s);
    jout_kv_bool(j, "all_teammates_can_reply", c->can_all_reply);
    jout_object_end(j);
    jout_kv_bool(j, "is_private", false);
    jout_kv_bool(j, "is_valid", true);
    jout_object_end(j);
}

static void inbox_links(struct jout *j, const struct sim_inbox *inbox)
{
    jout_key(j, "_links");
    jout_object(j);
    kv_link(j, "self", "inboxes", inbox->id, "");
    jout_key(j, "related");
    jout_object(j);
    kv_link(j, "teammates", "inboxes", inbox->id, "/teammates");
    kv_link(j, "conversations", "inboxes", inbox->id, "/conversations");
    kv_link(j, "channels", "inboxes", inbox->id, "/channels");
    kv_link(j, "owner", "teams", "tim_1", "");
    jout_object_end(j);
    jout_object_end(j);
}

void sim_shape_inbox(struct jout *j, const struct sim_inbox *i)
{
    jout_object(j);
    inbox_links(j, i);
    jout_kv_str(j, "id", i->id);
    jout_kv_str(j, "name", i->name);
    jout_kv_bool(j, "is_private", false);
    jout_kv_bool(j, "is_public", true);
    jout_kv_raw(j, "custom_fields", SPAN_LIT("{}"));
    jout_object_end(j);
}

void sim_shape_comment(struct jout *j, const struct sim_conversation *c, const struct sim_comment *comment)
{
    const struct sim_person by = {.handle = comment->author ? comment->author : "api",
                                  .email = "api@example.com"};
    jout_object(j);
    jout_key(j, "_links");
    jout_object(j);
    kv_link(j, "self", "comments", comment->id, "");
    jout_key(j, "related");
    jout_object(j);
    kv_link(j, "conversation", "conversations", c->id, "");
    kv_link(j, "mentions", "comments", comment->id, "/mentions");
    jout_object_end(j);
    jout_object_end(j);
    jout_kv_str(j, "id", comment->id);
    jout_key(j, "author");
    teammate(j, &by);
    jout_kv_str(j, "body", comment->body);
    jout_kv_seconds(j, "posted_at", comment->posted_at);
    jout_kv_raw(j, "attachments", SPAN_LIT("[]"));
    jout_kv_bool(j, "is_pinned", false);
    jout_object_end(j);
}

void sim_shape_me(struct jout *j, const struct sim_account *a)
{
    jout_object(j);
    jout_key(j, "_links");
    jout_object(j);
    kv_link(j, "self", "me", "", "");
    jout_object_end(j);
    jout_kv_str(j, "id", SIM_COMPANY_ID);
    jout_kv_str(j, "name", a->company);
    jout_object_end(j);
}

static void envelope_metadata(struct jout *j, const struct sim_conversation *c)
{
    jout_key(j, "metadata");
    jout_object(j);
    external_ids(j, c);
    if (c->external_n)
        jout_kv_str(j, "external_conversation_id", c->external[c->external_n - 1]);
    jout_object_end(j);
}

void sim_shape_callback(struct buf *out, const struct sim_message *m, const char *type)
{
    struct jout j;
    jout_init(&j, out);
    if (m->channel->kind == CHANNEL_CUSTOM) {
        sim_shape_message(&j, m, SIM_VIEW_CALLBACK);
        return;
    }
    const struct sim_conversation *c = m->conversation;
    jout_object(&j);
    jout_kv_str(&j, "type", type);
    jout_key(&j, "payload");
    sim_shape_message(&j, m, strcmp(type, "message_imported") ? SIM_VIEW_CALLBACK : SIM_VIEW_CHANNEL);
    if (!m->has_no_metadata)
        envelope_metadata(&j, c);
    jout_object_end(&j);
}

static const struct {
    int status;
    const char *title;
} titles[] = {
    {400, "Bad request"},
    {401, "Unauthenticated"},
    {403, "Forbidden"},
    {404, "Not found"},
    {405, "Method not allowed"},
    {408, "Request timeout"},
    {409, "Conflict"},
    {413, "Payload too large"},
    {415, "Unsupported media type"},
    {429, "Rate limit exceeded"},
    {500, "Internal server error"},
    {503, "Service unavailable"},
};

void sim_shape_error(struct buf *out, int status, const char *message, struct span details)
{
    const char *title = status < 500 ? "Bad request" : "Internal server error";
    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        if (titles[i].status == status)
            title = titles[i].title;
    struct jout j;
    jout_init(&j, out);
    jout_object(&j);
    jout_key(&j, "_error");
    jout_object(&j);
    jout_kv_i64(&j, "status", status);
    jout_kv_str(&j, "title", title);
    jout_kv_str(&j, "message", message);
    if (details.p)
        jout_kv_raw(&j, "details", details);
    jout_object_end(&j);
    jout_object_end(&j);
}
