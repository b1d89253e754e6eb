/*
 * Markdown: CommonMark that reads back as the document it was made of. Whatever could be taken for markup is
 * escaped, and nothing else, since many a chat system shows backslashes.
 */
#include "text/lines.h"
#include <stdio.h>
#include <string.h>

enum { MARKS = HTML_STRONG | HTML_EM | HTML_STRIKE };

/* ---- Words ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_word(char c)
{
    return is_digit(c) || is_letter(c) || (unsigned char)c >= 128;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\0';
}

/* A character that starts a block, at the start of a line; next: '\0' at the end. */
static bool starts_block(struct span rest)
{
    char c = rest.p[0], next = rest.n > 1 ? rest.p[1] : '\0';

    switch (c) {
    case '#':
        return next == '#' || is_blank(next);
    case '>':
        return true;
    case '+':
        return is_blank(next);
    case '-':
    case '=':
        return is_blank(next) || next == c;
    default:
        return false;
    }
}

static bool is_number(struct span s)
{
    size_t n = 0;

    while (n < s.n && is_digit(s.p[n]))
        n++;
    return n == s.n;
}

/* "12. " and "3) " start an item: how many digits there are, SIZE_MAX if it is none. */
static size_t item_digits(struct span rest)
{
    size_t n = 0;

    while (n < rest.n && n < 10 && is_digit(rest.p[n]))
        n++;
    bool is_item = n > 0 && n < 10 && n < rest.n && (rest.p[n] == '.' || rest.p[n] == ')');
    return is_item && is_blank(n + 1 < rest.n ? rest.p[n + 1] : '\0') ? n : SIZE_MAX;
}

/* "&name;" or "&#12;". */
static bool is_reference(struct span rest)
{
    size_t n = 1;

    while (n < rest.n && n < 40 && (rest.p[n] == '#' || is_digit(rest.p[n]) || is_letter(rest.p[n])))
        n++;
    return n > 1 && n < rest.n && rest.p[n] == ';';
}

/* Whether more words may follow on this line, in other elements. */
static bool goes_on(const struct lines *l)
{
    const struct doc_event *next = &l->w.d->event[l->w.event + 1];

    return l->w.event + 1 < l->w.d->event_n &&
           !(next->element && next->element->flags & (HTML_BLOCK | HTML_BREAK));
}

/* "!" right before a link would make an image of it. */
static bool is_before_link(const struct lines *l)
{
    const struct doc_event *next = &l->w.d->event[l->w.event + 1];

    return l->w.event + 1 < l->w.d->event_n && next->kind == DOC_OPEN && (next->element->flags & HTML_LINK);
}

static bool is_markup(const struct lines *l, struct span words, size_t i)
{
    char c = words.p[i], before = i > 0 ? words.p[i - 1] : '\0',
         next = i + 1 < words.n ? words.p[i + 1] : '\0';

    switch (c) {
    case '*':
        return i == 0 || before != ' ' || next != ' ';
    case '`':
    case '[':
        return true;
    case ']':
        return l->link_n > 0;
    case '\\':
        return !is_word(next) && next != ' ';
    case '_':
        return !is_word(before) || !is_word(next);
    case '<':
        return next == '\0' || next == '/' || next == '!' || next == '?' || is_letter(next);
    case '&':
        return is_reference((struct span){words.p + i, words.n - i}) || (goes_on(l) && words.n - i < 40);
    case '~':
        return before == '~' || next == '~' || before == '\0' || next == '\0';
    case '#':
        return l->heading_n > 0;
    case '!':
        return next == '\0' && is_before_link(l);
    default:
        return false;
    }
}

static void add_char(struct lines *l, char c)
{
    if (c == HTML_KEPT_SPACE)
        buf_add_str(l->w.out, "\xc2\xa0");
    else if (c == HTML_KEPT_TAB)
        buf_add_str(l->w.out, "\xc2\xa0\xc2\xa0\xc2\xa0\xc2\xa0");
    else
        buf_add_char(l->w.out, c);
}

