/*
 * Decides what a put means: a new message, one that is known, or a new attempt after an answered error.
 * Invariant: all that can refuse a put is looked at before the first row is written.
 */
#include "base/mem.h"
#include "store/put.h"
#include "store/sqlite.h"
#include <stdlib.h>
#include <string.h>

static const enum store_put_how how_when[MESSAGE_STATE_N] = {
    [MESSAGE_QUEUED] = STORE_RUNNING, [MESSAGE_SENDING] = STORE_RUNNING, [MESSAGE_DELIVERED] = STORE_DONE,
    [MESSAGE_ACCEPTED] = STORE_DONE,  [MESSAGE_REJECTED] = STORE_AGAIN,  [MESSAGE_CANCELLED] = STORE_AGAIN,
    [MESSAGE_HELD] = STORE_ASIDE,     [MESSAGE_UNKNOWN] = STORE_ASIDE,   [MESSAGE_DEAD] = STORE_AGAIN,
    [MESSAGE_DROPPED] = STORE_DONE,
};

struct put {
    struct sqlite *q;
    struct store_put *p;
    struct channel *channel;
    int64_t queue_id;
    struct span thread_ref; /* as put, or what Front was told before */
    struct span conversation;
    struct span lane; /* instead of the item's; absent: as it is */
    unsigned started_n;
};

struct known {
    struct row row;
    wall_ms_t updated_at;
};

/* What had ended before it was sent once more was ended for good by an answer that its sender has seen. */
static enum store_put_how how_of(const struct store_put *p, const struct known *known)
{
    enum store_put_how how = how_when[known->row.state];
    bool is_resent = !p->only_new || known->updated_at < p->sent_at;
    return how == STORE_AGAIN && !is_resent ? STORE_DONE : how;
}

static enum err find(struct put *t, const struct store_item *item, struct known *out)
{
    sqlite3_stmt *st = sql_of(t->q, &t->q->writer, SQL_PUT_FIND);
    sql_bind(st, "itt", t->queue_id, t->p->source_id, item->recipient);
    bool has_row;
    TRY(sql_step(t->q, st, &has_row));
    if (!has_row)
        return ERR_NOT_FOUND;
    enum err e = row_from(t->q, st, &out->row);
    out->updated_at = sqlite3_column_int64(st, sqlite3_column_count(st) - 1);
    sql_reset(st);
    return e;
}

/* Near the quota only what would really be stored counts, so that a repeated message still gets its answer.
 */
static enum err check_quota(struct put *t)
{
    const struct store_put *p = t->p;
    uint64_t room = channel_bytes(t->channel), all = 0, needed = 0;
    room = p->quota_bytes > room ? p->quota_bytes - room : 0;
    for (unsigned i = 0; i < p->item_n; i++)
        all += p->item[i].body.n + files_bytes(&p->item[i]);
    if (p->quota_bytes == 0 || all <= room)
        return OK;
    for (unsigned i = 0; i < p->item_n; i++) {
        struct known known;
        enum err e = find(t, &p->item[i], &known);
        if (e != OK && e != ERR_NOT_FOUND)
            return e;
        if (e == ERR_NOT_FOUND || how_of(p, &known) == STORE_AGAIN)
            needed += p->item[i].body.n + files_bytes(&p->item[i]);
    }
    return needed > room ? ERR_FULL : OK;
}

static enum err write_body(struct put *t, int64_t id, struct span body)
{
    sqlite3_stmt *st = sql_of(t->q, &t->q->writer, SQL_PUT_BODY);
    sql_bind(st, "ib", id, body);
    return sql_run(t->q, st);
}

static struct span lane_of(const struct put *t, const struct store_item *item)
{
    return t->lane.p ? t->lane : item->lane;
}

