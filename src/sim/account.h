/*
 * What a simulated Front account holds: channels, conversations, messages, comments; and how messages thread.
 *
 * Pure: no I/O, time is an argument.
 * Custom channels thread by thread_ref, else by sender. A conversation that the agent began is found by
 * neither, so that the customer's first answer to it opens a new one.
 *
 * Application channels thread by external_conversation_id. What the channel's server answers is added to a
 * conversation that has no external id yet; the message moves elsewhere if the conversation has others.
 *
 * Imports thread by thread_ref or customer within their inbox, apart from every channel, or go where they
 * say. What they begin belongs to no channel until somebody replies: to the inbox's `none`, in our terms.
 *
 * External ids are remembered; whether they make a message once only is for the caller to say.
 * A conversation's messages stand by their time.
 *
 * Ids are msg_, cnv_, cha_ and com_ with one sequential number in base 36. It begins at the time of day in
 * ms, so that a simulator started again never reuses one.
 */
#ifndef SIM_ACCOUNT_H
#define SIM_ACCOUNT_H

#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "sim/files.h"
#include "sim/event.h"
#include "sim/index.h"
#include "sim/seen.h"
#include <stdbool.h>

enum {
    SIM_MESSAGES_MAX = 500000,
    SIM_CHANNELS_MAX = 200,
    SIM_INBOXES_MAX = 50,
    SIM_RECIPIENTS_MAX = 100,
    SIM_ID_BYTES = 24
};

struct sim_channel;

struct sim_inbox {
    char id[64];
    char *name;
    struct sim_channel *none; /* stands for no channel; in no list */
};

struct sim_channel {
    char id[64];
    struct sim_inbox *inbox;
    char *name, *address, *webhook_url, *secret;
    char *type; /* of its messages, such as "email"; NULL: custom, the one type that this simulator sends */
    enum channel_kind kind;
    int undo_send_s;
    bool can_all_reply, is_offline;
};

struct sim_person {
    char *handle, *name, *email; /* name and email may be NULL */
    const char *role;            /* NULL: to */
};

enum sim_state { SIM_RECEIVED, SIM_SENDING, SIM_SENT, SIM_FAILED };

struct sim_message {
    char id[SIM_ID_BYTES], uid[33];
    struct sim_channel *channel;
    struct sim_conversation *conversation;
    enum sim_state state;
    bool is_auto_reply, has_no_metadata; /* has_no_metadata: its callback has none */
    bool is_draft; /* a failed send fell back to one; it stays one while it is sent again */
    unsigned version;
    wall_ms_t created_at, visible_at; /* before visible_at the API does not show it */
    char *subject, *text, *html;
    struct sim_person
        author; /* of an inbound message: the customer; else the teammate, handle NULL if nobody */
    struct sim_person *to;
    unsigned to_n;
    struct sim_file **file;
    unsigned file_n;
    const struct sim_message *replied_to;
    const char *type;         /* as imported; NULL: as the channel's */
    struct sim_person sender; /* of an import: whoever it is from */
    bool is_import, is_archived, skips_rules;
    char *into;                 /* of an import: the conversation where it goes; NULL: by thread */
    char *referenced;           /* the external id of what it answers, as posted */
    char *sender_name;          /* as posted, of what another system sent */
    struct sim_seen *seen;      /* NULL: never */
    char *thread_ref, *headers; /* as posted; headers is JSON */
    char *external_id, *external_conversation_id; /* as posted, or as the channel's server answered */
    char *error_type, *error_message, *error_hint;
    int64_t took_ms; /* the last send: until the answer; -1: not yet */
};

struct sim_comment {
    char id[SIM_ID_BYTES];
    char *body, *author; /* author NULL: the API */
    wall_ms_t posted_at;
};

struct sim_conversation {
    char id[SIM_ID_BYTES];
    struct sim_channel *channel;
    struct sim_inbox *inbox;
    struct sim_person customer;
    char *subject;
    const char *status; /* "open", "archived", "deleted", "spam" */
    bool is_begun_by_agent;
    wall_ms_t created_at, updated_at;
    struct sim_message **message;
    unsigned message_n, message_cap;
    struct sim_comment *comment;
    unsigned comment_n;
    char **external; /* the external_conversation_ids, oldest first */
    unsigned external_n;
    struct sim_person assignee; /* handle NULL: nobody */
    char **tag, **link;         /* names; URLs in other systems */
    unsigned tag_n, link_n;
    struct sim_conversation *merged_into; /* NULL: it is itself */
};