static void add_words(struct lines *l, struct span words)
{
    size_t digits = l->is_line_start ? item_digits(words) : SIZE_MAX;

    if (l->is_line_number && words.n > 0 && (*words.p == '.' || *words.p == ')'))
        digits = 0;
    for (size_t i = 0; i < words.n; i++) {
        struct span rest = {words.p + i, words.n - i};
        bool is_first = i == 0 && l->is_line_start;
        if (i == digits || (is_first && starts_block(rest)) || is_markup(l, words, i))
            buf_add_char(l->w.out, '\\');
        add_char(l, words.p[i]);
    }
    l->is_line_number = l->is_line_start && is_number(words);
    if (words.n > 0)
        l->is_line_start = false;
}

/* ---- Code ---- */

/* A fence that is not in the code; "" if it would have to be too long. */
static void choose_fence(struct lines *l, uint32_t open, size_t least, const char *marks)
{
    const struct doc_event *e = &l->w.d->event[open];

    l->fence[0] = '\0';
    for (const char *c = marks; *c && !l->fence[0]; c++) {
        size_t n = (*c == '`' ? e->tick_n : e->tilde_n) + (size_t)1;
        n = n < least ? least : n;
        if (n >= sizeof l->fence)
            continue;
        memset(l->fence, *c, n);
        l->fence[n] = '\0';
    }
}

static void open_fence(struct lines *l)
{
    lines_pay(l, false);
    if (!l->fence[0] || l->has_fence)
        return;
    if (!l->is_line_start)
        lines_newline(l);
    buf_add_str(l->w.out, l->fence);
    l->has_fence = true;
    l->breaks = 1;
}

static void pay_lines(struct lines *l)
{
    for (; l->breaks > 0; l->breaks--)
        lines_newline(l);
}

static void add_pre_line(struct lines *l, struct span line)
{
    if (!l->fence[0]) {
        lines_pay(l, true);
        add_words(l, line);
        lines_begin_words(l);
        return;
    }
    if (!l->has_fence)
        open_fence(l);
    pay_lines(l);
    lines_begin_words(l);
    lines_add(l, line);
}

static void add_pre(struct lines *l, struct span words)
{
    for (size_t i = 0; i < words.n; i++) {
        size_t n = 0;
        while (i + n < words.n && words.p[i + n] != '\n')
            n++;
        if (n > 0)
            add_pre_line(l, (struct span){words.p + i, n});
        i += n;
        if (i < words.n && l->fence[0] && !l->has_fence)
            open_fence(l);
        if (i < words.n)
            l->breaks++;
    }
}

static void close_pre(struct lines *l)
{
    if (l->has_fence) {
        if (l->breaks == 0 || l->w.is_over)
            l->breaks = 1;
        pay_lines(l);
        buf_add_str(l->w.out, l->fence);
        l->has_cell_lines = true; /* the next cell may not stand beside it */
    }
    l->has_fence = false;
    l->fence[0] = '\0';
}

static struct span code_of(const struct lines *l)
{
    const struct doc_event *events = l->w.d->event;
    uint32_t first = l->code, last = events[l->code].pair;

    while (first < last && events[first].kind != DOC_TEXT)
        first++;
    while (last > first && events[last].kind != DOC_TEXT)
        last--;
    if (first == last && events[first].kind != DOC_TEXT)
        return SPAN_LIT("");
    return (struct span){l->w.d->text.p + events[first].at,
                         events[last].at + events[last].n - events[first].at};
}

static bool is_pad(char c)
{
    return c == ' ' || c == '`' || c == HTML_KEPT_SPACE;
}

/* Code that begins or ends with what would be lost is set off by spaces, which go when it is read. */
static void add_pad(struct lines *l)
{
    struct span code = code_of(l);

    if (code.n > 0 && (is_pad(code.p[0]) || is_pad(code.p[code.n - 1])))
        buf_add_char(l->w.out, ' ');
}

static void open_code(struct lines *l, uint32_t event)
{
    l->code = event;
    choose_fence(l, event, 1, "`");
    if (!l->fence[0])
        return;
    lines_pay(l, true);
    buf_add_str(l->w.out, l->fence);
    add_pad(l);
    l->is_line_start = false;
}

static void close_code(struct lines *l)
{
    if (l->fence[0]) {
        add_pad(l);
        buf_add_str(l->w.out, l->fence);
    }
    l->fence[0] = '\0';
    l->code = DOC_NONE;
}

/* ---- Marks, links, images ---- */