static enum err look_ahead(struct put *t, struct store_item *item)
{
    sqlite3_stmt *st = sql_of(t->q, &t->q->writer, SQL_PUT_LANE);
    sql_bind(st, "it", t->queue_id, lane_of(t, item));
    TRY(sql_step(t->q, st, &item->is_behind));
    if (item->is_behind)
        sql_reset(st);
    return OK;
}

static bool may_start(const struct put *t, const struct store_item *item)
{
    return !item->is_behind && item->file_n == 0 && t->started_n < t->p->start_max &&
           t->p->expires_at > t->p->now;
}

static enum err insert(struct put *t, struct store_item *item, bool *is_new)
{
    const struct store_put *p = t->p;
    bool starts = may_start(t, item);
    enum message_state state = starts ? MESSAGE_SENDING : MESSAGE_QUEUED;
    wall_ms_t due_at = p->now < p->expires_at ? p->now : p->expires_at;
    sqlite3_stmt *st = sql_of(t->q, &t->q->writer, SQL_PUT_MESSAGE);
    sql_bind(st, "iiiiiiiiiiittttttit", t->q->next_id, t->queue_id, (int64_t)state, (int64_t)!item->is_behind,
             (int64_t)starts, due_at, p->expires_at, p->created_at, p->now, starts ? p->now : (wall_ms_t)0,
             (int64_t)item->body.n, p->source_id, item->recipient, lane_of(t, item), t->conversation,
             t->thread_ref, p->event_id, (int64_t)p->kind, p->reply_to);
    TRY(sql_run(t->q, st));
    *is_new = sqlite3_changes(t->q->writer.db) > 0;
    if (!*is_new)
        return OK;
    item->id = t->q->next_id++;
    item->how = STORE_NEW;
    item->state = state;
    item->attempt = starts;
    item->revision = 1;
    item->is_started = starts;
    t->started_n += starts;
    count_add(t->channel, p->direction, state, 1, (int64_t)item->body.n);
    struct row r = {.id = item->id, .channel = t->channel, .direction = p->direction, .state = state};
    TRY(files_put(t->q, &r, item, p->now));
    return write_body(t, item->id, item->body);
}

/* The text is the same only if it is known; a pruned one may have differed. */
static enum err compare(struct put *t, int64_t id, struct span body, bool *is_equal, bool *is_same)
{
    sqlite3_stmt *st = sql_of(t->q, &t->q->writer, SQL_BODY_GET);
    sql_bind(st, "i", id);
    bool has_row;
    *is_equal = *is_same = false;
    TRY(sql_step(t->q, st, &has_row));
    if (!has_row)
        return OK;
    struct span before = sql_text(st, 0);
    *is_equal = span_eq(before, body);
    *is_same = *is_equal || (t->p->is_same && t->p->is_same(before, body));
    sql_reset(st);
    return OK;
}

static enum err replace(struct put *t, struct store_item *item, struct row *r)
{
    const struct store_put *p = t->p;
    bool equal, same;
    TRY(compare(t, r->id, item->body, &equal, &same));
    TRY(row_retire(t->q, r, p->now));
    r->revision += !same;
    sqlite3_stmt *st = sql_of(t->q, &t->q->writer, SQL_PUT_AGAIN);
    sql_bind(st, "itiiiti", r->id, lane_of(t, item), (int64_t)r->revision, (int64_t)item->body.n,
             p->created_at, p->event_id, (int64_t)same);
    TRY(sql_run(t->q, st));
    count_add(r->channel, r->direction, r->state, 0, (int64_t)item->body.n - r->body_n);
    r->body_n = (int64_t)item->body.n;
    r->started_at = 0; /* retired above */
    if (!same)
        r->parts = (struct message_parts){0};
    return equal ? OK : write_body(t, r->id, item->body);
}

