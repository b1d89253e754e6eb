/*
 * What the parts of JSON share and nobody else needs: the grammar and the inside of strings.
 * "Raw" is a string as it stands in a checked document, between its quotes.
 */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include "base/json.h"

/*
 * json_grammar checks all of doc->text (grammar, one root, UTF-8, depth) and counts its tokens in
 * doc->token_n, keys included; else sets doc->error and doc->error_at. Cost: linear, no allocation.
 */
MUST_CHECK enum err json_grammar(struct json *doc);

/* json_plain counts the leading bytes that JSON strings hold as they are: ASCII, no quote, backslash,
 * control. */
size_t json_plain(const char *p, size_t n);

bool json_has_escapes(struct span raw);
void json_decode(struct span raw, struct buf *out);
/* json_text_span borrows raw where it can, else decodes into scratch; absent if that is too small. */
struct span json_text_span(struct span raw, struct buf *scratch);
/* json_compare orders two raw strings by their decoded characters. */
int json_compare(struct span a, struct span b);
bool json_equals(struct span raw, struct span plain);

#endif