static void add_mark(struct lines *l, const struct doc_event *e)
{
    unsigned flags = e->element->flags;
    const char *mark = flags & HTML_STRONG ? "**" : flags & HTML_EM ? "*" : "~~";

    if (!e->is_marked || l->code != DOC_NONE || l->is_autolink)
        return;
    lines_pay(l, true);
    buf_add_str(l->w.out, mark);
    l->is_line_start = false;
}

/* Where CommonMark takes "<url>" for a link as it stands. */
static bool is_plain_url(struct span url)
{
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == '<' || url.p[i] == '>' || url.p[i] == '\\')
            return false;
    return true;
}

static bool is_mail_char(char c)
{
    return c != '\0' && (is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') || strchr(".-_+", c));
}

/* "<a@b.org>", in the narrow sense that everyone agrees on. */
static bool is_plain_mail(struct span mail)
{
    const char *at = mail.n ? memchr(mail.p, '@', mail.n) : NULL;

    if (!at || at == mail.p || at + 1 == mail.p + mail.n || !is_word(at[1]) || !is_word(mail.p[mail.n - 1]))
        return false;
    for (const char *p = mail.p; p < mail.p + mail.n; p++)
        if (p != at && (!is_mail_char(*p) || (p > at && (*p == '_' || *p == '+'))))
            return false;
    return memchr(at, '.', (size_t)(mail.p + mail.n - at)) && !strstr(at, "..");
}

/* A link whose words are its target, and nothing else. */
static bool is_autolink(const struct lines *l, uint32_t event)
{
    const struct doc_event *e = &l->w.d->event[event];
    struct span url = doc_value(l->w.d, e, DOC_HREF);

    if (e->pair != event + 2 || e[1].kind != DOC_TEXT || doc_value(l->w.d, e, DOC_TITLE).p)
        return false;
    struct span words = {l->w.d->text.p + e[1].at, e[1].n};
    if (span_starts(url, "mailto:")) {
        struct span mail = {url.p + 7, url.n - 7};
        return span_eq(words, mail) && is_plain_mail(mail);
    }
    return span_eq(words, url) && is_plain_url(url);
}

/* The marks, and what would be read as a reference. */
static void add_escaped(struct lines *l, struct span s, const char *marks)
{
    for (size_t i = 0; i < s.n; i++) {
        if (strchr(marks, s.p[i]) || (s.p[i] == '&' && is_reference((struct span){s.p + i, s.n - i})))
            buf_add_char(l->w.out, '\\');
        buf_add_char(l->w.out, s.p[i]);
    }
}

static bool is_bare(struct span url)
{
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || strchr("()<>\\", url.p[i]))
            return false;
    return url.n > 0;
}

/* The target and title of a link or image. */
static void add_target(struct lines *l, const struct doc_event *e, struct span url)
{
    struct span title = doc_value(l->w.d, e, DOC_TITLE);
    bool is_simple = is_bare(url);

    buf_add_str(l->w.out, is_simple ? "](" : "](<");
    add_escaped(l, url, "<>\\");
    buf_add_str(l->w.out, is_simple ? "" : ">");
    if (title.n > 0) {
        buf_add_str(l->w.out, " \"");
        add_escaped(l, title, "\"\\");
        buf_add_char(l->w.out, '"');
    }
    buf_add_char(l->w.out, ')');
}

static void open_link(struct lines *l, uint32_t event)
{
    l->is_autolink = is_autolink(l, event);
    lines_pay(l, true);
    l->is_line_start = false;
    if (!l->is_autolink) {
        buf_add_char(l->w.out, '[');
        l->link_n++;
        return;
    }
    buf_add_char(l->w.out, '<');
    buf_add(l->w.out, l->w.d->text.p + l->w.d->event[event + 1].at, l->w.d->event[event + 1].n);
    buf_add_char(l->w.out, '>');
}

static void close_link(struct lines *l, const struct doc_event *e)
{
    if (!l->is_autolink) {
        add_target(l, e, doc_value(l->w.d, e, DOC_HREF));
        l->link_n--;
    }
    l->is_autolink = false;
}

static void add_image(struct lines *l, const struct doc_event *e)
{
    lines_pay(l, true);
    buf_add_str(l->w.out, "![");
    l->is_line_start = false;
    l->link_n++;
    add_words(l, doc_value(l->w.d, e, DOC_ALT));
    l->link_n--;
    add_target(l, e, doc_value(l->w.d, e, DOC_SRC));
}

