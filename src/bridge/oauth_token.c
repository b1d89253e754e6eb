/*
 * Makes and checks what a sign-in gives out. It knows no request. Invariant: a signature is compared before anything
 * that a token says is believed.
 */
#include "bridge/oauth_token.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { RANDOM_CHARS = 16, FIELDS = 5, GUARD_MS = 60 * 1000 };

static const char use_letter[] = {[OAUTH_ACCESS] = 'a', [OAUTH_REFRESH] = 'r'};

/* ---- Tokens ---- */

void oauth_signer_init(struct oauth_signer *s, const char *account, const char *client_secret)
{
    const struct span what[] = {SPAN_LIT("front-bridge oauth 1\n"), span_of(account)};

    hmac_sha256(span_of(client_secret), what, ARRAY_LEN(what), s->key);
}

static void add_mac(const struct oauth_signer *s, struct span claims, const char *api_key, struct buf *out)
{
    const struct span part[] = {claims, SPAN_LIT("\n"), span_of(api_key)};
    uint8_t mac[SHA256_BYTES];

    hmac_sha256((struct span){(const char *)s->key, sizeof s->key}, part, ARRAY_LEN(part), mac);
    base64url_encode(out, (struct span){(const char *)mac, sizeof mac});
}

static int64_t life_ms(enum oauth_use use)
{
    return use == OAUTH_ACCESS ? OAUTH_ACCESS_MS : OAUTH_REFRESH_DAYS * DAY_MS;
}

void oauth_token_make(const struct oauth_signer *s, enum oauth_use use, const char *channel,
                      const char *api_key, wall_ms_t now, struct buf *out)
{
    char random[RANDOM_CHARS + 1];
    struct buf text;

    crypto_random_id(random, RANDOM_CHARS);
    buf_init(&text, OAUTH_TOKEN_MAX);
    buf_addf(&text, "fb1.%c.%s.%lld.%s", use_letter[use], channel, (long long)((now + life_ms(use)) / 1000),
             random);
    buf_add_span(out, buf_span(&text));
    buf_add_char(out, '.');
    add_mac(s, buf_span(&text), api_key, out);
    buf_fini(&text);
}

/* The claims as FIELDS spans, and the signature behind them. */
static bool split(struct span token, struct span field[FIELDS], struct span *claims, struct span *mac)
{
    const char *at = token.p, *end = token.p + token.n;

    for (unsigned i = 0; i < FIELDS; i++) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        if (!dot)
            return false;
        field[i] = (struct span){at, (size_t)(dot - at)};
        at = dot + 1;
    }
    *claims = (struct span){token.p, (size_t)(at - 1 - token.p)};
    *mac = (struct span){at, (size_t)(end - at)};
    return true;
}

static bool is_signed(const struct oauth_signer *s, struct span claims, struct span mac, const char *api_key)
{
    struct buf wanted;

    buf_init(&wanted, OAUTH_TOKEN_MAX);
    add_mac(s, claims, api_key ? api_key : "", &wanted);
    bool is_right = crypto_equal(buf_span(&wanted), mac) && api_key;
    buf_fini(&wanted);
    return is_right;
}

enum err oauth_token_read(const struct oauth_signer *s, enum oauth_use use, struct span token, wall_ms_t now,
                          oauth_api_key_fn *api_key_of, void *arg, struct oauth_token *out)
{
    struct span field[FIELDS], claims, mac;
    uint64_t expires_s;

    if (token.n == 0 || token.n > OAUTH_TOKEN_MAX || !split(token, field, &claims, &mac))
        return ERR_DENIED;
    if (!span_is(field[0], "fb1") || field[2].n == 0 || field[2].n > OAUTH_CHANNEL_MAX)
        return ERR_DENIED;
    if (!is_signed(s, claims, mac, api_key_of(field[2], arg)))
        return ERR_DENIED;
    bool is_use = field[1].n == 1 && field[1].p[0] == use_letter[use];
    if (!is_use || !span_u64(field[3], &expires_s) || expires_s > INT64_MAX / 1000 ||
        (wall_ms_t)expires_s * 1000 <= now)
        return ERR_DENIED;
    *out = (struct oauth_token){.expires_at = (wall_ms_t)expires_s * 1000};
    memcpy(out->channel, field[2].p, field[2].n);
    return OK;
}

/* ---- Codes ---- */

void oauth_code_fini(struct oauth_code *c)
{
    free(c->redirect_uri);
    mem_wipe(c, sizeof *c);
}

void oauth_codes_fini(struct oauth_codes *c)
{
    for (unsigned i = 0; i < OAUTH_CODES; i++)
        oauth_code_fini(&c->slot[i]);
}

static struct oauth_code *slot_for(struct oauth_codes *c)
{
    struct oauth_code *oldest = &c->slot[0];

    for (unsigned i = 0; i < OAUTH_CODES; i++) {
        if (!*c->slot[i].code)
            return &c->slot[i];
        if (c->slot[i].expires_at < oldest->expires_at)
            oldest = &c->slot[i];
    }
    return oldest;
}

const char *oauth_code_make(struct oauth_codes *c, const char *channel, const char *redirect_uri,
                            const char *challenge, mono_ms_t now)
{
    struct oauth_code *slot = slot_for(c);

    must(strlen(channel) <= OAUTH_CHANNEL_MAX && strlen(challenge) <= OAUTH_CHALLENGE_CHARS);
    oauth_code_fini(slot);
    crypto_random_id(slot->code, OAUTH_CODE_CHARS);
    memcpy(slot->channel, channel, strlen(channel) + 1);
    memcpy(slot->challenge, challenge, strlen(challenge) + 1);
    slot->redirect_uri = mem_strdup(redirect_uri);
    slot->expires_at = now + OAUTH_CODE_MS;
    return slot->code;
}

enum err oauth_code_take(struct oauth_codes *c, struct span code, mono_ms_t now, struct oauth_code *out)
{
    struct oauth_code *found = NULL;

    for (unsigned i = 0; i < OAUTH_CODES; i++)
        if (crypto_equal((struct span){c->slot[i].code, OAUTH_CODE_CHARS}, code) && *c->slot[i].code)
            found = &c->slot[i];
    if (!found)
        return ERR_DENIED;
    struct oauth_code taken = *found;
    mem_wipe(found, sizeof *found);
    if (now >= taken.expires_at) {
        oauth_code_fini(&taken);
        return ERR_DENIED;
    }
    *out = taken;
    return OK;
}

bool oauth_proves(const char *challenge, struct span verifier)
{
    uint8_t digest[SHA256_BYTES];
    struct buf made;

    if (!*challenge)
        return true;
    buf_init(&made, OAUTH_TOKEN_MAX);
    sha256(verifier.p ? verifier : SPAN_LIT(""), digest);
    base64url_encode(&made, (struct span){(const char *)digest, sizeof digest});
    bool is_right = crypto_equal(buf_span(&made), span_of(challenge));
    buf_fini(&made);
    return is_right;
}

/* ---- Guesses ---- */

bool oauth_guard_allows(struct oauth_guard *g, mono_ms_t now)
{
    if (now - g->since >= GUARD_MS)
        *g = (struct oauth_guard){.since = now};
    return g->n < OAUTH_GUESSES;
}

void oauth_guard_failed(struct oauth_guard *g, mono_ms_t now)
{
    if (g->n++ == 0)
        g->since = now;
}
