/*
 * Which of our channels an authorization of Front means. Pure.
 *
 * Best first: the channel whose id Front names; the one whose API key was sent, or whose token an earlier sign-in
 * gave out; the one whose address was chosen; the only one that is not connected, if it asks for no key.
 * Nothing is guessed beyond these, and what contradicts itself is refused, with a sentence for the administrator
 * who reads it in Front. Constant time: as far as keys are compared.
 */
#ifndef BRIDGE_CHOICE_H
#define BRIDGE_CHOICE_H

#include "base/buf.h"
#include "front/answer.h"
#include <stddef.h>

struct choice { /* one of our application channels */
    const char *name;
    const char *front_channel; /* NULL: not connected */
    bool is_fixed;             /* the configuration says so */
    bool is_free;              /* Front has deleted the channel that it was */
    const char *api_key, *address;
};

struct choice_call {
    struct span channel_id;
    struct span key;     /* absent: none was sent */
    struct span address; /* absent: none was chosen */
    const char *token;   /* the channel that key is a token of, already verified; NULL: it is none */
};

enum { CHOICE_NONE = -1 };

/* choice_of gives the index of the channel meant, or CHOICE_NONE with *error and one sentence in why. */
int choice_of(const struct choice *c, size_t n, const struct choice_call *call, enum front_error *error,
              struct buf *why);
/* choice_by_key gives the channel that a key or token names; CHOICE_NONE: no channel's. */
int choice_by_key(const struct choice *c, size_t n, const struct choice_call *call);
/* choice_key_is_wrong says whether a key was sent that names no channel although some are named by keys. */
bool choice_key_is_wrong(const struct choice *c, size_t n, const struct choice_call *call);

#endif
