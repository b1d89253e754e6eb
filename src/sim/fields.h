/*
 * Taking fields out of the body of a simulated call. Every mistake is reported, as Front does, in
 * _error.details: "sender.handle: missing".
 *
 * Fields are named by dotted paths. The fields of a form are strings: numbers and booleans are read out of
 * them. What a body holds besides is ignored, as Front does.
 */
#ifndef SIM_FIELDS_H
#define SIM_FIELDS_H

#include "sim/api.h"

struct sim_fields {
    struct jval body;
    bool is_form;
    struct buf text; /* the array of mistakes */
    struct jout j;
    unsigned mistake_n;
    char misplaced[64]; /* the holder that was reported last */
};

void sim_fields_open(struct sim_fields *f, struct sim_call *c);
/* sim_fields_close refuses the call if there were mistakes; true if there were none. */
bool sim_fields_close(struct sim_fields *f, struct sim_call *c);
void sim_mistake(struct sim_fields *f, const char *field, const char *what);

#define SIM_SECONDS_MAX (INT64_C(1) << 40) /* of a time: far beyond what Front has */

enum sim_need { SIM_OPTIONAL, SIM_REQUIRED };

/* The getters give nothing (NULL, the fallback, an absent value) where there is a mistake or no field. */
char *sim_take_text(struct sim_fields *f, const char *field, size_t max, enum sim_need need);
/* The same of an object that is not the body, such as an element of an array; shown is what a mistake calls
 * it. */
char *sim_take_text_of(struct sim_fields *f, struct jval object, const char *key, const char *shown,
                       size_t max, enum sim_need need);
int64_t sim_take_number(struct sim_fields *f, const char *field, int64_t max, enum sim_need need);
bool sim_take_bool(struct sim_fields *f, const char *field, bool fallback, enum sim_need need);
/* type is JSON_OBJECT or JSON_ARRAY. */
struct jval sim_take(struct sim_fields *f, const char *field, enum json_type type, enum sim_need need);
/* One of "a b c": which one, as a literal; NULL: none. */
const char *sim_take_choice(struct sim_fields *f, const char *field, const char *const *choices, size_t n,
                            enum sim_need need);

#endif
