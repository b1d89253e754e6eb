/*
 * What plain text and Markdown have in common: both are lines.
 *
 * Shape: levels are the quotes, items and headings that are open, each with what it writes before a line. Line
 * breaks are owed until words follow, so that none leads, trails or doubles.
 */
#ifndef TEXT_LINES_H
#define TEXT_LINES_H

#include "text/writer.h"

enum {
    LEVEL_MARK_MAX = 16,
    LEVELS_MAX = 16, /* deeper ones have no marks, so that a line costs no more than it says */
};

struct level {
    char mark
        [LEVEL_MARK_MAX]; /* before its first line; before others as many spaces, or, of a quote, the same */
    bool is_quote, is_begun;
};

struct lines {
    struct writer w;
    struct level level[LEVELS_MAX];
    unsigned deep_n;                 /* open, beyond them */
    unsigned level_n, words_level_n; /* now; when words were written last */
    unsigned low;                    /* the least level_n since then */
    unsigned breaks;                 /* owed */
    unsigned cells;                  /* owed: so many " | " */
    unsigned cell_n;                 /* of this row, so far */
    bool is_gap;                     /* they are the empty line between blocks */
    bool owes_space;
    bool has_words, has_row_words, has_cell_lines;
    bool is_line_start; /* nothing but prefixes is on this line */
    unsigned pre_n;
    struct list {
        bool is_other; /* it follows another one, and must not look like it */
        bool is_loose;
    } list[DOC_DEPTH_MAX];
    unsigned list_n;
    bool was_other; /* of the list that ended last */

    /* Markdown */
    bool is_markdown;
    unsigned heading_n, link_n;
    bool is_autolink, is_line_number; /* the line is digits so far */
    uint32_t code;                    /* the inline code that is open; DOC_NONE */
    char fence[10]; /* of the code or preformatted text that is open; "": it is written like other words */
    bool has_fence; /* it is written */

    size_t label_at; /* plain text: where the words of a link begin; SIZE_MAX: not yet */
};

void lines_init(struct lines *l);
/* lines_owe asks for so many line breaks before the next words. */
void lines_owe(struct lines *l, unsigned breaks);
/* lines_pay writes what is owed before words; is_flowing: they go on with a paragraph. */
void lines_pay(struct lines *l, bool is_flowing);
/* lines_begin_words says that words follow right here. */
void lines_begin_words(struct lines *l);
/* lines_add writes words as they stand: white space that was written to stay is white space. */
void lines_add(struct lines *l, struct span words);
/* lines_end_link says where the link leads whose words began at label_at, unless they do. */
void lines_end_link(struct lines *l, struct span url);
/* lines_newline begins a line right here. */
void lines_newline(struct lines *l);
/* What an element means for the lines; open and close begin with it, and end with it. */
void lines_open(struct lines *l, uint32_t event, bool is_again);
void lines_close(struct lines *l, uint32_t open);
void lines_break(struct lines *l);
size_t lines_prefix(const struct lines *l); /* the length of what stands before a line */

#endif
