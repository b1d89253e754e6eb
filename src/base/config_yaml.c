/*
 * Reads one YAML document from libyaml's events into a tree of our own. The one place with yaml.h.
 *
 * It knows nothing of keys or values. Aliases are copied, and every copy counts: the tree is bounded in
 * nodes, bytes and depth. Reading by events matters: libyaml's own loader takes quadratic time in the depth,
 * hours for 1 MiB of `[`.
 */
#include "base/config_yaml.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/*
 * In YAML's flow style `[${NAME}]` is an error, since a brace opens a map. So ${NAME} travels through libyaml
 * as a word between two characters of Unicode's private use area, and comes out as ${NAME} again.
 */
static const char name_open[] = "\xEE\xBF\xB0", name_close[] = "\xEE\xBF\xB1";
enum { MARK_BYTES = sizeof name_open - 1, VARIABLE_MAX = 128 };

static const char name_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/?+-";

/* variable_bytes gives the length of the ${NAME} that starts at p, or 0 if there is none. */
static size_t variable_bytes(const char *p, size_t n)
{
    if (n < 3 || p[0] != '$' || p[1] != '{')
        return 0;
    size_t i = 2;
    while (i < n && i < VARIABLE_MAX && p[i] != '\0' && strchr(name_chars, p[i]))
        i++;
    return i > 2 && i < n && p[i] == '}' ? i + 1 : 0;
}

static void hide_variables(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = variable_bytes(text.p + i, text.n - i);
        if (n) {
            buf_add(out, name_open, MARK_BYTES);
            buf_add(out, text.p + i + 2, n - 3);
            buf_add(out, name_close, MARK_BYTES);
            i += n;
        } else if (text.n - i >= 2 && text.p[i] == '$' && text.p[i + 1] == '$') {
            buf_add(out, "$$", 2);
            i += 2;
        } else {
            buf_add_char(out, text.p[i++]);
        }
    }
}

static char *show_variables(const char *text, size_t n)
{
    struct buf out;
    buf_init(&out, n + 1);
    for (size_t i = 0; i < n;) {
        if (n - i >= MARK_BYTES && memcmp(text + i, name_open, MARK_BYTES) == 0) {
            buf_add(&out, "${", 2);
            i += MARK_BYTES;
        } else if (n - i >= MARK_BYTES && memcmp(text + i, name_close, MARK_BYTES) == 0) {
            buf_add_char(&out, '}');
            i += MARK_BYTES;
        } else {
            buf_add_char(&out, text[i++]);
        }
    }
    return out.n ? buf_take(&out, NULL) : mem_strdup("");
}

struct anchor {
    char *name;
    struct node node; /* a copy of the tree's, to be copied again by each alias */
};

struct reader {
    yaml_parser_t parser;
    struct config_mistakes *mistakes;
    struct anchor anchor[NODE_ANCHORS_MAX];
    size_t anchor_n, node_n, byte_n;
    bool is_refused;
};

static void refuse(struct reader *r, unsigned line, const char *text)
{
    if (!r->is_refused)
        config_mistake(r->mistakes, line, "", "%s", text);
    r->is_refused = true;
}

static unsigned line_of(const yaml_event_t *e)
{
    return (unsigned)e->start_mark.line + 1;
}

/* has_room counts one more node with n bytes of text. */
static bool has_room(struct reader *r, unsigned line, size_t n)
{
    r->byte_n += n;
    if (++r->node_n > NODE_COUNT_MAX || r->byte_n > NODE_BYTES_MAX)
        refuse(r, line, "there are too many values (20000, or 4 MiB), or aliases multiply; use fewer");
    return !r->is_refused;
}

static void syntax_mistake(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    unsigned line = (unsigned)(p->problem_mark.line ? p->problem_mark.line : p->context_mark.line) + 1;
    if (p->error == YAML_READER_ERROR) /* has an offset, but no line */
        config_mistake(r->mistakes, 0, "", "this is no UTF-8 text: %s at byte %zu",
                       p->problem ? p->problem : "bad character", p->problem_offset);
    else
        config_mistake(r->mistakes, line, "", "this is no YAML: %s%s%s",
                       p->problem ? p->problem : "it cannot be read", p->context ? " " : "",
                       p->context ? p->context : "");
    r->is_refused = true;
}

