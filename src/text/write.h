/*
 * A document written as plain text, Markdown or HTML: whole, or the part between two places, which is as valid
 * by itself. Pure.
 *
 * Plain text: paragraphs set off by an empty line, lists with "- " or numbers, quotes with "> ", the cells of a
 * row with " | ", a link as "label (target)". Markdown is CommonMark, and ~~struck~~; tables become lines as in
 * plain text. HTML is of the allow-list.
 */
#ifndef TEXT_WRITE_H
#define TEXT_WRITE_H

#include "text/doc.h"

enum text_form { TEXT_PLAIN, TEXT_MARKDOWN, TEXT_HTML, TEXT_FORM_N };

/* A place in a document: before an event, or so many bytes inside words. */
struct doc_at {
    uint32_t event, offset;
};
#define DOC_AT_START ((struct doc_at){0, 0})
#define DOC_AT_END   ((struct doc_at){UINT32_MAX, 0})

/* doc_write appends to out. Cost: linear in the part. */
void doc_write(const struct doc *d, enum text_form form, struct doc_at from, struct doc_at to,
               struct buf *out);

#endif
