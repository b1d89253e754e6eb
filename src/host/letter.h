/*
 * A delivery as the adapter takes it: its text in the forms and the length that the adapter takes, made of what the
 * bridge has stored of Front's. Pure: what is kept between the parts of a text saves work and changes nothing.
 */
#ifndef HOST_LETTER_H
#define HOST_LETTER_H

#include "base/buf.h"
#include "base/err.h"
#include <stdint.h>

struct text_cuts;

/* What the adapter takes. */
struct letter_form {
    uint32_t formats;      /* enum fb_format; `text` is written in any case */
    uint32_t capabilities; /* enum fb_capability */
    uint32_t max_text;     /* of each form, in characters as text/parts.h counts them; 0: no limit */
};

/* A long text is written part by part, by one call for each. */
struct letter_part {
    unsigned at; /* which one: 0, 1, … */
    int64_t cut; /* how it was cut when the parts before were written; 0: not yet. Result: how it is cut */
    unsigned n;  /* result: parts in all. 1: the text is whole, and cut is 0 */
};

/*
 * letter_write writes the wire form: `text` always, `html` and `markdown` as they are taken, and a line with the names of
 * the files if none are taken. Of parts the first has the subject and in_reply_to and the last the attachments, each its
 * number (`part`, `part_n`) and an id of its own, ID-p1, ID-p2, …
 * ERR_INVALID: json is no object. ERR_LIMIT: too large, or more than TEXT_PARTS_MAX parts. ERR_CONFLICT: parts are delivered,
 * and the rest cannot be sent so that it fits both to them and to what is taken now.
 */
MUST_CHECK enum err letter_write(struct text_cuts *cuts, struct span json, const struct letter_form *form,
                                 struct letter_part *part, struct buf *out);

#endif
