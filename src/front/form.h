/*
 * The body of a call as a form: Front takes files no other way. The fields are those of the call's JSON, named in brackets
 * (sender[handle], to[0], metadata[headers][x]), so that there is one list of them. Pure; fuzzed.
 *
 * Owns: all strings; descriptors stay the caller's.
 */
#ifndef FRONT_FORM_H
#define FRONT_FORM_H

#include "base/buf.h"
#include "base/err.h"
#include "http/client.h"

struct front_form {
    struct http_part *part;
    size_t part_n, file_n;
};

/* front_form_read makes the fields of a JSON object that is ours; null is no field. ERR_INVALID: it is none. */
MUST_CHECK enum err front_form_read(struct front_form *f, struct span json);
/* front_form_add_file adds the next of attachments[0], attachments[1], …; strings are copied. */
void front_form_add_file(struct front_form *f, const struct http_part *file);
void front_form_fini(struct front_form *f);

#endif
