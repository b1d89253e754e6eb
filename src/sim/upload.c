/*
 * Reads forms into what the calls read anyway: a JSON object and files. Refuses to know which call it is.
 * Invariant: c->doc borrows from c->form_text as long as the call lives.
 */
#include "sim/upload.h"
#include "base/mem.h"
#include "http/text.h"
#include "sim/form.h"
#include <stdlib.h>
#include <string.h>

static bool refuse(struct sim_call *c, int status, const char *why)
{
    sim_call_refuse(c, status, why, SPAN_NONE);
    return false;
}

static bool is_file(const struct multipart_part *part)
{
    return part->filename;
}

/* attachments, attachments[] or attachments[N]. */
static bool is_file_name(const char *name)
{
    struct span s = span_of(name);
    uint64_t n;
    if (!span_starts(s, "attachments"))
        return false;
    s = (struct span){s.p + 11, s.n - 11};
    if (!s.n || span_is(s, "[]"))
        return true;
    return s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']' && span_u64((struct span){s.p + 1, s.n - 2}, &n) &&
           n < SIM_FILES_MAX;
}

static bool are_files_right(struct sim_call *c)
{
    size_t total = 0;
    unsigned n = 0;
    for (unsigned i = 0; i < c->form.n; i++) {
        const struct multipart_part *part = &c->form.part[i];
        if (is_file(part) != is_file_name(part->name))
            return refuse(c, 400,
                          is_file(part) ? "A file is named attachments, attachments[] or attachments[0 to 99]"
                                        : "An attachment is a file, with a filename");
        if (is_file(part) && !*part->filename)
            return refuse(c, 400, "A file has no name");
        n += is_file(part);
        total += is_file(part) ? part->data.n : 0;
    }
    if (n > SIM_FILES_MAX)
        return refuse(c, 400, "There are too many attachments");
    if (total > c->sim->attachments_max)
        return refuse(c, 413, "The attachments are larger than 25 MB in all");
    return true;
}

static const char *add_fields(const struct multipart *form, struct form *fields)
{
    for (unsigned i = 0; i < form->n; i++) {
        const struct multipart_part *part = &form->part[i];
        if (is_file(part))
            continue;
        enum err e = form_add(fields, part->name, part->data);
        if (e != OK)
            return e == ERR_LIMIT      ? "The form has too many fields, or too large ones"
                   : e == ERR_CONFLICT ? "A field of the form does not go with those before it"
                                       : "A field's name is not like sender[handle] or to[0]";
    }
    return NULL;
}

static const char *write_fields(const struct multipart *form, struct buf *out)
{
    struct form fields;
    struct jout j;
    form_init(&fields);
    jout_init(&j, out);
    const char *why = add_fields(form, &fields);
    if (!why && form_write(&fields, &j) != OK)
        why = "An element of an array in the form is missing";
    form_fini(&fields);
    return why;
}

static bool read_form(struct sim_call *c)
{
    const char *why = NULL;
    c->is_form = true;
    if (multipart_parse(&c->form, 0, http_header(c->x, "Content-Type"), http_body(c->x), &why) != OK)
        return refuse(c, 400, why);
    if (!are_files_right(c))
        return false;
    why = write_fields(&c->form, &c->form_text);
    if (why)
        return refuse(c, 400, why);
    if (json_parse(&c->doc, buf_span(&c->form_text)) != OK)
        return refuse(c, 400, "A field of the form cannot be read");
    return true;
}

static bool read_json(struct sim_call *c)
{
    if (json_parse(&c->doc, http_body(c->x)) != OK) {
        struct buf why;
        buf_init(&why, 256);
        buf_addf(&why, "The body is not JSON: %s at byte %zu", c->doc.error, c->doc.error_at);
        refuse(c, 400, why.p);
        buf_fini(&why);
        return false;
    }
    if (json_type(json_root(&c->doc)) != JSON_OBJECT)
        return refuse(c, 400, "The body is not an object");
    if (c->route->body == SIM_BODY_FILES && json_len(json_get(json_root(&c->doc), "attachments")))
        return refuse(c, 400, "Attachments need multipart/form-data");
    return true;
}

bool sim_upload_read(struct sim_call *c)
{
    struct span type = http_header(c->x, "Content-Type");
    bool is_form = type.p && http_media_type_is(type, "multipart/form-data");
    if (c->route->body == SIM_BODY_NONE || (c->route->body == SIM_BODY_OPTIONAL && !http_body(c->x).n))
        return true;
    if (!is_form)
        return read_json(c);
    return c->route->body == SIM_BODY_FILES ? read_form(c) : refuse(c, 415, "This call takes JSON");
}

/* Without a type Front looks at the name; what it makes of it is nowhere said. */
static struct sim_file *file_of(struct sim_call *c, const struct multipart_part *part)
{
    char id[SIM_ID_BYTES];
    const struct sim_file_spec spec = {.filename = part->filename,
                                       .content_type = part->content_type,
                                       .cid = part->cid,
                                       .data = part->data,
                                       .claimed_size = -1};
    sim_account_id(&c->sim->account, "fil_", id);
    return sim_file_new(&c->sim->account.files, id, &spec);
}

void sim_upload_attach(struct sim_call *c, struct sim_message *m)
{
    for (unsigned i = 0; i < c->form.n; i++)
        if (is_file(&c->form.part[i]))
            sim_message_attach(m, file_of(c, &c->form.part[i]));
}
