/*
 * HTML in and out of chat messages. Pure.
 *
 * Invariant: what is written is made anew from an allow-list of elements and attributes, and every element is
 * closed; no byte of markup is passed through. Cost: linear in the text.
 */
#ifndef FRONT_HTML_H
#define FRONT_HTML_H

#include "base/buf.h"

enum { HTML_DEPTH_MAX = 256, HTML_VALUE_MAX = 8192 };

/* html_to_text keeps line breaks, paragraphs, list items and link targets, and drops scripts and styles. */
void html_to_text(struct span html, struct buf *out);
/* html_sanitise: elements nested deeper than HTML_DEPTH_MAX are unwrapped, longer attributes left out. */
void html_sanitise(struct span html, struct buf *out);
/* html_from_text escapes plain text; a line break becomes <br>. */
void html_from_text(struct span text, struct buf *out);

/* html_is_link: a URL that a person may be led to, by its scheme. */
bool html_is_link(struct span url);

#endif