static void add_rule(struct lines *l)
{
    lines_owe(l, 2);
    lines_pay(l, false);
    buf_add_str(l->w.out, "___");
    lines_owe(l, 2);
}

/* ---- The writer ---- */

static void markdown_init(struct writer *w)
{
    struct lines *l = (struct lines *)w;

    lines_init(l);
    l->is_markdown = true;
}

static void markdown_words(struct writer *w, struct span words)
{
    struct lines *l = (struct lines *)w;

    if (l->is_autolink)
        return;
    if (l->pre_n > 0) {
        add_pre(l, words);
        return;
    }
    if (l->code != DOC_NONE && l->fence[0]) {
        lines_add(l, words);
        return;
    }
    if ((l->breaks > 0 || !l->has_words) && *words.p == ' ')
        words = (struct span){words.p + 1, words.n - 1};
    if (words.n == 0)
        return;
    lines_pay(l, true);
    add_words(l, words);
}

static void say_quote(struct lines *l)
{
    lines_pay(l, true);
    buf_add_char(l->w.out, '"');
    l->is_line_start = false;
}

static void markdown_open(struct writer *w, uint32_t event, bool is_again)
{
    struct lines *l = (struct lines *)w;
    const struct doc_event *e = &w->d->event[event];
    unsigned flags = e->element->flags;
    bool is_outer_pre = (flags & HTML_PRE) && l->pre_n == 0;

    lines_open(l, event, is_again);
    if (is_outer_pre)
        choose_fence(l, event, 3, "`~");
    if (l->pre_n > 0) {
        l->label_at = flags & HTML_LINK ? SIZE_MAX : l->label_at;
        return;
    }
    if ((flags & HTML_CODE) && l->code == DOC_NONE)
        open_code(l, event);
    if (flags & HTML_LINK)
        open_link(l, event);
    if (flags & HTML_SAID)
        say_quote(l);
    if (flags & MARKS)
        add_mark(l, e);
}

static void markdown_close(struct writer *w, uint32_t open)
{
    struct lines *l = (struct lines *)w;
    const struct doc_event *e = &w->d->event[open];
    unsigned flags = e->element->flags;

    if ((flags & HTML_PRE) && l->pre_n == 1)
        close_pre(l);
    else if (l->pre_n > 0 && (flags & HTML_LINK))
        lines_end_link(l, doc_value(w->d, e, DOC_HREF));
    if (l->pre_n == 0) {
        if (l->code == open)
            close_code(l);
        if (flags & HTML_LINK)
            close_link(l, e);
        if (flags & HTML_SAID)
            say_quote(l);
        if (flags & MARKS)
            add_mark(l, e);
    }
    lines_close(l, open);
}

static void markdown_empty(struct writer *w, uint32_t event)
{
    struct lines *l = (struct lines *)w;
    const struct doc_event *e = &w->d->event[event];

    if (l->pre_n > 0)
        add_pre(l, e->element->flags & HTML_IMAGE ? doc_value(w->d, e, DOC_ALT) : SPAN_LIT("\n"));
    else if (l->code != DOC_NONE && l->fence[0])
        lines_add(l, doc_value(w->d, e, DOC_ALT));
    else if (e->element->flags & HTML_RULE)
        add_rule(l);
    else if (!(e->element->flags & HTML_BREAK))
        add_image(l, e);
    else if (l->link_n == 0 || l->breaks == 0)
        lines_break(l);
}

static size_t markdown_tail(const struct writer *w, uint32_t open)
{
    const struct lines *l = (const struct lines *)w;
    const struct doc_event *e = &w->d->event[open];
    unsigned flags = e->element->flags;

    if (flags & HTML_LINK)
        return 2 * (doc_value(w->d, e, DOC_HREF).n + doc_value(w->d, e, DOC_TITLE).n) + 8;
    if (flags & HTML_PRE)
        return strlen(l->fence) + lines_prefix(l) + 1;
    if (flags & HTML_CODE)
        return strlen(l->fence) + 1;
    return flags & (MARKS | HTML_SAID) ? 2 : 0;
}

const struct writer_kind writer_markdown = {
    sizeof(struct lines), markdown_init,  markdown_open, markdown_close,
    markdown_empty,       markdown_words, markdown_tail,
};
