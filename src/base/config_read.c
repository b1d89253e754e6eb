/*
 * Walks the tree of YAML along the table of keys and fills the fields of struct config.
 *
 * It decides which key a value belongs to and what to say when there is none; how a scalar is read is
 * config_value.c's business, what keys mean together config_rules.c's. Invariant: a mistake costs its own key
 * only.
 */
#include "base/config_read.h"
#include "base/config_value.h"
#include "base/json.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 900, SETTING_JSON_MAX = 256 * 1024 };

struct walk {
    struct config *config;
    struct config_mistakes *mistakes;
};

struct place {
    char path[256];             /* "channels.support.retry" */
    char pattern[KEY_PATH_MAX]; /* "channels.*.retry" */
    void *base;                 /* struct config, config_account or config_channel */
};

/* join cuts what is too long: no row of the table is, so it is just unknown. */
static void join(char *to, size_t size, const char *group, const char *name)
{
    must(snprintf(to, size, "%s%s%s", group, group[0] ? "." : "", name) >= 0);
}

static void step(struct place *to, const struct place *from, const char *name, const char *pattern)
{
    join(to->path, sizeof to->path, from->path, name);
    join(to->pattern, sizeof to->pattern, from->pattern, pattern);
    to->base = from->base;
}

static void mistake_why(struct walk *w, unsigned line, const char *path, const struct buf *why)
{
    config_mistake(w->mistakes, line, path, "%s", buf_span(why).p);
}

static bool is_kind(struct walk *w, const struct node *node, enum node_kind kind, const char *path,
                    const char *cure)
{
    if (node->kind == kind)
        return true;
    if (node->kind == NODE_EMPTY)
        config_mistake(w->mistakes, node->line, path, "the value is missing; write %s, or remove the key",
                       cure);
    else
        config_mistake(w->mistakes, node->line, path, "this is %s; write %s",
                       node->kind == NODE_TEXT   ? "plain text"
                       : node->kind == NODE_LIST ? "a list"
                                                 : "a map",
                       cure);
    return false;
}

/* take_text gives what a scalar stands for: variables replaced and, if it names a file, the file's content.
 */
static bool take_text(struct walk *w, const struct node *node, bool is_file, const char *path,
                      struct buf *out)
{
    struct buf why, name;
    if (!is_kind(w, node, NODE_TEXT, path, is_file ? "the path of a file" : "one value"))
        return false;
    buf_init(&why, WHY_MAX);
    buf_init(&name, CONFIG_VALUE_MAX);
    bool is_good = config_expand(node->text, is_file ? &name : out, &why);
    if (is_good && is_file)
        is_good = config_read_secret(buf_span(&name).p, out, &why);
    if (!is_good)
        mistake_why(w, node->line, path, &why);
    buf_fini(&name);
    buf_fini(&why);
    return is_good;
}

static void wipe(struct buf *b)
{
    if (b->p)
        mem_wipe(b->p, b->n);
    buf_fini(b);
}

static void read_scalar(struct walk *w, const struct config_key *k, const struct node *node, bool is_file,
                        const struct place *at)
{
    struct buf text, why;
    buf_init(&text, CONFIG_VALUE_MAX);
    buf_init(&why, WHY_MAX);
    if (take_text(w, node, is_file, at->path, &text) &&
        !config_set(k, buf_span(&text).p, node->text, at->base, &why))
        mistake_why(w, node->line, at->path, &why);
    buf_fini(&why);
    wipe(&text);
}

void config_secrets_add(struct config_secrets *s, const char *text)
{
    s->item = mem_realloc(s->item, (s->n + 1) * sizeof *s->item);
    s->item[s->n++] = mem_strdup(text);
}

/* add_secrets takes one secret a line; blank lines do not count. */
static void add_secrets(struct config_secrets *to, char *text)
{
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\r\n"));)
        if (*line)
            config_secrets_add(to, line);
}

static void read_secret_item(struct walk *w, const struct node *node, bool is_file, const struct place *at,
                             struct config_secrets *to)
{
    struct buf text;
    buf_init(&text, CONFIG_VALUE_MAX);
    size_t before = to->n;
    if (take_text(w, node, is_file, at->path, &text)) {
        if (text.n)
            add_secrets(to, text.p);
        if (to->n == before)
            config_mistake(w->mistakes, node->line, at->path, "the secret is empty; write it, or remove it");
        else if (to->n > before + 1 && !is_file)
            config_mistake(w->mistakes, node->line, at->path, "a secret is one line; write each as an item");
    }
    wipe(&text);
}

