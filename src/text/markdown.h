/* Markdown to HTML by libcmark: raw HTML and dangerous links left out, each line break kept. Pure; the only
 * place that includes cmark.h. */
#ifndef TEXT_MARKDOWN_H
#define TEXT_MARKDOWN_H

#include "base/buf.h"

void markdown_to_html(struct span markdown, struct buf *out);

#endif
