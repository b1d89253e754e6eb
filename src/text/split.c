/*
 * Decides where a part ends. One walk writes all forms word by word until one is too long, and keeps the last place of
 * each kind to cut at; the best of these is taken. Only where no word fits it goes by grapheme clusters, and where none
 * of these does, by code points.
 */
#include "text/split.h"
#include "base/mem.h"
#include "text/parts.h"
#include "text/writer.h"
#include <stdlib.h>
#include <string.h>

enum grain { GRAIN_WORD, GRAIN_GRAPHEME, GRAIN_POINT };
/* In the order of how good a place to cut they are. */
enum gap { GAP_NONE, GAP_POINT, GAP_WORD, GAP_SENTENCE, GAP_LINE, GAP_PARAGRAPH, GAP_N };

/* What is taken at once, and the place before it. */
struct step {
    uint32_t event, from, to; /* as writer_take */
    enum gap gap;             /* GAP_NONE: it cannot be cut here */
    struct cut cut;
};

/* A form that is written to see how far it fits. */
struct pen {
    struct writer *writer; /* NULL: it is not wanted */
    struct buf out;
    size_t counted_bytes, characters;
    bool is_full;
    struct cut cut; /* the last one at which it fitted */
    bool has_cut;
};

struct walk {
    const struct splitter *s;
    struct doc_at from;
    enum grain grain;
    enum gap gap;     /* since the last words */
    unsigned breaks;  /* line breaks since then */
    struct cut place; /* a cut before the next words; line breaks are dropped too */
    bool has_end, has_next;
    unsigned pre_n;
    uint32_t text_at; /* in the document's text */

    struct pen pen[TEXT_FORM_N];
    const struct pen *full; /* the first of those that are full, if any is */
    struct cut cut[GAP_N];  /* the last of each kind */
    size_t at[GAP_N], n;    /* bytes of words before it; so far */
    size_t last_at;         /* before the last of all */
};

static bool is_before(struct doc_at a, struct doc_at b)
{
    return a.event < b.event || (a.event == b.event && a.offset < b.offset);
}

static unsigned pre_around(const struct doc *d, uint32_t event)
{
    unsigned n = 0;

    for (uint32_t e = event < d->event_n ? d->event[event].parent : DOC_NONE; e != DOC_NONE;
         e = d->event[e].parent)
        n += (d->event[e].element->flags & HTML_PRE) != 0;
    return n;
}

/* ---- How far it fits ---- */

static void take_pens(struct walk *w)
{
    for (enum text_form f = 0; f < TEXT_FORM_N; f++) {
        struct pen *pen = &w->pen[f];
        buf_init(&pen->out, 8 * w->s->max + 65536);
        if (w->s->forms & (1u << f))
            pen->writer = writer_new(w->s->d, f, w->from, &pen->out);
    }
}

static void drop_pens(struct walk *w)
{
    for (enum text_form f = 0; f < TEXT_FORM_N; f++) {
        if (w->pen[f].writer)
            writer_free(w->pen[f].writer);
        buf_fini(&w->pen[f].out);
    }
}

static void write_form(struct pen *pen, const struct step *s, size_t max)
{
    if (s->gap != GAP_NONE) {
        pen->cut = s->cut;
        pen->has_cut = true;
    }
    writer_take(pen->writer, s->event, s->from, s->to);
    struct span all = buf_span(&pen->out);
    struct span new = {all.p + pen->counted_bytes, all.n - pen->counted_bytes};
    pen->characters += text_characters(new);
    pen->counted_bytes = all.n;
    pen->is_full = pen->out.is_over || pen->characters + pen->writer->tail > max;
}

/* False once all forms are full. */
static bool write_step(struct walk *w, const struct step *s)
{
    bool has_room = false;

    w->full = NULL;
    for (enum text_form f = TEXT_FORM_N; f-- > 0;) {
        struct pen *pen = &w->pen[f];
        if (pen->writer && !pen->is_full)
            write_form(pen, s, w->s->max);
        w->full = pen->is_full ? pen : w->full;
        has_room |= pen->writer && !pen->is_full;
    }
    return has_room;
}

/*
 * Once a form is full, the walk goes on to the next cut: the others may be full before it too, and how good a cut is
 * depends on how long the word is that did not fit. False: enough.
 */
static bool on_step(struct walk *w, const struct step *s)
{
    if (w->full && s->gap != GAP_NONE && is_before(w->full->cut.end, s->cut.end))
        return false;
    if (s->gap != GAP_NONE) {
        w->cut[s->gap] = s->cut;
        w->at[s->gap] = w->last_at = w->n;
    }
    w->n += s->to - s->from;
    bool goes_on = write_step(w, s);
    /* No cut before the next words is as far, or as good. */
    bool is_decided = !goes_on && w->s->d->event[s->event].kind == DOC_TEXT && w->n > 4 * w->last_at;
    return (goes_on || (w->full && w->full->has_cut)) && !is_decided;
}

