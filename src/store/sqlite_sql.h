/* The names of all statements; their texts stand together in sqlite_sql.c, next to what indexes they rely on.
 */
#ifndef STORE_SQLITE_SQL_H
#define STORE_SQLITE_SQL_H

enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVEPOINT,
    SQL_RELEASE,
    SQL_UNDO_SAVEPOINT,
    SQL_PROBE,

    SQL_CHANNEL_ADD,
    SQL_CHANNEL_ALL,
    SQL_COUNTER_ALL,
    SQL_COUNTER_SET,
    SQL_LAST_ID,

    SQL_PUT_LANE,
    SQL_PUT_MESSAGE,
    SQL_PUT_FIND,
    SQL_PUT_BODY,
    SQL_BODY_GET,
    SQL_PUT_AGAIN,

    SQL_ROW,
    SQL_LEAVE,
    SQL_REOPEN,
    SQL_START,
    SQL_RETIRE,
    SQL_PROMOTE_FIND,
    SQL_PROMOTE,

    SQL_CLAIM_DUE,
    SQL_CLAIM_SUSPECT,

    SQL_SETTLE_CLOSE,
    SQL_SETTLE_RETRY,
    SQL_SETTLE_NOTE,
    SQL_ATTEMPT_ADD,
    SQL_ORPHANS,
    SQL_TAKE_BACK,

    SQL_EXPIRED,
    SQL_NEXT_EXPIRY,
    SQL_PRUNE_BODIES,
    SQL_PRUNE_KEYS,
    SQL_BODY_DROP,
    SQL_ATTEMPT_DROP,
    SQL_MESSAGE_DROP,

    /* The same five ways to find messages, for lists and for an operator's verbs: keep their order. */
    SQL_LIST_ID,
    SQL_LIST_SCAN,
    SQL_LIST_ASIDE,
    SQL_LIST_OPEN,
    SQL_LIST_CHANNEL,
    SQL_PICK_ID,
    SQL_PICK_SCAN,
    SQL_PICK_ASIDE,
    SQL_PICK_OPEN,
    SQL_PICK_CHANNEL,
    SQL_HURRY,

    SQL_SHOW_ATTEMPTS,
    SQL_SHOW_LAST,
    SQL_OLDEST,
    SQL_OLDEST_SENDING,

    SQL_LINK_GET,
    SQL_LINK_REF,
    SQL_THREAD_BY_REF,
    SQL_THREAD_BY_HANDLE,
    SQL_THREAD_SEEN,
    SQL_THREAD_GOES_ON,
    SQL_THREAD_OF_MESSAGE,
    SQL_LINK_OF_MESSAGE,
    SQL_LEARN_START,
    SQL_LEARN_DUE,
    SQL_LEARN_LATER,
    SQL_LEARN_NEXT,
    SQL_LEARNT,
    SQL_LEARNT_LINK,

    SQL_KV_GET,
    SQL_KV_SET,
    SQL_KV_DROP,
    SQL_KV_COUNT,
    SQL_KV_COUNTED,

    SQL_N
};

extern const char *const sql_text_of[SQL_N];

#endif
