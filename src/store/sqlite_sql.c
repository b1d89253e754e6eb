/*
 * Every statement of the engine. It decides which index each one uses, and refuses to know when it is run.
 * Invariant: no statement of the daily work scans or sorts more than it returns (a test reads the plans).
 *
 * In conditions: seq IS NOT NULL means "open"; state 0 is queued, 1 sending, 6 to 8 held, unknown, dead
 * (state.h).
 */
#include "store/sqlite_sql.h"

#define ROW_COLUMNS                                                                                          \
    " m.id, m.queue_id, m.state, m.is_head, m.attempt, m.attempt_base, m.revision, m.crash_n, m.due_at,"     \
    " m.expires_at, m.started_at, m.ended_at, m.body_n, m.outcome, m.reason IS NOT NULL,"                    \
    " m.conversation IS NOT NULL, m.kind, m.file_n, m.part_sent, m.part_n, m.part_cut "

#define MESSAGE_COLUMNS                                                                                      \
    " m.id, m.queue_id, m.state, m.attempt, m.attempt_base, m.revision, m.crash_n, m.is_suspect,"            \
    " m.created_at, m.stored_at, m.due_at, m.expires_at, m.updated_at, m.started_at, m.ended_at, m.body_n,"  \
    " m.kind, m.file_n, m.unsure_at, m.part_sent, m.part_n, m.part_cut, m.source_id, m.recipient, m.lane, "  \
    "m.conversation, m.thread_ref,"                                                                          \
    " m.event_id, m.external_id, m.reason, m.reply_to, "

#define REPLY_COLUMNS " id, source_id, state, conversation, thread_ref, event_id IS NOT NULL, recipient "

#define EVENT_COLUMNS                                                                                        \
    " e.id, e.account, e.via, e.event_id, e.type, e.origin, e.emitted_at, e.stored_at, e.state, e.due_at,"   \
    " e.tries, e.tried_at, e.result, substr(e.lane, 1, 1) = '!' "

/* 1 account or NULL, 2 channel or NULL, 3 types or NULL, 4 and 5 emitted from and until, 6 bit set of states */
#define EVENT_FILTER                                                                                         \
    " e.emitted_at >= ?4 AND e.emitted_at < ?5 AND (?6 >> e.state) & 1 AND (?1 IS NULL OR e.account = ?1)"   \
    " AND (?2 IS NULL OR e.via = ?2) AND (?3 IS NULL OR instr(?3, ',' || e.type || ',')) "

#define FILE_COLUMNS                                                                                         \
    " f.id, f.queue_id, f.message_id, f.state, f.bytes, f.tries, f.origin, f.filename, f.content_type,"      \
    " f.cid, f.name, f.sha256, f.reason "

#define BODY_IF(condition) " CASE WHEN " condition " THEN (SELECT bytes FROM body WHERE body.id = m.id) END "

/* 1 channel or -1, 2 direction or -1, 3 bit set of states, 4 reason or NULL, 5 id to go on from, 6 how many
 */
#define FILTER                                                                                               \
    " (?1 < 0 OR m.queue_id / 2 = ?1) AND (?2 < 0 OR m.queue_id % 2 = ?2) AND (?3 >> m.state) & 1"           \
    " AND (?4 IS NULL OR m.reason = ?4) "
#define FIND(columns, index, condition, page)                                                                \
    "SELECT " columns " FROM message m " index " WHERE " condition " AND" FILTER page
#define LIST(index, condition)                                                                               \
    FIND(MESSAGE_COLUMNS BODY_IF("?7"), index, condition, "AND m.id < ?5 ORDER BY m.id DESC LIMIT ?6")
#define PICK(index, condition) FIND(ROW_COLUMNS, index, condition, "AND m.id > ?5 ORDER BY m.id LIMIT ?6")

#define BY_ID        "", "m.id = ?8"
#define BY_SCAN      "NOT INDEXED", "1"
#define BY_ASIDE     "INDEXED BY message_aside", "m.state BETWEEN 6 AND 8"
#define BY_OPEN      "INDEXED BY message_lane", "m.seq IS NOT NULL"
#define BY_CHANNEL   "INDEXED BY message_source", "m.queue_id IN (?1 * 2, ?1 * 2 + 1)"
#define LIST_BY(...) LIST(__VA_ARGS__)
#define PICK_BY(...) PICK(__VA_ARGS__)

/* Front keeps the threads of imported messages, which an agent's become on a custom channel, apart from those
 * of incoming ones: they are learnt apart. No id of a backend holds a control character. */
#define AGENT_THREAD(ref) "char(1) || " ref
/* What is used is marked once a day. */
#define DAY          "86400000"
#define LINK_COLUMNS "channel_id, conversation, peer, thread_ref, seen_at"
#define LINK_UPSERT                                                                                          \
    " ON CONFLICT DO UPDATE SET peer = excluded.peer, seen_at = excluded.seen_at"                            \
    " WHERE peer <> excluded.peer OR seen_at < excluded.seen_at - " DAY

/* m is the delivery of queue ?1 that the backend calls ?2, or of which it calls a part so: the newest. */
#define IS_CALLED                                                                                            \
    " m.id = coalesce((SELECT d.id FROM message d INDEXED BY message_external WHERE d.queue_id = ?1"         \
    " AND d.external_id = ?2 AND d.kind = 0 ORDER BY d.id DESC LIMIT 1),"                                    \
    " (SELECT p.message_id FROM part p WHERE p.queue_id = ?1 AND p.external_id = ?2"                         \
    " ORDER BY p.message_id DESC LIMIT 1)) "

/* The oldest attempt that may have arrived, as long as that is not cleared up. */
#define UNSURE_AT(is_unsure)                                                                                 \
    "CASE WHEN NOT " is_unsure " THEN 0 WHEN unsure_at > 0 THEN unsure_at ELSE started_at END"

