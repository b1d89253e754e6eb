/*
 * Of a JSON object that is too large to be read: its type and its ref, wherever they stand in it. Constant memory; what it is
 * fed need not be JSON at all.
 */
#ifndef CHANNEL_EXEC_SKIM_H
#define CHANNEL_EXEC_SKIM_H

#include "base/buf.h"

enum { SKIM_BYTES = 260 };

struct skim_value { /* as it was written; empty: not there, no string or number, or too long */
    char text[SKIM_BYTES];
    size_t n;
};

struct skim {
    struct skim_value type, ref;
    struct skim_value word;   /* the string, number or literal under way */
    struct skim_value *wants; /* where the value of the last key goes; NULL: nowhere */
    unsigned long depth;
    bool is_in_string, is_escaped, is_after_colon;
};

void skim_begin(struct skim *s);
void skim_feed(struct skim *s, struct span bytes);

#endif
