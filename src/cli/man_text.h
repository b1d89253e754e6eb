/* Plain text as the source of a man page (mdoc): what troff would take for its own is escaped. Pure. */
#ifndef CLI_MAN_TEXT_H
#define CLI_MAN_TEXT_H

#include "base/buf.h"

/* man_text_add appends text without line breaks, a line a sentence; `backticks` become bold. */
void man_text_add(struct buf *out, struct span line);
/* man_text_paragraphs appends text of several lines: empty ones part paragraphs, indented ones are examples.
 */
void man_text_paragraphs(struct buf *out, const char *text);

#endif
