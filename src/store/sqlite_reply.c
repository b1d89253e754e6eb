/*
 * Which message another one answers, as both sides call it. It refuses to guess: an id that is none of the
 * channel's messages is not known. Cost: nothing for a message that answers none.
 */
#include "base/mem.h"
#include "store/put.h"
#include "store/sqlite.h"
#include <stdlib.h>
#include <string.h>

enum { OWN_PREFIX_BYTES = 3 };

/* A delivery is told to Front as "fb-" and the id that Front gave it. */
static struct span without_prefix(struct span key)
{
    if (key.n <= OWN_PREFIX_BYTES || memcmp(key.p, "fb-", OWN_PREFIX_BYTES) != 0)
        return SPAN_NONE;
    return (struct span){key.p + OWN_PREFIX_BYTES, key.n - OWN_PREFIX_BYTES};
}

/* ---- Aliases ---- */

enum err alias_put(struct sqlite *q, const struct channel *channel, const struct store_put *p)
{
    for (unsigned i = 0; i < p->alias_n; i++) {
        sqlite3_stmt *st = sql_of(q, &q->writer, SQL_ALIAS_SET);
        sql_bind(st, "itti", channel->id, p->alias[i].ref, p->alias[i].id, p->now);
        TRY(sql_run(q, st));
    }
    return OK;
}

enum err alias_find(struct sqlite *q, struct conn *c, int64_t channel_id, struct span ref, char **id)
{
    return sql_find_text(q, c, SQL_ALIAS_GET, channel_id, ref, id);
}

enum err alias_recipient(struct sqlite *q, struct conn *c, int64_t channel_id, struct span recipient,
                         char **out)
{
    return span_starts(recipient, "+") ? alias_find(q, c, channel_id, recipient, out) : OK;
}

/* ---- What an agent answers ---- */

static enum err find_delivery(struct sqlite *q, struct conn *c, const struct channel *channel,
                              struct span key, struct span recipient, char **out)
{
    if (*out || !key.p)
        return OK;
    sqlite3_stmt *st = sql_of(q, c, SQL_REPLY_DELIVERY);
    sql_bind(st, "itt", queue_id(channel, MESSAGE_OUT), key, recipient);
    return sql_first_text(q, st, out);
}

static enum err find_own(struct sqlite *q, struct conn *c, int64_t queue, struct span key, char **out)
{
    int64_t id;
    if (*out || engine_id_parse(q->engine.tag, key, &id) != OK)
        return OK;
    sqlite3_stmt *st = sql_of(q, c, SQL_REPLY_OWN);
    sql_bind(st, "ii", queue, id);
    return sql_first_text(q, st, out);
}

/* The row of the message that has this key in the queue; *st is NULL if there is none, else to be reset. */
static enum err find_row(struct sqlite *q, struct conn *c, enum sql id, int64_t queue, struct span key,
                         sqlite3_stmt **st)
{
    bool has_row;
    *st = sql_of(q, c, id);
    sql_bind(*st, "it", queue, key);
    TRY(sql_step(q, *st, &has_row));
    if (!has_row)
        *st = NULL;
    return OK;
}

/* The backend's own id, if it is one. */
static enum err find_same(struct sqlite *q, struct conn *c, enum sql id, int64_t queue, struct span key,
                          char **out)
{
    sqlite3_stmt *st;
    if (*out)
        return OK;
    TRY(find_row(q, c, id, queue, key, &st));
    if (!st)
        return OK;
    sql_reset(st);
    *out = span_strdup(key);
    return OK;
}

static enum err find_received(struct sqlite *q, struct conn *c, const struct channel *channel,
                              struct span key, char **out)
{
    int64_t queue = queue_id(channel, MESSAGE_IN);
    TRY(find_own(q, c, queue, key, out));
    TRY(sql_find_text(q, c, SQL_REPLY_SHOWN, queue, key, out));
    TRY(sql_find_text(q, c, SQL_REPLY_UID, queue, key, out));
    TRY(alias_find(q, c, channel->id, key, out));
    return find_same(q, c, SQL_REPLY_RECEIVED, queue, key, out);
}

static enum err find_peer(struct sqlite *q, struct conn *c, const struct channel *channel, struct span key,
                          struct span recipient, char **out)
{
    const struct channel *history = channel_history(q, channel->name);
    TRY(find_delivery(q, c, channel, key, recipient, out));
    TRY(find_delivery(q, c, channel, without_prefix(key), recipient, out));
    TRY(find_received(q, c, channel, key, out));
    if (history && !*out)
        TRY(find_received(q, c, history, key, out));
    return find_same(q, c, SQL_REPLY_SENT, queue_id(channel, MESSAGE_OUT), key, out);
}

/* A backend without ids has none to be told, and what happened to a message is no message of its own. */
static void forget_made_up(char **id)
{
    if (*id && (strncmp(*id, "none:", 5) == 0 || strchr(*id, STORE_SIGN_MARK))) {
        free(*id);
        *id = NULL;
    }
}

