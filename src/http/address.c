/*
 * Decides which addresses are on the public Internet (IANA's special-purpose registries), and how long a
 * Retry-After is. Knows neither names nor sockets.
 * Invariant: what is not known to be public is not.
 */
#include "http/client.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

struct block {
    uint32_t network;
    unsigned bits;
};

static const struct block not_public_v4[] = {
    {0x00000000, 8},  /* 0.0.0.0/8: this host */
    {0x0a000000, 8},  /* 10.0.0.0/8 */
    {0x64400000, 10}, /* 100.64.0.0/10: carriers' NAT */
    {0x7f000000, 8},  /* 127.0.0.0/8 */
    {0xa9fe0000, 16}, /* 169.254.0.0/16: link-local, clouds' metadata */
    {0xac100000, 12}, /* 172.16.0.0/12 */
    {0xc0000000, 24}, /* 192.0.0.0/24: protocol assignments */
    {0xc0000200, 24}, /* 192.0.2.0/24: documentation */
    {0xc0586300, 24}, /* 192.88.99.0/24: 6to4 relays */
    {0xc0a80000, 16}, /* 192.168.0.0/16 */
    {0xc6120000, 15}, /* 198.18.0.0/15: benchmarks */
    {0xc6336400, 24}, /* 198.51.100.0/24: documentation */
    {0xcb007100, 24}, /* 203.0.113.0/24: documentation */
    {0xe0000000, 4},  /* 224.0.0.0/4: multicast */
    {0xf0000000, 4},  /* 240.0.0.0/4: reserved, broadcast */
};

static bool is_public_v4(const void *bytes)
{
    uint32_t address;
    memcpy(&address, bytes, sizeof address);
    address = ntohl(address);
    for (size_t i = 0; i < ARRAY_LEN(not_public_v4); i++)
        if ((address ^ not_public_v4[i].network) >> (32 - not_public_v4[i].bits) == 0)
            return false;
    return true;
}

static bool begins(const uint8_t *address, const uint8_t *prefix, size_t n)
{
    return memcmp(address, prefix, n) == 0;
}

static bool is_public_v6(const uint8_t a[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};     /* ::ffff:0:0/96 */
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};        /* 64:ff9b::/96 */
    static const uint8_t documentation[4] = {0x20, 0x01, 0x0d, 0xb8}; /* 2001:db8::/32 */
    if (begins(a, mapped, sizeof mapped) || begins(a, nat64, sizeof nat64))
        return is_public_v4(a + 12);
    if ((a[0] & 0xe0) != 0x20) /* 2000::/3 is all that is routed */
        return false;
    if (begins(a, documentation, sizeof documentation) || (a[0] == 0x20 && a[1] == 0x02)) /* 6to4 */
        return false;
    if (a[0] == 0x3f && a[1] == 0xff && a[2] < 0x10) /* 3fff::/20: documentation */
        return false;
    return !(a[0] == 0x20 && a[1] == 0x01 && a[2] < 0x02); /* 2001::/23: protocol assignments, Teredo */
}

bool http_address_is_public(const char *numeric)
{
    uint8_t six[16], four[4];
    if (inet_pton(AF_INET, numeric, four) == 1)
        return is_public_v4(four);
    return inet_pton(AF_INET6, numeric, six) == 1 && is_public_v6(six);
}

/* As 16 bytes, so that one comparison serves both families. */
static bool to_bytes(const char *numeric, uint8_t out[16], unsigned *bits)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    *bits = 128;
    if (inet_pton(AF_INET6, numeric, out) == 1)
        return true;
    memcpy(out, mapped, sizeof mapped);
    *bits = 32;
    return inet_pton(AF_INET, numeric, out + 12) == 1;
}

enum err http_networks_add(struct http_networks *list, const char *text)
{
    char host[INET6_ADDRSTRLEN + 4];
    const char *slash = strchrnul(text, '/');
    struct http_network *network = &list->item[list->n];
    unsigned most;
    uint64_t bits = 0;
    if (list->n == HTTP_NETWORKS_MAX)
        return ERR_LIMIT;
    if ((size_t)(slash - text) >= sizeof host)
        return ERR_INVALID;
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = '\0';
    if (!to_bytes(host, network->address, &most))
        return ERR_INVALID;
    bits = most;
    if (*slash && (!span_u64(span_of(slash + 1), &bits) || bits > most))
        return ERR_INVALID;
    network->bits = 128 - most + (unsigned)bits;
    list->n++;
    return OK;
}

static bool is_in(const struct http_network *network, const uint8_t address[16])
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->address, address, whole) != 0)
        return false;
    return rest == 0 || (network->address[whole] ^ address[whole]) >> (8 - rest) == 0;
}

bool http_networks_have(const struct http_networks *list, const char *numeric)
{
    uint8_t address[16];
    unsigned bits;
    if (!to_bytes(numeric, address, &bits))
        return false;
    for (size_t i = 0; i < list->n; i++)
        if (is_in(&list->item[i], address))
            return true;
    return false;
}

/* RFC 9110 5.6.7; the two obsolete forms are not worth a parser. */
static int64_t until_date(struct span value, wall_ms_t now)
{
    char text[40];
    struct tm tm = {0};
    if (value.n >= sizeof text)
        return -1;
    memcpy(text, value.p, value.n);
    text[value.n] = '\0';
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!end || *end)
        return -1;
    int64_t delay = (int64_t)timegm(&tm) * SECOND_MS - now;
    return delay > 0 ? delay : 0;
}

int64_t http_retry_after(struct span value, wall_ms_t now, int64_t max_ms)
{
    uint64_t seconds;
    if (!value.p)
        return -1;
    if (!span_u64(value, &seconds)) {
        int64_t delay = until_date(value, now);
        return delay < max_ms ? delay : max_ms;
    }
    return seconds > (uint64_t)(max_ms / SECOND_MS) ? max_ms : (int64_t)seconds * SECOND_MS;
}
