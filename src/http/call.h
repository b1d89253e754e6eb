/*
 * A call between its two halves: call.c makes its request and takes in its answer, client.c lives its life on the wire.
 *
 * Invariant: call.c knows one call and its handle; it starts, ends and frees nothing that client.c still uses. The only
 * place that sees libcurl's header.
 */
#ifndef HTTP_CALL_H
#define HTTP_CALL_H

#include "http/client.h"
#include <curl/curl.h>
#include <sys/queue.h>

/* A file on its way out, as libcurl reads it. */
struct file_source {
    int fd;
    uint64_t bytes, at;
};

struct http_call {
    TAILQ_ENTRY(http_call) link;
    struct http_client *client;
    http_done_fn *on_done;
    void *arg;
    CURL *handle; /* NULL: refused before it began */
    mono_ms_t started_at;
    struct curl_slist *lines;
    char *sent; /* the body of the request, unless that is a file */
    struct file_source body_file;
    curl_mime *form;
    struct file_source *source; /* of the form's files */
    const struct http_networks *allowed;
    http_bytes_fn *on_bytes;
    uint64_t bytes_n, bytes_max; /* given to it */
    struct buf head, body;       /* of the answer */
    unsigned request_n;          /* how often libcurl has begun to send it */
    bool denies_private, connects_only, is_repeatable, is_denied, is_too_large, is_stopped, is_ending;
};

#define SET(handle, option, value) must(curl_easy_setopt((handle), (option), (value)) == CURLE_OK)

/* call_handle_new gives a handle with all that is the same for every call. */
CURL *call_handle_new(const char *ca_file, const char *unix_socket);

struct http_call *call_new(struct http_client *c, const struct http_request *r, http_done_fn *on_done,
                           void *arg);
void call_free(struct http_call *call); /* its handle is dropped */
/* call_is_sendable: lines that would end early, and so smuggle another, are not sent. */
bool call_is_sendable(const struct http_request *r);
/* call_set_up puts the request into call->handle; false: libcurl cannot read the URL. */
bool call_set_up(struct http_call *call, const struct http_request *r);
/* call_undo_set_up leaves nothing of the call in its handle. */
void call_undo_set_up(struct http_call *call);

#endif
