/*
 * HTML as a stream of tokens. Pure; linear in the text, whatever it holds; nothing is allocated or copied.
 *
 * It takes a text apart as browsers do, as far as that matters for messages: tags, attributes, comments, and
 * elements whose content is no markup (script, style, …), which are skipped whole. It builds no tree.
 */
#ifndef FRONT_HTML_TOKEN_H
#define FRONT_HTML_TOKEN_H

#include "base/buf.h"

enum html_flags {
    HTML_KEEP = 1u << 0,      /* allowed in clean HTML; others are unwrapped */
    HTML_VOID = 1u << 1,      /* has no end tag */
    HTML_DROP = 1u << 2,      /* goes with all that is in it */
    HTML_RAW = 1u << 3,       /* what is in it is no markup */
    HTML_LINE = 1u << 4,      /* as text: a line of its own */
    HTML_PARAGRAPH = 1u << 5, /* as text: set off by an empty line */
    HTML_PRE = 1u << 6,       /* as text: white space counts */
    HTML_ITEM = 1u << 7,
    HTML_LIST = 1u << 8,
    HTML_CELL = 1u << 9,
    HTML_ROW = 1u << 10,
    HTML_TABLE = 1u << 11,
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

#endif
