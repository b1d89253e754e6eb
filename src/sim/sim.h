/*
 * The Front simulator: a Front account in a process, an agent's page, a customer's chat, an API for tests.
 *
 * Shape: one server serves Front's REST API (/channels, /messages, /conversations, /me), the control API
 * (/sim/…), the chat (/chat/…) and two pages (/ and /chat). One client sends the callbacks and the chat's
 * webhooks. All is kept in memory.
 *
 * Whoever reaches /sim and /chat may do anything there: listen on loopback.
 * Thread: the loop's only.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "sim/account.h"
#include <event2/event.h>

struct sim;

struct sim *sim_new(struct event_base *base);
void sim_free(struct sim *s);

/*
 * sim_configure takes an object; what is not there stays as it is:
 *
 *   "token", "company", "created_delay_ms", "app": {"uid", "secret"},
 *   "tokens": [{"token", "scopes": ["messages:read", …]}], further ones that may do only some things
 *   "dedupe": whether inbound_messages and outbound_messages take an external_id once only
 *   "attachments": {"max_bytes": of one upload, "kept_bytes": of all files together},
 *   "rate": {"limit", "burst", "per_resource"}, "chat": {"hook_url", "secret"},
 *   "inboxes": [{"id", "name"}],
 *   "channels": [{"id", "kind", "name", "address", "inbox", "webhook_url", "secret", "type"}]
 *   "secret" (the company's), "webhooks": [hook.h], "webhook_timeout_ms", "webhook_retry_ms",
 *   "lag_ms" (an event and its message are not shown so long), "next_event": "evt_…" (the id of the next one),
 *   "imported": true (application channels are told of messages created), "imported_delay_ms",
 *   "echo_errors" (a failed send becomes a sending_error), "thin_pages" (search.h)
 *
 * On error why holds one sentence, and what came before the mistake is done; nothing for a key that is not known or
 * a value of a wrong kind.
 */
MUST_CHECK enum err sim_configure(struct sim *s, struct jval options, struct buf *why);
MUST_CHECK enum err sim_listen(struct sim *s, const char *address, struct buf *why);
unsigned sim_port(const struct sim *s);

/* What an observer is told, in the order in which it happens. */
enum sim_moment {
    SIM_AT_CALLBACK_SENT,     /* message */
    SIM_AT_CALLBACK_ANSWERED, /* message, status (0: no answer) */
    SIM_AT_CHAT_RECEIVED,     /* text, handle: a verified delivery */
    SIM_AT_HOOK_ANSWERED,     /* text, handle, status: the bridge's answer to a customer's message */
    SIM_AT_API_CALLED,        /* text: the call's name; status */
    SIM_AT_MESSAGE_CREATED,   /* message */
};
struct sim_moment_info {
    enum sim_moment at;
    const struct sim_message *message;
    const char *text, *handle;
    const char
        *conversation; /* SIM_AT_CHAT_RECEIVED: the chat's own id, as the bridge told it; NULL: it did not */
    int status;
};
typedef void sim_observe_fn(void *arg, const struct sim_moment_info *info);
void sim_observe(struct sim *s, sim_observe_fn *fn, void *arg);

/* A send of the agent: into conversation if it is set, else a new conversation with `to`. NULL on error, with
 * why set. */
struct sim_send {
    const char *channel, *conversation;
    const struct sim_person *to;
    unsigned to_n;
    const char *text, *html, *subject, *author_name, *author_email; /* html NULL: made of text */
    const struct sim_file_spec *file;
    unsigned file_n;
    bool is_draft;
};
typedef void sim_sent_fn(void *arg, const struct sim_message *m); /* m is NULL if it was reset meanwhile */
struct sim_message *sim_send(struct sim *s, const struct sim_send *send, sim_sent_fn *done, void *arg,
                             const char **why);
/* sim_resend sends a failed message again with the same id, with other text if that is given. */
MUST_CHECK enum err sim_resend(struct sim *s, struct sim_message *m, struct span text, sim_sent_fn *done,
                               void *arg);

/* A customer writes in the chat. */
void sim_chat_say(struct sim *s, const char *handle, const char *name, struct span text);
struct sim_account *sim_account(struct sim *s);

#endif
