/*
 * Writes the request once, remembers where its numbers stand, and signs every message in advance.
 */
#include "messages.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "track.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SPOTS_MAX = 8, SIGNATURE_CHARS = 28, REQUEST_MAX = 16384, TEXT_BYTES = 213 };

/* "#" followed by M or C stands for a number of NUMBER_DIGITS characters: the message's, its conversation's.
 */
static const char body_form[] =
    "{\"_links\":{\"self\":\"https://acme.api.frontapp.com/messages/msg_#M\",\"related\":{\"conversation\":"
    "\"https://acme.api.frontapp.com/conversations/cnv_#C\"}},\"id\":\"msg_#M\",\"type\":\"custom\","
    "\"is_inbound\":false,\"created_at\":%.3f,\"blurb\":\"%.40s\",\"body\":\"<p>%s</p>\",\"text\":\"%s\","
    "\"error_type\":null,\"version\":\"3d7e4a1b9c0f2d6e\",\"subject\":null,\"draft_mode\":null,"
    "\"is_draft\":false,\"author\":{\"_links\":{\"self\":\"https://acme.api.frontapp.com/teammates/"
    "tea_6r55a\","
    "\"related\":{}},\"id\":\"tea_6r55a\",\"email\":\"grace@example.com\",\"username\":\"grace\","
    "\"first_name\":\"Grace\",\"last_name\":\"Hopper\",\"is_admin\":false,\"is_available\":true,"
    "\"is_blocked\":false,\"custom_fields\":{}},\"recipients\":[{\"_links\":{\"related\":{\"contact\":null}},"
    "\"name\":null,\"handle\":\"support-line\",\"role\":\"from\"},{\"_links\":{\"related\":{\"contact\":null}"
    "},"
    "\"name\":\"Ada\",\"handle\":\"user-#C\",\"role\":\"to\"}],\"attachments\":[],\"signature\":null,"
    "\"metadata\":{}}";

struct messages {
    struct buf request;
    size_t body_at, signature_at;
    struct spot {
        size_t at;
        bool is_lane;
    } spot[SPOTS_MAX];
    size_t spot_n;
    uint64_t first, lane_n;
    char (*signature)[SIGNATURE_CHARS];
};

static void put_number(char *at, uint64_t n)
{
    for (int i = NUMBER_DIGITS; i-- > 0; n /= 36)
        at[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36];
}

static void make_text(char text[TEXT_BYTES + 1])
{
    static const char words[] = "Your parcel left our house this morning and should be with you tomorrow. ";

    for (size_t i = 0; i < TEXT_BYTES; i++)
        text[i] = words[i % (sizeof words - 1)];
    text[TEXT_BYTES] = '\0';
}

/* Appends the body with room for its numbers. */
static void add_body(struct messages *m, const char *body)
{
    for (const char *at; (at = strchr(body, '#')); body = at + 2) {
        buf_add(&m->request, body, (size_t)(at - body));
        must(m->spot_n < SPOTS_MAX);
        m->spot[m->spot_n++] = (struct spot){.at = m->request.n, .is_lane = at[1] == 'C'};
        must(buf_extend(&m->request, NUMBER_DIGITS));
    }
    buf_add_str(&m->request, body);
}

static void write_request(struct messages *m, const struct messages_options *o)
{
    char text[TEXT_BYTES + 1];
    struct buf body;

    make_text(text);
    buf_init(&body, REQUEST_MAX);
    buf_addf(&body, body_form, (double)time(NULL), text, text, text);
    size_t bytes = body.n;
    for (const char *at = body.p; (at = strchr(at, '#')); at++)
        bytes += NUMBER_DIGITS - 2;
    buf_addf(&m->request,
             "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
             "X-Front-Signature: ",
             o->path, o->host, bytes);
    m->signature_at = m->request.n;
    must(buf_extend(&m->request, SIGNATURE_CHARS));
    buf_add_str(&m->request, "\r\n\r\n");
    m->body_at = m->request.n;
    add_body(m, body.p);
    buf_fini(&body);
    must(!m->request.is_over && m->request.n == m->body_at + bytes);
}

static void patch_numbers(struct messages *m, uint64_t i)
{
    uint64_t lane = m->lane_n ? i % m->lane_n : m->first + i;

    for (size_t s = 0; s < m->spot_n; s++)
        put_number(m->request.p + m->spot[s].at, m->spot[s].is_lane ? lane : m->first + i);
}

static void sign(struct messages *m, uint64_t i, struct span key, struct buf *base64)
{
    uint8_t mac[SHA1_BYTES];

    patch_numbers(m, i);
    hmac_sha1(key, &(struct span){m->request.p + m->body_at, m->request.n - m->body_at}, 1, mac);
    buf_clear(base64);
    base64_encode(base64, (struct span){(char *)mac, sizeof mac});
    must(base64->n == SIGNATURE_CHARS);
    memcpy(m->signature[i], base64->p, SIGNATURE_CHARS);
}

struct messages *messages_new(const struct messages_options *o)
{
    struct messages *m = mem_zalloc(sizeof *m);
    struct buf base64;

    m->first = o->first;
    m->lane_n = o->lane_n;
    m->signature = mem_calloc(o->n, sizeof *m->signature);
    buf_init(&m->request, REQUEST_MAX);
    buf_init(&base64, 64);
    write_request(m, o);
    for (uint64_t i = 0; i < o->n; i++)
        sign(m, i, span_of(o->secret), &base64);
    buf_fini(&base64);
    return m;
}

void messages_free(struct messages *m)
{
    buf_fini(&m->request);
    free(m->signature);
    free(m);
}

struct span messages_get(struct messages *m, uint64_t i)
{
    patch_numbers(m, i);
    memcpy(m->request.p + m->signature_at, m->signature[i], SIGNATURE_CHARS);
    return buf_span(&m->request);
}

size_t messages_body_bytes(const struct messages *m)
{
    return m->request.n - m->body_at;
}