/* ---- The places ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == HTML_KEPT_SPACE || c == HTML_KEPT_TAB;
}

static bool is_continued(char c)
{
    return (c & 0xc0) == 0x80;
}

/* By a mark after which no space is written. */
static bool ends_wide_sentence(struct span s)
{
    static const char *const wide[] = {"\xe3\x80\x82", "\xef\xbc\x81", "\xef\xbc\x9f"}; /* 。！？ */

    for (size_t i = 0; i < ARRAY_LEN(wide); i++)
        if (s.n >= 3 && memcmp(s.p + s.n - 3, wide[i], 3) == 0)
            return true;
    return false;
}

/* Danger: it looks back over all brackets and quotation marks. Asked before white space only, it sees each once. */
static bool ends_sentence(struct span s)
{
    if (ends_wide_sentence(s))
        return true;
    while (s.n > 1 && strchr(")]\"'", s.p[s.n - 1]))
        s.n--;
    return (s.n > 0 && strchr(".!?", s.p[s.n - 1])) ||
           (s.n >= 3 && memcmp(s.p + s.n - 3, "\xe2\x80\xa6", 3) == 0); /* … */
}

static enum gap gap_of_space(const struct walk *w, struct span before, char space)
{
    if (space == '\n' && w->pre_n > 0)
        return before.n > 0 && before.p[before.n - 1] == '\n' ? GAP_PARAGRAPH : GAP_LINE;
    return ends_sentence(before) ? GAP_SENTENCE : GAP_WORD;
}

/* What can be cut inside words, at this byte of them. */
static enum gap gap_at(const struct walk *w, const struct doc_event *e, uint32_t at)
{
    const char *p = w->s->d->text.p + e->at;
    struct span before = {p, at};

    if (at == 0 || is_continued(p[at]))
        return GAP_NONE;
    if (is_space(p[at]))
        return gap_of_space(w, before, p[at]);
    if (ends_wide_sentence(before))
        return GAP_SENTENCE;
    if (w->grain == GRAIN_WORD || (w->grain == GRAIN_GRAPHEME && !w->s->breaks[e->at + at]))
        return GAP_NONE;
    return GAP_POINT;
}

static bool is_cluster_start(const struct walk *w, const struct doc_event *e)
{
    return w->grain == GRAIN_POINT || (w->grain == GRAIN_GRAPHEME && w->s->breaks[e->at]);
}

/* Before the first words of an event. */
static enum gap gap_before(const struct walk *w, const struct doc_event *e)
{
    if (w->gap != GAP_NONE || e->kind != DOC_TEXT)
        return w->gap == GAP_NONE ? GAP_WORD : w->gap;
    if (is_space(w->s->d->text.p[e->at]))
        return GAP_WORD;
    return is_cluster_start(w, e) ? GAP_POINT : GAP_NONE;
}

static bool take(struct walk *w, uint32_t event, uint32_t from, uint32_t to, enum gap gap, struct cut cut)
{
    struct step s = {.event = event, .from = from, .to = to, .gap = gap, .cut = cut};

    if (!is_before(w->from, cut.end))
        s.gap = GAP_NONE; /* the part would be empty */
    return on_step(w, &s);
}

static struct cut cut_at(uint32_t event, uint32_t offset)
{
    return (struct cut){{event, offset}, {event, offset}};
}

/* The cut before an event's words, after what has come since the words before. */
static struct cut cut_before(const struct walk *w, uint32_t event)
{
    struct cut cut = cut_at(event, 0);

    if (w->has_end)
        cut.end = w->place.end;
    if (w->has_next)
        cut.next = w->place.next;
    return cut;
}

static bool walk_words(struct walk *w, uint32_t event, uint32_t from)
{
    const struct doc_event *e = &w->s->d->event[event];
    enum gap gap = from > 0 ? GAP_NONE : gap_before(w, e);
    struct cut cut = from > 0 ? cut_at(event, from) : cut_before(w, event);
    size_t stride =
        3 * w->s->max + 4; /* more bytes than ever fit, so that no word is read to its end in vain */

    for (uint32_t at = from, to; at < e->n; at = to) {
        enum gap next = GAP_NONE;
        for (to = at + 1; to < e->n && to - at < stride && (next = gap_at(w, e, to)) == GAP_NONE;)
            to++;
        if (!take(w, event, at, to, gap, cut))
            return false;
        gap = next;
        cut = cut_at(event, to);
    }
    return true;
}

static enum gap gap_of(const struct html_element *element)
{
    unsigned flags = element->flags;

    if (!(flags & HTML_BLOCK))
        return GAP_NONE;
    return flags & HTML_PARAGRAPH ? GAP_PARAGRAPH : flags & (HTML_CELL | HTML_SECTION) ? GAP_WORD : GAP_LINE;
}

