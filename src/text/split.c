/*
 * Decides where a part ends. First it is found out how far all forms fit, by writing them word by word; then the
 * best cut before that is taken. Only where no word fits it goes by grapheme clusters, and where none of these
 * does, by code points.
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
typedef bool step_fn(void *arg, const struct step *s); /* false: enough */

struct walk {
    const struct splitter *s;
    struct doc_at from;
    enum grain grain;
    step_fn *step;
    void *arg;
    enum gap gap;     /* since the last words */
    unsigned breaks;  /* line breaks since then */
    struct cut place; /* a cut before the next words; line breaks are dropped too */
    bool has_end, has_next;
    unsigned pre_n;
    uint32_t text_at; /* in the document's text */
};

static bool is_before(struct doc_at a, struct doc_at b)
{
    return a.event < b.event || (a.event == b.event && a.offset < b.offset);
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

/* The text before s.n ends a sentence; is_wide: by a mark after which no space is written. */
static bool ends_sentence(struct span s, bool *is_wide)
{
    static const char *const wide[] = {"\xe3\x80\x82", "\xef\xbc\x81", "\xef\xbc\x9f"}; /* 。！？ */

    *is_wide = false;
    for (size_t i = 0; i < ARRAY_LEN(wide); i++)
        *is_wide |= s.n >= 3 && memcmp(s.p + s.n - 3, wide[i], 3) == 0;
    while (s.n > 1 && strchr(")]\"'", s.p[s.n - 1]))
        s.n--;
    return *is_wide || (s.n > 0 && strchr(".!?", s.p[s.n - 1])) ||
           (s.n >= 3 && memcmp(s.p + s.n - 3, "\xe2\x80\xa6", 3) == 0); /* … */
}

static enum gap gap_of_space(const struct walk *w, struct span before, char space)
{
    bool is_wide;

    if (space == '\n' && w->pre_n > 0)
        return before.n > 0 && before.p[before.n - 1] == '\n' ? GAP_PARAGRAPH : GAP_LINE;
    return ends_sentence(before, &is_wide) ? GAP_SENTENCE : GAP_WORD;
}

/* What can be cut inside words, at this byte of them. */
static enum gap gap_at(const struct walk *w, const struct doc_event *e, uint32_t at)
{
    const char *p = w->s->d->text.p + e->at;
    struct span before = {p, at};
    bool is_wide;

    if (at == 0 || is_continued(p[at]))
        return GAP_NONE;
    if (is_space(p[at]))
        return gap_of_space(w, before, p[at]);
    if (ends_sentence(before, &is_wide) && is_wide)
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

/* Where the next part begins when there is white space at the cut; in code all but one are meant. */
static struct doc_at after_spaces(const struct walk *w, uint32_t event, uint32_t at)
{
    const struct doc *d = w->s->d;
    uint32_t n = 0;

    while (at < d->event[event].n && is_space(d->text.p[d->event[event].at + at]) &&
           (w->pre_n == 0 || n == 0))
        at++, n++;
    if (at < d->event[event].n)
        return (struct doc_at){event, at};
    for (event++; event < d->event_n && d->event[event].kind == DOC_CLOSE;)
        event++;
    return (struct doc_at){event, 0};
}

static bool take(struct walk *w, uint32_t event, uint32_t from, uint32_t to, enum gap gap, struct cut cut)
{
    const struct doc_event *e = &w->s->d->event[event];
    struct step s = {.event = event, .from = from, .to = to, .gap = gap, .cut = cut};
    bool is_here = cut.next.event == event && cut.next.offset == from;

    if (!is_before(w->from, cut.end))
        s.gap = GAP_NONE; /* the part would be empty */
    if (e->kind == DOC_TEXT && is_here)
        s.cut.next = after_spaces(w, event, from);
    return w->step(w->arg, &s);
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

    for (uint32_t at = from, to; at < e->n; at = to) {
        enum gap next = GAP_NONE;
        for (to = at + 1; to < e->n && (next = gap_at(w, e, to)) == GAP_NONE;)
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

/* Goes through a document from a place on; true if to its end. */
static bool walk(struct walk *w)
{
    const struct doc *d = w->s->d;

    for (uint32_t e = w->from.event < d->event_n ? d->event[w->from.event].parent : DOC_NONE; e != DOC_NONE;
         e = d->event[e].parent)
        w->pre_n += (d->event[e].element->flags & HTML_PRE) != 0;
    for (uint32_t i = w->from.event; i < d->event_n; i++) {
        if (d->event[i].kind != DOC_TEXT) {
            if (!walk_event(w, i))
                return false;
            continue;
        }
        if (!walk_words(w, i, i == w->from.event ? w->from.offset : 0))
            return false;
        w->text_at = d->event[i].at + d->event[i].n;
        begin_gap(w, GAP_NONE);
    }
    return true;
}

/* ---- How far it fits ---- */

struct reach {
    struct writer *writer;
    struct buf out;
    size_t counted_bytes, characters, max;
    struct doc_at limit; /* further need not be looked */
    struct cut cut;
    bool has_cut;
};

static bool on_reach(void *arg, const struct step *s)
{
    struct reach *r = arg;

    if (s->gap != GAP_NONE && is_before(r->limit, s->cut.end))
        return false;
    if (s->gap != GAP_NONE) {
        r->cut = s->cut;
        r->has_cut = true;
    }
    writer_take(r->writer, s->event, s->from, s->to);
    struct span all = buf_span(&r->out);
    r->characters += text_characters((struct span){all.p + r->counted_bytes, all.n - r->counted_bytes});
    r->counted_bytes = r->out.n;
    return !r->out.is_over && r->characters + r->writer->tail <= r->max;
}

/* The last cut at which this form still fits; *is_all: to the end. */
static bool reach_of(const struct splitter *s, struct doc_at from, enum text_form form, enum grain grain,
                     struct cut *limit, bool *is_all)
{
    struct reach r = {.max = s->max, .limit = *is_all ? DOC_AT_END : limit->end};

    buf_init(&r.out, 8 * s->max + 65536);
    r.writer = writer_new(s->d, form, from, &r.out);
    bool is_end = walk(&(struct walk){.s = s, .from = from, .grain = grain, .step = on_reach, .arg = &r});
    bool is_limit = !is_end && !*is_all && r.has_cut && !is_before(r.cut.end, limit->end);
    writer_free(r.writer);
    buf_fini(&r.out);
    if (is_end || is_limit)
        return true;
    *is_all = false;
    *limit = r.cut;
    return r.has_cut;
}

/* ---- The best cut ---- */

struct choice {
    struct doc_at limit;
    struct cut cut[GAP_N];
    size_t at[GAP_N], n; /* bytes of words before it; so far */
};

static bool on_choice(void *arg, const struct step *s)
{
    struct choice *c = arg;

    if (s->gap != GAP_NONE && is_before(c->limit, s->cut.end))
        return false;
    if (s->gap != GAP_NONE) {
        c->cut[s->gap] = s->cut;
        c->at[s->gap] = c->n;
    }
    c->n += s->to - s->from;
    return true;
}

/* A good place counts if it leaves at least half of what would fit. */
static struct cut choose(const struct splitter *s, struct doc_at from, enum grain grain, struct cut limit)
{
    struct choice c = {.limit = limit.end};

    walk(&(struct walk){.s = s, .from = from, .grain = grain, .step = on_choice, .arg = &c});
    for (int gap = GAP_PARAGRAPH; gap > GAP_WORD; gap--)
        if (c.at[gap] > 0 && c.at[gap] * 2 >= c.n)
            return c.cut[gap];
    return c.at[GAP_WORD] > 0 && c.at[GAP_WORD] * 4 >= c.n ? c.cut[GAP_WORD] : limit;
}

enum err split_next(const struct splitter *s, struct doc_at from, struct cut *out, bool *is_last)
{
    for (enum grain grain = GRAIN_WORD; grain <= GRAIN_POINT; grain++) {
        struct cut limit = {DOC_AT_END, DOC_AT_END};
        bool fits = true, is_all = true;
        for (enum text_form f = 0; f < TEXT_FORM_N && fits; f++)
            if (s->forms & (1u << f))
                fits = reach_of(s, from, f, grain, &limit, &is_all);
        if (!fits)
            continue;
        *is_last = is_all;
        *out = is_all ? limit : choose(s, from, grain, limit);
        return OK;
    }
    return ERR_LIMIT;
}