static void read_secrets(struct walk *w, const struct config_key *k, const struct node *node, bool is_file,
                         const struct place *at)
{
    struct config_secrets *to = (void *)((char *)at->base + k->at);
    if (is_file) {
        read_secret_item(w, node, true, at, to);
        return;
    }
    if (!is_kind(w, node, NODE_LIST, at->path, "a list, such as [${FIRST}, ${SECOND}]"))
        return;
    if (node->child_n == 0)
        config_mistake(w->mistakes, node->line, at->path,
                       "the list is empty; write a secret, or remove the key");
    for (size_t i = 0; i < node->child_n; i++)
        read_secret_item(w, &node->child[i], false, at, to);
}

static void read_handle(struct walk *w, const struct node *node, const char *path, struct config_texts *to)
{
    struct buf text;
    buf_init(&text, CONFIG_VALUE_MAX);
    if (!take_text(w, node, false, path, &text)) {
        buf_fini(&text);
        return;
    }
    if (config_is_pattern(buf_span(&text).p)) {
        to->item = mem_realloc(to->item, (to->n + 1) * sizeof *to->item);
        to->item[to->n++] = buf_take(&text, NULL);
    } else {
        config_mistake(w->mistakes, node->line, path,
                       "\"%.60s\" is no handle; write one, or a part of one with a * before or behind it",
                       node->text);
    }
    buf_fini(&text);
}

/* An empty list could mean everyone or nobody: it is a mistake. */
static void read_handles(struct walk *w, const struct config_key *k, const struct node *node, bool is_file,
                         const struct place *at)
{
    (void)is_file;
    struct config_texts *to = (void *)((char *)at->base + k->at);
    if (!is_kind(w, node, NODE_LIST, at->path, "a list of handles, such as [ada, '+1555*']"))
        return;
    if (node->child_n == 0)
        config_mistake(w->mistakes, node->line, at->path,
                       "the list is empty; write who may be written to, remove the key (everyone), or write "
                       "dry_run: true (nobody)");
    for (size_t i = 0; i < node->child_n; i++)
        read_handle(w, &node->child[i], at->path, to);
}

static void read_url(struct walk *w, const struct node *node, const char *path, struct config_texts *to)
{
    struct buf text;
    buf_init(&text, CONFIG_VALUE_MAX);
    if (!take_text(w, node, false, path, &text)) {
        buf_fini(&text);
        return;
    }
    if (config_is_redirect(buf_span(&text).p)) {
        to->item = mem_realloc(to->item, (to->n + 1) * sizeof *to->item);
        to->item[to->n++] = buf_take(&text, NULL);
    } else {
        config_mistake(
            w->mistakes, node->line, path,
            "\"%.60s\" is no URL to go back to; write the whole URL that Front shows, with https://",
            node->text);
    }
    buf_fini(&text);
}

static void read_urls(struct walk *w, const struct config_key *k, const struct node *node, bool is_file,
                      const struct place *at)
{
    (void)is_file;
    struct config_texts *to = (void *)((char *)at->base + k->at);
    if (!is_kind(w, node, NODE_LIST, at->path, "a list, such as [https://app.frontapp.com/oauth/callback]"))
        return;
    if (node->child_n == 0)
        config_mistake(w->mistakes, node->line, at->path, "the list is empty; write a URL");
    for (size_t i = 0; i < node->child_n; i++)
        read_url(w, &node->child[i], at->path, to);
}

static void unknown_account(struct walk *w, const struct node *node, const char *path, const char *name)
{
    const char **names = mem_calloc(w->config->account_n + 1, sizeof *names);
    for (size_t i = 0; i < w->config->account_n; i++)
        names[i] = w->config->account[i].name;
    const char *near = config_nearest(name, names, w->config->account_n);
    if (near)
        config_mistake(w->mistakes, node->line, path, "there is no account \"%.63s\"; did you mean \"%s\"?",
                       name, near);
    else
        config_mistake(w->mistakes, node->line, path,
                       "there is no account \"%.63s\"; write it under accounts:", name);
    free(names);
}

