/*
 * Decides who a bearer token stands for. Refuses to know what the bearer may do: that is the API's table.
 * Invariant: a JWT is believed only after its signature, and then once.
 */
#include "sim/token.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { JWT_MAX = 4096 };

static struct sim_identity nobody(const char *why)
{
    return (struct sim_identity){.caller = SIM_CALLER_NONE, .why = why};
}

/* base64_decode knows the standard alphabet only; JWTs use the URL one. */
static enum err decode_url(struct span text, struct buf *out)
{
    struct buf plain;
    buf_init(&plain, JWT_MAX);
    for (size_t i = 0; i < text.n; i++)
        buf_add_char(&plain, text.p[i] == '-' ? '+' : text.p[i] == '_' ? '/' : text.p[i]);
    enum err e = plain.n ? base64_decode(out, buf_span(&plain)) : ERR_INVALID;
    buf_fini(&plain);
    return e;
}

/* split cuts token at its two dots; false if there are not exactly two. */
static bool split(struct span token, struct span part[3])
{
    size_t n = 0;
    const char *from = token.p, *end = token.p + token.n;
    for (const char *p = token.p; p < end; p++) {
        if (*p != '.')
            continue;
        if (n == 2)
            return false;
        part[n++] = (struct span){from, (size_t)(p - from)};
        from = p + 1;
    }
    part[n] = (struct span){from, (size_t)(end - from)};
    return n == 2;
}

static bool is_signed(const struct sim_tokens *t, const struct span part[3])
{
    uint8_t want[SHA256_BYTES];
    const struct span signed_part = {part[0].p, part[0].n + 1 + part[1].n};
    hmac_sha256(span_of(t->app_secret), &signed_part, 1, want);
    struct buf got;
    buf_init(&got, JWT_MAX);
    bool is_ok = decode_url(part[2], &got) == OK &&
                 crypto_equal(buf_span(&got), (struct span){(const char *)want, sizeof want});
    buf_fini(&got);
    return is_ok;
}

static bool is_hs256(struct span header)
{
    struct buf text;
    struct json doc;
    buf_init(&text, JWT_MAX);
    bool is_ok = false;
    if (decode_url(header, &text) == OK) {
        is_ok = json_parse(&doc, buf_span(&text)) == OK && json_is(json_get(json_root(&doc), "alg"), "HS256");
        json_fini(&doc);
    }
    buf_fini(&text);
    return is_ok;
}

static bool is_new_jti(struct sim_tokens *t, struct jval jti)
{
    char *id = json_dup(jti, 200);
    if (!id || !*id || sim_index_get(&t->jti, span_of(id))) {
        free(id);
        return false;
    }
    char **place = &t->ring[t->next++ % SIM_JTI_MAX];
    if (*place)
        sim_index_remove(&t->jti, span_of(*place));
    free(*place);
    *place = id;
    sim_index_put(&t->jti, span_of(id), t);
    return true;
}

static struct sim_identity judge(struct sim_tokens *t, struct jval claims, wall_ms_t now)
{
    struct sim_identity who = {.caller = SIM_CALLER_CHANNEL};
    int64_t exp_ms;
    if (!json_is(json_get(claims, "iss"), t->app_uid))
        return nobody("The JWT's iss is not the app's uid");
    if (json_millis(json_get(claims, "exp"), &exp_ms) != OK)
        return nobody("The JWT has no exp");
    if (exp_ms <= now)
        return nobody("The JWT has expired");
    if (exp_ms > now + SIM_JWT_AHEAD_MS)
        return nobody("The JWT's exp is more than 30 seconds ahead");
    char *sub = json_dup(json_get(claims, "sub"), sizeof who.channel - 1);
    if (!sub)
        return nobody("The JWT's sub names no channel");
    memcpy(who.channel, sub, strlen(sub) + 1);
    free(sub);
    if (!is_new_jti(t, json_get(claims, "jti")))
        return nobody("The JWT's jti is missing or was used before");
    return who;
}

static struct sim_identity check_jwt(struct sim_tokens *t, const struct span part[3], wall_ms_t now)
{
    if (!t->app_uid || !t->app_secret || !is_hs256(part[0]) || !is_signed(t, part))
        return nobody("The JWT's signature is wrong");
    struct buf text;
    buf_init(&text, JWT_MAX);
    struct sim_identity who = nobody("The JWT's claims are not JSON");
    if (decode_url(part[1], &text) == OK) {
        struct json doc;
        if (json_parse(&doc, buf_span(&text)) == OK)
            who = judge(t, json_root(&doc), now);
        json_fini(&doc);
    }
    buf_fini(&text);
    return who;
}

enum err sim_tokens_grant(struct sim_tokens *t, const char *token, const char *scopes)
{
    if (t->grant_n == SIM_GRANTS_MAX)
        return ERR_FULL;
    t->grant[t->grant_n++] = (struct sim_grant){.token = mem_strdup(token), .scopes = mem_strdup(scopes)};
    return OK;
}

void sim_tokens_revoke(struct sim_tokens *t)
{
    while (t->grant_n) {
        struct sim_grant *g = &t->grant[--t->grant_n];
        free(g->token);
        free(g->scopes);
    }
}

bool sim_identity_may(const struct sim_identity *who, const char *scope)
{
    if (!scope || who->caller == SIM_CALLER_CHANNEL)
        return true;
    if (who->caller != SIM_CALLER_COMPANY || !who->scopes)
        return who->caller == SIM_CALLER_COMPANY;
    for (const char *p = who->scopes; *p;) {
        size_t n = strcspn(p, " ");
        if (span_is((struct span){p, n}, scope))
            return true;
        p += n + strspn(p + n, " ");
    }
    return false;
}

static const struct sim_grant *grant_of(const struct sim_tokens *t, struct span token)
{
    const struct sim_grant *found = NULL;
    for (unsigned i = 0; i < t->grant_n; i++)
        if (crypto_equal(token, span_of(t->grant[i].token)))
            found = &t->grant[i];
    return found;
}

struct sim_identity sim_tokens_check(struct sim_tokens *t, struct span authorization, wall_ms_t now)
{
    struct span part[3];
    if (!span_starts(authorization, "Bearer ") || authorization.n > JWT_MAX)
        return nobody("The Authorization header has no bearer token");
    struct span token = {authorization.p + 7, authorization.n - 7};
    if (t->token && crypto_equal(token, span_of(t->token)))
        return (struct sim_identity){.caller = SIM_CALLER_COMPANY};
    const struct sim_grant *grant = grant_of(t, token);
    if (grant)
        return (struct sim_identity){.caller = SIM_CALLER_COMPANY, .scopes = grant->scopes};
    if (split(token, part))
        return check_jwt(t, part, now);
    return nobody("The API token is not valid");
}

void sim_tokens_fini(struct sim_tokens *t)
{
    for (size_t i = 0; i < SIM_JTI_MAX; i++)
        free(t->ring[i]);
    sim_index_fini(&t->jti);
    sim_tokens_revoke(t);
}