static enum err find_peers(struct sqlite *q, struct conn *c, const struct channel *channel,
                           struct span reply_to, struct span recipient, char **out)
{
    while (reply_to.n > 0 && !*out) {
        const char *end = memchr(reply_to.p, '\n', reply_to.n);
        struct span key = {reply_to.p, end ? (size_t)(end - reply_to.p) : reply_to.n};
        if (key.n > 0)
            TRY(find_peer(q, c, channel, key, recipient, out));
        forget_made_up(out);
        size_t used = key.n + (end != NULL);
        reply_to = (struct span){reply_to.p + used, reply_to.n - used};
    }
    return OK;
}

/* ---- What a customer answers ---- */

struct answered {
    bool is_received; /* a customer or the backend's agent wrote it; else it is a delivery */
    bool is_named;    /* Front knows it by the name that it was told */
    int64_t id;
    char *source_id, *conversation, *thread_ref, *recipient;
};

static void answered_fini(struct answered *a)
{
    free(a->source_id);
    free(a->conversation);
    free(a->thread_ref);
    free(a->recipient);
}

static enum err read_answered(struct sqlite *q, struct conn *c, enum sql id, int64_t queue, struct span key,
                              struct answered *a)
{
    sqlite3_stmt *st;
    if (a->id)
        return OK;
    TRY(find_row(q, c, id, queue, key, &st));
    if (!st)
        return OK;
    int state = sqlite3_column_int(st, 2);
    bool is_there = state == MESSAGE_DELIVERED || state == MESSAGE_ACCEPTED;
    *a = (struct answered){
        .is_received = queue % 2 == MESSAGE_IN,
        .id = sqlite3_column_int64(st, 0),
        .source_id = span_strdup(sql_text(st, 1)),
        .conversation = span_strdup(sql_text(st, 3)),
        .thread_ref = span_strdup(sql_text(st, 4)),
        .recipient = span_strdup(sql_text(st, 6)),
    };
    a->is_named = a->is_received ? is_there : sqlite3_column_int(st, 5) == 0;
    sql_reset(st);
    return OK;
}

static enum err find_answered(struct sqlite *q, struct conn *c, const struct channel *channel,
                              struct span key, struct answered *a)
{
    const struct channel *history = channel_history(q, channel->name);
    *a = (struct answered){0};
    TRY(read_answered(q, c, SQL_REPLY_RECEIVED, queue_id(channel, MESSAGE_IN), key, a));
    TRY(read_answered(q, c, SQL_REPLY_SENT, queue_id(channel, MESSAGE_OUT), key, a));
    if (history)
        return read_answered(q, c, SQL_REPLY_RECEIVED, queue_id(history, MESSAGE_IN), key, a);
    channel = channel_live(q, channel->name);
    return channel ? read_answered(q, c, SQL_REPLY_RECEIVED, queue_id(channel, MESSAGE_IN), key, a) : OK;
}

enum err reply_find(struct sqlite *q, struct conn *c, const struct channel *channel, enum message_direction d,
                    struct span reply_to, struct span recipient, char **text, int64_t *id)
{
    struct answered a;
    *text = NULL;
    *id = 0;
    if (!reply_to.p)
        return OK;
    if (d == MESSAGE_OUT)
        return find_peers(q, c, channel, reply_to, recipient, text);
    TRY(find_answered(q, c, channel, reply_to, &a));
    if (a.is_named && a.is_received)
        *id = a.id;
    if (a.is_named && !a.is_received) {
        *text = a.source_id;
        a.source_id = NULL;
    }
    answered_fini(&a);
    return OK;
}

/* An application channel goes on under the name that Front was told; a custom one in a thread of the same conversation,
 * if a customer has written in it. */
static enum err thread_of_delivery(struct sqlite *q, const struct channel *channel, const struct store_put *p,
                                   struct answered *a, char **thread_ref, char **conversation)
{
    struct span front = span_of(a->conversation);
    TRY(thread_peer(q, &q->writer, channel->id, front, span_of(a->thread_ref), SPAN_NONE, conversation));
    if (p->follows_link) {
        *thread_ref = a->is_named ? a->thread_ref : NULL;
        a->thread_ref = a->is_named ? NULL : a->thread_ref;
        return OK;
    }
    return sql_find_text(q, &q->writer, SQL_REPLY_THREAD, channel->id, front, thread_ref);
}

/* Several people may be in a conversation of the backend; where it has none, each has a thread of their own. */
static bool may_join(const struct answered *a, const struct store_put *p, const char *conversation)
{
    return (conversation && *conversation) || span_eq(span_of(a->recipient), p->item[0].recipient);
}

enum err reply_thread(struct sqlite *q, const struct channel *channel, const struct store_put *p,
                      char **thread_ref, char **conversation)
{
    struct answered a;
    TRY(find_answered(q, &q->writer, channel, p->reply_to, &a));
    enum err e = OK;
    if (a.id && a.is_received) {
        *thread_ref = a.thread_ref;
        *conversation = a.conversation;
        a.thread_ref = a.conversation = NULL;
    } else if (a.id) {
        e = thread_of_delivery(q, channel, p, &a, thread_ref, conversation);
    }
    if (e == OK && a.id && !may_join(&a, p, *conversation)) {
        free(*thread_ref);
        free(*conversation);
        *thread_ref = *conversation = NULL;
    }
    answered_fini(&a);
    return e;
}
