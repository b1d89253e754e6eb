/*
 * HTML as a stream of tokens. Pure; linear in the text, whatever it holds; nothing is allocated or copied.
 *
 * It takes a text apart as browsers do, as far as that matters for messages: tags, attributes, comments, and
 * elements whose content is no markup (script, style, …), which are skipped whole. It builds no tree.
 */
#ifndef TEXT_HTML_TOKEN_H
#define TEXT_HTML_TOKEN_H

#include "base/buf.h"

enum html_flags {
    HTML_KEEP = 1u << 0,      /* allowed in clean HTML; others are unwrapped */
    HTML_VOID = 1u << 1,      /* has no end tag */
    HTML_DROP = 1u << 2,      /* goes with all that is in it */
    HTML_RAW = 1u << 3,       /* what is in it is no markup */
    HTML_LINE = 1u << 4,      /* as text: a line of its own; one that is not kept is a div */
    HTML_PARAGRAPH = 1u << 5, /* as text: set off by an empty line */
    HTML_PRE = 1u << 6,       /* as text: white space counts */
    HTML_ITEM = 1u << 7,
    HTML_LIST = 1u << 8,
    HTML_CELL = 1u << 9,
    HTML_ROW = 1u << 10,
    HTML_TABLE = 1u << 11,
    HTML_SECTION = 1u << 12, /* of a table */
    HTML_QUOTE = 1u << 13,
    HTML_HEADING = 1u << 14,
    HTML_LINK = 1u << 15,
    HTML_IMAGE = 1u << 16,
    HTML_BREAK = 1u << 17,
    HTML_RULE = 1u << 18,
    HTML_STRONG = 1u << 19,
    HTML_EM = 1u << 20,
    HTML_STRIKE = 1u << 21,
    HTML_CODE = 1u << 22,
    HTML_PLAIN = 1u << 23, /* says nothing without attributes */
    HTML_NUMBERED = 1u << 24,
    HTML_SAID = 1u << 25, /* in quotation marks */

    HTML_BLOCK = HTML_LINE | HTML_PARAGRAPH | HTML_CELL | HTML_ROW | HTML_TABLE | HTML_SECTION,
};

struct html_element {
    const char *name;
    unsigned flags;
};

enum html_type { HTML_TEXT, HTML_START, HTML_END };

struct html_token {
    enum html_type type;
    struct span text;                   /* HTML_TEXT: with its character references */
    const struct html_element *element; /* tags: never NULL; one without a name for what is unknown */
    struct span attributes;             /* HTML_START: for html_attribute */
};

struct html_reader {
    struct span rest;
};

/* html_next reads one token; false at the end. Dropped elements, comments and unfinished tags are passed
 * over. */
bool html_next(struct html_reader *r, struct html_token *t);
/* html_attribute takes the next attribute from attributes; value is raw, and empty if there is none. */
bool html_attribute(struct span *attributes, struct span *name, struct span *value);
/* html_decode appends s with its character references replaced. */
void html_decode(struct span s, struct buf *out);
/*
 * html_decode_text: for text between tags. Control characters are left out; white space that was written to stay,
 * as a reference, becomes one of these two.
 */
enum { HTML_KEPT_SPACE = 1, HTML_KEPT_TAB = 2 };
void html_decode_text(struct span s, struct buf *out);

/* html_element_of finds an element by its name; never NULL. */
const struct html_element *html_element_of(struct span name);

#endif
