/*
 * Moves bytes, plain or through OpenSSL, and translates every way to fail into the few that a connection
 * knows. Refuses to know what the bytes mean. Invariant: nothing here blocks, and OpenSSL's error queue is
 * empty before each of its calls.
 */
#include "http/transport.h"
#include "base/mem.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

/* One TLS record: a head and a body that leave together are one packet less for a small answer. */
enum { RECORD_MAX = 16384 };

static ssize_t plain_result(ssize_t n)
{
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? TRANSPORT_WAIT : TRANSPORT_BROKEN;
}

static ssize_t tls_result(const struct transport *t, int n, int waits_for)
{
    int e = SSL_get_error(t->tls, n);
    if (e == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
        return e == waits_for ? TRANSPORT_WAIT : TRANSPORT_TURN;
    return TRANSPORT_BROKEN;
}

static ssize_t tls_read(const struct transport *t, char *p, size_t n)
{
    size_t got = 0;
    ERR_clear_error();
    while (got < n) {
        int r = SSL_read(t->tls, p + got, (int)(n - got));
        if (r <= 0)
            return got ? (ssize_t)got : tls_result(t, r, SSL_ERROR_WANT_READ);
        got += (size_t)r;
    }
    return (ssize_t)got;
}

ssize_t transport_read(const struct transport *t, void *p, size_t n)
{
    return t->tls ? tls_read(t, p, n) : plain_result(read(t->fd, p, n));
}

static ssize_t tls_write(const struct transport *t, const struct iovec *parts, int n)
{
    char record[RECORD_MAX];
    const void *from = parts[0].iov_base;
    size_t total = parts[0].iov_len;
    if (n > 1 && total < sizeof record) {
        total = 0;
        for (int i = 0; i < n && total < sizeof record; i++) {
            size_t room = sizeof record - total;
            size_t part = parts[i].iov_len < room ? parts[i].iov_len : room;
            memcpy(record + total, parts[i].iov_base, part);
            total += part;
        }
        from = record;
    }
    ERR_clear_error();
    int r = SSL_write(t->tls, from, (int)(total < RECORD_MAX ? total : RECORD_MAX));
    return r > 0 ? r : tls_result(t, r, SSL_ERROR_WANT_WRITE);
}

static ssize_t plain_write(const struct transport *t, const struct iovec *parts, int n)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)n};
    return plain_result(sendmsg(t->fd, &m, MSG_NOSIGNAL));
}

ssize_t transport_write(const struct transport *t, const struct iovec *parts, int n)
{
    return t->tls ? tls_write(t, parts, n) : plain_write(t, parts, n);
}

/* What OpenSSL does not take is read and offered again: a file does not change under a link. */
static ssize_t tls_send_file(const struct transport *t, int fd, uint64_t at, size_t n)
{
    char record[RECORD_MAX];
    ssize_t got = pread(fd, record, n < sizeof record ? n : sizeof record, (off_t)at);
    if (got <= 0)
        return got < 0 ? TRANSPORT_BROKEN : 0;
    struct iovec part = {record, (size_t)got};
    return tls_write(t, &part, 1);
}

ssize_t transport_send_file(const struct transport *t, int fd, uint64_t at, size_t n)
{
    off_t from = (off_t)at;
    return t->tls ? tls_send_file(t, fd, at, n) : plain_result(sendfile(t->fd, fd, &from, n));
}

void transport_end(const struct transport *t)
{
    if (t->tls && SSL_is_init_finished(t->tls)) {
        ERR_clear_error();
        (void)SSL_shutdown(t->tls);
    }
    (void)shutdown(t->fd, SHUT_WR);
}

void transport_close(struct transport *t)
{
    if (t->tls)
        SSL_free(t->tls);
    t->tls = NULL;
    (void)close(t->fd);
    t->fd = -1;
}

bool transport_is_ready(const struct transport *t)
{
    return !t->tls || SSL_is_init_finished(t->tls);
}

struct tls_identity {
    unsigned ref_n;
    SSL_CTX *ctx;
    char *cert_file, *key_file;
};

/* HTTP/1.1 is all that we speak; a client that insists on something else learns it in the handshake. */
static int choose_protocol(SSL *tls, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                           unsigned in_n, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)tls, (void)arg;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_n, ours, sizeof ours - 1, in, in_n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *context_new(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    must(ctx);
    must(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* An idle connection gives its 34 kB of record buffers back. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    return ctx;
}

static SSL_CTX *context_load(const struct tls_identity *id, struct buf *why)
{
    SSL_CTX *ctx = context_new();
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, id->cert_file) != 1)
        buf_addf(why, "The certificate %s cannot be used", id->cert_file);
    else if (SSL_CTX_use_PrivateKey_file(ctx, id->key_file, SSL_FILETYPE_PEM) != 1)
        buf_addf(why, "The key %s cannot be used with the certificate %s", id->key_file, id->cert_file);
    else
        return ctx;
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    buf_addf(why, ": %s.", reason ? reason : "it is not readable as PEM");
    SSL_CTX_free(ctx);
    return NULL;
}

enum err tls_identity_reload(struct tls_identity *id, struct buf *why)
{
    SSL_CTX *ctx = context_load(id, why);
    if (!ctx)
        return ERR_INVALID;
    SSL_CTX_free(id->ctx);
    id->ctx = ctx;
    return OK;
}

enum err tls_identity_new(const char *cert_file, const char *key_file, struct tls_identity **out,
                          struct buf *why)
{
    struct tls_identity *id = mem_zalloc(sizeof *id);
    id->ref_n = 1;
    id->cert_file = mem_strdup(cert_file);
    id->key_file = mem_strdup(key_file);
    enum err e = tls_identity_reload(id, why);
    if (e)
        tls_identity_free(id);
    else
        *out = id;
    return e;
}

struct tls_identity *tls_identity_share(struct tls_identity *id)
{
    if (id)
        id->ref_n++;
    return id;
}

void tls_identity_free(struct tls_identity *id)
{
    if (!id || --id->ref_n)
        return;
    SSL_CTX_free(id->ctx);
    free(id->cert_file);
    free(id->key_file);
    free(id);
}

enum err tls_accept(struct tls_identity *id, struct transport *t)
{
    SSL *tls = SSL_new(id->ctx);
    if (!tls || SSL_set_fd(tls, t->fd) != 1) {
        SSL_free(tls);
        return ERR_FULL;
    }
    SSL_set_accept_state(tls);
    t->tls = tls;
    return OK;
}
