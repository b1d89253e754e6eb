/*
 * The fields of a form as the JSON object that they stand for: sender[handle], to[0], to[1][name],
 * metadata[headers][x]; tags[] is the next element. Pure.
 *
 * All values are strings: whoever reads the object knows that it came from a form. The first key inside
 * brackets decides between array (a number or nothing) and object; elements may come in any order, but none
 * may be missing.
 */
#ifndef SIM_FORM_H
#define SIM_FORM_H

#include "base/json.h"

enum { FORM_DEPTH_MAX = 8, FORM_FIELDS_MAX = 1000, FORM_VALUES_MAX = 1 << 20 };

struct form_node;

struct form {
    struct form_node *root;
    unsigned n;
    size_t bytes; /* of all values */
};

void form_init(struct form *f);
void form_fini(struct form *f);
/* form_add takes one field; ERR_INVALID, ERR_CONFLICT, ERR_LIMIT: the field goes with the ones before it, or
 * is too much. */
MUST_CHECK enum err form_add(struct form *f, const char *name, struct span value);
/* form_write writes the object; ERR_INVALID: an element of an array is missing. */
MUST_CHECK enum err form_write(const struct form *f, struct jout *j);

#endif
