/*
 * Decides where lines end and what stands before them.
 */
#include "text/lines.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

void lines_init(struct lines *l)
{
    l->code = DOC_NONE;
    l->label_at = SIZE_MAX;
    l->is_line_start = true;
}

static bool is_waiting(const struct lines *l)
{
    return l->level_n > 0 && !l->level[l->level_n - 1].is_begun;
}

void lines_owe(struct lines *l, unsigned breaks)
{
    if (l->cells > 0 || is_waiting(l))
        return; /* the next words stand beside the mark, or beside the cell before */
    if (l->is_markdown && l->heading_n > 0) {
        l->owes_space = true; /* it has one line */
        return;
    }
    if (l->breaks < breaks) {
        l->breaks = breaks;
        l->is_gap = breaks == 2;
    }
    l->owes_space = false;
}

size_t lines_prefix(const struct lines *l)
{
    size_t n = 0;

    for (unsigned i = 0; i < l->level_n; i++)
        n += strlen(l->level[i].mark);
    return n;
}

/* What the first n levels have before a line that is not their first. */
static void add_prefix(struct lines *l, unsigned n, bool is_blank)
{
    size_t kept = l->w.out->n;

    for (unsigned i = 0; i < n; i++) {
        const struct level *v = &l->level[i];
        if (v->is_quote)
            buf_add_str(l->w.out, v->mark);
        else
            buf_addf(l->w.out, "%*s", (int)strlen(v->mark), "");
        if (v->is_quote)
            kept = l->w.out->n - 1;
    }
    if (is_blank && !l->w.out->is_over)
        buf_cut(l->w.out, kept);
}

static void add_marks(struct lines *l, unsigned from)
{
    for (unsigned i = from; i < l->level_n; i++) {
        struct level *v = &l->level[i];
        buf_add_str(l->w.out, v->mark);
        v->is_begun = true;
    }
}

static void add_cells(struct lines *l)
{
    const char *mark = l->has_row_words ? " | " : "| ";

    for (; l->cells > 0; l->cells--)
        buf_add_str(l->w.out, mark);
}

/* A break inside a paragraph has to be told from one that only wraps the line. */
static bool is_hard(const struct lines *l, bool is_flowing)
{
    return l->is_markdown && is_flowing && l->has_words && l->breaks == 1 && l->low == l->level_n &&
           l->words_level_n == l->level_n;
}

static unsigned first_waiting(const struct lines *l)
{
    unsigned n = l->level_n;

    while (n > 0 && !l->level[n - 1].is_begun)
        n--;
    return n;
}

void lines_pay(struct lines *l, bool is_flowing)
{
    unsigned breaks = l->has_words ? l->breaks : 0, waiting = first_waiting(l);

    if (l->is_markdown && breaks > 2)
        breaks = 2;
    if (is_hard(l, is_flowing))
        buf_add_str(l->w.out, "  ");
    for (unsigned i = 0; i < breaks; i++) {
        buf_add_char(l->w.out, '\n');
        add_prefix(l, i + 1 < breaks && l->low < waiting ? l->low : waiting, i + 1 < breaks);
    }
    if (!l->has_words)
        add_prefix(l, waiting, false);
    if (waiting < l->level_n || breaks > 0 || !l->has_words)
        l->is_line_start = true;
    add_marks(l, waiting);
    l->has_cell_lines |= breaks > 0 && l->has_row_words;
    if (l->cells > 0)
        add_cells(l);
    else if (l->owes_space && !l->is_line_start)
        buf_add_char(l->w.out, ' ');
    l->breaks = 0;
    l->owes_space = false;
    l->has_words = l->has_row_words = true;
    l->low = l->level_n;
    l->words_level_n = is_flowing ? l->level_n : DOC_NONE;
}

void lines_newline(struct lines *l)
{
    buf_add_char(l->w.out, '\n');
    add_prefix(l, l->level_n, false);
    l->is_line_start = true;
}

void lines_add(struct lines *l, struct span words)
{
    for (size_t i = 0; i < words.n; i++) {
        char c = words.p[i];
        buf_add_char(l->w.out, c == HTML_KEPT_SPACE ? ' ' : c == HTML_KEPT_TAB ? '\t' : c);
    }
}

void lines_begin_words(struct lines *l)
{
    l->is_line_start = false;
    if (l->label_at == SIZE_MAX)
        l->label_at = l->w.out->n;
}

/* ---- Links in words ---- */

/* Whether the words say the same as the target: a number however it is grouped, an address without its scheme. */
static bool is_same(struct span label, struct span target)
{
    static const char *const schemes[] = {
        "", "https://", "http://", "mailto:", "tel:", "https://www.", "http://www."};

    for (size_t s = 0; s < ARRAY_LEN(schemes); s++) {
        size_t i = strlen(schemes[s]), at = 0;
        if (!span_starts(target, schemes[s]))
            continue;
        while (at < label.n && i < target.n && label.p[at] == target.p[i])
            at++, i++;
        if (at == label.n && (i == target.n || (i + 1 == target.n && target.p[i] == '/')))
            return true;
    }
    return false;
}

