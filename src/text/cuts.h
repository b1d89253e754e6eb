/*
 * Long texts that are under way, as they were cut: a text goes out part by part, and is cut once and not for each of
 * them. Pure but for what is kept: a text that is not found is cut anew, and the same.
 *
 * Shape: text_cuts_take gives the parts of a text, whoever cut it; text_cuts_put keeps them for its next part. All
 * zeros is empty. Found is what is the same in every byte: text, HTML, names of files, forms and limit.
 */
#ifndef TEXT_CUTS_H
#define TEXT_CUTS_H

#include "text/parts.h"

struct text_cut {
    struct text_parts *parts;
    struct buf key;
    struct text_cut *next; /* an older one */
};

struct text_cuts {
    struct text_cut *first; /* the newest */
    unsigned made_n;        /* texts that were not found */
};

void text_cuts_fini(struct text_cuts *c);
/* text_cuts_take is text_parts_new for what is not found. The caller owns *out. */
MUST_CHECK enum err text_cuts_take(struct text_cuts *c, const struct text_source *s, unsigned forms,
                                   size_t max_characters, struct text_cut **out);
/* text_cuts_put takes cut back, and forgets the oldest where there is too much. */
void text_cuts_put(struct text_cuts *c, struct text_cut *cut);
void text_cut_free(struct text_cut *cut);

#endif
