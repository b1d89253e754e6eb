/*
 * How many connections each peer address has. An IPv6 address counts by its /64, which is one customer's.
 * Cost: one lookup in a hash table keyed with a random number, so that nobody can choose collisions.
 */
#ifndef HTTP_PEERS_H
#define HTTP_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct peer_key {
    uint64_t high, low;
};

struct peers;

struct peers *peers_new(unsigned max_n);
void peers_free(struct peers *p);
/* peers_add counts one more, unless there are max_n already. */
bool peers_add(struct peers *p, const struct peer_key *key);
void peers_remove(struct peers *p, const struct peer_key *key);
/* peer_key_of is false for what has no address (a unix socket). */
bool peer_key_of(const struct sockaddr_storage *from, struct peer_key *out);

#endif
