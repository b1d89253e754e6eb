/* Where a document can be cut, and where it is best cut. Pure. */
#ifndef TEXT_SPLIT_H
#define TEXT_SPLIT_H

#include "base/err.h"
#include "text/write.h"

/* A cut: the part before it ends at `end`, the next begins at `next`; white space between is dropped. */
struct cut {
    struct doc_at end, next;
};

struct splitter {
    const struct doc *d;
    const char *breaks; /* for each byte of d->text: a grapheme cluster begins there */
    unsigned forms;
    size_t max; /* characters */
};

/* split_next finds the cut after `from`; *is_last: all the rest fits. ERR_LIMIT: nothing at all does. */
MUST_CHECK enum err split_next(const struct splitter *s, struct doc_at from, struct cut *out, bool *is_last);

/* doc_fit copies d without what would leave no room for words in parts of max characters: elements that are
 * nested too deeply are unwrapped, links and images with long targets become words. */
void doc_fit(const struct doc *d, unsigned forms, size_t max, struct doc *out);

#endif
