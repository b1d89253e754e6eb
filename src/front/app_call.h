/*
 * What Front asks of an app, beside messages: the few fields of its envelopes that we read. Pure; fuzzed.
 */
#ifndef FRONT_APP_CALL_H
#define FRONT_APP_CALL_H

#include "base/err.h"
#include "base/json.h"

enum { APP_CALL_ID_MAX = 200, APP_CALL_TEXT_MAX = 512 };

/* A field that is not there is "". */
struct app_call {
    char channel_id[APP_CALL_ID_MAX + 1];  /* payload.channel_id */
    char address[APP_CALL_TEXT_MAX + 1];   /* payload.address */
    char page_token[APP_CALL_ID_MAX + 1];  /* pagination.page_token, or the same elsewhere: see app_call.c */
    char message_uid[APP_CALL_ID_MAX + 1]; /* payload.message_uid */
    char external_id[APP_CALL_ID_MAX + 1]; /* payload.metadata.external_id */
    char message_id[APP_CALL_ID_MAX + 1];  /* payload.id; left out if it is odd */
    char conversation[APP_CALL_TEXT_MAX + 1]; /* payload._links.related.conversation, a link; the same */
};

/* app_call_read reads an envelope. A field of the wrong type, too long or with control characters is refused, with
 * one sentence in why. */
MUST_CHECK enum err app_call_read(struct app_call *c, struct jval root, struct buf *why);

/* The answers: {"type":"success","webhook_url":…}, and a page of addresses. */
void front_answer_webhook(struct buf *out, struct span url);
struct app_address {
    const char *address, *name;
};
enum { APP_ADDRESSES_PAGE = 50 };
/*
 * app_addresses_page narrows *page and *n, which are all addresses, to the page that token asks for; the token is the
 * name of the last one before it, "" the first page. *next: the token of the page after it, NULL: there is none.
 * ERR_INVALID: a token that was never given out.
 */
MUST_CHECK enum err app_addresses_page(const struct app_address **page, size_t *n, const char *token,
                                       const char **next);
/* next_page_token NULL: this was the last page. */
void front_answer_addresses(struct buf *out, const struct app_address *a, size_t n,
                            const char *next_page_token);

#endif
