/*
 * What a sign-in gives out: codes, which live for two minutes and work once, and tokens, which nobody has to keep.
 *
 * A token is "fb1.USE.CHANNEL.EXPIRY.RANDOM.MAC": readable, and signed with a key made of the client secret together
 * with the API key of its channel. So a new client secret ends all tokens, a new API key those of its channel. Codes are
 * in memory alone: after a restart people sign in again. Pure: time is an argument. Comparisons are constant time.
 */
#ifndef BRIDGE_OAUTH_TOKEN_H
#define BRIDGE_OAUTH_TOKEN_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/err.h"

enum {
    OAUTH_ACCESS_MS = 60 * 60 * 1000,
    OAUTH_REFRESH_DAYS = 365,
    OAUTH_CODE_MS = 2 * 60 * 1000,
    OAUTH_CODES = 64, /* waiting at a time; the oldest gives way */
    OAUTH_CODE_CHARS = 40,
    OAUTH_CHALLENGE_CHARS = 43,
    OAUTH_CHANNEL_MAX = 63,
    OAUTH_TOKEN_MAX = 256,
    OAUTH_GUESSES = 10, /* wrong API keys of an account in a minute */
};

/* ---- Tokens ---- */

enum oauth_use { OAUTH_ACCESS, OAUTH_REFRESH };

struct oauth_signer {
    uint8_t key[SHA256_BYTES];
};
void oauth_signer_init(struct oauth_signer *s, const char *account, const char *client_secret);

struct oauth_token {
    char channel[OAUTH_CHANNEL_MAX + 1];
    wall_ms_t expires_at;
};

/* gives a channel's API key; NULL: there is no such channel, or it has none */
typedef const char *oauth_api_key_fn(struct span channel, void *arg);

void oauth_token_make(const struct oauth_signer *s, enum oauth_use use, const char *channel,
                      const char *api_key, wall_ms_t now, struct buf *out);
/* oauth_token_read: ERR_DENIED for whatever is not a token of ours that is valid now, without a word on why. */
MUST_CHECK enum err oauth_token_read(const struct oauth_signer *s, enum oauth_use use, struct span token,
                                     wall_ms_t now, oauth_api_key_fn *api_key_of, void *arg,
                                     struct oauth_token *out);

/* ---- Codes ---- */

struct oauth_code {
    char code[OAUTH_CODE_CHARS + 1]; /* "": free */
    char channel[OAUTH_CHANNEL_MAX + 1];
    char challenge[OAUTH_CHALLENGE_CHARS + 1]; /* PKCE, S256; "": none */
    char *redirect_uri;
    mono_ms_t expires_at;
};
struct oauth_codes {
    struct oauth_code slot[OAUTH_CODES];
};

void oauth_codes_fini(struct oauth_codes *c);
/* oauth_code_make gives a new code, valid until its slot is used again. */
const char *oauth_code_make(struct oauth_codes *c, const char *channel, const char *redirect_uri,
                            const char *challenge, mono_ms_t now);
/* oauth_code_take takes a code out, whatever becomes of it; oauth_code_fini it. ERR_DENIED: there is none such. */
MUST_CHECK enum err oauth_code_take(struct oauth_codes *c, struct span code, mono_ms_t now,
                                    struct oauth_code *out);
void oauth_code_fini(struct oauth_code *c);
/* oauth_proves says whether verifier is what challenge was made of; without a challenge nothing needs proof. */
bool oauth_proves(const char *challenge, struct span verifier);

/* ---- Guesses ---- */

struct oauth_guard {
    mono_ms_t since;
    unsigned n;
};
bool oauth_guard_allows(struct oauth_guard *g, mono_ms_t now);
void oauth_guard_failed(struct oauth_guard *g, mono_ms_t now);

#endif
