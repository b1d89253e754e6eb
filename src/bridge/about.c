/*
 * Decides what is asked and where the answer leads. What happened is told where the message is: in its thread if a customer
 * or the backend's agent wrote it, in Front's conversation if it is a delivery.
 */
#include "bridge/about.h"
#include "base/mem.h"
#include "bridge/receipt.h"
#include "front/incoming.h"
#include <stdlib.h>

struct about {
    struct channel *channel;
    enum sign_form form;
    char *key;
    struct store_about op;
    bool is_asking, is_over, is_left; /* is_left: nobody waits any more */
    struct sign_about words;
    void (*on_turn)(void *arg);
    void *arg;
};

static void on_found(struct store_op *op);

struct about *about_new(struct channel *ch, struct jval wire, void (*on_turn)(void *arg), void *arg)
{
    struct jval received = json_get(wire, "message_id"), sent = json_get(wire, "external_id");
    struct about *a;

    if (sign_of(wire) == SIGN_NONE)
        return NULL;
    a = mem_zalloc(sizeof *a);
    *a = (struct about){.channel = ch,
                        .form = sign_form(wire),
                        .key = json_dup(json_has(received) ? received : sent, INCOMING_ID_MAX),
                        .on_turn = on_turn,
                        .arg = arg};
    a->op = (struct store_about){.op.on_done = on_found,
                                 .channel = ch->config->name,
                                 .id = receipt_delivery(ch, json_get(wire, "delivery_id")),
                                 .key = span_of(a->key),
                                 .is_delivery = !json_has(received)};
    return a;
}

static void destroy(struct about *a)
{
    store_about_fini(&a->op);
    free(a->key);
    free(a);
}

void about_free(struct about *a)
{
    if (!a)
        return;
    a->is_left = true;
    if (!a->is_asking)
        destroy(a);
}

bool about_is_asking(const struct about *a)
{
    return a && a->is_asking;
}

static void on_found(struct store_op *op)
{
    struct about *a = container_of(op, struct about, op.op);
    const struct store_message *m = &a->op.message;

    a->is_asking = false;
    if (a->is_left) {
        destroy(a);
        return;
    }
    a->is_over = true;
    if (op->result == OK)
        a->words = (struct sign_about){.is_known = true,
                                       .is_delivery = m->direction == MESSAGE_OUT,
                                       .body = m->body ? (struct span){m->body, m->body_n} : SPAN_NONE};
    a->on_turn(a->arg);
}

/* A read that takes too long, or finds nothing, is told without a quote. */
static bool is_answered(const struct about *a)
{
    enum err e = a->op.op.result;

    return e == OK || e == ERR_NOT_FOUND || e == ERR_LIMIT;
}

enum about_state about_go_on(struct about *a)
{
    if (!a->is_over && !a->is_asking) {
        a->is_asking = true;
        store_post_about(a->channel->bridge->store, &a->op);
    }
    return a->is_asking ? ABOUT_ASKS : is_answered(a) ? ABOUT_KNOWN : ABOUT_LATER;
}

enum sign_form about_form(const struct about *a)
{
    return a ? a->form : SIGN_AS_MESSAGE;
}

const struct sign_about *about_words(const struct about *a)
{
    return a ? &a->words : NULL;
}

const char *about_conversation(const struct about *a)
{
    if (!a || !a->words.is_known)
        return NULL;
    return a->words.is_delivery ? a->op.message.conversation : a->op.message.front_conversation;
}

/* What an agent began has a thread on an application channel alone; history's are none of the live ones. */
const char *about_thread(const struct about *a)
{
    if (!a || !a->words.is_known || a->op.is_history)
        return NULL;
    if (a->words.is_delivery && a->channel->config->kind == CHANNEL_CUSTOM)
        return NULL;
    return a->op.message.thread_ref;
}