const char *const sql_text_of[SQL_N] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SAVEPOINT] = "SAVEPOINT op",
    [SQL_RELEASE] = "RELEASE op",
    [SQL_UNDO_SAVEPOINT] = "ROLLBACK TO op",
    [SQL_PROBE] = "INSERT INTO meta VALUES ('probe', zeroblob(65536))"
                  " ON CONFLICT DO UPDATE SET value = excluded.value",

    [SQL_CHANNEL_ADD] = "INSERT INTO channel (name) VALUES (?1) RETURNING id",
    [SQL_CHANNEL_ALL] = "SELECT id, name FROM channel",
    [SQL_COUNTER_ALL] = "SELECT queue_id, state, n, bytes FROM counter",
    [SQL_COUNTER_SET] = "INSERT INTO counter VALUES (?1, ?2, ?3, ?4)"
                        " ON CONFLICT DO UPDATE SET n = excluded.n, bytes = excluded.bytes",
    [SQL_LAST_ID] = "SELECT max(id) FROM message",

    /* put */
    [SQL_PUT_LANE] = "SELECT 1 FROM message INDEXED BY message_lane"
                     " WHERE queue_id = ?1 AND lane = ?2 AND seq IS NOT NULL LIMIT 1",
    [SQL_PUT_MESSAGE] =
        "INSERT INTO message (id, queue_id, state, is_head, seq, attempt, due_at, expires_at, created_at,"
        " stored_at, updated_at, started_at, body_n, source_id, recipient, lane, conversation, thread_ref, "
        "event_id, kind, reply_to)"
        " VALUES (?1, ?2, ?3, ?4, ?1, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
        "?19)"
        " ON CONFLICT (queue_id, source_id, recipient) DO NOTHING",
    [SQL_PUT_FIND] = "SELECT" ROW_COLUMNS ", m.updated_at FROM message m INDEXED BY message_source"
                     " WHERE m.queue_id = ?1 AND m.source_id = ?2 AND m.recipient = ?3",
    [SQL_PUT_BODY] = "INSERT INTO body VALUES (?1, ?2) ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
    [SQL_BODY_GET] = "SELECT bytes FROM body WHERE id = ?1",
    [SQL_PUT_AGAIN] = "UPDATE message SET lane = ?2, revision = ?3, body_n = ?4, created_at = ?5,"
                      " event_id = coalesce(?6, event_id), reason = NULL, started_at = started_at * ?7,"
                      " part_sent = part_sent * ?7, part_n = part_n * ?7, part_cut = part_cut * ?7"
                      " WHERE id = ?1",
    [SQL_IMPORT_KNOWN] = "SELECT recipient, state FROM message INDEXED BY message_source"
                         " WHERE queue_id = ?1 AND source_id = ?2 LIMIT 1",

    /* one message */
    [SQL_ROW] = "SELECT" ROW_COLUMNS "FROM message m WHERE m.id = ?1",
    [SQL_LEAVE] =
        "UPDATE message SET state = ?2, reason = coalesce(?3, reason), updated_at = ?4, is_head = 0,"
        " seq = NULL, is_suspect = 0 WHERE id = ?1",
    [SQL_REOPEN] = "UPDATE message SET state = 0, seq = ?2, is_head = ?3, due_at = ?4, expires_at = ?5,"
                   " created_at = ?4, updated_at = ?4, attempt_base = attempt, crash_n = 0, is_suspect = 0,"
                   " unsure_at = unsure_at * ?6 WHERE id = ?1",
    [SQL_START] =
        "UPDATE message SET state = 1, attempt = ?2, started_at = ?3, ended_at = 0, updated_at = ?3,"
        " outcome = NULL, code = 0 WHERE id = ?1",
    [SQL_RETIRE] =
        "INSERT OR IGNORE INTO attempt SELECT id, attempt, started_at,"
        " CASE ended_at WHEN 0 THEN ?2 ELSE ended_at END, coalesce(outcome, 'unknown'), code, reason"
        " FROM message WHERE id = ?1",
    [SQL_PROMOTE_FIND] = "SELECT n.id FROM message m CROSS JOIN message n INDEXED BY message_lane"
                         " ON n.queue_id = m.queue_id AND n.lane = m.lane AND n.seq IS NOT NULL"
                         " WHERE m.id = ?1 ORDER BY n.seq LIMIT 1",
    [SQL_PROMOTE] = "UPDATE message SET is_head = 1,"
                    " due_at = CASE files_left WHEN 0 THEN min(due_at, ?2) ELSE due_at END WHERE id = ?1",

    /* claim */
    [SQL_CLAIM_DUE] = "SELECT" MESSAGE_COLUMNS BODY_IF("m.due_at <= ?2") //
    "FROM message m INDEXED BY message_head"
    " WHERE m.queue_id = ?1 AND m.is_head = 1 AND m.state = 0 AND m.expires_at > ?2 AND m.files_left = 0"
    " ORDER BY m.due_at LIMIT ?3",
    [SQL_CLAIM_AHEAD] = "SELECT" MESSAGE_COLUMNS BODY_IF("m.updated_at > ?2") //
    "FROM message m INDEXED BY message_head"
    " WHERE m.queue_id = ?1 AND m.is_head = 1 AND m.state = 0 AND m.due_at > ?2 AND m.files_left = 0"
    " ORDER BY m.due_at DESC LIMIT ?3",
    [SQL_CLAIM_SUSPECT] = "SELECT" MESSAGE_COLUMNS BODY_IF("1") //
    "FROM message m INDEXED BY message_suspect"
    " WHERE m.queue_id = ?1 AND m.is_suspect = 1 AND m.is_head = 1 AND m.state = 0 AND m.due_at <= ?2"
    " AND m.expires_at > ?2 AND m.files_left = 0 ORDER BY m.id LIMIT ?3",

    /* settle */
    [SQL_SETTLE_CLOSE] =
        "UPDATE message SET state = ?2, outcome = ?3, reason = ?4, code = ?5, ended_at = ?6,"
        " updated_at = ?6, external_id = coalesce(?7, external_id), crash_n = ?8,"
        " is_head = 0, seq = NULL, is_suspect = 0, unsure_at = " UNSURE_AT("?9") " WHERE id = ?1",
    [SQL_SETTLE_RETRY] = "UPDATE message SET state = 0, outcome = ?2, reason = ?3, code = ?4, ended_at = ?5,"
                         " updated_at = ?5, external_id = coalesce(?6, external_id), crash_n = ?7,"
                         " due_at = CASE files_left WHEN 0 THEN min(?8, coalesce(?11, expires_at))"
                         " ELSE coalesce(?11, expires_at) END, expires_at = coalesce(?11, expires_at),"
                         " is_suspect = ?9, attempt_base = attempt_base + ?10, unsure_at = " UNSURE_AT(
                             "?12") ","
                                    " started_at = CASE ?10 WHEN 1 THEN 0 ELSE started_at END WHERE id = ?1",
    [SQL_SETTLE_PART] = "UPDATE message SET state = 0, outcome = ?2, reason = ?3, code = ?4, ended_at = ?5,"
                        " updated_at = ?5, external_id = coalesce(?6, external_id), crash_n = 0, is_suspect "
                        "= 0, unsure_at = 0,"
                        " due_at = min(?7, coalesce(?8, expires_at)), expires_at = coalesce(?8, expires_at),"
                        " attempt_base = attempt WHERE id = ?1",
    [SQL_PARTS_SET] = "UPDATE message SET part_sent = ?2, part_n = ?3, part_cut = ?4 WHERE id = ?1",
    [SQL_PART_ADD] = "INSERT OR IGNORE INTO part VALUES (?2, ?3, ?1)",
    [SQL_PART_DROP] = "DELETE FROM part WHERE message_id = ?1",
    [SQL_REASON_GET] = "SELECT reason FROM message WHERE id = ?1",
    [SQL_SETTLE_NOTE] = "UPDATE message SET outcome = ?2, code = ?3, ended_at = ?4 WHERE id = ?1",
    [SQL_ATTEMPT_ADD] = "INSERT OR REPLACE INTO attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SQL_ORPHANS] = "SELECT" ROW_COLUMNS "FROM message m INDEXED BY message_head"
                    " WHERE m.queue_id = ?1 AND m.is_head = 1 AND m.state = 1 LIMIT 1",
    [SQL_TAKE_BACK] =
        "UPDATE message SET state = 0, started_at = 0, attempt_base = attempt_base + 1 WHERE id = ?1",

    /* expire and prune */
    [SQL_EXPIRED] = "SELECT" ROW_COLUMNS "FROM message m INDEXED BY message_expiry"
                    " WHERE m.queue_id = ?1 AND m.is_head = 1 AND m.state = 0 AND m.expires_at <= ?2"
                    " ORDER BY m.expires_at LIMIT 1",
    [SQL_NEXT_EXPIRY] = "SELECT expires_at FROM message INDEXED BY message_expiry"
                        " WHERE queue_id = ?1 AND is_head = 1 AND state = 0 ORDER BY expires_at LIMIT 1",
    [SQL_PRUNE_BODIES] = "SELECT b.id, m.state, m.stored_at, m.updated_at FROM body b"
                         " LEFT JOIN message m ON m.id = b.id WHERE b.id > ?1 ORDER BY b.id LIMIT ?2",
    [SQL_PRUNE_KEYS] = "SELECT id, state, stored_at, updated_at FROM message"
                       " WHERE id > ?1 ORDER BY id LIMIT ?2",
    [SQL_BODY_DROP] = "DELETE FROM body WHERE id = ?1",
    [SQL_ATTEMPT_DROP] = "DELETE FROM attempt WHERE message_id = ?1",
    [SQL_MESSAGE_DROP] = "DELETE FROM message WHERE id = ?1",

    /* lists and operators' verbs */
    [SQL_LIST_ID] = LIST_BY(BY_ID),
    [SQL_LIST_SCAN] = LIST_BY(BY_SCAN),
    [SQL_LIST_ASIDE] = LIST_BY(BY_ASIDE),
    [SQL_LIST_OPEN] = LIST_BY(BY_OPEN),
    [SQL_LIST_CHANNEL] = LIST_BY(BY_CHANNEL),
    [SQL_PICK_ID] = PICK_BY(BY_ID),
    [SQL_PICK_SCAN] = PICK_BY(BY_SCAN),
    [SQL_PICK_ASIDE] = PICK_BY(BY_ASIDE),
    [SQL_PICK_OPEN] = PICK_BY(BY_OPEN),
    [SQL_PICK_CHANNEL] = PICK_BY(BY_CHANNEL),
    [SQL_HURRY] = "UPDATE message SET due_at = ?2, expires_at = ?3, updated_at = ?2, attempt_base = attempt,"
                  " crash_n = 0 WHERE id = ?1",

    [SQL_SHOW_ATTEMPTS] = "SELECT n, started_at, ended_at, outcome, code, reason FROM attempt"
                          " WHERE message_id = ?1 ORDER BY n",
    [SQL_SHOW_LAST] =
        "SELECT attempt, started_at, ended_at, coalesce(outcome, ''), code,"
        " CASE WHEN outcome <> 'delivered' THEN reason END" /* a receipt may give a reason later */
        " FROM message WHERE id = ?1 AND started_at > 0 AND NOT EXISTS"
        " (SELECT 1 FROM attempt WHERE message_id = ?1 AND n = message.attempt)",
    [SQL_OLDEST] = "SELECT created_at FROM message INDEXED BY message_expiry"
                   " WHERE queue_id = ?1 AND is_head = 1 AND state = 0 ORDER BY expires_at LIMIT 1",
    [SQL_OLDEST_SENDING] = "SELECT created_at FROM message INDEXED BY message_head"
                           " WHERE queue_id = ?1 AND is_head = 1 AND state = 1 ORDER BY created_at LIMIT 1",

    /* threads */
    [SQL_LINK_GET] = "SELECT peer FROM link WHERE channel_id = ?1 AND conversation = ?2",
    [SQL_LINK_REF] = "SELECT thread_ref FROM link INDEXED BY link_peer WHERE channel_id = ?1 AND peer = ?2"
                     " AND thread_ref IS NOT NULL ORDER BY seen_at DESC LIMIT 1",
    [SQL_LINK_BACK] = "SELECT conversation FROM link INDEXED BY link_peer WHERE channel_id = ?1 AND peer = ?2"
                      " ORDER BY seen_at DESC LIMIT 1",
    [SQL_THREAD_BY_REF] =
        "SELECT peer FROM thread WHERE channel_id = ?1 AND thread_ref = ?2 AND peer IS NOT NULL",
    [SQL_THREAD_BACK] = "SELECT conversation FROM thread WHERE channel_id = ?1 AND thread_ref = ?2 AND "
                        "conversation IS NOT NULL",
    [SQL_THREAD_BACK_AGENT] = "SELECT conversation FROM thread WHERE channel_id = ?1"
                              " AND thread_ref = " AGENT_THREAD("?2") " AND conversation IS NOT NULL",
    [SQL_HISTORY_GET] = "SELECT conversation FROM thread WHERE channel_id = ?1 AND thread_ref = ?2",
    [SQL_HISTORY_SET] = "INSERT INTO thread (channel_id, thread_ref, conversation, seen_at)"
                        " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at"
                        " WHERE seen_at < excluded.seen_at - " DAY,
    [SQL_THREAD_BY_HANDLE] = "SELECT peer FROM thread INDEXED BY thread_handle WHERE channel_id = ?1"
                             " AND handle = ?2 AND conversation IS NULL AND peer IS NOT NULL"
                             " ORDER BY seen_at DESC LIMIT 1",
    [SQL_THREAD_SEEN] =
        "INSERT INTO thread (channel_id, thread_ref, handle, peer, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (channel_id, thread_ref) DO UPDATE SET handle = excluded.handle,"
        " peer = coalesce(excluded.peer, peer), seen_at = excluded.seen_at"
        " WHERE conversation IS NULL OR handle IS NOT excluded.handle"
        " OR peer IS NOT coalesce(excluded.peer, peer) OR ?6 OR seen_at < excluded.seen_at - " DAY,
    [SQL_THREAD_GOES_ON] = "SELECT thread_ref FROM thread INDEXED BY thread_handle WHERE channel_id = ?1"
                           " AND handle = ?2 AND seen_at >= ?3 ORDER BY seen_at DESC LIMIT 1",
    [SQL_THREAD_OF_MESSAGE] =
        "INSERT INTO thread (channel_id, thread_ref, handle, peer, seen_at)"
        " SELECT ?2, thread_ref, recipient, ?3, ?4 FROM message WHERE id = ?1 AND thread_ref IS NOT NULL"
        " ON CONFLICT (channel_id, thread_ref) DO UPDATE SET peer = excluded.peer WHERE peer IS NOT "
        "excluded.peer",
    [SQL_LINK_OF_MESSAGE] = "INSERT INTO link (" LINK_COLUMNS
                            ") SELECT ?2, conversation, ?3, thread_ref, ?4 FROM message WHERE id = ?1"
                            " AND conversation IS NOT NULL" LINK_UPSERT,
    [SQL_LEARN_START] = "UPDATE thread SET message_uid = ?3, learn_at = ?4, tries = 0 WHERE channel_id = ?2"
                        " AND thread_ref = (SELECT thread_ref FROM message WHERE id = ?1)"
                        " AND conversation IS NULL AND learn_at IS NULL",
    [SQL_LEARN_START_AGENT] =
        "INSERT INTO thread (channel_id, thread_ref, peer, seen_at, message_uid, learn_at)"
        " SELECT ?2, " AGENT_THREAD("thread_ref") ", conversation, ?4, ?3, ?4 FROM message"
                                                  " WHERE id = ?1 AND thread_ref IS NOT NULL"
                                                  " ON CONFLICT (channel_id, thread_ref) DO UPDATE SET peer "
                                                  "= coalesce(excluded.peer, peer),"
                                                  " message_uid = excluded.message_uid, learn_at = "
                                                  "excluded.learn_at, tries = 0, seen_at = excluded.seen_at"
                                                  " WHERE conversation IS NULL AND learn_at IS NULL",
    [SQL_LEARN_DUE] = "SELECT id, message_uid, tries FROM thread INDEXED BY thread_learn"
                      " WHERE channel_id = ?1 AND learn_at <= ?2 ORDER BY learn_at LIMIT ?3",
    [SQL_LEARN_LATER] = "UPDATE thread SET learn_at = ?2, tries = tries + 1 WHERE id = ?1",
    [SQL_LEARN_NEXT] = "SELECT learn_at FROM thread INDEXED BY thread_learn"
                       " WHERE channel_id = ?1 AND learn_at IS NOT NULL ORDER BY learn_at LIMIT 1",
    [SQL_MERGE_LINK] =
        "INSERT INTO link (" LINK_COLUMNS ") SELECT channel_id, ?3, peer, thread_ref, ?4 FROM link"
        " WHERE channel_id = ?1 AND conversation = ?2 ON CONFLICT DO NOTHING",
    [SQL_MERGE_THREAD] = "UPDATE thread INDEXED BY thread_conversation SET conversation = ?3"
                         " WHERE channel_id = ?1 AND conversation = ?2",
    [SQL_TOLD_THREAD] =
        "UPDATE thread SET conversation = ?3, learn_at = NULL WHERE channel_id = ?2"
        " AND thread_ref = (SELECT thread_ref FROM message WHERE id = ?1) AND conversation IS NULL",
    [SQL_TOLD_LINK] = "INSERT INTO link (" LINK_COLUMNS
                      ") SELECT ?2, ?3, conversation, thread_ref, ?4 FROM message WHERE id = ?1"
                      " AND conversation IS NOT NULL" LINK_UPSERT,
    [SQL_LEARNT] = "UPDATE thread SET conversation = ?2, learn_at = NULL WHERE id = ?1",
    [SQL_LEARNT_LINK] =
        "INSERT INTO link (" LINK_COLUMNS ") SELECT channel_id, ?2, peer, NULL, ?3 FROM thread WHERE id = ?1"
        " AND peer IS NOT NULL" LINK_UPSERT,

    /* ?3: now. What is forgotten: from after (1, 2) up to (3, 4), last used before 5 */
    [SQL_THREAD_USED] = "UPDATE thread SET used_at = ?3 WHERE channel_id = ?1 AND thread_ref = ?2"
                        " AND max(seen_at, used_at) < ?3 - " DAY,
    [SQL_AGENT_THREAD_USED] =
        "UPDATE thread SET used_at = ?3 WHERE channel_id = ?1"
        " AND thread_ref = " AGENT_THREAD("?2") " AND max(seen_at, used_at) < ?3 - " DAY,
    [SQL_LINK_USED] = "UPDATE link SET used_at = ?3 WHERE channel_id = ?1 AND conversation = ?2"
                      " AND max(seen_at, used_at) < ?3 - " DAY,
    [SQL_PEER_USED] = "UPDATE link INDEXED BY link_peer SET used_at = ?3 WHERE channel_id = ?1 AND peer = ?2"
                      " AND max(seen_at, used_at) < ?3 - " DAY,
    [SQL_ALIAS_USED] =
        "UPDATE alias SET seen_at = ?3 WHERE channel_id = ?1 AND ref = ?2 AND seen_at < ?3 - " DAY,
    [SQL_OLDEST_STORED] = "SELECT stored_at FROM message WHERE id > 0 ORDER BY id LIMIT 1",
    [SQL_FORGET_THREADS] = "SELECT id, '' FROM thread WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?3",
    [SQL_THREADS_FORGOTTEN] = "DELETE FROM thread WHERE id > ?1 AND id <= ?3 AND learn_at IS NULL"
                              " AND max(seen_at, used_at) < ?5",
    [SQL_FORGET_LINKS] =
        "SELECT channel_id, conversation FROM link WHERE (channel_id, conversation) > (?1, ?2)"
        " ORDER BY channel_id, conversation LIMIT 1 OFFSET ?3",
    [SQL_LINKS_FORGOTTEN] = "DELETE FROM link WHERE (channel_id, conversation) > (?1, ?2)"
                            " AND (channel_id, conversation) <= (?3, ?4) AND max(seen_at, used_at) < ?5",
    [SQL_FORGET_ALIASES] = "SELECT channel_id, ref FROM alias WHERE (channel_id, ref) > (?1, ?2)"
                           " ORDER BY channel_id, ref LIMIT 1 OFFSET ?3",
    [SQL_ALIASES_FORGOTTEN] = "DELETE FROM alias WHERE (channel_id, ref) > (?1, ?2)"
                              " AND (channel_id, ref) <= (?3, ?4) AND seen_at < ?5",
    [SQL_FORGET_MOVES] = "SELECT 0, conversation FROM moved WHERE conversation > ?2 ORDER BY conversation"
                         " LIMIT 1 OFFSET ?3",
    [SQL_MOVES_FORGOTTEN] = "DELETE FROM moved WHERE conversation > ?2 AND (?3 > 0 OR conversation <= ?4)"
                            " AND seen_at < ?5",
    [SQL_MOVED_SET] =
        "INSERT INTO moved VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET into_id = excluded.into_id,"
        " seen_at = excluded.seen_at"
        " WHERE into_id <> excluded.into_id OR seen_at < excluded.seen_at - " DAY,
    [SQL_MOVED_ON] = "UPDATE moved INDEXED BY moved_into SET into_id = ?2 WHERE into_id = ?1",
    [SQL_MOVED_BACK] = "DELETE FROM moved WHERE conversation = ?1",
    [SQL_MOVED_GET] = "SELECT into_id FROM moved WHERE conversation = ?1",

    /* what Front is told as the conversation */
    [SQL_TOLD_BEFORE] = "SELECT thread_ref FROM message INDEXED BY message_source"
                        " WHERE queue_id = ?1 AND source_id = ?2 AND thread_ref IS NOT NULL LIMIT 1",
    [SQL_TOLD_REF] = "SELECT thread_ref FROM thread WHERE channel_id = ?1 AND thread_ref = ?2",
    [SQL_TOLD_CONVERSATION] = "SELECT thread_ref FROM link WHERE channel_id = ?1 AND conversation = ?2"
                              " AND thread_ref IS NOT NULL",

    /* replies and aliases; queue_id: of what is answered; kinds: 0 message, 4 receipt (state.h) */
    [SQL_REPLY_DELIVERY] = "SELECT external_id FROM message INDEXED BY message_source"
                           " WHERE queue_id = ?1 AND source_id = ?2 AND recipient = ?3 AND kind = 0"
                           " AND external_id IS NOT NULL",
    [SQL_REPLY_OWN] = "SELECT source_id FROM message WHERE id = ?2 AND queue_id = ?1 AND kind <> 4",
    [SQL_REPLY_SHOWN] = "SELECT source_id FROM message INDEXED BY message_front"
                        " WHERE queue_id = ?1 AND front_id = ?2 LIMIT 1",
    [SQL_REPLY_UID] = "SELECT source_id FROM message INDEXED BY message_external"
                      " WHERE queue_id = ?1 AND external_id = ?2 LIMIT 1",
    [SQL_REPLY_RECEIVED] = "SELECT" REPLY_COLUMNS "FROM message INDEXED BY message_source"
                           " WHERE queue_id = ?1 AND source_id = ?2 AND kind <> 4 LIMIT 1",
    [SQL_REPLY_SENT] = "SELECT" REPLY_COLUMNS "FROM message m WHERE" IS_CALLED,
    [SQL_REPLY_THREAD] = "SELECT thread_ref FROM thread INDEXED BY thread_conversation"
                         " WHERE channel_id = ?1 AND conversation = ?2 AND thread_ref >= char(2) LIMIT 1",
    [SQL_ALIAS_SET] = "INSERT INTO alias VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET id = excluded.id,"
                      " seen_at = excluded.seen_at"
                      " WHERE id <> excluded.id OR seen_at < excluded.seen_at - " DAY,
    [SQL_ALIAS_LEARN] = "INSERT INTO alias VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    [SQL_ALIAS_GET] = "SELECT id FROM alias WHERE channel_id = ?1 AND ref = ?2",

    /* what signs are about; kinds: 0 message, 3 agent, 5 import (state.h) */
    [SQL_ABOUT_ID] = "SELECT" MESSAGE_COLUMNS BODY_IF("m.body_n <= ?3") //
    "FROM message m WHERE m.id = ?2 AND m.queue_id = ?1 AND m.kind = 0",
    [SQL_ABOUT_RECEIVED] = "SELECT" MESSAGE_COLUMNS BODY_IF("m.body_n <= ?3") //
    "FROM message m INDEXED BY message_source WHERE m.queue_id = ?1 AND m.source_id = ?2 AND m.kind IN (0, "
    "3, 5)"
    " LIMIT 1",
    [SQL_ABOUT_SENT] = "SELECT" MESSAGE_COLUMNS BODY_IF("m.body_n <= ?3") //
    "FROM message m WHERE" IS_CALLED,

    /* receipts */
    [SQL_RECEIPT_FIND] = "SELECT" ROW_COLUMNS "FROM message m WHERE" IS_CALLED,
    [SQL_RECEIPT_ADD] = "INSERT INTO receipt VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    [SQL_RECEIPT_FAILED] = "UPDATE message SET reason = ?2 WHERE id = ?1",
    [SQL_RECEIPT_SOURCE] = "SELECT source_id FROM message WHERE id = ?1",
    [SQL_RECEIPT_OF_FAILURE] = "SELECT reason FROM receipt WHERE message_id = ?1 AND status = 3",
    [SQL_RECEIPT_DROP] = "DELETE FROM receipt WHERE message_id = ?1",
    [SQL_SHOW_RECEIPTS] = "SELECT 0, at, at, CASE status WHEN 1 THEN 'told delivered' WHEN 2 THEN 'told read'"
                          " ELSE 'told failed' END, 0, reason FROM receipt WHERE message_id = ?1"
                          " ORDER BY status",

    /* reports */
    [SQL_REPORT_ADD] = "INSERT OR REPLACE INTO report (message_id, channel_id, due_at) VALUES (?1, ?2, ?3)",
    [SQL_REPORT_DUE] = "SELECT" MESSAGE_COLUMNS BODY_IF("0") //
    ", r.tries FROM report r INDEXED BY report_due CROSS JOIN message m ON m.id = r.message_id"
    " WHERE r.channel_id = ?1 AND r.due_at <= ?2 ORDER BY r.due_at LIMIT ?3",
    [SQL_REPORT_LATER] = "UPDATE report SET due_at = ?2, tries = tries + 1 WHERE message_id = ?1",
    [SQL_REPORT_NEXT] = "SELECT due_at FROM report INDEXED BY report_due WHERE channel_id = ?1"
                        " ORDER BY due_at LIMIT 1",
    [SQL_REPORT_DROP] = "DELETE FROM report WHERE message_id = ?1",

    /* key-value */
    [SQL_KV_GET] = "SELECT value FROM kv WHERE channel_id = ?1 AND key = ?2",
    [SQL_KV_SET] = "INSERT INTO kv VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value",
    [SQL_KV_DROP] = "DELETE FROM kv WHERE channel_id = ?1 AND key = ?2",
    [SQL_KV_COUNT] = "SELECT kv_n FROM channel WHERE id = ?1",
    [SQL_KV_COUNTED] = "UPDATE channel SET kv_n = kv_n + ?2 WHERE id = ?1",

    /* facts */
    [SQL_FACT_GET] = "SELECT value FROM fact WHERE owner = ?1 AND key = ?2",
    [SQL_FACT_SET] = "INSERT INTO fact VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value",
    [SQL_FACT_DROP] = "DELETE FROM fact WHERE owner = ?1 AND key = ?2",

    /* events */
    [SQL_EVENT_PUT] =
        "INSERT INTO event (account, via, event_id, type, origin, emitted_at, stored_at, due_at, lane, body,"
        " about, is_failure)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (event_id, account, via) DO "
        "NOTHING",
    [SQL_EVENT_BEHEAD] = "UPDATE event INDEXED BY event_head SET is_head = 0"
                         " WHERE account = ?1 AND lane = ?2 AND is_head = 1",
    [SQL_EVENT_CROWN] = "UPDATE event SET is_head = 1 WHERE id = (SELECT id FROM event INDEXED BY event_lane"
                        " WHERE account = ?1 AND lane = ?2 AND state = 0"
                        " ORDER BY emitted_at, length(event_id), event_id, id LIMIT 1)",
    [SQL_EVENT_DUE] = "SELECT" EVENT_COLUMNS ", e.body FROM event e INDEXED BY event_due"
                      " WHERE e.account = ?1 AND e.is_head = 1 AND e.due_at <= ?2"
                      " ORDER BY e.due_at, e.emitted_at LIMIT ?3",
    [SQL_EVENT_AHEAD] = "SELECT" EVENT_COLUMNS ", e.body FROM event e INDEXED BY event_due"
                        " WHERE e.account = ?1 AND e.is_head = 1 AND e.due_at > ?2"
                        " AND e.due_at < 9223372036854775807 ORDER BY e.due_at, e.emitted_at LIMIT ?3",
    [SQL_EVENT_SUSPECT] = "SELECT" EVENT_COLUMNS ", e.body FROM event e INDEXED BY event_out"
                          " WHERE e.account = ?1 AND e.out > 0 AND e.out = 2 LIMIT 1",
    [SQL_EVENT_OUT_N] =
        "SELECT count(*) FROM event INDEXED BY event_out WHERE account = ?1 AND out > 0 AND out = 1",
    [SQL_EVENT_SUSPEND] = "UPDATE event INDEXED BY event_out SET out = 2, crash_n = crash_n + ?2"
                          " WHERE account = ?1 AND out > 0 AND out = 1",
    [SQL_EVENT_SET_ASIDE] =
        "UPDATE event INDEXED BY event_out SET state = 3, out = 0, result = ?3 || event_id"
        " WHERE account = ?1 AND out > 0 AND out = 2 AND crash_n >= ?2 RETURNING account, lane, event_id, "
        "type",
    [SQL_EVENT_LANE] = "SELECT account, lane FROM event WHERE id = ?1",
    [SQL_EVENT_ASIDE] = "UPDATE event SET lane = '!' || event_id || '|' || via, is_head = 0 WHERE id = ?1",
    [SQL_EVENT_RELEASE] = "UPDATE event INDEXED BY event_held SET due_at = ?2"
                          " WHERE account = ?1 AND state = 0 AND due_at = 9223372036854775807",
    [SQL_EVENT_LATER] = "UPDATE event SET due_at = ?2, tries = tries + 1, tried_at = ?3, out = 1"
                        " WHERE id = ?1",
    [SQL_EVENT_FAILED_AT] =
        "SELECT max(f.emitted_at) FROM event e CROSS JOIN event f INDEXED BY event_failure"
        " ON f.account = e.account AND f.about = e.about AND f.is_failure = 1"
        " WHERE e.id = ?1",
    [SQL_EVENT_NEXT] = "SELECT due_at FROM event INDEXED BY event_due WHERE account = ?1 AND is_head = 1"
                       " ORDER BY due_at LIMIT 1",
    [SQL_EVENT_END] = "UPDATE event SET state = ?2, due_at = ?3, result = ?4, out = 0, crash_n = 0"
                      " WHERE id = ?1 RETURNING account, lane",
    [SQL_EVENT_LIST] =
        "SELECT" EVENT_COLUMNS ", CASE WHEN ?10 THEN e.body END FROM event e INDEXED BY event_emitted"
        " WHERE (e.emitted_at, e.id) < (?8, ?9) AND" EVENT_FILTER
        " ORDER BY e.emitted_at DESC, e.id DESC LIMIT ?7",
    [SQL_EVENT_LIST_ID] = "SELECT" EVENT_COLUMNS ", CASE WHEN ?10 THEN e.body END FROM event e"
                          " INDEXED BY event_key WHERE e.event_id = ?11 AND (e.emitted_at, e.id) < (?8, ?9)"
                          " AND" EVENT_FILTER " LIMIT ?7",
    [SQL_EVENT_PICK] = "SELECT e.id, e.emitted_at FROM event e INDEXED BY event_emitted"
                       " WHERE (e.emitted_at, e.id) > (?8, ?9) AND e.body IS NOT NULL AND" EVENT_FILTER
                       " ORDER BY e.emitted_at, e.id LIMIT ?7",
    [SQL_EVENT_PICK_ID] = "SELECT e.id, e.emitted_at FROM event e INDEXED BY event_key"
                          " WHERE e.event_id = ?11 AND (e.emitted_at, e.id) > (?8, ?9)"
                          " AND e.body IS NOT NULL AND" EVENT_FILTER " LIMIT ?7",
    [SQL_EVENT_REPLAY] = "UPDATE event SET state = 0, due_at = ?2, stored_at = ?2, tries = 0, tried_at = 0,"
                         " out = 0, crash_n = 0 WHERE id = ?1 RETURNING account, lane",
    [SQL_EVENT_PRUNE_BODY] =
        "UPDATE event SET body = NULL WHERE id IN (SELECT id FROM event INDEXED BY event_body"
        " WHERE stored_at < ?1 AND state > 0 AND body IS NOT NULL LIMIT ?2)",
    [SQL_FAILED_FIND] = "SELECT" ROW_COLUMNS ", m.created_at > ?4 FROM message m INDEXED BY message_source"
                        " WHERE m.queue_id = ?1 AND m.source_id = ?2 AND (?3 IS NULL OR m.recipient = ?3)",
    [SQL_EVENT_PRUNE] = "DELETE FROM event WHERE id IN (SELECT id FROM event INDEXED BY event_ended"
                        " WHERE stored_at < ?1 AND state > 0 LIMIT ?2)",

    /* files; what is not here yet keeps its message's due time at its end, out of the way of claims */
    [SQL_FILE_ADD] = "INSERT INTO file (queue_id, message_id, n, state, due_at, bytes, origin, filename,"
                     " content_type, cid, name, sha256, reason)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [SQL_FILE_LEAVE] = "UPDATE file SET message_id = NULL, due_at = NULL WHERE message_id = ?1",
    [SQL_FILES_OF] = "SELECT" FILE_COLUMNS "FROM file f WHERE f.message_id = ?1 ORDER BY f.n",
    [SQL_FILE_SAME] = "SELECT name, sha256, bytes FROM file INDEXED BY file_origin"
                      " WHERE queue_id = ?1 AND origin = ?2 AND state = 1 LIMIT 1",
    [SQL_FILE_DUE] = "SELECT" FILE_COLUMNS ", m.source_id, m.state FROM file f INDEXED BY file_due"
                     " LEFT JOIN message m ON m.id = f.message_id"
                     " WHERE f.queue_id = ?1 AND f.due_at <= ?2 ORDER BY f.due_at LIMIT ?3",
    [SQL_FILE_LATER] = "UPDATE file SET due_at = ?2, tries = tries + 1 WHERE id = ?1",
    [SQL_FILE_LATER_SAME] =
        "UPDATE file INDEXED BY file_origin SET due_at = ?2, tries = tries + 1"
        " WHERE queue_id = ?3 AND origin = ?4 AND state = 0 AND due_at IS NOT NULL AND id <> ?1",
    [SQL_FILE_ASIDE] = "UPDATE file SET due_at = NULL WHERE id = ?1",
    [SQL_FILE_NEXT] = "SELECT due_at FROM file INDEXED BY file_due WHERE queue_id = ?1"
                      " AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
    [SQL_FILE_ROW] = "SELECT" FILE_COLUMNS "FROM file f WHERE f.id = ?1",
    [SQL_FILE_WANTED_SAME] = "SELECT id, message_id FROM file INDEXED BY file_origin"
                             " WHERE queue_id = ?1 AND origin = ?2 AND state = 0 LIMIT ?3",
    [SQL_FILE_END] =
        "UPDATE file SET state = ?2, due_at = ?3, name = ?4, sha256 = ?5, bytes = ?6, reason = ?7"
        " WHERE id = ?1",
    [SQL_FILE_WAKE] = "UPDATE file SET state = 0, due_at = ?2, tries = 0"
                      " WHERE message_id = ?1 AND state <> 1 AND origin IS NOT NULL",
    [SQL_FILE_HURRY] = "UPDATE file INDEXED BY file_due SET due_at = ?2 WHERE queue_id = ?1 AND due_at > ?2",
    [SQL_FILE_PRUNE] = "SELECT f.id, f.name, m.state, m.stored_at, m.updated_at FROM file f"
                       " LEFT JOIN message m ON m.id = f.message_id WHERE f.id > ?1 ORDER BY f.id LIMIT ?2",
    [SQL_FILE_DROP] = "DELETE FROM file WHERE id = ?1",
    [SQL_FILE_NAMED] = "SELECT 1 FROM file INDEXED BY file_name WHERE name = ?1 LIMIT 1",
    [SQL_FILES_GIVEN] = "UPDATE message SET file_n = ?2, files_left = ?3, body_n = body_n + ?4,"
                        " due_at = CASE ?3 WHEN 0 THEN due_at ELSE expires_at END WHERE id = ?1",
    [SQL_FILES_LEFT] = "SELECT count(*) FROM file WHERE message_id = ?1 AND state = 0",
    [SQL_FILES_HERE] = "SELECT coalesce(sum(bytes), 0) FROM file WHERE message_id = ?1 AND state = 1",
    [SQL_FILE_CAME] = "UPDATE message SET files_left = max(files_left - 1, 0), body_n = body_n + ?2,"
                      " due_at = CASE WHEN files_left <= 1 THEN min(due_at, ?3) ELSE due_at END,"
                      " reason = coalesce(?4, reason) WHERE id = ?1 RETURNING files_left",
    [SQL_FILE_SHARERS] =
        "SELECT id, message_id FROM file INDEXED BY file_name WHERE name = ?1 AND state = 1 LIMIT ?2",
    [SQL_FILE_WENT] = "UPDATE message SET files_left = files_left + ?2, body_n = body_n - ?3,"
                      " due_at = CASE ?2 WHEN 0 THEN due_at ELSE expires_at END WHERE id = ?1",
    [SQL_FILE_MISSED] = "UPDATE message SET reason = ?2 WHERE id = ?1 AND state = 0",

    /* standings; ?7 is a bit set of those to change */
    [SQL_STANDING_ALL] =
        "SELECT channel_id, front_channel, life, life_at, life_since, is_offline FROM standing",
    [SQL_STANDING_SET] =
        "INSERT INTO standing (channel_id, front_channel, life, life_at, life_since, is_offline)"
        " VALUES (?1, iif(?7 & 1, ?2, ''), iif(?7 & 2, ?3, 0), iif(?7 & 4, ?4, 0), iif(?7 & 2, ?5, 0),"
        " iif(?7 & 8, ?6, 0)) ON CONFLICT (channel_id) DO UPDATE SET"
        " front_channel = CASE WHEN ?7 & 1 THEN excluded.front_channel ELSE front_channel END,"
        " life = CASE WHEN ?7 & 2 THEN excluded.life ELSE life END,"
        " life_since = CASE WHEN ?7 & 2 THEN excluded.life_since ELSE life_since END,"
        " life_at = CASE WHEN ?7 & 4 THEN excluded.life_at ELSE life_at END,"
        " is_offline = CASE WHEN ?7 & 8 THEN excluded.is_offline ELSE is_offline END",

    /* confirm */
    [SQL_CONFIRM_UID] = "SELECT" ROW_COLUMNS "FROM message m INDEXED BY message_external"
                        " WHERE m.queue_id = ?1 AND m.external_id = ?2 AND m.state = 3 LIMIT 1",
    [SQL_CONFIRM_SHOWN] = "UPDATE message SET front_id = ?2 WHERE id = ?1 AND front_id IS NULL",
    [SQL_CONFIRM_NOTE] = "UPDATE message SET external_id = coalesce(external_id, ?2) WHERE id = ?1",
};
