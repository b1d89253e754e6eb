/* The page that asks for a channel's API key. No script, no request to anywhere, not to be framed. */
#ifndef BRIDGE_OAUTH_PAGE_H
#define BRIDGE_OAUTH_PAGE_H

#include "base/buf.h"

/* What the form carries from the first request to the second. */
struct oauth_form {
    struct span client_id, redirect_uri, state, challenge; /* absent: was not given */
};

/* oauth_page_form writes the page; sentence: what was wrong the first time, or NULL. */
void oauth_page_form(struct buf *out, const struct oauth_form *f, const char *sentence);
/* oauth_page_error writes a page that ends here. */
void oauth_page_error(struct buf *out, const char *sentence);
/* oauth_page_headers writes the header lines of either; redirect_uri: where its form may lead in the end, or NULL. */
void oauth_page_headers(struct buf *out, const char *redirect_uri);

#endif
