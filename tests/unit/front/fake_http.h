/* An HTTP client that sends nothing: the test sees each request and decides how it ends. */
#ifndef TEST_FAKE_HTTP_H
#define TEST_FAKE_HTTP_H

#include "http/client.h"

struct http_call {
    struct http_call *next;
    char *method, *url, *body, *authorization, *content_type;
    int64_t timeout_ms;
    size_t max_answer_bytes;
    http_done_fn *on_done;
    void *arg;
    const char *const *headers; /* of the answer: name, value, …, NULL */
};

struct http_call *fake_first(void); /* the oldest open call, or NULL */
unsigned fake_open_n(void);
/* fake_answer ends the oldest open call. */
void fake_answer(int status, const char *body, const char *const *headers);
void fake_fail(enum http_fail fail, bool is_sent);

#endif