static struct span digits_of(struct span s, char out[32])
{
    size_t n = 0;

    for (size_t i = 0; i < s.n && n < 31; i++)
        if ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '+')
            out[n++] = s.p[i];
    return (struct span){out, n};
}

static bool is_number(struct span label, struct span target)
{
    char a[32], b[32];

    return span_starts(target, "tel:") && label.n > 0 && span_eq(digits_of(label, a), digits_of(target, b));
}

/* As people write it: of mail the address alone. */
static struct span shown_target(struct span url)
{
    if (!span_starts(url, "mailto:"))
        return url;
    struct span mail = {url.p + 7, url.n - 7};
    const char *end = memchr(mail.p, '?', mail.n);
    return (struct span){mail.p, end ? (size_t)(end - mail.p) : mail.n};
}

static struct span label_of(const struct lines *l)
{
    struct span all = buf_span(l->w.out), label = {all.p, 0};

    if (l->label_at < all.n)
        label = (struct span){all.p + l->label_at, all.n - l->label_at};
    while (label.n > 0 && *label.p == ' ')
        label = (struct span){label.p + 1, label.n - 1};
    return label;
}

void lines_end_link(struct lines *l, struct span url)
{
    struct span label = label_of(l);

    l->label_at = 0;
    if (url.n == 0 || is_same(label, url) || is_number(label, url))
        return;
    if (label.n == 0)
        lines_pay(l, true);
    buf_add_str(l->w.out, label.n > 0 ? " (" : "");
    buf_add_span(l->w.out, shown_target(url));
    buf_add_str(l->w.out, label.n > 0 ? ")" : "");
    l->is_line_start = false;
}

/* ---- Elements ---- */

static void push(struct lines *l, const struct level *v)
{
    if (l->level_n < LEVELS_MAX)
        l->level[l->level_n++] = *v;
    else
        l->deep_n++;
}

static void pop(struct lines *l)
{
    if (l->deep_n > 0) {
        l->deep_n--;
        return;
    }
    l->level_n--;
    if (l->low > l->level_n)
        l->low = l->level_n;
}

static void open_item(struct lines *l, const struct doc_event *e, bool is_again)
{
    static const char bullets[] = "-*+";
    bool is_other = l->list_n > 0 && l->list[l->list_n - 1].is_other;
    unsigned bullet = l->is_markdown ? (l->list_n + 2 + 2 * is_other) % 3 : 0;
    bool is_numbered = e->parent != DOC_NONE && (l->w.d->event[e->parent].element->flags & HTML_NUMBERED);
    struct level v = {.is_begun = is_again};

    if (is_again)
        v.mark[0] = '\0'; /* it was in an earlier part; then there is no room for it either */
    else if (is_numbered)
        snprintf(v.mark, sizeof v.mark, "%u%c ", e->number, l->is_markdown && is_other ? ')' : '.');
    else
        snprintf(v.mark, sizeof v.mark, "%c ", bullets[bullet]);
    push(l, &v);
}

static bool ended_list(const struct lines *l, uint32_t event)
{
    const struct doc_event *before = event > 0 ? &l->w.d->event[event - 1] : NULL;

    return before && before->kind == DOC_CLOSE && (before->element->flags & HTML_LIST);
}

/* In Markdown some lists would not be seen as such right below words. */
static bool needs_air(const struct lines *l, uint32_t event)
{
    const struct doc_event *e = &l->w.d->event[event];
    bool is_empty = event + 2 < l->w.d->event_n && e[1].kind == DOC_OPEN && e[2].kind == DOC_CLOSE;

    return l->is_markdown && (is_empty || ((e->element->flags & HTML_NUMBERED) && e[1].number != 1));
}

static void open_list(struct lines *l, uint32_t event, bool is_again)
{
    if (!is_again)
        lines_owe(l, l->list_n > 0 && !needs_air(l, event) ? 1 : 2);
    l->list[l->list_n++] = (struct list){.is_other = ended_list(l, event) && !l->was_other,
                                         .is_loose = l->w.d->event[event].is_loose};
}

static bool is_last_of_item(const struct lines *l, uint32_t open)
{
    const struct doc_event *next = &l->w.d->event[l->w.d->event[open].pair + 1];

    return next->element && (next->element->flags & (next->kind == DOC_CLOSE ? HTML_ITEM : HTML_LIST));
}

static void close_list(struct lines *l, uint32_t open)
{
    l->was_other = l->list[--l->list_n].is_other;
    lines_owe(l, l->list_n > 0 && (!l->is_markdown || is_last_of_item(l, open)) ? 1 : 2);
}

