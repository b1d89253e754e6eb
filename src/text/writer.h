/*
 * What writes a form: it takes the events of a document in order.
 *
 * Shape: writer_new opens what is open where the part begins; the caller then gives it events and words, and
 * writer_free closes what is open where the part ends. Invariant: tail is not less than what that adds.
 */
#ifndef TEXT_WRITER_H
#define TEXT_WRITER_H

#include "text/write.h"

struct writer {
    const struct doc *d;
    struct buf *out;
    const struct writer_kind *kind;
    uint32_t from, event; /* the first event; the one that is taken */
    uint32_t open[DOC_DEPTH_MAX];
    unsigned open_n;
    bool is_over; /* what is closed now goes on in the next part */
    size_t tail;  /* characters that closing all of open may take */
};

struct writer_kind {
    size_t size; /* of a struct that begins with a writer */
    void (*init)(struct writer *w);
    /* is_again: it was open before this part. */
    void (*open)(struct writer *w, uint32_t event, bool is_again);
    void (*close)(struct writer *w, uint32_t open);
    void (*empty)(struct writer *w, uint32_t event);
    void (*words)(struct writer *w, struct span words);
    size_t (*tail)(const struct writer *w, uint32_t open);
};
extern const struct writer_kind writer_plain, writer_markdown, writer_html;

struct writer *writer_new(const struct doc *d, enum text_form form, struct doc_at from, struct buf *out);
/* writer_take takes event, or of words the bytes from `from` to `to`. */
void writer_take(struct writer *w, uint32_t event, uint32_t from, uint32_t to);
void writer_free(struct writer *w);

#endif