static void read_account(struct walk *w, const struct config_key *k, const struct node *node, bool is_file,
                         const struct place *at)
{
    (void)k, (void)is_file;
    struct config_channel *channel = at->base;
    struct buf name;
    buf_init(&name, CONFIG_VALUE_MAX);
    if (take_text(w, node, false, at->path, &name)) {
        channel->account = config_account_find(w->config, buf_span(&name));
        if (!channel->account)
            unknown_account(w, node, at->path, buf_span(&name).p);
    }
    buf_fini(&name);
}

static void write_json(struct walk *w, const struct node *node, const char *path, struct jout *out)
{
    struct buf text;
    switch (node->kind) {
    case NODE_LIST:
        jout_array(out);
        for (size_t i = 0; i < node->child_n; i++)
            write_json(w, &node->child[i], path, out);
        jout_array_end(out);
        return;
    case NODE_MAP:
        jout_object(out);
        for (size_t i = 0; i < node->child_n; i++) {
            if (node->child[i].repeats_line)
                config_mistake(w->mistakes, node->child[i].line, path,
                               "\"%.60s\" stands here twice; remove one", node->child[i].name);
            jout_key(out, node->child[i].name);
            write_json(w, &node->child[i], path, out);
        }
        jout_object_end(out);
        return;
    default:
        buf_init(&text, CONFIG_VALUE_MAX);
        if (take_text(w, node, false, path, &text))
            jout_span(out, buf_span(&text));
        else
            jout_null(out);
        wipe(&text);
    }
}

bool config_setting_json(struct span yaml, struct buf *json)
{
    struct config_mistakes mistakes = {0};
    struct walk w = {NULL, &mistakes};
    struct node *root;
    struct jout out;
    size_t before = json->n;
    if (node_read(yaml, &root, &mistakes) == OK) {
        jout_init(&out, json);
        write_json(&w, root, "", &out);
        node_free(root);
    }
    bool is_right = mistakes.n == 0 && !json->is_over;
    if (!is_right)
        buf_cut(json, before);
    config_mistakes_fini(&mistakes);
    return is_right;
}

static void repeated(struct walk *w, const struct node *node, const struct place *at)
{
    config_mistake(w->mistakes, node->line, at->path,
                   "this stands on line %u already; remove one or rename it", node->repeats_line);
}

static void read_settings(struct walk *w, const struct config_key *k, const struct node *node, bool is_file,
                          const struct place *at)
{
    (void)k, (void)is_file;
    struct config_channel *channel = at->base;
    if (node->kind == NODE_EMPTY || !is_kind(w, node, NODE_MAP, at->path, "`key: value` lines below it"))
        return;
    channel->setting = mem_calloc(node->child_n + 1, sizeof *channel->setting);
    for (size_t i = 0; i < node->child_n; i++) {
        const struct node *child = &node->child[i];
        struct place here;
        struct buf json;
        struct jout out;
        step(&here, at, child->name, child->name);
        if (child->repeats_line) {
            repeated(w, child, &here);
            continue;
        }
        size_t before = w->mistakes->n;
        buf_init(&json, SETTING_JSON_MAX);
        jout_init(&out, &json);
        write_json(w, child, here.path, &out);
        if (json.is_over)
            config_mistake(w->mistakes, child->line, here.path,
                           "this value is longer than 256 KiB; shorten it");
        struct config_setting *setting = &channel->setting[channel->setting_n++];
        setting->key = mem_strdup(child->name);
        setting->line = child->line;
        setting->is_broken = w->mistakes->n > before;
        setting->json.p = buf_take(&json, &setting->json.n);
    }
}

typedef void reader(struct walk *w, const struct config_key *k, const struct node *node, bool is_file,
                    const struct place *at);

static reader *reader_of(enum key_kind kind)
{
    static reader *const special[] = {[KEY_SECRETS] = read_secrets,
                                      [KEY_HANDLES] = read_handles,
                                      [KEY_URLS] = read_urls,
                                      [KEY_ACCOUNT] = read_account,
                                      [KEY_SETTINGS] = read_settings};
    return special[kind] ? special[kind] : read_scalar;
}

static void unknown_key(struct walk *w, const struct node *node, const struct place *group,
                        const struct place *at)
{
    char scratch[KEY_SIBLINGS_MAX][KEY_PATH_MAX];
    const char *names[KEY_SIBLINGS_MAX];
    size_t n = config_key_siblings(group->pattern, names, scratch);
    config_mistake_unknown(w->mistakes, node->line, at->path, node->name, names, n);
}

