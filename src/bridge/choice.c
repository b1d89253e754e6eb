/*
 * Authorizations to channels. It knows neither requests nor the store; what was chosen is for others to keep.
 */
#include "bridge/choice.h"
#include "base/crypto.h"
#include <stdio.h>

#define WRONG_KEY                                                                                            \
    "The API key is not that of any channel of the bridge; look it up in the bridge's configuration."

static int refuse(enum front_error *error, enum front_error e, struct buf *why, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
static int refuse(enum front_error *error, enum front_error e, struct buf *why, const char *fmt, ...)
{
    char sentence[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    buf_add_str(why, sentence);
    *error = e;
    return CHOICE_NONE;
}

static int by_id(const struct choice *c, size_t n, struct span id)
{
    int found = CHOICE_NONE;

    for (size_t i = 0; i < n; i++)
        if (c[i].front_channel && span_is(id, c[i].front_channel) && (found < 0 || c[i].is_fixed))
            found = (int)i;
    return found;
}

int choice_by_key(const struct choice *c, size_t n, const struct choice_call *call)
{
    int found = CHOICE_NONE;

    for (size_t i = 0; i < n; i++) {
        bool is_key = c[i].api_key && call->key.p && crypto_equal(span_of(c[i].api_key), call->key);
        bool is_token = call->token && span_is(span_of(call->token), c[i].name);
        if (is_key || is_token)
            found = (int)i;
    }
    return found;
}

bool choice_key_is_wrong(const struct choice *c, size_t n, const struct choice_call *call)
{
    bool has_keys = false;

    for (size_t i = 0; i < n; i++)
        has_keys |= c[i].api_key != NULL;
    return call->key.n > 0 && has_keys && choice_by_key(c, n, call) < 0;
}

static int by_address(const struct choice *c, size_t n, struct span address)
{
    for (size_t i = 0; i < n; i++)
        if (address.n > 0 && span_is(address, c[i].address ? c[i].address : c[i].name))
            return (int)i;
    return CHOICE_NONE;
}

static bool is_waiting(const struct choice *c)
{
    return !c->front_channel || (c->is_free && !c->is_fixed);
}

static int the_only_one(const struct choice *c, size_t n, enum front_error *error, struct buf *why)
{
    int found = CHOICE_NONE;

    for (size_t i = 0; i < n; i++) {
        if (!is_waiting(&c[i]))
            continue;
        if (found >= 0)
            return refuse(
                error, FRONT_FORBIDDEN, why,
                "Several channels of the bridge could be meant; give each an api_key in the bridge's "
                "configuration, and connect with that key.");
        found = (int)i;
    }
    if (found < 0)
        return refuse(
            error, FRONT_NOT_FOUND, why,
            n == 0 ? "The bridge has no application channel for this app; write one into its "
                     "configuration."
                   : "Every channel of the bridge is connected already; to connect one anew, give it an "
                     "api_key in the bridge's configuration, and connect with that key.");
    return found;
}

/* A channel found without a key is given away only if it asks for none. */
static int without_key(const struct choice *c, int i, enum front_error *error, struct buf *why)
{
    if (i >= 0 && c[i].api_key)
        return refuse(error, FRONT_FORBIDDEN, why,
                      "The channel \"%s\" of the bridge is connected with its API key only.", c[i].name);
    return i;
}

static int not_fixed(const struct choice *c, int i, enum front_error *error, struct buf *why)
{
    if (i >= 0 && c[i].is_fixed)
        return refuse(
            error, FRONT_FORBIDDEN, why,
            "The channel \"%s\" belongs to %s by the bridge's configuration; remove front_channel there "
            "to connect it anew.",
            c[i].name, c[i].front_channel);
    return i;
}

static int known(const struct choice *c, int id, int key, bool is_wrong, enum front_error *error,
                 struct buf *why)
{
    if (key >= 0 && key != id)
        return refuse(error, FRONT_FORBIDDEN, why,
                      "This channel of Front is \"%s\" in the bridge, but the API key is that of \"%s\".",
                      c[id].name, c[key].name);
    if (is_wrong && c[id].api_key)
        return refuse(error, FRONT_FORBIDDEN, why, WRONG_KEY);
    return id;
}

int choice_of(const struct choice *c, size_t n, const struct choice_call *call, enum front_error *error,
              struct buf *why)
{
    int id = by_id(c, n, call->channel_id), key = choice_by_key(c, n, call);
    bool is_wrong = choice_key_is_wrong(c, n, call);

    if (id >= 0)
        return known(c, id, key, is_wrong, error, why);
    if (key >= 0)
        return not_fixed(c, key, error, why);
    if (is_wrong)
        return refuse(error, FRONT_FORBIDDEN, why, WRONG_KEY);
    int chosen = by_address(c, n, call->address);
    if (chosen < 0)
        chosen = the_only_one(c, n, error, why);
    chosen = not_fixed(c, chosen, error, why);
    return without_key(c, chosen, error, why);
}
