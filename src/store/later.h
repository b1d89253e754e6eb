/*
 * What becomes known of a message later: Front shows it (confirm), Front says that it has failed, the backend tells what
 * became of a delivery (receipt), and what the agent still has to be told (reports).
 *
 * Each may come twice, late or for a message that is forgotten: ERR_NOT_FOUND says so and nothing is changed. Semantics, units,
 * thread and ownership as in store.h.
 */
#ifndef STORE_LATER_H
#define STORE_LATER_H

#include "store/message.h"

/*
 * ---- Confirm: Front shows an inbound message; whatever we knew of it, it is there ----
 * A message that waits to be sent again is not sent again. Idempotent.
 */

struct store_confirm {
    struct store_op op;
    const char *channel;
    int64_t id;      /* ours; 0: by uid */
    struct span uid; /* Front's message_uid; finds accepted messages alone */
    /* Front's ids of the message and its conversation, kept in the map; may be absent. */
    struct span front_id, conversation;
    wall_ms_t now;
    /* results. ERR_NOT_FOUND: no inbound message of this channel; ERR_CONFLICT: it had ended otherwise */
    int64_t found_id;
    bool is_new; /* false: it was confirmed before */
    bool is_promoted;
    bool is_history; /* it is a line of the channel's history */
};
void store_post_confirm(struct store *s, struct store_confirm *p);

/* ---- Failed: Front says that a message has failed on its side; what is still open of it is cancelled ---- */

struct store_failed {
    struct store_op op;
    const char *channel;
    struct span source_id;
    struct span recipient; /* absent: all of them */
    wall_ms_t now;
    wall_ms_t failed_at; /* what was sent again after that is let alone; 0: not known */
    const char *reason;
    /* results: deliveries of it that were taken back now, that had arrived, and that had failed here before */
    unsigned cancelled_n, delivered_n, ended_n;
    bool is_promoted;
    int64_t cancelled[16];
};
void store_post_failed(struct store *s, struct store_failed *p);

/*
 * ---- Receipts: what became of a delivery later ----
 * Each status is noted once for a delivery, and shown in its timeline. `failed`, of one that was delivered, leaves a
 * report (below); `read` puts a message of KIND_RECEIPT, whose source_id is STORE_SEEN and Front's id.
 */

enum receipt_status {
    RECEIPT_DELIVERED = 1,
    RECEIPT_READ = 2,
    RECEIPT_FAILED = 3
}; /* stored as these numbers */
#define STORE_SEEN "seen:"
enum { STORE_RECEIPT_KEY_BYTES = 300 };

struct store_receipt {
    struct store_op op;
    const char *channel;
    int64_t id;              /* ours; 0: by external_id, the backend's */
    struct span external_id; /* of it, or of one of its parts; several deliveries of one id: the newest */
    enum receipt_status status;
    struct span reason; /* RECEIPT_FAILED */
    wall_ms_t now, expires_at;
    /* results; ERR_NOT_FOUND: no delivery of this channel */
    int64_t found_id;
    bool is_new, has_report, is_queued;
};
void store_post_receipt(struct store *s, struct store_receipt *p);

/*
 * ---- Reports: deliveries that failed for good after the agent had heard success ----
 * A settle with wants_report, and the expiry of a delivery, leave one; it is handed out until it is done
 * with. Queueing the message again withdraws it.
 */

enum { STORE_REPORTS_MAX = 16 };

struct store_reports { /* what is to be told now; each is put off by retry_ms */
    struct store_op op;
    const char *channel;
    wall_ms_t now;
    int64_t retry_ms;
    struct store_message message[STORE_REPORTS_MAX]; /* without bodies; store_reports_fini */
    unsigned tries[STORE_REPORTS_MAX];
    char *moved_to
        [STORE_REPORTS_MAX]; /* the conversation that its own was merged into; NULL: none that is known */
    unsigned message_n;
    wall_ms_t next_at; /* INT64_MAX: none */
};
void store_post_reports(struct store *s, struct store_reports *p);
void store_reports_fini(struct store_reports *p);

struct store_reported { /* done with, told or not */
    struct store_op op;
    int64_t id;
};
void store_post_reported(struct store *s, struct store_reported *p);

#endif
