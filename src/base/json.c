/*
 * Documents: tokens by jsmn over a text that json_grammar has found correct, and the ways through them.
 * After tokenising, a value's parent link is replaced by the index of its next sibling, so that no step
 * through a container costs more than one look. Keys are the strings of size 1, and a member's value stands
 * behind its key.
 */
#include "base/json.h"
#include "base/json_text.h"
#include "base/mem.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

enum { FEW_KEYS = 24 }; /* up to here comparing all pairs is faster than sorting */

struct json_token {
    jsmntok_t t; /* t.parent: the next sibling, 0 for none */
};

static struct span token_span(const struct json *doc, uint32_t i)
{
    const jsmntok_t *t = &doc->token[i].t;
    return (struct span){doc->text.p + t->start, (size_t)(t->end - t->start)};
}

static bool is_key(const jsmntok_t *t)
{
    return t->type == JSMN_STRING && t->size == 1;
}

static bool is_container(const jsmntok_t *t)
{
    return t->type == JSMN_OBJECT || t->type == JSMN_ARRAY;
}

/* jsmn in strict mode refuses a number or word that nothing follows, so a lone one is made by hand. */
static bool tokenise_scalar(struct json *doc)
{
    static const char space[] = " \t\r\n";
    const char *p = doc->text.p;
    const size_t start = strspn(p, space);
    size_t end = doc->text.n;
    if (strchr("{[\"", p[start]))
        return false;
    while (strchr(space, p[end - 1]))
        end--;
    doc->token[0].t = (jsmntok_t){.type = JSMN_PRIMITIVE, .start = (int)start, .end = (int)end};
    return true;
}

static void tokenise(struct json *doc)
{
    doc->token = mem_realloc(NULL, doc->token_n * sizeof *doc->token);
    if (tokenise_scalar(doc))
        return;
    jsmn_parser parser;
    jsmn_init(&parser);
    const int n = jsmn_parse(&parser, doc->text.p, doc->text.n, &doc->token[0].t, doc->token_n);
    must(n > 0 && (uint32_t)n == doc->token_n);
}

static void link_siblings(struct json *doc)
{
    uint32_t open[JSON_DEPTH_MAX], last[JSON_DEPTH_MAX], depth = 0;
    for (uint32_t i = 0; i < doc->token_n; i++) {
        jsmntok_t *t = &doc->token[i].t;
        if (is_key(t)) {
            doc->has_escaped_keys = doc->has_escaped_keys || json_has_escapes(token_span(doc, i));
            continue;
        }
        while (depth && t->start >= doc->token[open[depth - 1]].t.end)
            depth--;
        if (depth) {
            if (last[depth - 1])
                doc->token[last[depth - 1]].t.parent = (int)i;
            last[depth - 1] = i;
        }
        t->parent = 0;
        if (is_container(t)) {
            open[depth] = i;
            last[depth++] = 0;
        }
    }
}

static bool has_key_before(const struct json *doc, uint32_t object, uint32_t member)
{
    const struct span key = token_span(doc, member - 1);
    for (uint32_t i = object + 2; i != member; i = (uint32_t)doc->token[i].t.parent)
        if (json_compare(token_span(doc, i - 1), key) == 0)
            return true;
    return false;
}

/* One bit of 64 for a key: the same for the same bytes, mostly another for others. */
static uint64_t mark(struct span key)
{
    if (key.n == 0)
        return 1;
    const uint32_t first = (unsigned char)key.p[0], middle = (unsigned char)key.p[key.n / 2],
                   last = (unsigned char)key.p[key.n - 1];
    return UINT64_C(1) << ((first ^ middle << 8 ^ last << 16 ^ (uint32_t)key.n << 24) * 0x9E3779B1U >> 26);
}

/* The first member of a small object whose key was there before, or 0. */
static uint32_t find_twin(const struct json *doc, uint32_t object)
{
    uint64_t marks = 0;
    for (uint32_t i = object + 2; i; i = (uint32_t)doc->token[i].t.parent) {
        const struct span key = token_span(doc, i - 1);
        if ((doc->has_escaped_keys || marks & mark(key)) && has_key_before(doc, object, i))
            return i;
        marks |= mark(key);
    }
    return 0;
}

static int compare_keys(const void *a, const void *b, void *context)
{
    const struct json *doc = context;
    return json_compare(token_span(doc, *(const uint32_t *)a - 1), token_span(doc, *(const uint32_t *)b - 1));
}

