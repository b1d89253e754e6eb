/*
 * A form as a JSON object and files. The rule: the part `message` is the object, or else single fields make it;
 * every other part with a file name is a file, whatever the part is called.
 *
 * Decides which fields there are; what their values mean is the wire's. Invariant: no part is left out in
 * silence, so that nobody loses a file over a name.
 */
#include "base/mem.h"
#include "http.h"
#include <string.h>

enum { MADE_MAX = 8 << 20 };

#define SENDER "sender."

/* The members of a message that a field can hold. Those of its sender have two spellings, which mean the same. */
static const struct field {
    const char *name, *brackets;
    bool is_number;
} fields[] = {
    {"id", NULL, false},
    {"conversation_id", NULL, false},
    {"text", NULL, false},
    {"markdown", NULL, false},
    {"html", NULL, false},
    {"subject", NULL, false},
    {"in_reply_to", NULL, false},
    {"direction", NULL, false},
    {"author_email", NULL, false},
    {"sent_at", NULL, true},
    {SENDER "handle", "sender[handle]", false},
    {SENDER "name", "sender[name]", false},
    {SENDER "email", "sender[email]", false},
};

struct values {
    struct span of[ARRAY_LEN(fields)]; /* absent: not given */
    unsigned n;
};

static bool is_number(struct span s)
{
    struct json doc;
    bool is_one = json_parse(&doc, s) == OK && json_type(json_root(&doc)) == JSON_NUMBER;
    json_fini(&doc);
    return is_one;
}

static int field_take(const struct multipart_part *part, struct values *values, struct buf *why)
{
    char name[80];
    size_t i = 0;
    while (i < ARRAY_LEN(fields) && strcmp(part->name, fields[i].name) &&
           (!fields[i].brackets || strcmp(part->name, fields[i].brackets)))
        i++;
    wire_line(span_of(part->name), name, sizeof name);
    if (i == ARRAY_LEN(fields))
        buf_addf(why,
                 "The form's field `%s` is unknown. A file needs a file name, as in curl -F file=@photo.png.",
                 name);
    else if (values->of[i].p)
        buf_addf(why, "The form's field `%s` is there twice.", name);
    else if (part->data.n > WIRE_TEXT_MAX)
        buf_addf(why, "`%s` is longer than %d bytes.", name, WIRE_TEXT_MAX);
    else if (!wire_is_utf8(part->data))
        buf_addf(why, "The form's field `%s` is not UTF-8.", name);
    else
        values->of[i] = part->data;
    values->n++;
    return why->n ? 422 : 0;
}

static void values_write(const struct values *values, bool of_sender, struct jout *j)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!values->of[i].p || (fields[i].brackets != NULL) != of_sender)
            continue;
        const char *key = fields[i].name + (of_sender ? sizeof SENDER - 1 : 0);
        if (fields[i].is_number && is_number(values->of[i]))
            jout_kv_raw(j, key, values->of[i]);
        else
            jout_kv_span(j, key, values->of[i]);
    }
}

static void object_make(const struct values *values, struct buf *out)
{
    struct jout j;
    jout_init(&j, out);
    jout_object(&j);
    values_write(values, false, &j);
    jout_key(&j, "sender");
    jout_object(&j);
    values_write(values, true, &j);
    jout_object_end(&j);
    jout_object_end(&j);
}

static int refuse(struct buf *why, int status, const char *sentence)
{
    buf_add_str(why, sentence);
    return status;
}

static int part_take(struct form *f, const struct multipart_part *part, struct values *values,
                     struct buf *why)
{
    if (!strcmp(part->name, "message")) {
        if (f->json.p)
            return refuse(why, 422, "The form's part `message` is there twice.");
        f->json = part->data;
        return 0;
    }
    if (!part->filename)
        return field_take(part, values, why);
    if (f->file_n == WIRE_FILES_MAX)
        return refuse(why, 422, "The form has more than 32 files: send the rest in another message.");
    f->file[f->file_n++] = (struct wire_part){part->filename, part->content_type ? part->content_type : "",
                                              part->cid, part->data};
    return 0;
}

int form_read(struct form *f, struct span content_type, struct span body, struct buf *why)
{
    struct values values = {0};
    const char *fault = "";
    int status = 0;
    *f = (struct form){0};
    buf_init(&f->made, MADE_MAX);
    if (multipart_parse(&f->parts, MULTIPART_EXTENDED_NAMES, content_type, body, &fault)) {
        buf_addf(why, "The form cannot be read: %s.", fault);
        return 400;
    }
    for (unsigned i = 0; i < f->parts.n && !status; i++)
        status = part_take(f, &f->parts.part[i], &values, why);
    if (status || (f->json.p && !values.n))
        return status;
    if (f->json.p)
        return refuse(why, 422, "Give either the part `message` or single fields, not both.");
    object_make(&values, &f->made);
    f->json = buf_span(&f->made);
    return f->made.is_over ? refuse(why, 422, "The form's fields are too long.") : 0;
}

void form_fini(struct form *f)
{
    multipart_fini(&f->parts);
    buf_fini(&f->made);
}
