/*
 * Decides which forms of the text go into a delivery and which part of it; how they are made and cut is text/parts.h's. All
 * other members are passed on as they stand.
 */
#include "host/letter.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/cuts.h"
#include <front_bridge/channel.h>
#include <stdlib.h>

struct letter {
    struct jval root;
    const struct letter_form *form;
    struct letter_part *part;
    struct jout j;
    struct text_cuts *cuts;
    struct text_cut *cut;
    struct buf text, html, id, scratch;
    struct buf *name; /* of the files: name, cid, name, cid, … */
    struct text_file *file;
    unsigned file_n;
};

static bool takes(const struct letter *l, enum fb_format format)
{
    return l->form->formats & format;
}

static bool is_last(const struct letter *l)
{
    return l->part->at + 1 >= l->part->n;
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

/* ---- Cutting ---- */

/*
 * How a text is cut, as one number: by which limit, for which forms, with names of files or without, and a digest of what
 * came out. Parts of one text are cut hours apart, perhaps by another adapter, with other settings, or by a bridge of
 * another version. Each but the first is cut by the limit and the forms of the first, and is sent only if the digest is the
 * same: nothing is left out and nothing comes twice. If what is left is longer than what the adapter takes now, the rest is
 * refused, and the agent reads how much arrived: to begin anew would repeat that, and other numbers would contradict those
 * which the customer has seen. While no part is delivered yet there is nothing to keep to, and the text is cut anew.
 */
enum { LIMIT_BITS = 24, DIGEST_BITS = 32 };

struct cut_rule {
    size_t limit;
    unsigned forms; /* 1u << enum text_form … */
    bool has_names;
};

static int64_t cut_number(struct letter *l, const struct cut_rule *r)
{
    int64_t number = text_parts_digest(l->cut->parts);

    number = number << 1 | r->has_names;
    number = number << TEXT_FORM_N | r->forms;
    return number << LIMIT_BITS | (int64_t)r->limit;
}

static enum err read_rule(int64_t number, struct cut_rule *out)
{
    *out = (struct cut_rule){.limit = (size_t)(number & ((1 << LIMIT_BITS) - 1)),
                             .forms = (unsigned)(number >> LIMIT_BITS) & ((1u << TEXT_FORM_N) - 1),
                             .has_names = number >> (LIMIT_BITS + TEXT_FORM_N) & 1};
    bool is_one = number >> (LIMIT_BITS + TEXT_FORM_N + 1 + DIGEST_BITS) == 0 &&
                  out->limit >= TEXT_CHARACTERS_MIN && out->forms & (1u << TEXT_PLAIN);
    return is_one ? OK : ERR_INVALID;
}

static struct cut_rule rule_of_now(const struct letter *l)
{
    size_t limit = l->form->max_text;

    return (struct cut_rule){.limit = limit >> LIMIT_BITS ? (1u << LIMIT_BITS) - 1 : limit,
                             .forms = 1u << TEXT_PLAIN |
                                      (takes(l, FB_FORMAT_MARKDOWN) ? 1u << TEXT_MARKDOWN : 0) |
                                      (takes(l, FB_FORMAT_HTML) ? 1u << TEXT_HTML : 0),
                             .has_names = !(l->form->capabilities & FB_CAN_ATTACHMENTS)};
}

static enum err cut(struct letter *l, const struct cut_rule *r)
{
    buf_clear(&l->text);
    buf_clear(&l->html);
    const struct text_source s = {.text = string_of(l->root, "text", &l->text),
                                  .html = string_of(l->root, "html", &l->html),
                                  .file = l->file,
                                  .file_n = l->file_n,
                                  .wants_names = r->has_names};

    text_cut_free(l->cut);
    l->cut = NULL;
    return text_cuts_take(l->cuts, &s, r->forms, r->limit, &l->cut);
}

/* Whether the cut has seen to it that this form is short enough now. */
static bool is_bounded(enum text_form f, const struct cut_rule *then, const struct cut_rule *now)
{
    return (then->forms & (1u << f)) && then->limit <= now->limit;
}

static bool fits(struct letter *l, const struct cut_rule *then, const struct cut_rule *now)
{
    for (enum text_form f = 0; f < TEXT_FORM_N && now->limit > 0; f++) {
        if (!(now->forms & (1u << f)) || is_bounded(f, then, now))
            continue;
        for (unsigned k = l->part->at; k < text_parts_n(l->cut->parts); k++) {
            buf_clear(&l->scratch);
            text_part(l->cut->parts, k, f, &l->scratch);
            if (text_characters(buf_span(&l->scratch)) > now->limit)
                return false;
        }
    }
    return true;
}

static enum err cut_as_before(struct letter *l, const struct cut_rule *now)
{
    struct cut_rule then;

    if (read_rule(l->part->cut, &then) != OK || (now->has_names && !then.has_names && l->file_n > 0) ||
        cut(l, &then) != OK)
        return ERR_CONFLICT;
    bool is_same = text_parts_n(l->cut->parts) > 1 && l->part->at < text_parts_n(l->cut->parts) &&
                   cut_number(l, &then) == l->part->cut;
    return is_same && fits(l, &then, now) ? OK : ERR_CONFLICT;
}

static enum err cut_text(struct letter *l)
{
    const struct cut_rule now = rule_of_now(l);
    struct letter_part *p = l->part;

    enum err e = p->cut ? cut_as_before(l, &now) : p->at > 0 ? ERR_CONFLICT : cut(l, &now);
    if (e == ERR_CONFLICT && p->at == 0) {
        p->cut = 0;
        e = cut(l, &now);
    }
    if (e)
        return e;
    p->n = text_parts_n(l->cut->parts);
    if (p->n > 1 && p->cut == 0)
        p->cut = cut_number(l, &now);
    return OK;
}

/* ---- Writing ---- */

static void put_form(struct letter *l, const char *key, enum text_form form)
{
    buf_clear(&l->scratch);
    text_part(l->cut->parts, l->part->at, form, &l->scratch);
    jout_kv_span(&l->j, key, l->scratch.n > 0 ? buf_span(&l->scratch) : SPAN_NONE);
}

static void put_text(struct letter *l, struct jval v)
{
    (void)v;
    put_form(l, "text", TEXT_PLAIN);
    if (takes(l, FB_FORMAT_MARKDOWN))
        put_form(l, "markdown", TEXT_MARKDOWN);
}

static void put_html(struct letter *l, struct jval v)
{
    (void)v;
    if (takes(l, FB_FORMAT_HTML))
        put_form(l, "html", TEXT_HTML);
    else
        jout_kv_span(&l->j, "html", SPAN_NONE);
}

static void put_nothing(struct letter *l, struct jval v)
{
    (void)l, (void)v;
}

static void put_raw(struct letter *l, const char *key, struct jval v)
{
    jout_key(&l->j, key);
    jout_raw(&l->j, json_raw(v));
}

static void put_id(struct letter *l, struct jval v)
{
    struct span id = json_type(v) == JSON_STRING ? string_of(l->root, "id", &l->id) : SPAN_NONE;

    if (l->part->n == 1 || !id.p) {
        put_raw(l, "id", v);
    } else {
        buf_clear(&l->scratch);
        buf_addf(&l->scratch, "%.*s-p%u", SPAN_FMT(id), l->part->at + 1);
        jout_kv_span(&l->j, "id", buf_span(&l->scratch));
    }
}

static void put_of_first(struct letter *l, const char *key, struct jval v)
{
    if (l->part->at == 0)
        put_raw(l, key, v);
    else
        jout_kv_span(&l->j, key, SPAN_NONE);
}

static void put_subject(struct letter *l, struct jval v)
{
    put_of_first(l, "subject", v);
}

static void put_in_reply_to(struct letter *l, struct jval v)
{
    put_of_first(l, "in_reply_to", v);
}

static void put_attachments(struct letter *l, struct jval v)
{
    if (is_last(l)) {
        put_raw(l, "attachments", v);
    } else {
        jout_key(&l->j, "attachments");
        jout_array(&l->j);
        jout_array_end(&l->j);
    }
}

static const struct {
    const char *key;
    void (*put)(struct letter *l, struct jval v);
} members[] = {
    {"id", put_id},
    {"text", put_text},
    {"html", put_html},
    {"markdown", put_nothing}, /* made of the text */
    {"subject", put_subject},
    {"in_reply_to", put_in_reply_to},
    {"attachments", put_attachments},
};

static void put_member(struct letter *l, struct jval v)
{
    struct buf scratch;
    size_t i = 0;

    buf_init(&scratch, 256);
    struct span key = json_key(v, &scratch);
    while (i < ARRAY_LEN(members) && !span_is(key, members[i].key))
        i++;
    if (i < ARRAY_LEN(members)) {
        members[i].put(l, v);
    } else if (key.p) {
        jout_key_span(&l->j, key);
        jout_raw(&l->j, json_raw(v));
    }
    buf_fini(&scratch);
}

static void write_all(struct letter *l, struct buf *out)
{
    jout_init(&l->j, out);
    jout_object(&l->j);
    for (struct jval v = json_first(l->root); v.doc; v = json_next(v))
        put_member(l, v);
    if (l->part->n > 1) {
        jout_kv_i64(&l->j, "part", l->part->at + 1);
        jout_kv_i64(&l->j, "part_n", l->part->n);
    }
    jout_object_end(&l->j);
}

/* Those who come for the next part find the text cut. */
static void keep_cut(struct letter *l)
{
    if (is_last(l))
        return;
    text_cuts_put(l->cuts, l->cut);
    l->cut = NULL;
}

static void letter_init(struct letter *l, size_t json_n)
{
    buf_init(&l->text, json_n + 1);
    buf_init(&l->html, json_n + 1);
    buf_init(&l->id, json_n + 1);
    buf_init(&l->scratch, 16 * json_n + 65536);
    read_files(l, json_n + 1);
}

static void letter_fini(struct letter *l)
{
    text_cut_free(l->cut);
    for (unsigned i = 0; i < 2 * l->file_n; i++)
        buf_fini(&l->name[i]);
    free(l->name);
    free(l->file);
    buf_fini(&l->text);
    buf_fini(&l->html);
    buf_fini(&l->id);
    buf_fini(&l->scratch);
}

enum err letter_write(struct text_cuts *cuts, struct span json, const struct letter_form *form,
                      struct letter_part *part, struct buf *out)
{
    struct json doc;
    struct letter_part p = *part;
    struct letter l = {.form = form, .part = &p, .cuts = cuts};
    enum err e = json_parse(&doc, json);

    l.root = json_root(&doc);
    if (e == OK && json_type(l.root) != JSON_OBJECT)
        e = ERR_INVALID;
    if (e == OK) {
        letter_init(&l, json.n);
        e = cut_text(&l);
        if (e == OK) {
            write_all(&l, out);
            keep_cut(&l);
        }
        letter_fini(&l);
    }
    json_fini(&doc);
    if (e == OK && out->is_over)
        e = ERR_LIMIT;
    if (e == OK)
        *part = p;
    return e;
}
