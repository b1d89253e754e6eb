/*
 * Decides which forms of the text go into a delivery; how they are made is text/parts.h's. All other members
 * are passed on as they stand.
 */
#include "host/letter.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/parts.h"
#include <stdlib.h>

struct letter {
    struct jval root;
    const struct fb_module *m;
    struct jout j;
    struct text_parts *parts;
    struct buf text, html, scratch;
    struct buf *name; /* of the files: name, cid, name, cid, … */
    struct text_file *file;
    unsigned file_n;
};

static bool takes(const struct letter *l, enum fb_format format)
{
    return l->m->formats & format;
}

/* A string of the object; absent if it is none. */
static struct span string_of(struct jval object, const char *key, struct buf *scratch)
{
    struct jval v = json_get(object, key);

    return json_type(v) == JSON_STRING ? json_span(v, scratch) : SPAN_NONE;
}

static void read_files(struct letter *l, size_t max)
{
    struct jval files = json_get(l->root, "attachments");
    unsigned n = json_len(files);

    l->name = mem_calloc(2 * (size_t)n + 1, sizeof *l->name);
    l->file = mem_calloc((size_t)n + 1, sizeof *l->file);
    for (struct jval f = json_first(files); f.doc; f = json_next(f), l->file_n++) {
        struct buf *scratch = &l->name[2 * l->file_n];
        buf_init(scratch, max);
        buf_init(scratch + 1, max);
        struct span name = string_of(f, "filename", scratch);
        l->file[l->file_n] = (struct text_file){.name = name.n > 0 ? name : SPAN_LIT("?"),
                                                .cid = string_of(f, "cid", scratch + 1)};
    }
}

static void put_form(struct letter *l, const char *key, enum text_form form)
{
    buf_clear(&l->scratch);
    text_part(l->parts, 0, form, &l->scratch);
    jout_kv_span(&l->j, key, l->scratch.n > 0 ? buf_span(&l->scratch) : SPAN_NONE);
}

static void put_member(struct letter *l, struct jval v)
{
    struct buf scratch;

    buf_init(&scratch, 256);
    struct span key = json_key(v, &scratch);
    bool is_text = span_is(key, "text") || span_is(key, "html") || span_is(key, "markdown");
    if (span_is(key, "text")) {
        put_form(l, "text", TEXT_PLAIN);
        if (takes(l, FB_FORMAT_MARKDOWN))
            put_form(l, "markdown", TEXT_MARKDOWN);
    } else if (span_is(key, "html") && takes(l, FB_FORMAT_HTML)) {
        put_form(l, "html", TEXT_HTML);
    } else if (span_is(key, "html")) {
        jout_kv_span(&l->j, "html", SPAN_NONE);
    }
    if (!is_text && key.p) {
        jout_key_span(&l->j, key);
        jout_raw(&l->j, json_raw(v));
    }
    buf_fini(&scratch);
}

static void write_all(struct letter *l, size_t max, struct buf *out)
{
    struct text_source s = {.text = string_of(l->root, "text", &l->text),
                            .html = string_of(l->root, "html", &l->html)};

    s.file = l->file;
    s.file_n = l->file_n;
    s.wants_names = !(l->m->capabilities & FB_CAN_ATTACHMENTS);
    if (text_parts_new(&s, ~0u, 0, &l->parts) != OK)
        never("text without a limit is one part");
    buf_init(&l->scratch, max);
    jout_init(&l->j, out);
    jout_object(&l->j);
    for (struct jval v = json_first(l->root); v.doc; v = json_next(v))
        put_member(l, v);
    jout_object_end(&l->j);
    buf_fini(&l->scratch);
    text_parts_free(l->parts);
}

enum err letter_write(struct span json, const struct fb_module *m, struct buf *out)
{
    struct json doc;
    struct letter l = {.m = m};
    enum err e = json_parse(&doc, json);

    l.root = json_root(&doc);
    if (e == OK && json_type(l.root) != JSON_OBJECT)
        e = ERR_INVALID;
    if (e == OK) {
        buf_init(&l.text, json.n + 1);
        buf_init(&l.html, json.n + 1);
        read_files(&l, json.n + 1);
        write_all(&l, 16 * json.n + 65536, out);
        for (unsigned i = 0; i < 2 * l.file_n; i++)
            buf_fini(&l.name[i]);
        free(l.name);
        free(l.file);
        buf_fini(&l.text);
        buf_fini(&l.html);
        e = out->is_over ? ERR_LIMIT : OK;
    }
    json_fini(&doc);
    return e;
}
