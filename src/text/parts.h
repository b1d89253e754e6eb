/*
 * A message's text in the forms that a backend takes, cut into parts where it is too long for it. Pure.
 *
 * A part is as valid by itself as the whole: what is open where it ends is closed, and opened again in the next.
 * It ends at a paragraph, else a line, a sentence, a word, and at last inside a word, but not inside what is one
 * character to people (a grapheme cluster) unless that alone is too long. Parts end with their number, "(1/3)".
 * Units: a character is a UTF-16 code unit of what is sent, marks and tags and number included: no usual way to
 * count, but bytes, counts more.
 * Cost: linear in the text; text_part in its part.
 */
#ifndef TEXT_PARTS_H
#define TEXT_PARTS_H

#include "base/err.h"
#include "text/write.h"

enum {
    TEXT_PARTS_MAX = 99,
    TEXT_CHARACTERS_MIN = 40, /* the least limit that leaves room for words */
};

struct text_file {
    struct span name, cid; /* cid absent: not shown in the text */
};

struct text_source {
    struct span text,
        html; /* absent: there is none. text counts where it is there, html for the other forms */
    const struct text_file *file;
    unsigned file_n;
    bool wants_names; /* a line with the names of the files that the text does not show */
};

struct text_parts;

/*
 * text_parts_new cuts s so that every form of the set (1u << enum text_form …) has at most max_characters in each
 * part; 0: no limit, else at least TEXT_CHARACTERS_MIN. ERR_LIMIT: it would be more than TEXT_PARTS_MAX parts.
 */
MUST_CHECK enum err text_parts_new(const struct text_source *s, unsigned forms, size_t max_characters,
                                   struct text_parts **out);
void text_parts_free(struct text_parts *t);
unsigned text_parts_n(const struct text_parts *t); /* at least 1 */
/* text_part appends part k (0, 1, …). */
void text_part(const struct text_parts *t, unsigned k, enum text_form form, struct buf *out);

/* text_parts_digest tells cuts apart: it is of what the parts say as plain text. Found out once. */
uint32_t text_parts_digest(struct text_parts *t);

size_t text_characters(struct span s);

#endif
