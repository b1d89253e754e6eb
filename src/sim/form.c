/*
 * Builds a tree from bracketed names. Refuses to know which fields there should be. Invariant: a node is a
 * value, an array or an object, and never changes from one to another.
 */
#include "sim/form.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum form_kind { FORM_NEW, FORM_VALUE, FORM_ARRAY, FORM_OBJECT };

struct form_node {
    char *key;    /* in an object */
    size_t index; /* in an array */
    enum form_kind kind;
    char *value;
    size_t value_n;
    struct form_node **child;
    unsigned child_n;
};

void form_init(struct form *f)
{
    *f = (struct form){.root = mem_zalloc(sizeof *f->root)};
    f->root->kind = FORM_OBJECT;
}

static void node_free(struct form_node *node) /* as deep as FORM_DEPTH_MAX */
{
    for (unsigned i = 0; i < node->child_n; i++)
        node_free(node->child[i]);
    free(node->child);
    free(node->key);
    free(node->value);
    free(node);
}

void form_fini(struct form *f)
{
    node_free(f->root);
    *f = (struct form){0};
}

static bool is_index(struct span key, const struct form_node *parent, size_t *index)
{
    uint64_t n = parent->child_n;
    if (key.n && (!span_u64(key, &n) || n >= FORM_FIELDS_MAX))
        return false;
    *index = (size_t)n;
    return true;
}

static struct form_node *child_new(struct form_node *parent)
{
    parent->child = mem_realloc(parent->child, (parent->child_n + 1) * sizeof(struct form_node *));
    struct form_node *node = mem_zalloc(sizeof *node);
    parent->child[parent->child_n++] = node;
    return node;
}

static struct form_node *element(struct form_node *parent, size_t index)
{
    for (unsigned i = 0; i < parent->child_n; i++)
        if (parent->child[i]->index == index)
            return parent->child[i];
    struct form_node *node = child_new(parent);
    node->index = index;
    return node;
}

static struct form_node *member(struct form_node *parent, struct span key)
{
    for (unsigned i = 0; i < parent->child_n; i++)
        if (span_is(key, parent->child[i]->key))
            return parent->child[i];
    struct form_node *node = child_new(parent);
    node->key = mem_strndup(key.p, key.n);
    return node;
}

/* descend gives the child of that key; NULL if the parent is of another kind. */
static struct form_node *descend(struct form_node *parent, struct span key)
{
    size_t index = 0;
    bool is_number = is_index(key, parent, &index);
    if (parent->kind == FORM_NEW)
        parent->kind = is_number ? FORM_ARRAY : FORM_OBJECT;
    if (parent->kind == FORM_ARRAY)
        return is_number ? element(parent, index) : NULL;
    return parent->kind == FORM_OBJECT && key.n ? member(parent, key) : NULL;
}

/* next_key cuts the next key off name: what stands before the first bracket, then what is in brackets. */
static bool next_key(const char **name, bool is_first, struct span *key)
{
    const char *p = *name + (is_first ? 0 : 1);
    size_t n = strcspn(p, "[]");
    *key = (struct span){p, n};
    if (is_first ? !n || p[n] == ']' : **name != '[' || p[n] != ']')
        return false;
    *name = p + n + (is_first ? 0 : 1);
    return true;
}

static enum err find(struct form *f, const char *name, struct form_node **out)
{
    struct form_node *node = f->root;
    struct span key;
    for (unsigned depth = 0; !depth || *name; depth++) {
        if (depth == FORM_DEPTH_MAX)
            return ERR_LIMIT;
        if (!next_key(&name, !depth, &key))
            return ERR_INVALID;
        node = descend(node, key);
        if (!node)
            return ERR_CONFLICT;
    }
    *out = node;
    return OK;
}

enum err form_add(struct form *f, const char *name, struct span value)
{
    struct form_node *node = NULL;
    if (f->n == FORM_FIELDS_MAX || value.n > FORM_VALUES_MAX - f->bytes)
        return ERR_LIMIT;
    enum err e = find(f, name, &node);
    if (e != OK)
        return e;
    if (node->kind != FORM_NEW)
        return ERR_CONFLICT;
    node->kind = FORM_VALUE;
    node->value = value.n ? mem_dup(value.p, value.n) : NULL; /* it may hold a NUL */
    node->value_n = value.n;
    f->n++;
    f->bytes += value.n;
    return OK;
}

static enum err write_node(const struct form_node *node, struct jout *j);

static enum err write_object(const struct form_node *node, struct jout *j)
{
    jout_object(j);
    for (unsigned i = 0; i < node->child_n; i++) {
        jout_key(j, node->child[i]->key);
        enum err e = write_node(node->child[i], j);
        if (e != OK)
            return e;
    }
    jout_object_end(j);
    return OK;
}

static const struct form_node *element_at(const struct form_node *node, size_t index)
{
    for (unsigned i = 0; i < node->child_n; i++)
        if (node->child[i]->index == index)
            return node->child[i];
    return NULL;
}

static enum err write_array(const struct form_node *node, struct jout *j)
{
    jout_array(j);
    for (size_t i = 0; i < node->child_n; i++) {
        const struct form_node *found = element_at(node, i);
        enum err e = found ? write_node(found, j) : ERR_INVALID;
        if (e != OK)
            return e;
    }
    jout_array_end(j);
    return OK;
}

static enum err write_node(const struct form_node *node, struct jout *j) /* as deep as FORM_DEPTH_MAX */
{
    if (node->kind == FORM_OBJECT)
        return write_object(node, j);
    if (node->kind == FORM_ARRAY)
        return write_array(node, j);
    jout_span(j, (struct span){node->value ? node->value : "", node->value_n});
    return OK;
}

enum err form_write(const struct form *f, struct jout *j)
{
    return write_node(f->root, j);
}