/* A secret may stand in one place only: KEY or KEY_file. */
static bool has_twin(const struct node *map, const char *name)
{
    size_t n = strlen(name) - strlen("_file");
    for (size_t i = 0; i < map->child_n; i++)
        if (strlen(map->child[i].name) == n && strncmp(map->child[i].name, name, n) == 0)
            return true;
    return false;
}

static void walk_map(struct walk *w, const struct node *map, const struct place *at);
static void walk_names(struct walk *w, const struct node *map, const struct place *at);

static void walk_member(struct walk *w, const struct node *map, const struct node *child,
                        const struct place *group)
{
    struct place at;
    bool is_file = false;
    step(&at, group, child->name, child->name);
    const struct config_key *k = config_key_find(at.pattern, &is_file);
    if (k && k->line_at && !child->repeats_line)
        *(unsigned *)(void *)((char *)at.base + k->line_at) = child->line;
    if (child->repeats_line)
        repeated(w, child, &at);
    else if (strcmp(at.pattern, "accounts") == 0 || strcmp(at.pattern, "channels") == 0)
        walk_names(w, child, &at);
    else if (k && is_file && has_twin(map, child->name))
        config_mistake(w->mistakes, child->line, at.path,
                       "the secret is given twice, here and without _file; remove one");
    else if (k)
        reader_of(k->kind)(w, k, child, is_file, &at);
    else if (config_key_is_group(at.pattern))
        walk_map(w, child, &at);
    else
        unknown_key(w, child, group, &at);
}

static void walk_map(struct walk *w, const struct node *map, const struct place *at)
{
    if (map->kind == NODE_EMPTY || !is_kind(w, map, NODE_MAP, at->path, "`key: value` lines below it"))
        return;
    for (size_t i = 0; i < map->child_n; i++)
        walk_member(w, map, &map->child[i], at);
}

static void *add_account(struct config *c, const struct node *node)
{
    struct config_account *a = &c->account[c->account_n++];
    a->name = mem_strdup(node->name);
    a->line = node->line;
    config_defaults(a, SCOPE_ACCOUNT);
    return a;
}

static void *add_channel(struct config *c, const struct node *node)
{
    struct config_channel *channel = &c->channel[c->channel_n++];
    channel->name = mem_strdup(node->name);
    channel->line = node->line;
    config_defaults(channel, SCOPE_CHANNEL);
    return channel;
}

static bool is_user_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

/* walk_names reads the map below accounts or channels, whose keys are names of the user's. */
static void walk_names(struct walk *w, const struct node *map, const struct place *at)
{
    bool is_accounts = strcmp(at->pattern, "accounts") == 0;
    if (map->kind == NODE_EMPTY || !is_kind(w, map, NODE_MAP, at->path, "`name:` and its keys below it"))
        return;
    if (is_accounts)
        w->config->account = mem_calloc(map->child_n + 1, sizeof *w->config->account);
    else
        w->config->channel = mem_calloc(map->child_n + 1, sizeof *w->config->channel);
    for (size_t i = 0; i < map->child_n; i++) {
        const struct node *child = &map->child[i];
        struct place here;
        step(&here, at, child->name, "*");
        if (child->repeats_line) {
            repeated(w, child, &here);
            continue;
        }
        if (!is_user_name(child->name))
            config_mistake(w->mistakes, child->line, here.path,
                           "a name has 1 to 63 characters of a-z, 0-9, _ and -; choose another");
        here.base = (is_accounts ? add_account : add_channel)(w->config, child);
        walk_map(w, child, &here);
    }
}

/* Channels name accounts, which may stand after them in the file: read them last. */
static void move_channels_last(struct node *root)
{
    for (size_t i = 0; i + 1 < root->child_n; i++) {
        if (strcmp(root->child[i].name, "channels") != 0 || root->child[i].repeats_line)
            continue;
        struct node *last = &root->child[root->child_n - 1], spare = *last;
        *last = root->child[i];
        root->child[i] = spare;
        return;
    }
}

void config_read(struct config *c, struct node *root, struct config_mistakes *mistakes)
{
    struct walk w = {c, mistakes};
    struct place top = {.base = c};
    if (root->kind == NODE_MAP)
        move_channels_last(root);
    walk_map(&w, root, &top);
}