static enum err again(struct put *t, struct store_item *item, struct row *r)
{
    TRY(look_ahead(t, item)); /* the lane may have changed its mind since */
    TRY(replace(t, item, r));
    TRY(row_reopen(t->q, r, t->p->now, t->p->expires_at));
    TRY(files_put(t->q, r, item, t->p->now));
    if (may_start(t, item)) {
        TRY(row_start(t->q, r, t->p->now));
        item->is_started = true;
        t->started_n++;
    }
    return OK;
}

/* What the backend calls what a delivery belongs to, for the one who starts it. */
static enum err find_peer(struct put *t, struct store_item *item)
{
    const struct store_put *p = t->p;
    struct conn *c = &t->q->writer;
    int64_t ignored;
    TRY(thread_peer(t->q, c, t->channel->id, p->conversation, t->thread_ref, item->recipient,
                    &item->peer_conversation));
    TRY(alias_recipient(t->q, c, t->channel->id, item->recipient, &item->peer_recipient));
    return reply_find(t->q, c, t->channel, MESSAGE_OUT, p->reply_to, item->recipient, &item->reply, &ignored);
}

static enum err put_item(struct put *t, struct store_item *item)
{
    bool is_new;
    TRY(look_ahead(t, item));
    TRY(insert(t, item, &is_new));
    if (!is_new) {
        struct known known = {0};
        struct row *r = &known.row;
        TRY(find(t, item, &known));
        item->how = how_of(t->p, &known);
        if (item->how == STORE_AGAIN)
            TRY(again(t, item, r));
        else
            item->is_behind = message_is_open(r->state) && !r->is_head;
        item->id = r->id;
        item->state = r->state;
        item->attempt = r->attempt;
        item->revision = r->revision;
        item->parts = r->parts;
    }
    return item->is_started && t->p->direction == MESSAGE_OUT ? find_peer(t, item) : OK;
}

static enum err put_items(struct put *t)
{
    const struct store_put *p = t->p;
    bool has_new = false;
    for (unsigned i = 0; i < p->item_n; i++) {
        TRY(put_item(t, &p->item[i]));
        has_new = has_new || p->item[i].how == STORE_NEW || p->item[i].how == STORE_AGAIN;
    }
    if (!has_new)
        return OK;
    TRY(alias_put(t->q, t->channel, p));
    TRY(map_used(t->q, t->channel, p, t->thread_ref, t->conversation));
    return thread_seen(t->q, t->channel, p, t->thread_ref, t->conversation);
}

static bool is_whole(const struct store_put *p)
{
    for (unsigned i = 0; i < p->item_n; i++)
        if (!p->item[i].recipient.p || !p->item[i].lane.p || !p->item[i].body.p)
            return false;
    return p->channel && p->channel[0];
}

/* What it answers says where it belongs. */
static bool answers_alone(const struct store_put *p)
{
    return thread_is_talk(p) && p->reply_to.n > 0 && p->conversation.n == 0;
}

enum err sqlite_put(struct sqlite *q, struct store_op *op)
{
    struct store_put *p = container_of(op, struct store_put, op);
    struct put t = {.q = q, .p = p, .conversation = p->conversation};
    if (!is_whole(p))
        return ERR_INVALID;
    TRY(channel_get(q, p->channel, &t.channel));
    t.queue_id = queue_id(t.channel, p->direction);
    TRY(check_quota(&t));
    char *told = NULL, *conversation = NULL;
    enum err e = OK;
    if (p->direction == MESSAGE_OUT && p->kind == KIND_MESSAGE)
        e = thread_answer(q, t.channel, p, &told);
    else if (answers_alone(p))
        e = reply_thread(q, t.channel, p, &told, &conversation);
    if (e == OK && !told)
        e = thread_told(q, t.channel->id, p, &told);
    t.thread_ref = told ? span_of(told) : p->thread_ref;
    if (conversation)
        t.conversation = t.lane = span_of(conversation);
    if (e == OK)
        e = put_items(&t);
    if (p->direction == MESSAGE_OUT) {
        p->told = told;
        told = NULL;
    }
    free(told);
    free(conversation);
    return e;
}
