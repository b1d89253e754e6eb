/*
 * Names and types of files that come from outside, made fit to be passed on. Pure; fuzzed.
 *
 * A name is one: no folder, no control characters, nothing that turns its end around on a screen, at most
 * FILENAME_MAX_BYTES of UTF-8 with its ending kept; never empty, "." or "..". A type is type/subtype, or
 * application/octet-stream.
 */
#ifndef BASE_FILENAME_H
#define BASE_FILENAME_H

#include "base/buf.h"

enum { FILENAME_MAX_BYTES = 200, MEDIA_TYPE_MAX_BYTES = 150, CONTENT_ID_MAX_BYTES = 200 };

void filename_clean(struct span raw, struct buf *out);
/* media_type_clean keeps type/subtype in lower case, without parameters. */
void media_type_clean(struct span raw, struct buf *out);
/* content_id_clean appends a Content-ID without <>; nothing if it is none. */
void content_id_clean(struct span raw, struct buf *out);
/* filename_disposition appends the value of a Content-Disposition (RFC 6266, RFC 8187) for a clean name. */
void filename_disposition(const char *name, struct buf *out);

#endif
