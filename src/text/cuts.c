/*
 * Decides how much is remembered of long texts. Many may be under way at once, each waiting for its backend between two
 * parts; what is forgotten costs its cut again.
 */
#include "text/cuts.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum {
    KEPT_BYTES = 2 << 20,  /* of texts and their HTML; the newest is kept however long it is */
    COST_OF_ONE = 4 << 10, /* of each, besides */
};

static void add_number(struct buf *key, size_t n)
{
    buf_add(key, &n, sizeof n);
}

static void add_span(struct buf *key, struct span s)
{
    add_number(key, s.p ? s.n : SIZE_MAX);
    buf_add_span(key, s);
}

static void write_key(struct buf *key, const struct text_source *s, unsigned forms, size_t max)
{
    size_t numbers = 5 + 2 * (size_t)s->file_n, room = numbers * sizeof(size_t) + s->text.n + s->html.n;

    for (unsigned i = 0; i < s->file_n; i++)
        room += s->file[i].name.n + s->file[i].cid.n;
    buf_init(key, room);
    buf_reserve(key, room);
    add_number(key, forms);
    add_number(key, max);
    add_number(key, s->wants_names);
    add_span(key, s->text);
    add_span(key, s->html);
    for (unsigned i = 0; i < s->file_n; i++) {
        add_span(key, s->file[i].name);
        add_span(key, s->file[i].cid);
    }
}

void text_cut_free(struct text_cut *cut)
{
    if (!cut)
        return;
    text_parts_free(cut->parts);
    buf_fini(&cut->key);
    free(cut);
}

void text_cuts_fini(struct text_cuts *c)
{
    for (struct text_cut *cut; (cut = c->first);) {
        c->first = cut->next;
        text_cut_free(cut);
    }
}

static struct text_cut *find(struct text_cuts *c, const struct buf *key)
{
    for (struct text_cut **at = &c->first, *cut; (cut = *at); at = &cut->next)
        if (span_eq(buf_span(&cut->key), buf_span(key))) {
            *at = cut->next;
            return cut;
        }
    return NULL;
}

enum err text_cuts_take(struct text_cuts *c, const struct text_source *s, unsigned forms,
                        size_t max_characters, struct text_cut **out)
{
    struct text_cut made = {0}, *found;

    write_key(&made.key, s, forms, max_characters);
    if ((found = find(c, &made.key))) {
        buf_fini(&made.key);
        *out = found;
        return OK;
    }
    c->made_n++;
    enum err e = text_parts_new(s, forms, max_characters, &made.parts);
    if (e) {
        buf_fini(&made.key);
        return e;
    }
    *out = mem_zalloc(sizeof **out);
    **out = made;
    return OK;
}

void text_cuts_put(struct text_cuts *c, struct text_cut *cut)
{
    size_t kept = 0;

    cut->next = c->first;
    c->first = cut;
    for (struct text_cut **at = &c->first, *one; (one = *at);) {
        kept += one->key.n + COST_OF_ONE;
        if (kept <= KEPT_BYTES || one == cut) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        text_cut_free(one);
    }
}
