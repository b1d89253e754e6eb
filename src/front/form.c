/* Decides how a place in a JSON document is named in a form. It refuses to know which call the document is for. */
#include "front/form.h"
#include "base/json.h"
#include "base/mem.h"
#include <stdlib.h>

enum { NAME_MAX_BYTES = 1024, VALUE_MAX_BYTES = 32 << 20 };

static struct http_part *add(struct front_form *f)
{
    f->part = mem_realloc(f->part, (f->part_n + 1) * sizeof *f->part);
    return &f->part[f->part_n++];
}

static void add_field(struct front_form *f, const struct buf *name, struct jval v)
{
    struct buf scratch;

    buf_init(&scratch, VALUE_MAX_BYTES);
    struct span text = json_type(v) == JSON_STRING ? json_span(v, &scratch) : json_raw(v);
    *add(f) =
        (struct http_part){.name = mem_strdup(name->p), .value = {mem_dup(text.p, text.n), text.n}, .fd = -1};
    buf_fini(&scratch);
}

static void walk(struct front_form *f, struct buf *name, struct jval v); /* as deep as JSON_DEPTH_MAX */

static void walk_children(struct front_form *f, struct buf *name, struct jval v)
{
    bool is_array = json_type(v) == JSON_ARRAY;
    size_t before = name->n;
    unsigned i = 0;
    struct buf scratch;

    buf_init(&scratch, NAME_MAX_BYTES);
    for (struct jval e = json_first(v); e.doc; e = json_next(e), i++) {
        if (is_array)
            buf_addf(name, "[%u]", i);
        else
            buf_addf(name, before ? "[%.*s]" : "%.*s", SPAN_FMT(json_key(e, &scratch)));
        walk(f, name, e);
        buf_cut(name, before);
    }
    buf_fini(&scratch);
}

static void walk(struct front_form *f, struct buf *name, struct jval v)
{
    if (json_type(v) == JSON_OBJECT || json_type(v) == JSON_ARRAY)
        walk_children(f, name, v);
    else if (json_has(v))
        add_field(f, name, v);
}

enum err front_form_read(struct front_form *f, struct span json)
{
    struct json doc;
    struct buf name;

    *f = (struct front_form){.part = NULL};
    enum err e = json_parse(&doc, json);
    if (!e && json_type(json_root(&doc)) != JSON_OBJECT)
        e = ERR_INVALID;
    buf_init(&name, NAME_MAX_BYTES);
    if (!e)
        walk(f, &name, json_root(&doc));
    buf_fini(&name);
    json_fini(&doc);
    return e;
}

/* Readers of forms differ in how a quotation mark is escaped: some would show \" or %22. A clean name has no backslash. */
static char *without_quotes(const char *name)
{
    char *copy = mem_strdup(name);

    for (char *p = copy; *p; p++)
        if (*p == '"')
            *p = '\'';
    return copy;
}

void front_form_add_file(struct front_form *f, const struct http_part *file)
{
    struct buf name;
    struct http_part *part = add(f);

    buf_init(&name, NAME_MAX_BYTES);
    buf_addf(&name, "attachments[%zu]", f->file_n++);
    *part = *file;
    part->name = buf_take(&name, NULL);
    part->value = SPAN_NONE;
    part->filename = without_quotes(file->filename);
    part->content_type = mem_strdup(file->content_type);
    part->cid = file->cid ? mem_strdup(file->cid) : NULL;
}

void front_form_fini(struct front_form *f)
{
    for (size_t i = 0; i < f->part_n; i++) {
        free((char *)(uintptr_t)f->part[i].name);
        free((char *)(uintptr_t)f->part[i].value.p);
        free((char *)(uintptr_t)f->part[i].filename);
        free((char *)(uintptr_t)f->part[i].content_type);
        free((char *)(uintptr_t)f->part[i].cid);
    }
    free(f->part);
    *f = (struct front_form){.part = NULL};
}
