/*
 * HTML in and out of messages. Pure.
 *
 * Invariant: what is written is made anew from an allow-list of elements and attributes, and every element is
 * closed; no byte of markup is passed through. Cost: linear in the text.
 */
#ifndef TEXT_HTML_H
#define TEXT_HTML_H

#include "base/buf.h"

/* html_to_text keeps line breaks, paragraphs, lists, quotes and link targets, and drops scripts and styles. */
void html_to_text(struct span html, struct buf *out);
void html_to_markdown(struct span html, struct buf *out);
/* html_sanitise: elements nested too deeply are unwrapped, too long attributes left out. */
void html_sanitise(struct span html, struct buf *out);
/* html_from_text: what html_to_text makes text of again, but for white space at its very ends. */
void html_from_text(struct span text, struct buf *out);

#endif