static void widen(struct walk *w, enum gap gap)
{
    w->gap = w->gap > gap ? w->gap : gap;
}

/* After words, or an image: what may come before the next ones is unknown again. */
static void begin_gap(struct walk *w, enum gap gap)
{
    w->gap = gap;
    w->breaks = 0;
    w->has_end = w->has_next = false;
}

static void note_place(struct walk *w, uint32_t event, bool is_break)
{
    struct doc_at here = {event, 0};

    if (!w->has_end)
        w->place.end = here;
    w->has_end = true;
    if (!w->has_next)
        w->place.next = here;
    w->has_next = !is_break;
}

/* Between the words before and those to come, where there is no gap. */
static enum gap gap_inside(const struct walk *w)
{
    bool is_point = w->grain == GRAIN_POINT || (w->grain == GRAIN_GRAPHEME && w->s->breaks[w->text_at]);

    return w->gap == GAP_NONE && is_point ? GAP_POINT : w->gap;
}

/* Items and cells count also without words. */
static bool has_own_place(const struct doc_event *e)
{
    return e->element->flags & (HTML_ITEM | HTML_CELL);
}

/* An event that is no words; false: enough. */
static bool walk_event(struct walk *w, uint32_t event)
{
    const struct doc_event *e = &w->s->d->event[event];
    bool is_break = e->element->flags & HTML_BREAK;
    int step = e->element->flags & HTML_PRE ? (e->kind == DOC_OPEN) - (e->kind == DOC_CLOSE) : 0;

    w->pre_n += (unsigned)step;
    if (e->kind != DOC_CLOSE)
        note_place(w, event, is_break);
    if (is_break)
        widen(w, ++w->breaks > 1 ? GAP_PARAGRAPH : GAP_LINE);
    else
        widen(w, gap_of(e->element));
    if (has_own_place(e) && e->kind == DOC_CLOSE && e->pair + 1 == event)
        begin_gap(w, w->gap);
    if (e->kind == DOC_CLOSE)
        return take(w, event, 0, e->n, GAP_NONE, cut_at(event, 0));
    if (e->kind == DOC_OPEN || is_break)
        return take(w, event, 0, e->n, gap_inside(w), cut_before(w, event));
    bool goes_on = take(w, event, 0, e->n, gap_before(w, e), cut_before(w, event));
    begin_gap(w, gap_of(e->element) > GAP_WORD ? gap_of(e->element) : GAP_WORD);
    return goes_on;
}

/* Goes through a document from a place on, until on_step has enough. */
static void walk(struct walk *w)
{
    const struct doc *d = w->s->d;

    w->pre_n = pre_around(d, w->from.event);
    for (uint32_t i = w->from.event; i < d->event_n; i++) {
        if (d->event[i].kind != DOC_TEXT) {
            if (!walk_event(w, i))
                return;
            continue;
        }
        if (!walk_words(w, i, i == w->from.event ? w->from.offset : 0))
            return;
        w->text_at = d->event[i].at + d->event[i].n;
        begin_gap(w, GAP_NONE);
    }
}

/* ---- The best cut ---- */

/* A good place counts if it leaves at least half of what would fit. */
static struct cut choose(const struct walk *w)
{
    for (int gap = GAP_PARAGRAPH; gap > GAP_WORD; gap--)
        if (w->at[gap] > 0 && w->at[gap] * 2 >= w->n)
            return w->cut[gap];
    return w->at[GAP_WORD] > 0 && w->at[GAP_WORD] * 4 >= w->n ? w->cut[GAP_WORD] : w->full->cut;
}

/* White space at the cut is dropped; in code all but one are meant. */
static struct cut without_spaces(const struct doc *d, struct cut cut)
{
    uint32_t event = cut.next.event, from = cut.next.offset, at = from;

    if (d->event[event].kind != DOC_TEXT)
        return cut;
    const struct doc_event *e = &d->event[event];
    bool is_pre = pre_around(d, event) > 0;
    while (at < e->n && is_space(d->text.p[e->at + at]) && (!is_pre || at == from))
        at++;
    cut.next.offset = at;
    if (at < e->n)
        return cut;
    for (event++; event < d->event_n && d->event[event].kind == DOC_CLOSE;)
        event++;
    cut.next = (struct doc_at){event, 0};
    return cut;
}

enum err split_next(const struct splitter *s, struct doc_at from, struct cut *out, bool *is_last)
{
    for (enum grain grain = GRAIN_WORD; grain <= GRAIN_POINT; grain++) {
        struct walk w = {.s = s, .from = from, .grain = grain};
        take_pens(&w);
        walk(&w);
        drop_pens(&w);
        if (w.full && !w.full->has_cut)
            continue;
        *is_last = !w.full;
        *out = w.full ? without_spaces(s->d, choose(&w)) : (struct cut){DOC_AT_END, DOC_AT_END};
        return OK;
    }
    return ERR_LIMIT;
}