/* The same for a large one. Sorting has no worst case that an attacker could choose, as a hash would. */
static uint32_t find_twin_sorted(const struct json *doc, uint32_t object)
{
    const size_t n = (size_t)doc->token[object].t.size;
    uint32_t *member = mem_calloc(n, sizeof *member), twin = 0;
    size_t used = 0;
    for (uint32_t i = object + 2; i; i = (uint32_t)doc->token[i].t.parent)
        member[used++] = i;
    qsort_r(member, n, sizeof *member, compare_keys, (void *)(uintptr_t)doc);
    for (size_t i = 1; i < n && !twin; i++)
        if (compare_keys(&member[i - 1], &member[i], (void *)(uintptr_t)doc) == 0)
            twin = member[i] > member[i - 1] ? member[i] : member[i - 1];
    free(member);
    return twin;
}

static bool has_twins(struct json *doc)
{
    for (uint32_t i = 0; i < doc->token_n; i++) {
        const jsmntok_t *t = &doc->token[i].t;
        if (t->type != JSMN_OBJECT || t->size < 2)
            continue;
        const uint32_t twin = t->size <= FEW_KEYS ? find_twin(doc, i) : find_twin_sorted(doc, i);
        if (twin) {
            doc->error = "this key is there twice";
            doc->error_at = (size_t)doc->token[twin - 1].t.start - 1;
            return true;
        }
    }
    return false;
}

enum err json_parse(struct json *doc, struct span text)
{
    *doc = (struct json){.text = text.p ? text : SPAN_LIT("")};
    if (text.n > INT_MAX) {
        doc->error = "the text is too long";
        return ERR_LIMIT;
    }
    const enum err e = json_grammar(doc);
    if (e)
        return e;
    tokenise(doc);
    link_siblings(doc);
    if (!has_twins(doc))
        return OK;
    json_fini(doc);
    return ERR_INVALID;
}

void json_fini(struct json *doc)
{
    free(doc->token);
    doc->token = NULL;
    doc->token_n = 0;
}

struct jval json_root(const struct json *doc)
{
    return doc->token ? (struct jval){doc, 0} : (struct jval){0};
}

enum json_type json_type(struct jval v)
{
    static const enum json_type by_token[] = {
        [JSMN_OBJECT] = JSON_OBJECT, [JSMN_ARRAY] = JSON_ARRAY, [JSMN_STRING] = JSON_STRING};
    if (!v.doc)
        return JSON_ABSENT;
    const jsmntok_t *t = &v.doc->token[v.token].t;
    if (t->type != JSMN_PRIMITIVE)
        return by_token[t->type];
    const char first = v.doc->text.p[t->start];
    if (first == 'n')
        return JSON_NULL;
    return first == 't' || first == 'f' ? JSON_BOOL : JSON_NUMBER;
}

uint32_t json_len(struct jval v)
{
    if (!v.doc || !is_container(&v.doc->token[v.token].t))
        return 0;
    return (uint32_t)v.doc->token[v.token].t.size;
}

struct jval json_first(struct jval container)
{
    if (json_len(container) == 0)
        return (struct jval){0};
    const uint32_t behind_key = json_type(container) == JSON_OBJECT;
    return (struct jval){container.doc, container.token + 1 + behind_key};
}

struct jval json_next(struct jval element)
{
    if (!element.doc || element.doc->token[element.token].t.parent == 0)
        return (struct jval){0};
    return (struct jval){element.doc, (uint32_t)element.doc->token[element.token].t.parent};
}

static struct span raw_key(struct jval v)
{
    if (!v.doc || v.token == 0 || !is_key(&v.doc->token[v.token - 1].t))
        return SPAN_NONE;
    return token_span(v.doc, v.token - 1);
}

struct span json_key(struct jval member, struct buf *scratch)
{
    return json_text_span(raw_key(member), scratch);
}

static bool is_key_named(const struct json *doc, uint32_t i, struct span name)
{
    const struct span key = token_span(doc, i);
    if (doc->has_escaped_keys)
        return json_equals(key, name);
    return key.n == name.n && memcmp(key.p, name.p, name.n) == 0;
}

static struct jval get(struct jval object, struct span key)
{
    if (json_type(object) != JSON_OBJECT || json_len(object) == 0)
        return (struct jval){0};
    for (uint32_t i = object.token + 2; i; i = (uint32_t)object.doc->token[i].t.parent)
        if (is_key_named(object.doc, i - 1, key))
            return (struct jval){object.doc, i};
    return (struct jval){0};
}

struct jval json_get(struct jval object, const char *key)
{
    return get(object, span_of(key));
}

struct jval json_path(struct jval object, const char *dotted)
{
    for (;;) {
        const char *end = strchrnul(dotted, '.');
        object = get(object, (struct span){dotted, (size_t)(end - dotted)});
        if (*end == '\0')
            return object;
        dotted = end + 1;
    }
}

struct span json_raw(struct jval v)
{
    if (!v.doc)
        return SPAN_NONE;
    struct span s = token_span(v.doc, v.token);
    if (v.doc->token[v.token].t.type == JSMN_STRING) {
        s.p--; /* the quotes */
        s.n += 2;
    }
    return s;
}
