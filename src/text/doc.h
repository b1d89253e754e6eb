/*
 * The text of a message as a document: what each form of it is written from, and what parts are cut out of.
 * Pure.
 *
 * Shape: one text, and a list of events over it: an element opens or closes, an empty one stands there, words
 * are said. HTML and plain text are read into it; write.h writes it.
 * Invariant: every open event has its close. Blocks hold inline elements, never the other way round; of those a
 * link is outermost, and line breaks are in none but a link. White space is as it is shown: single spaces, none
 * at the edge of a line, but in preformatted text, and but for HTML_KEPT_SPACE and HTML_KEPT_TAB, which were
 * written to stay. Elements and attributes are of the allow-lists, and the only control characters are these
 * two, and the newline in preformatted text.
 * Units: offsets are bytes. Cost: linear in what is read.
 */
#ifndef TEXT_DOC_H
#define TEXT_DOC_H

#include "base/buf.h"
#include "text/html_token.h"

enum {
    DOC_DEPTH_MAX = 128,     /* elements deeper than this are unwrapped */
    DOC_VALUE_MAX = 8192,    /* longer attributes are left out */
    DOC_EVENTS_MAX = 1 << 20 /* once there are so many, elements are unwrapped */
};
#define DOC_NONE UINT32_MAX

enum doc_kind { DOC_TEXT, DOC_OPEN, DOC_CLOSE, DOC_EMPTY };

enum doc_value {
    DOC_HREF,
    DOC_SRC,
    DOC_ALT,
    DOC_WIDTH,
    DOC_HEIGHT,
    DOC_START,
    DOC_COLSPAN,
    DOC_ROWSPAN,
    DOC_TITLE,
    DOC_DIR,
    DOC_LANG,
    DOC_VALUE_N
};

struct doc_event {
    const struct html_element *element; /* NULL for words */
    uint8_t kind;
    bool is_marked; /* an open strong, em or strike that Markdown can say where it stands */
    bool is_loose;  /* an open list whose items hold paragraphs, and stand apart */
    uint8_t tick_n,
        tilde_n;     /* outermost open code or preformatted text: the longest run of ` and ~ in it, or 255 */
    uint32_t at, n;  /* words: in doc.text; open and empty: attributes, in doc.values */
    uint32_t pair;   /* open: its close; close: its open */
    uint32_t parent; /* the innermost open event around it; DOC_NONE */
    uint32_t number; /* of an item of a numbered list; else 0 */
};

struct doc {
    struct buf text, values;
    struct doc_event *event;
    uint32_t event_n, event_cap;
    uint32_t inner; /* while it is made: what is open */
};

/* source_n is the length of what will be read. */
void doc_init(struct doc *d, size_t source_n);
void doc_fini(struct doc *d);

/* doc_read_html and doc_read_text read into an empty document; doc_append_line adds a line at its end. */
void doc_read_html(struct doc *d, struct span html);
void doc_read_text(struct doc *d, struct span text);
void doc_append_line(struct doc *d, struct span text);

bool doc_is_empty(const struct doc *d);
/* doc_value is absent where an event has no such attribute. */
struct span doc_value(const struct doc *d, const struct doc_event *e, enum doc_value which);
const char *doc_value_name(enum doc_value which);
/* doc_is_link: a URL that a person may be led to, by its scheme. */
bool doc_is_link(struct span url);

/* For those who make documents: events in order; doc_finish when all are there. */
void doc_open(struct doc *d, const struct html_element *element, struct span values);
void doc_close(struct doc *d);       /* what was opened last */
void doc_close_words(struct doc *d); /* and leaves it out if it holds nothing, and has no place of its own */
void doc_empty(struct doc *d, const struct html_element *element, struct span values);
void doc_words(struct doc *d, struct span words);
void doc_lines(struct doc *d, struct span text); /* with their line breaks, and all their spaces */
bool doc_is_full(const struct doc *d);
void doc_finish(struct doc *d);
/* doc_mark finds out where Markdown can say what is strong, emphasised or struck, and how long a fence must be. */
void doc_mark(struct doc *d);

#endif
