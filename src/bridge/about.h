/*
 * The earlier message that a sign is about, looked up in the store for the relay that tells of it.
 */
#ifndef BRIDGE_ABOUT_H
#define BRIDGE_ABOUT_H

#include "bridge/channel.h"
#include "front/sign.h"

struct about;

enum about_state {
    ABOUT_ASKS,  /* on_turn says when it is over */
    ABOUT_KNOWN, /* or known not to be known */
    ABOUT_LATER, /* the store cannot tell now */
};

/* about_new reads from wire which message is meant; NULL for a message, which is about none. Copies what it keeps. */
struct about *about_new(struct channel *ch, struct jval wire, void (*on_turn)(void *arg), void *arg);
/* about_free takes NULL; while it asks, on_turn will not come any more. */
void about_free(struct about *a);
enum about_state about_go_on(struct about *a);
bool about_is_asking(const struct about *a); /* false for NULL */

enum sign_form about_form(const struct about *a); /* SIGN_AS_MESSAGE for NULL */
/* What is known of it, while a lives; absent or NULL where it is not. */
const struct sign_about *about_words(const struct about *a);
const char *about_conversation(const struct about *a); /* Front's */
/* about_thread gives the reference of its thread in Front, if what is about it can go on there. */
const char *about_thread(const struct about *a);

#endif
