/*
 * Decides how a document lies in memory, and puts its last touches: items that hold one paragraph hold its
 * words, and those of numbered lists know their number. It knows nothing of where it came from.
 */
#include "text/doc.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

void doc_init(struct doc *d, size_t source_n)
{
    *d = (struct doc){.inner = DOC_NONE};
    buf_init(&d->text, 2 * source_n + 1024);
    buf_init(&d->values, 2 * source_n + 1024);
}

void doc_fini(struct doc *d)
{
    buf_fini(&d->text);
    buf_fini(&d->values);
    free(d->event);
    *d = (struct doc){0};
}

bool doc_is_full(const struct doc *d)
{
    return d->event_n >= DOC_EVENTS_MAX;
}

bool doc_is_empty(const struct doc *d)
{
    for (uint32_t i = 0; i < d->event_n; i++)
        if (d->event[i].kind == DOC_TEXT ||
            (d->event[i].kind == DOC_EMPTY && !(d->event[i].element->flags & HTML_BREAK)))
            return false;
    return true;
}

static struct doc_event *add(struct doc *d, enum doc_kind kind)
{
    if (d->event_n == d->event_cap) {
        d->event_cap = d->event_cap ? d->event_cap * 2 : 16;
        d->event = mem_realloc(d->event, d->event_cap * sizeof *d->event);
    }
    struct doc_event *e = &d->event[d->event_n++];
    *e = (struct doc_event){.kind = (uint8_t)kind, .parent = d->inner, .pair = DOC_NONE};
    return e;
}

static void add_values(struct doc *d, struct doc_event *e, struct span values)
{
    e->at = (uint32_t)d->values.n;
    buf_add_span(&d->values, values);
    e->n = (uint32_t)d->values.n - e->at;
}

void doc_open(struct doc *d, const struct html_element *element, struct span values)
{
    struct doc_event *e = add(d, DOC_OPEN);

    e->element = element;
    add_values(d, e, values);
    d->inner = d->event_n - 1;
}

void doc_close(struct doc *d)
{
    uint32_t open = d->inner;

    must(open != DOC_NONE);
    d->inner = d->event[open].parent;
    struct doc_event *e = add(d, DOC_CLOSE);
    e->element = d->event[open].element;
    e->pair = open;
    d->event[open].pair = d->event_n - 1;
}

void doc_close_words(struct doc *d)
{
    uint32_t open = d->inner;
    bool is_void = open + 1 == d->event_n && !(d->event[open].element->flags & (HTML_ITEM | HTML_CELL));

    if (!is_void) {
        doc_close(d);
        return;
    }
    d->inner = d->event[open].parent;
    d->event_n--;
}

void doc_empty(struct doc *d, const struct html_element *element, struct span values)
{
    struct doc_event *e = add(d, DOC_EMPTY);

    e->element = element;
    add_values(d, e, values);
}

void doc_words(struct doc *d, struct span words)
{
    size_t before = d->text.n;

    buf_add_span(&d->text, words);
    if (d->text.n == before)
        return;
    struct doc_event *last = d->event_n ? &d->event[d->event_n - 1] : NULL;
    if (!last || last->kind != DOC_TEXT) {
        last = add(d, DOC_TEXT);
        last->at = (uint32_t)before;
    }
    last->n = (uint32_t)d->text.n - last->at;
}

/* ---- Values: a byte for which, the value, a NUL ---- */

struct span doc_value(const struct doc *d, const struct doc_event *e, enum doc_value which)
{
    for (size_t at = 0, n; at < e->n; at += n + 2) {
        const char *p = d->values.p + e->at + at;
        n = strlen(p + 1);
        if (*p == (char)(which + 1))
            return (struct span){p + 1, n};
    }
    return SPAN_NONE;
}

/* ---- The last touches ---- */

static bool is_open(const struct doc *d, uint32_t i, unsigned flags)
{
    return i < d->event_n && d->event[i].kind == DOC_OPEN && (d->event[i].element->flags & flags);
}

static bool is_paragraph(const struct doc *d, uint32_t i)
{
    return is_open(d, i, HTML_PARAGRAPH) && strcmp(d->event[i].element->name, "p") == 0;
}

