/*
 * A document made fit to be cut into short parts: what is around words may take half of one.
 */
#include "base/mem.h"
#include "text/parts.h"
#include "text/split.h"
#include <stdlib.h>
#include <string.h>

struct fit {
    const struct doc *d;
    struct doc *out;
    bool is_html;
    size_t max, used; /* characters that what is open takes */
    bool *is_out;     /* for each open event */
    unsigned break_n; /* since the last words */
    unsigned pre_n;   /* preformatted elements that are open in d and not in out */
    unsigned kept_n;  /* those that are open in both */
};

static size_t cost_of_values(const struct doc *d, const struct doc_event *e)
{
    size_t n = 0;

    for (enum doc_value v = 0; v < DOC_VALUE_N; v++) {
        struct span value = doc_value(d, e, v);
        n += value.p ? strlen(doc_value_name(v)) + 4 + 6 * value.n : 0;
    }
    return n;
}

static size_t cost_of(const struct fit *f, const struct doc_event *e)
{
    unsigned flags = e->element->flags;
    size_t values = cost_of_values(f->d, e);

    if (f->is_html)
        return 2 * strlen(e->element->name) + 5 + values;
    if (flags & (HTML_LINK | HTML_IMAGE))
        return values;
    return flags & HTML_ITEM      ? 8
           : flags & HTML_HEADING ? 7
           : flags & HTML_PRE     ? 8
           : flags & HTML_QUOTE   ? 2
                                  : 0;
}

static void say(struct fit *f, const char *before, struct span words, const char *after)
{
    doc_words(f->out, span_of(before));
    doc_words(f->out, words);
    doc_words(f->out, span_of(after));
}

/* The line that an element which is left out would have begun or ended. */
static void end_line(struct fit *f, const struct doc_event *e)
{
    const struct doc *d = f->out;
    const struct doc_event *last = d->event_n ? &d->event[d->event_n - 1] : NULL;
    bool is_ended = !last || (last->element && (last->element->flags & (HTML_BLOCK | HTML_BREAK)));

    if (!is_ended && (e->element->flags & (HTML_LINE | HTML_PARAGRAPH)))
        doc_empty(f->out, html_element_of(SPAN_LIT("br")), SPAN_NONE);
}

static void fit_open(struct fit *f, uint32_t i)
{
    const struct doc_event *e = &f->d->event[i];
    size_t cost = cost_of(f, e);

    f->is_out[i] = f->used + cost > f->max;
    if (f->is_out[i]) {
        end_line(f, e);
        f->pre_n += (e->element->flags & HTML_PRE) != 0;
        return;
    }
    f->used += cost;
    f->kept_n += (e->element->flags & HTML_PRE) != 0;
    doc_open(f->out, e->element, (struct span){f->d->values.p + e->at, e->n});
}

static void fit_close(struct fit *f, uint32_t open)
{
    const struct doc_event *e = &f->d->event[open];
    struct span url = doc_value(f->d, e, DOC_HREF);

    if (!f->is_out[open]) {
        f->used -= cost_of(f, e);
        f->kept_n -= (e->element->flags & HTML_PRE) != 0;
        doc_close_words(f->out);
    } else if (url.n > 0) {
        say(f, " (", url, ")");
    } else {
        end_line(f, e);
        f->pre_n -= (e->element->flags & HTML_PRE) != 0;
    }
}

/* More than one empty line is air. */
static void fit_empty(struct fit *f, const struct doc_event *e)
{
    bool is_break = e->element->flags & HTML_BREAK;

    f->break_n = is_break ? f->break_n + 1 : 0;
    if (f->break_n > 2)
        return;
    if ((e->element->flags & HTML_IMAGE) && f->used + cost_of(f, e) > f->max)
        say(f, "", doc_value(f->d, e, DOC_ALT), "");
    else
        doc_empty(f->out, e->element, (struct span){f->d->values.p + e->at, e->n});
}

void doc_fit(const struct doc *d, unsigned forms, size_t max, struct doc *out)
{
    struct fit f = {.d = d, .out = out, .is_html = forms & (1u << TEXT_HTML), .max = max / 2};

    f.is_out = mem_calloc((size_t)d->event_n + 1, sizeof *f.is_out);
    for (uint32_t i = 0; i < d->event_n; i++) {
        const struct doc_event *e = &d->event[i];
        f.break_n = e->kind == DOC_TEXT ? 0 : f.break_n;
        if (e->kind == DOC_TEXT)
            (f.pre_n > 0 && f.kept_n == 0 ? doc_lines : doc_words)(out,
                                                                   (struct span){d->text.p + e->at, e->n});
        else if (e->kind == DOC_OPEN)
            fit_open(&f, i);
        else if (e->kind == DOC_CLOSE)
            fit_close(&f, e->pair);
        else
            fit_empty(&f, e);
    }
    free(f.is_out);
    doc_finish(out);
}
