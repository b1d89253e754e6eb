/*
 * What text of an adapter may look like. Pure; nothing here allocates.
 */
#ifndef HOST_TEXT_H
#define HOST_TEXT_H

#include "base/buf.h"
#include <stdbool.h>

/* text_is_clean: UTF-8 without control characters but newline and tab. */
bool text_is_clean(struct span s);
/* text_clean_line appends s as one line of at most max bytes: control characters become spaces, bad UTF-8
 * U+FFFD. */
void text_clean_line(struct buf *out, struct span s, size_t max);
bool text_is_header_name(struct span s); /* a token that a reply may set: not the framing of the connection */
bool text_is_header_value(struct span s); /* no control characters but tab; at most 4 KiB */

#endif
