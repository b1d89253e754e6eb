/*
 * Reads fields and words mistakes. Refuses to know which call it is. Invariant: text is a JSON array.
 */
#include "sim/fields.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MISTAKES_MAX = 65536 };

void sim_fields_open(struct sim_fields *f, struct sim_call *c)
{
    *f = (struct sim_fields){.body = json_root(&c->doc), .is_form = c->is_form};
    buf_init(&f->text, MISTAKES_MAX);
    jout_init(&f->j, &f->text);
    jout_array(&f->j);
}

bool sim_fields_close(struct sim_fields *f, struct sim_call *c)
{
    jout_array_end(&f->j);
    if (f->mistake_n)
        sim_call_refuse(c, 400, "Body did not satisfy requirements",
                        f->text.is_over ? SPAN_LIT("[]") : buf_span(&f->text));
    buf_fini(&f->text);
    return !f->mistake_n;
}

void sim_mistake(struct sim_fields *f, const char *field, const char *what)
{
    char line[200];
    snprintf(line, sizeof line, "%s: %s", field, what);
    jout_str(&f->j, line);
    f->mistake_n++;
}

/* Whether what holds the field is an object, where it is there at all. */
static bool has_place(struct sim_fields *f, const char *field)
{
    char holder[64];
    for (const char *dot = strchr(field, '.'); dot; dot = strchr(dot + 1, '.')) {
        snprintf(holder, sizeof holder, "%.*s", (int)(dot - field), field);
        struct jval v = json_path(f->body, holder);
        if (!json_has(v) || json_type(v) == JSON_OBJECT)
            continue;
        if (strcmp(holder, f->misplaced))
            sim_mistake(f, holder, "should be an object");
        memcpy(f->misplaced, holder, sizeof holder);
        return false;
    }
    return true;
}

static bool is_there(struct sim_fields *f, struct jval v, const char *field, enum sim_need need)
{
    if (!json_has(v) && need == SIM_REQUIRED)
        sim_mistake(f, field, "missing");
    return json_has(v);
}

static struct jval value_of(struct sim_fields *f, const char *field, enum sim_need need)
{
    struct jval v = json_path(f->body, field), none = {0};
    return has_place(f, field) && is_there(f, v, field, need) ? v : none;
}

static char *text_of(struct sim_fields *f, struct jval v, const char *field, size_t max, enum sim_need need)
{
    if (json_type(v) != JSON_STRING) {
        sim_mistake(f, field, "should be a string");
        return NULL;
    }
    char *text = json_dup(v, max);
    if (!text)
        sim_mistake(f, field, "too long");
    else if (need == SIM_REQUIRED && !*text)
        sim_mistake(f, field, "should not be empty");
    return text;
}

char *sim_take_text(struct sim_fields *f, const char *field, size_t max, enum sim_need need)
{
    struct jval v = value_of(f, field, need);
    return json_has(v) ? text_of(f, v, field, max, need) : NULL;
}

char *sim_take_text_of(struct sim_fields *f, struct jval object, const char *key, const char *shown,
                       size_t max, enum sim_need need)
{
    struct jval v = json_get(object, key);
    return is_there(f, v, shown, need) ? text_of(f, v, shown, max, need) : NULL;
}

static bool number_of(const struct sim_fields *f, struct jval v, int64_t max, int64_t *out)
{
    uint64_t n;
    if (json_i64(v, out) == OK)
        return *out >= 0 && *out <= max;
    char *text = f->is_form ? json_dup(v, 32) : NULL;
    bool is_number = text && span_u64(span_of(text), &n) && n <= (uint64_t)max;
    free(text);
    if (is_number)
        *out = (int64_t)n;
    return is_number;
}

int64_t sim_take_number(struct sim_fields *f, const char *field, int64_t max, enum sim_need need)
{
    int64_t n = 0;
    struct jval v = value_of(f, field, need);
    if (!json_has(v) || number_of(f, v, max, &n))
        return n;
    sim_mistake(f, field, "should be an integer");
    return 0;
}

bool sim_take_bool(struct sim_fields *f, const char *field, bool fallback, enum sim_need need)
{
    struct jval v = value_of(f, field, need);
    if (!json_has(v))
        return fallback;
    if (json_type(v) == JSON_BOOL)
        return json_bool(v, fallback);
    if (f->is_form && (json_is(v, "true") || json_is(v, "false")))
        return json_is(v, "true");
    sim_mistake(f, field, "should be a boolean");
    return fallback;
}

struct jval sim_take(struct sim_fields *f, const char *field, enum json_type type, enum sim_need need)
{
    struct jval v = value_of(f, field, need), none = {0};
    if (!json_has(v) || json_type(v) == type)
        return v;
    sim_mistake(f, field, type == JSON_ARRAY ? "should be an array" : "should be an object");
    return none;
}

static void list(struct buf *out, const char *const *choices, size_t n)
{
    buf_add_str(out, "should be ");
    for (size_t i = 0; i < n; i++) {
        buf_add_str(out, choices[i]);
        buf_add_str(out, i + 2 < n ? ", " : i + 1 < n ? " or " : "");
    }
}

const char *sim_take_choice(struct sim_fields *f, const char *field, const char *const *choices, size_t n,
                            enum sim_need need)
{
    struct jval v = value_of(f, field, need);
    struct buf what;
    if (!json_has(v))
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (json_is(v, choices[i]))
            return choices[i];
    buf_init(&what, 160);
    list(&what, choices, n);
    sim_mistake(f, field, what.p);
    buf_fini(&what);
    return NULL;
}
