/*
 * What became of a delivery after it was delivered, as its backend says. A word is noted once for each delivery and
 * status; what follows from it (a report to the agent, a call to Front) is in the same commit.
 */
#include "base/mem.h"
#include "store/later.h"
#include "store/put.h"
#include "store/sqlite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err find(struct sqlite *q, const struct channel *c, const struct store_receipt *p, struct row *r)
{
    if (p->id) {
        TRY(row_read(q, p->id, r));
        return r->channel == c && r->direction == MESSAGE_OUT && r->kind == KIND_MESSAGE ? OK : ERR_NOT_FOUND;
    }
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_RECEIPT_FIND);
    sql_bind(st, "it", queue_id(c, MESSAGE_OUT), p->external_id);
    return row_one(q, st, r);
}

static enum err note(struct sqlite *q, struct store_receipt *p)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_RECEIPT_ADD);
    sql_bind(st, "iiit", p->found_id, (int64_t)p->status, p->now, p->reason);
    TRY(sql_run(q, st));
    p->is_new = sqlite3_changes(q->writer.db) > 0;
    return OK;
}

/* The agent heard success: the report says what was wrong after all. */
static enum err fail(struct sqlite *q, struct row *r, struct store_receipt *p)
{
    if (r->state != MESSAGE_DELIVERED)
        return OK; /* known as failed already, or still on its way: see receipt_of_part */
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_RECEIPT_FAILED);
    sql_bind(st, "it", r->id, p->reason);
    TRY(sql_run(q, st));
    p->has_report = true;
    return report_add(q, r, p->now);
}

enum err receipt_of_part(struct sqlite *q, struct row *r, wall_ms_t now, bool *has_report)
{
    struct store_receipt p = {.now = now};
    bool has_row;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_RECEIPT_OF_FAILURE);
    sql_bind(st, "i", r->id);
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return OK;
    char *reason = span_strdup(sql_text(st, 0));
    sql_reset(st);
    p.reason = span_of(reason);
    enum err e = fail(q, r, &p);
    *has_report = *has_report || p.has_report;
    free(reason);
    return e;
}

static enum err front_id(struct sqlite *q, int64_t id, char out[STORE_RECEIPT_KEY_BYTES])
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_RECEIPT_SOURCE);
    bool has_row;
    sql_bind(st, "i", id);
    TRY(sql_step(q, st, &has_row));
    *out = '\0';
    if (!has_row)
        return OK;
    struct span s = sql_text(st, 0);
    if (s.n + sizeof STORE_SEEN < STORE_RECEIPT_KEY_BYTES)
        snprintf(out, STORE_RECEIPT_KEY_BYTES, STORE_SEEN "%.*s", SPAN_FMT(s));
    sql_reset(st);
    return OK;
}

/* One call for a message, however many recipients have read it: Front takes ten an hour, and shows one mark. */
static enum err see(struct sqlite *q, const struct row *r, struct store_receipt *p)
{
    char key[STORE_RECEIPT_KEY_BYTES];
    TRY(front_id(q, r->id, key));
    if (!*key)
        return OK;
    struct store_item item = {.recipient = SPAN_LIT(""), .lane = span_of(key), .body = SPAN_LIT("{}")};
    struct store_put put = {.op.verb = STORE_PUT,
                            .direction = MESSAGE_IN,
                            .kind = KIND_RECEIPT,
                            .channel = p->channel,
                            .source_id = span_of(key),
                            .now = p->now,
                            .created_at = p->now,
                            .expires_at = p->expires_at,
                            .item = &item,
                            .item_n = 1};
    TRY(sqlite_put(q, &put.op));
    p->is_queued = item.how == STORE_NEW;
    return OK;
}

enum err sqlite_receipt(struct sqlite *q, struct store_op *op)
{
    struct store_receipt *p = container_of(op, struct store_receipt, op);
    const struct channel *c = channel_find(q, p->channel);
    struct row r;
    if (!c)
        return ERR_NOT_FOUND;
    TRY(find(q, c, p, &r));
    p->found_id = r.id;
    TRY(note(q, p));
    if (!p->is_new)
        return OK;
    switch (p->status) {
    case RECEIPT_DELIVERED:
        return OK;
    case RECEIPT_READ:
        return see(q, &r, p);
    case RECEIPT_FAILED:
        return fail(q, &r, p);
    }
    return ERR_INVALID;
}
