/*
 * HTML in and out of chat messages. Pure; the only place that includes libxml2.
 *
 * Invariant: what is written is made anew from an allow-list of elements and attributes; no byte of markup is
 * passed through. Cost: linear; elements nested deeper than HTML_DEPTH_MAX end the reading there.
 */
#ifndef FRONT_HTML_H
#define FRONT_HTML_H

#include "base/buf.h"

enum { HTML_DEPTH_MAX = 256 };

/* html_to_text keeps line breaks, paragraphs, list items and link targets, and drops scripts and styles. */
void html_to_text(struct span html, struct buf *out);
/* html_sanitise: ERR_LIMIT if elements nest too deep (then out holds what came before). */
MUST_CHECK enum err html_sanitise(struct span html, struct buf *out);
/* html_from_text escapes plain text; a line break becomes <br>. */
void html_from_text(struct span text, struct buf *out);

#endif
