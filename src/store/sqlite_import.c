/*
 * Puts lines of history, each as a put does. Decides only what is known already: a line by its id alone.
 * Invariant: all that can refuse the lines is looked at before the first row is written.
 */
#include "base/mem.h"
#include "store/import.h"
#include "store/sqlite.h"
#include <stdlib.h>
#include <string.h>

struct import {
    struct sqlite *q;
    struct store_import *p;
    struct channel *history, *live; /* live: NULL if nothing was ever stored for the channel itself */
};

/* known gives the customer that a known line was from; NULL if there is no line with this id. */
static enum err known(const struct import *m, const struct store_import_line *line, char **recipient,
                      bool *is_failed)
{
    sqlite3_stmt *st = sql_of(m->q, &m->q->writer, SQL_IMPORT_KNOWN);
    bool has_row;
    sql_bind(st, "it", queue_id(m->history, MESSAGE_IN), line->source_id);
    TRY(sql_step(m->q, st, &has_row));
    *recipient = NULL;
    if (!has_row)
        return OK;
    *recipient = span_strdup(sql_text(st, 0));
    int state = sqlite3_column_int(st, 1);
    *is_failed = (unsigned)state < MESSAGE_STATE_N && message_is_failed((enum message_state)state);
    sql_reset(st);
    return OK;
}

/* Near the quota only what would really be stored counts, so that an import which is repeated gets through what is
 * there. */
static enum err check_quota(const struct import *m)
{
    const struct store_import *p = m->p;
    uint64_t used = channel_bytes(m->history), room = p->quota_bytes > used ? p->quota_bytes - used : 0;
    uint64_t all = 0, needed = 0;
    for (unsigned i = 0; i < p->line_n; i++)
        all += p->line[i].body.n;
    if (p->quota_bytes == 0 || all <= room)
        return OK;
    for (unsigned i = 0; i < p->line_n; i++) {
        char *recipient;
        bool is_failed = false;
        TRY(known(m, &p->line[i], &recipient, &is_failed));
        if (!recipient || is_failed)
            needed += p->line[i].body.n;
        free(recipient);
    }
    return needed > room ? ERR_FULL : OK;
}

static enum err put(const struct import *m, struct store_import_line *line, struct span recipient,
                    struct span thread_ref)
{
    struct store_item item = {.recipient = recipient,
                              .lane = line->lane,
                              .body = line->body,
                              .file = line->file,
                              .file_n = line->file_n};
    struct store_put put = {
        .direction = MESSAGE_IN,
        .kind = KIND_IMPORT,
        .channel = m->history->name,
        .source_id = line->source_id,
        .conversation = line->conversation,
        .thread_ref = thread_ref,
        .reply_to = line->reply_to,
        .alias = line->alias,
        .alias_n = line->alias_n,
        .now = m->p->now,
        .created_at = m->p->now,
        .expires_at = m->p->expires_at,
        .item = &item,
        .item_n = 1,
    };
    enum err e = sqlite_put(m->q, &put.op);
    line->id = item.id;
    line->how = item.how;
    store_put_fini(&put);
    return e;
}

/* For the live channel, whose deliveries go by it; what its own messages say wins. */
static enum err learn_spelling(struct import *m, const struct store_import_line *line)
{
    if (!line->spelling.p || span_eq(line->spelling, line->recipient))
        return OK;
    if (!m->live)
        TRY(channel_get(m->q, m->p->channel, &m->live));
    sqlite3_stmt *st = sql_of(m->q, &m->q->writer, SQL_ALIAS_LEARN);
    sql_bind(st, "itti", m->live->id, line->recipient, line->spelling, m->p->now);
    return sql_run(m->q, st);
}

static enum err put_line(struct import *m, struct store_import_line *line)
{
    char *recipient, *told = NULL;
    bool is_failed;
    TRY(known(m, line, &recipient, &is_failed));
    enum err e = OK;
    if (m->p->follows_link && m->live)
        e = thread_linked(m->q, m->live->id, line->conversation, &told);
    if (e == OK)
        e = put(m, line, recipient ? span_of(recipient) : line->recipient,
                told ? span_of(told) : line->thread_ref);
    if (e == OK)
        e = learn_spelling(m, line);
    free(recipient);
    free(told);
    return e;
}

static bool is_whole(const struct store_import *p)
{
    for (unsigned i = 0; i < p->line_n; i++) {
        const struct store_import_line *line = &p->line[i];
        if (!line->source_id.p || !line->recipient.p || !line->lane.p || !line->body.p)
            return false;
    }
    return p->channel && p->channel[0] && p->line_n <= STORE_IMPORT_MAX;
}

enum err sqlite_import(struct sqlite *q, struct store_op *op)
{
    struct store_import *p = container_of(op, struct store_import, op);
    struct import m = {.q = q, .p = p};
    char name[STORE_CHANNEL_BYTES];
    if (!is_whole(p))
        return ERR_INVALID;
    store_history_name(p->channel, name);
    TRY(channel_get(q, name, &m.history));
    m.live = channel_find(q, p->channel);
    TRY(check_quota(&m));
    for (unsigned i = 0; i < p->line_n; i++)
        TRY(put_line(&m, &p->line[i]));
    return OK;
}