/* next gives the next event, which the caller deletes; false, with nothing to delete, at an error. */
static bool next(struct reader *r, yaml_event_t *e)
{
    if (r->is_refused)
        return false;
    if (yaml_parser_parse(&r->parser, e))
        return true;
    syntax_mistake(r);
    return false;
}

static void fini(struct node *node)
{
    for (size_t i = 0; i < node->child_n; i++)
        fini(&node->child[i]);
    if (node->text)
        mem_wipe(node->text, strlen(node->text));
    free(node->text);
    free(node->name);
    free(node->child);
}

static struct node *add_child(struct node *to)
{
    if ((to->child_n & (to->child_n + 1)) == 0) /* full: room is one less than a power of two */
        to->child = mem_realloc(to->child, (to->child_n * 2 + 1) * sizeof *to->child);
    to->child[to->child_n] = (struct node){.kind = NODE_EMPTY};
    return &to->child[to->child_n++];
}

static bool is_null(const yaml_event_t *e)
{
    static const char *const forms[] = {"", "~", "null", "Null", "NULL"};
    if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (strcmp((const char *)e->data.scalar.value, forms[i]) == 0)
            return true;
    return false;
}

static char *take_scalar(struct reader *r, const yaml_event_t *e)
{
    const char *value = (const char *)e->data.scalar.value;
    if (memchr(value, '\0', e->data.scalar.length))
        refuse(r, line_of(e), "a NUL character stands in this value; remove it");
    return show_variables(value, strlen(value));
}

/* copy_node copies what an anchor names: a tree, since an alias inside its own anchor is refused. */
static void copy_node(struct reader *r, const struct node *from, unsigned line, unsigned depth,
                      struct node *to)
{
    to->line = line;
    if (!has_room(r, line, from->text ? strlen(from->text) : 0))
        return;
    if (depth > NODE_DEPTH_MAX)
        return refuse(r, line, "values nest too deep here; use fewer levels");
    to->kind = from->kind;
    to->text = from->text ? mem_strdup(from->text) : NULL;
    for (size_t i = 0; i < from->child_n && !r->is_refused; i++) {
        struct node *child = add_child(to);
        child->name = from->child[i].name ? mem_strdup(from->child[i].name) : NULL;
        copy_node(r, &from->child[i], line, depth + 1, child);
        child->repeats_line = from->child[i].repeats_line;
    }
}

static void read_alias(struct reader *r, const yaml_event_t *e, unsigned depth, struct node *to)
{
    const char *name = (const char *)e->data.alias.anchor;
    for (size_t i = r->anchor_n; i > 0; i--)
        if (strcmp(r->anchor[i - 1].name, name) == 0)
            return copy_node(r, &r->anchor[i - 1].node, line_of(e), depth, to);
    refuse(r, line_of(e),
           "this alias names no anchor that ends before it; write the value itself, in quotes if it begins "
           "with *");
}

static void keep_anchor(struct reader *r, const yaml_char_t *name, const struct node *node)
{
    if (!name || r->is_refused)
        return;
    if (r->anchor_n == NODE_ANCHORS_MAX)
        return refuse(r, node->line, "there are more than 64 anchors; use fewer");
    struct anchor *anchor = &r->anchor[r->anchor_n++];
    anchor->name = mem_strdup((const char *)name);
    copy_node(r, node, node->line, 0, &anchor->node);
}

static int by_name(const void *a, const void *b)
{
    const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x > y) - (x < y); /* both stand in one array: the earlier first */
}

static void mark_repeats(struct node *map)
{
    struct node **sorted = mem_calloc(map->child_n + 1, sizeof *sorted);
    for (size_t i = 0; i < map->child_n; i++)
        sorted[i] = &map->child[i];
    qsort(sorted, map->child_n, sizeof *sorted, by_name);
    for (size_t i = 1; i < map->child_n; i++)
        if (strcmp(sorted[i]->name, sorted[i - 1]->name) == 0)
            sorted[i]->repeats_line = sorted[i - 1]->line;
    free(sorted);
}

static void read_node(struct reader *r, const yaml_event_t *e, unsigned depth, struct node *to);

