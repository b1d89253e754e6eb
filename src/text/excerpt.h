/* The beginning of a text, to say which one is meant. Pure. */
#ifndef TEXT_EXCERPT_H
#define TEXT_EXCERPT_H

#include "base/buf.h"

/* text_excerpt appends the first max characters of text in one line: runs of white space and control characters are one
 * space; what is cut ends with "…", at a word's end where one is near, never inside what is one character to people.
 * Cost: linear in what is kept. */
void text_excerpt(struct span text, unsigned max, struct buf *out);

#endif
