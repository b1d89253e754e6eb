/*
 * The http adapter: one backend that speaks JSON over HTTP. See README.md for the wire.
 */
#ifndef CHANNEL_HTTP_HTTP_H
#define CHANNEL_HTTP_HTTP_H

#include "base/multipart.h"
#include "signature.h"
#include "wire/wire.h"
#include <sys/queue.h>

enum {
    EXTRA_HEADERS_MAX = 32,
    FIXED_HEADERS = 6, /* content-type, user-agent, authorization, webhook-id, -timestamp, -signature */
    HOOK_BODY_MAX = 36 << 20, /* as the bridge's own default limit */
    HOOKS_BODY_MAX =
        4 * HOOK_BODY_MAX, /* of all hooks that came as files and wait to be stored: 429 beyond */
    HOOK_RETRY_AFTER_S = 5,
    RETRY_AFTER_MAX_S = 24 * 3600, /* what a backend may ask for */
};

struct post; /* a delivery or notice under way */
struct hook; /* a webhook request that waits until its message is durable */

struct channel {
    const struct fb_host *host;
    char *url, *token, *bearer; /* token and bearer NULL: none */
    struct ring ring;
    int64_t timeout_ms;
    struct fb_header extra[EXTRA_HEADERS_MAX]; /* owned */
    size_t extra_n;
    LIST_HEAD(posts, post) posts;
    LIST_HEAD(hooks, hook) hooks;
    uint64_t hook_bytes; /* bodies of them that are files */
};

/* settings.c: both write one sentence to why on ERR_INVALID. */
MUST_CHECK enum err settings_check(const struct fb_host *host, struct buf *why);
MUST_CHECK enum err settings_read(struct channel *ch, struct buf *why);
void settings_fini(struct channel *ch);

/* deliver.c */
void deliver_message(void *self, fb_token token, const struct fb_delivery *d);
void deliver_notice(void *self, fb_token token, const struct fb_notice *n);
void deliver_fini(struct channel *ch);

/* answer.c: what an answer of the backend means. Pure. */
struct verdict {
    struct fb_outcome outcome; /* points into the fields below */
    char reason[WIRE_SENTENCE_MAX];
    char external_id[WIRE_ID_MAX + 1], conversation_id[WIRE_ID_MAX + 1];
};
void answer_judge(const struct fb_http_answer *a, int64_t now_ms, struct verdict *out);
/* answer_retry_after reads Retry-After, seconds or an HTTP date: ms from now, bounded; 0 if there is none. */
int64_t answer_retry_after(const char *value, int64_t now_ms);

/* form.c: multipart/form-data as what the hook reads anyway. Borrows from the body. */
struct form {
    struct multipart parts;
    struct buf made;  /* JSON made of single fields */
    struct span json; /* the object to read */
    struct wire_part file[WIRE_FILES_MAX];
    unsigned file_n;
};
/* form_read gives 0, or the status of a refusal with its sentence in why. form_fini after either. */
int form_read(struct form *f, struct span content_type, struct span body, struct buf *why);
void form_fini(struct form *f);

/* hook.c */
void hook_request(void *self, fb_token token, const struct fb_request *r);
void hook_fini(struct channel *ch);

#endif
