/*
 * Decides whether one more connection from an address is within the limit. Knows addresses only as 16 bytes.
 * Invariant: an address has an entry exactly while it has connections.
 */
#include "http/peers.h"
#include "base/crypto.h"
#include "base/mem.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

struct entry {
    struct entry *next;
    struct peer_key key;
    unsigned n;
};

struct peers {
    unsigned max_n;
    uint64_t seed[2];
    struct entry *bucket[BUCKETS];
};

struct peers *peers_new(unsigned max_n)
{
    struct peers *p = mem_zalloc(sizeof *p);
    p->max_n = max_n;
    crypto_random(p->seed, sizeof p->seed);
    return p;
}

void peers_free(struct peers *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry *e = p->bucket[i], *next; e; e = next) {
            next = e->next;
            free(e);
        }
    free(p);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The link that leads to key's entry, or the one where it would be. */
static struct entry **find(struct peers *p, const struct peer_key *key)
{
    uint64_t hash = mix(mix(key->high ^ p->seed[0], p->seed[1] | 1) ^ key->low, p->seed[0] | 1);
    struct entry **link = &p->bucket[hash % BUCKETS];
    while (*link && ((*link)->key.high != key->high || (*link)->key.low != key->low))
        link = &(*link)->next;
    return link;
}

bool peers_add(struct peers *p, const struct peer_key *key)
{
    struct entry **link = find(p, key);
    if (!*link) {
        *link = mem_zalloc(sizeof **link);
        (*link)->key = *key;
    }
    if ((*link)->n >= p->max_n)
        return false;
    (*link)->n++;
    return true;
}

void peers_remove(struct peers *p, const struct peer_key *key)
{
    struct entry **link = find(p, key), *e = *link;
    must(e && e->n);
    if (--e->n == 0) {
        *link = e->next;
        free(e);
    }
}

bool peer_key_of(const struct sockaddr_storage *from, struct peer_key *out)
{
    *out = (struct peer_key){0, 0};
    if (from->ss_family == AF_INET) {
        out->low = ((const struct sockaddr_in *)from)->sin_addr.s_addr;
        return true;
    }
    if (from->ss_family != AF_INET6)
        return false;
    const struct in6_addr *a = &((const struct sockaddr_in6 *)from)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(a)) {
        uint32_t v4;
        memcpy(&v4, a->s6_addr + 12, sizeof v4);
        out->low = v4;
    } else {
        memcpy(&out->high, a->s6_addr, sizeof out->high);
        out->low = UINT64_MAX;
    }
    return true;
}