static void read_list(struct reader *r, unsigned depth, struct node *to)
{
    yaml_event_t e;
    for (bool is_end = false; !is_end && next(r, &e); yaml_event_delete(&e)) {
        is_end = e.type == YAML_SEQUENCE_END_EVENT;
        if (!is_end)
            read_node(r, &e, depth + 1, add_child(to));
    }
}

/* read_member reads the value of the key in e. */
static void read_member(struct reader *r, const yaml_event_t *e, unsigned depth, struct node *to)
{
    yaml_event_t value;
    struct node *child = add_child(to);
    if (e->type != YAML_SCALAR_EVENT) {
        child->name = mem_strdup("");
        return refuse(r, line_of(e), "a key must be a plain word; write `key: value`");
    }
    child->name = take_scalar(r, e);
    if (!next(r, &value))
        return;
    read_node(r, &value, depth + 1, child);
    child->line = line_of(e);
    yaml_event_delete(&value);
}

static void read_map(struct reader *r, unsigned depth, struct node *to)
{
    yaml_event_t e;
    for (bool is_end = false; !is_end && next(r, &e); yaml_event_delete(&e)) {
        is_end = e.type == YAML_MAPPING_END_EVENT;
        if (!is_end)
            read_member(r, &e, depth, to);
    }
    if (!r->is_refused)
        mark_repeats(to);
}

static void read_node(struct reader *r, const yaml_event_t *e, unsigned depth, struct node *to)
{
    to->line = line_of(e);
    if (depth > NODE_DEPTH_MAX)
        return refuse(r, to->line, "values nest too deep here; use fewer levels");
    if (e->type == YAML_ALIAS_EVENT)
        return read_alias(r, e, depth, to);
    if (!has_room(r, to->line, e->type == YAML_SCALAR_EVENT ? e->data.scalar.length : 0))
        return;
    if (e->type == YAML_SEQUENCE_START_EVENT) {
        to->kind = NODE_LIST;
        read_list(r, depth, to);
        keep_anchor(r, e->data.sequence_start.anchor, to);
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        to->kind = NODE_MAP;
        read_map(r, depth, to);
        keep_anchor(r, e->data.mapping_start.anchor, to);
    } else {
        must(e->type == YAML_SCALAR_EVENT);
        to->kind = is_null(e) ? NODE_EMPTY : NODE_TEXT;
        to->text = take_scalar(r, e);
        keep_anchor(r, e->data.scalar.anchor, to);
    }
}

/* read_stream takes the one document; a second one would be ignored in silence, so it is refused. */
static void read_stream(struct reader *r, struct node *root)
{
    yaml_event_t e;
    unsigned document_n = 0;
    for (bool is_end = false; !is_end && next(r, &e); yaml_event_delete(&e)) {
        is_end = e.type == YAML_STREAM_END_EVENT;
        if (e.type == YAML_DOCUMENT_START_EVENT && ++document_n > 1)
            refuse(r, line_of(&e), "a second document starts here; write one, without `---`");
        else if (!is_end && e.type != YAML_STREAM_START_EVENT && e.type != YAML_DOCUMENT_START_EVENT &&
                 e.type != YAML_DOCUMENT_END_EVENT)
            read_node(r, &e, 0, root);
    }
}

static void reader_fini(struct reader *r)
{
    for (size_t i = 0; i < r->anchor_n; i++) {
        free(r->anchor[i].name);
        fini(&r->anchor[i].node);
    }
    yaml_parser_delete(&r->parser);
}

enum err node_read(struct span text, struct node **out, struct config_mistakes *mistakes)
{
    struct reader r = {.mistakes = mistakes};
    struct node *root = mem_zalloc(sizeof *root);
    struct buf hidden;
    buf_init(&hidden, text.n * 2 + MARK_BYTES * 2);
    hide_variables(text, &hidden);
    must(!hidden.is_over && yaml_parser_initialize(&r.parser));
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)buf_span(&hidden).p, hidden.n);
    read_stream(&r, root);
    reader_fini(&r);
    if (hidden.p)
        mem_wipe(hidden.p, hidden.n);
    buf_fini(&hidden);
    if (r.is_refused) {
        node_free(root);
        return ERR_INVALID;
    }
    *out = root;
    return OK;
}

void node_free(struct node *root)
{
    if (!root)
        return;
    fini(root);
    free(root);
}
