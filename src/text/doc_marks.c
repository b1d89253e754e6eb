/*
 * Decides which marks of emphasis Markdown can say. By CommonMark's rule a mark opens only where a word begins
 * and closes only where one ends ("flanking"): a**"b"**c shows asterisks. Versions of it disagree on whether
 * symbols are punctuation, so what counts here is right by both.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/doc.h"
#include <stdlib.h>
#include <unictype.h>

enum { MARKS = HTML_STRONG | HTML_EM | HTML_STRIKE };

static bool is_space(uint32_t c)
{
    return c <= 32 || c == 160 || uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Zs);
}

static bool is_punctuation(uint32_t c)
{
    if (c < 128)
        return c > 32 && !(c >= '0' && c <= '9') && !((c | 32) >= 'a' && (c | 32) <= 'z');
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_P);
}

static bool may_be_punctuation(uint32_t c)
{
    return is_punctuation(c) || uc_is_general_category_withtable(c, UC_CATEGORY_MASK_S);
}

/* inside and outside are the characters on either side of the mark. */
static bool can_stand(uint32_t inside, uint32_t outside)
{
    return !is_space(inside) && (!may_be_punctuation(inside) || is_space(outside) || is_punctuation(outside));
}

static uint32_t first_of(struct span s)
{
    uint32_t c;

    return utf8_read(s.p, s.n, &c) ? c : UTF8_REPLACEMENT;
}

static uint32_t last_of(struct span s)
{
    size_t at = s.n - 1;

    while (at > 0 && s.n - at < 4 && (s.p[at] & 0xc0) == 0x80)
        at--;
    return first_of((struct span){s.p + at, s.n - at});
}

/* How an event looks in Markdown, seen from before or from behind it; 0: it is not seen. */
static uint32_t look(const struct doc *d, const struct doc_event *e, bool is_behind)
{
    if (e->kind == DOC_TEXT) {
        struct span words = {d->text.p + e->at, e->n};
        return is_behind ? last_of(words) : first_of(words);
    }
    unsigned flags = e->element->flags;
    if (flags & (HTML_BLOCK | HTML_BREAK))
        return '\n';
    if (flags & HTML_CODE)
        return '`';
    if (flags & HTML_STRIKE)
        return '~';
    if (flags & HTML_SAID)
        return '"';
    if (flags & HTML_IMAGE)
        return is_behind ? ')' : '!';
    if (flags & HTML_LINK)
        return (e->kind == DOC_OPEN) == is_behind ? '[' : is_behind ? ')' : '[';
    return 0;
}

static unsigned length_of(const struct doc_event *e)
{
    return e->element->flags & HTML_STRONG ? 2 : e->element->flags & HTML_EM ? 1 : 0;
}

/* Asterisks that stand together, some of which close: of more than three nobody knows what they mean. */
struct run {
    unsigned n;
    bool has_close;
};

static void add_mark(struct run *run, struct doc_event *open, bool is_close)
{
    if (!is_close && run->has_close && run->n + length_of(open) > 3)
        open->is_marked = false;
    if (!open->is_marked)
        return;
    run->n += length_of(open);
    run->has_close |= is_close;
}

/* ---- Fences ---- */

static uint8_t longest_run(const struct doc *d, uint32_t open, char c)
{
    unsigned longest = 0, n = 0;

    for (uint32_t i = open; i < d->event[open].pair; i++)
        for (uint32_t at = 0; d->event[i].kind == DOC_TEXT && at < d->event[i].n; at++) {
            n = d->text.p[d->event[i].at + at] == c ? n + 1 : 0;
            longest = n > longest ? n : longest;
        }
    return longest < UINT8_MAX ? (uint8_t)longest : UINT8_MAX;
}

/* Found out once: code that goes through many parts has its fence in each. */
static void mark_code(struct doc *d)
{
    for (uint32_t i = 0; i < d->event_n; i++) {
        struct doc_event *e = &d->event[i];
        if (e->kind != DOC_OPEN || !(e->element->flags & (HTML_PRE | HTML_CODE)))
            continue;
        e->tick_n = longest_run(d, i, '`');
        e->tilde_n = longest_run(d, i, '~');
        i = e->pair;
    }
}

/* ---- Marks ---- */

static void mark_words(struct doc *d)
{
    uint32_t *next = mem_calloc((size_t)d->event_n + 1, sizeof *next), last = '\n';
    struct run run = {0};

    next[d->event_n] = '\n';
    for (uint32_t i = d->event_n; i-- > 0;) {
        uint32_t c = look(d, &d->event[i], false);
        next[i] = c ? c : next[i + 1];
    }
    for (uint32_t i = 0; i < d->event_n; i++) {
        struct doc_event *e = &d->event[i];
        bool is_mark = e->element && (e->element->flags & MARKS) && e->kind != DOC_EMPTY;
        if (is_mark && e->kind == DOC_OPEN)
            e->is_marked = can_stand(next[i + 1], last);
        else if (is_mark && !can_stand(last, next[i + 1]))
            d->event[e->pair].is_marked = false;
        if (is_mark)
            add_mark(&run, e->kind == DOC_OPEN ? e : &d->event[e->pair], e->kind == DOC_CLOSE);
        uint32_t c = look(d, e, true);
        last = c ? c : last;
        run = c ? (struct run){0} : run;
    }
    free(next);
}

void doc_mark(struct doc *d)
{
    mark_code(d);
    mark_words(d);
}