/* The one paragraph of an item that else holds blocks: as white space it says more than was meant. DOC_NONE: there is none. */
static uint32_t needless_of(const struct doc *d, uint32_t item)
{
    uint32_t found = DOC_NONE;

    for (uint32_t at = item + 1; at < d->event[item].pair; at++) {
        const struct doc_event *e = &d->event[at];
        if (!e->element || !(e->element->flags & HTML_BLOCK) || (is_paragraph(d, at) && found != DOC_NONE))
            return DOC_NONE;
        found = is_paragraph(d, at) ? at : found;
        at = e->kind == DOC_OPEN ? e->pair : at;
    }
    return found;
}

/* A block that holds nothing but spaces written to stay, as editors make them of an empty line. */
static bool is_blank(const struct doc *d, uint32_t i)
{
    const struct doc_event *e = &d->event[i];

    if (e->kind != DOC_TEXT || i == 0 || !is_open(d, i - 1, HTML_BLOCK) || is_open(d, i - 1, HTML_PRE) ||
        d->event[i - 1].pair != i + 1)
        return false;
    for (uint32_t at = 0; at < e->n; at++)
        if (d->text.p[e->at + at] != HTML_KEPT_SPACE)
            return false;
    return true;
}

/* Takes out what is needless; to[i] is where event i goes, or, of one that goes out, what is around it and stays. */
static void compact(struct doc *d)
{
    uint32_t *to = mem_calloc((size_t)d->event_n + 1, sizeof *to), n = 0;
    bool *is_out = mem_calloc((size_t)d->event_n + 1, sizeof *is_out);

    for (uint32_t i = 0; i < d->event_n; i++) {
        struct doc_event *e = &d->event[i];
        uint32_t needless = is_open(d, i, HTML_ITEM) ? needless_of(d, i) : DOC_NONE;
        if (needless != DOC_NONE)
            is_out[needless] = is_out[d->event[needless].pair] = true;
        if (!is_blank(d, i))
            continue;
        is_out[i] = is_open(d, i - 1, HTML_CELL);
        e->kind = DOC_EMPTY;
        e->element = html_element_of(SPAN_LIT("br"));
        e->n = 0;
    }
    for (uint32_t i = 0; i < d->event_n; i++) {
        to[i] = is_out[i] ? d->event[i].parent : n;
        n += !is_out[i];
    }
    for (uint32_t i = 0; i < d->event_n; i++) {
        struct doc_event e = d->event[i];
        if (is_out[i])
            continue;
        if (e.parent != DOC_NONE && is_out[e.parent])
            e.parent = to[e.parent];
        e.parent = e.parent == DOC_NONE ? DOC_NONE : to[e.parent];
        e.pair = e.pair == DOC_NONE ? DOC_NONE : to[e.pair];
        d->event[to[i]] = e;
    }
    d->event_n = n;
    free(to);
    free(is_out);
}

/* Items that hold paragraphs stand apart. */
static bool is_loose(const struct doc *d, uint32_t list)
{
    for (uint32_t i = list + 1; i < d->event[list].pair; i++) {
        if (is_paragraph(d, i))
            return true;
        if (d->event[i].kind == DOC_OPEN && !is_open(d, i, HTML_ITEM))
            i = d->event[i].pair;
    }
    return false;
}

static void number_items(struct doc *d)
{
    uint32_t *next = mem_calloc((size_t)d->event_n + 1, sizeof *next); /* of each list */
    uint64_t start;

    for (uint32_t i = 0; i < d->event_n; i++) {
        struct doc_event *e = &d->event[i];
        bool has_start = is_open(d, i, HTML_NUMBERED) && span_u64(doc_value(d, e, DOC_START), &start);
        if (is_open(d, i, HTML_LIST))
            e->is_loose = is_loose(d, i);
        if (is_open(d, i, HTML_NUMBERED))
            next[i] = has_start ? (uint32_t)start : 1;
        else if (is_open(d, i, HTML_ITEM) && e->parent != DOC_NONE && is_open(d, e->parent, HTML_NUMBERED))
            e->number = next[e->parent]++;
    }
    free(next);
}

void doc_finish(struct doc *d)
{
    while (d->inner != DOC_NONE)
        doc_close(d);
    compact(d);
    number_items(d);
    doc_mark(d);
}