static void open_cell(struct lines *l)
{
    if (l->cell_n++ == 0)
        return;
    if (l->has_cell_lines) {
        lines_owe(l, 1);
        l->has_cell_lines = false;
        return;
    }
    if (l->has_row_words)
        l->breaks = 0;
    l->cells++;
    l->owes_space = false;
}

static void open_row(struct lines *l)
{
    l->cell_n = l->cells = 0;
    l->has_row_words = l->has_cell_lines = false;
}

static void open_heading(struct lines *l, const struct html_element *element)
{
    struct level v = {0};

    if (!l->is_markdown || l->heading_n++ > 0)
        return;
    snprintf(v.mark, sizeof v.mark, "%.*s ", element->name[1] - '0', "######");
    push(l, &v);
}

static void close_heading(struct lines *l)
{
    if (!l->is_markdown || --l->heading_n > 0)
        return;
    pop(l);
    l->owes_space = false;
}

/* In plain text items stand together, whatever is in them. */
static void owe_item(struct lines *l, uint32_t event)
{
    const struct doc_event *e = &l->w.d->event[event];
    bool is_first = event > 0 && event - 1 == e->parent;
    bool is_loose = l->is_markdown && l->list_n > 0 && l->list[l->list_n - 1].is_loose;

    if (!is_first && !is_waiting(l))
        l->breaks = 1;
    lines_owe(l, is_loose && !is_first ? 2 : 1);
}

/* What is in an item of a tight list would make it a loose one if it stood apart. */
static bool is_tight(const struct lines *l, uint32_t parent)
{
    return l->is_markdown && parent != DOC_NONE && (l->w.d->event[parent].element->flags & HTML_ITEM) &&
           l->list_n > 0 && !l->list[l->list_n - 1].is_loose;
}

/* At the edge of a cell: its words are in the row. */
static bool is_at_cell(const struct lines *l, uint32_t event, bool is_end)
{
    const struct doc *d = l->w.d;
    const struct doc_event *e = &d->event[event];

    if (e->parent == DOC_NONE || !(d->event[e->parent].element->flags & HTML_CELL))
        return false;
    return is_end ? e->pair + 1 == d->event[e->parent].pair : e->parent + 1 == event;
}

static void owe_block(struct lines *l, uint32_t event, bool is_end)
{
    const struct doc_event *e = &l->w.d->event[event];
    unsigned flags = e->element->flags, breaks = flags & HTML_PARAGRAPH ? 2 : 1;

    if (is_at_cell(l, event, is_end))
        return;
    if (is_tight(l, e->parent) && !(is_end && (flags & HTML_QUOTE)))
        breaks = 1;
    if (flags & (HTML_LINE | HTML_PARAGRAPH))
        lines_owe(l, breaks);
}

void lines_open(struct lines *l, uint32_t event, bool is_again)
{
    const struct doc_event *e = &l->w.d->event[event];
    unsigned flags = e->element->flags;

    if (flags & HTML_ROW)
        l->cells = 0;
    if (flags & HTML_LIST) {
        open_list(l, event, is_again);
    } else if (flags & HTML_ITEM) {
        owe_item(l, event);
        open_item(l, e, is_again);
    } else {
        owe_block(l, event, false);
    }
    if (flags & HTML_QUOTE)
        push(l, &(struct level){.mark = "> ", .is_quote = true});
    if (flags & HTML_HEADING)
        open_heading(l, e->element);
    if (flags & HTML_ROW)
        open_row(l);
    if (flags & HTML_CELL)
        open_cell(l);
    l->pre_n += (flags & HTML_PRE) != 0;
}

void lines_close(struct lines *l, uint32_t open)
{
    const struct doc_event *e = &l->w.d->event[open];
    unsigned flags = e->element->flags;

    l->pre_n -= (flags & HTML_PRE) != 0;
    if ((flags & HTML_ITEM) && is_waiting(l)) {
        lines_pay(l, false); /* an empty one has its mark */
        buf_cut(l->w.out, l->w.out->n - (l->w.out->n > 0));
    }
    if (flags & HTML_HEADING)
        close_heading(l);
    if (flags & (HTML_QUOTE | HTML_ITEM))
        pop(l);
    if (flags & HTML_LIST)
        close_list(l, open);
    else if (flags & HTML_ROW)
        l->cells = 0;
    if (!(flags & HTML_LIST))
        owe_block(l, open, true);
}

/* The first break between paragraphs is how editors write an empty line there, which is there already. */
void lines_break(struct lines *l)
{
    bool is_known = l->breaks == 2 && l->is_gap;

    if (!is_waiting(l) && !is_known)
        lines_owe(l, l->breaks + 1);
    l->is_gap = false;
}