struct sim_account {
    char *company;
    uint64_t sequence;
    struct sim_inbox **inbox; /* the first is the default */
    unsigned inbox_n;
    struct sim_channel **channel;
    unsigned channel_n;
    struct sim_conversation **conversation;
    unsigned conversation_n, conversation_cap;
    unsigned message_n;
    struct sim_files files;
    struct sim_index by_id;     /* msg_, cnv_ → message, conversation */
    struct sim_index by_uid;    /* message_uid → message */
    struct sim_index by_thread; /* see thread_key in account.c → conversation */
    struct sim_event_log events;
};

void sim_account_init(struct sim_account *a, const char *company, wall_ms_t now);
void sim_account_fini(struct sim_account *a);
/* Forgets conversations and messages; inboxes and channels stay, ids go on. */
void sim_account_clear(struct sim_account *a);

/* sim_account_id makes a new id, such as "fil_1lkj4u2". */
void sim_account_id(struct sim_account *a, const char *prefix, char out[SIM_ID_BYTES]);

struct sim_inbox *sim_inbox_find(const struct sim_account *a, struct span id); /* NULL: none */
/* sim_inbox_add gives the inbox of that id, which is made if it is not there; name may be NULL. */
MUST_CHECK enum err sim_inbox_add(struct sim_account *a, struct span id, const char *name,
                                  struct sim_inbox **out);

/* Strings are copied. id may be NULL; inbox NULL: the default. ERR_CONFLICT: the id is taken; ERR_FULL. */
struct sim_channel_spec {
    struct sim_inbox *inbox;
    const char *id, *name, *address, *webhook_url, *secret;
    enum channel_kind kind;
};
MUST_CHECK enum err sim_channel_add(struct sim_account *a, const struct sim_channel_spec *spec,
                                    struct sim_channel **out);
struct sim_channel *sim_channel_find(const struct sim_account *a, struct span id); /* NULL: none */
/* sim_conversation_find follows merges; sim_conversation_named gives the one that had the id. */
struct sim_conversation *sim_conversation_find(const struct sim_account *a, struct span id);
struct sim_conversation *sim_conversation_named(const struct sim_account *a, struct span id);
struct sim_conversation *sim_conversation_now(struct sim_conversation *c);
struct sim_message *sim_message_find(const struct sim_account *a, struct span id); /* msg_… or alt:uid:… */

struct sim_message *sim_message_new(struct sim_channel *c, wall_ms_t now);
void sim_message_free(struct sim_message *m);
const char *sim_message_type(const struct sim_message *m);          /* "custom", "email" */
void sim_message_attach(struct sim_message *m, struct sim_file *f); /* takes f */
/* sim_message_text sets the text and makes the body of it; sim_message_html the other way round. */
void sim_message_text(struct sim_message *m, struct span text);
void sim_message_html(struct sim_message *m, struct span html);

/* sim_account_receive threads an inbound message that Front accepted; the account owns it from now on. */
void sim_account_receive(struct sim_account *a, struct sim_message *m, wall_ms_t now);
/* sim_account_write puts an agent's message into conversation, or into a new one (NULL) with customer. */
void sim_account_write(struct sim_account *a, struct sim_message *m, struct sim_conversation *conversation,
                       wall_ms_t now);
/* sim_account_import puts a message that another system had into conversation, or into a new one (NULL). */
void sim_account_import(struct sim_account *a, struct sim_message *m, struct sim_conversation *conversation,
                        bool is_inbound, wall_ms_t now);
/* sim_account_history puts an import where it says, or where its thread is. */
void sim_account_history(struct sim_account *a, struct sim_message *m, wall_ms_t now);
/* What was posted last with this external id; scope is a channel's id or a word. It may not be created yet:
 * it has no conversation then. NULL: none. */
struct sim_message *sim_account_external(const struct sim_account *a, const char *scope,
                                         struct span external_id);
void sim_account_external_is(struct sim_account *a, const char *scope, const char *external_id,
                             struct sim_message *m);
/* sim_account_sent takes what the channel's server answered; it may move m to another conversation. */
void sim_account_sent(struct sim_account *a, struct sim_message *m, const char *external_id,
                      const char *external_conversation_id, wall_ms_t now);
/* sim_account_failed marks a sent message as failed after all, and reopens its conversation. reason may be
 * NULL. */
void sim_account_failed(struct sim_message *m, const char *reason, wall_ms_t now);
/* The outbound message that was answered with these ids; NULL: none. */
struct sim_message *sim_account_answered(const struct sim_account *a, const struct sim_channel *c,
                                         struct span external_conversation_id, struct span external_id);
struct sim_comment *sim_conversation_comment(struct sim_account *a, struct sim_conversation *c,
                                             const char *body, const char *author, wall_ms_t now);

#endif
