/*
 * Runs a writer over a part of a document.
 */
#include "base/mem.h"
#include "text/writer.h"
#include <stdlib.h>

static const struct writer_kind *const kinds[TEXT_FORM_N] = {
    [TEXT_PLAIN] = &writer_plain, [TEXT_MARKDOWN] = &writer_markdown, [TEXT_HTML] = &writer_html};

static void open(struct writer *w, uint32_t event, bool is_again)
{
    w->open[w->open_n++] = event;
    w->kind->open(w, event, is_again);
    w->tail += w->kind->tail(w, event);
}

static void close(struct writer *w)
{
    uint32_t event = w->open[--w->open_n];

    w->tail -= w->kind->tail(w, event);
    w->kind->close(w, event);
}

struct writer *writer_new(const struct doc *d, enum text_form form, struct doc_at from, struct buf *out)
{
    struct writer *w = mem_zalloc(kinds[form]->size);
    uint32_t around[DOC_DEPTH_MAX];
    unsigned n = 0;

    w->d = d;
    w->out = out;
    w->kind = kinds[form];
    w->from = from.event;
    w->kind->init(w);
    for (uint32_t e = from.event < d->event_n ? d->event[from.event].parent : DOC_NONE; e != DOC_NONE;
         e = d->event[e].parent)
        around[n++] = e;
    while (n > 0)
        open(w, around[--n], true);
    return w;
}

void writer_take(struct writer *w, uint32_t event, uint32_t from, uint32_t to)
{
    const struct doc_event *e = &w->d->event[event];

    w->event = event;
    switch ((enum doc_kind)e->kind) {
    case DOC_TEXT:
        if (to > from)
            w->kind->words(w, (struct span){w->d->text.p + e->at + from, to - from});
        return;
    case DOC_OPEN:
        open(w, event, false);
        return;
    case DOC_CLOSE:
        if (w->open_n > 0) /* else the part began at it */
            close(w);
        return;
    case DOC_EMPTY:
        w->kind->empty(w, event);
        return;
    }
}

void writer_free(struct writer *w)
{
    w->is_over = true;
    while (w->open_n > 0)
        close(w);
    free(w);
}

void doc_write(const struct doc *d, enum text_form form, struct doc_at from, struct doc_at to,
               struct buf *out)
{
    struct writer *w = writer_new(d, form, from, out);

    for (uint32_t i = from.event; i < d->event_n && i <= to.event && !out->is_over; i++) {
        uint32_t begin = i == from.event ? from.offset : 0;
        if (i < to.event)
            writer_take(w, i, begin, d->event[i].n);
        else if (to.offset > begin)
            writer_take(w, i, begin, to.offset);
    }
    writer_free(w);
}
