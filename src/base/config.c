/*
 * A configuration from a file or a text, and its end. Decides the order of the steps (tree, keys, rules) and
 * that one mistake is enough to give none; knows no key.
 */
#include "base/config_read.h"
#include "base/config_value.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 20 };

const char *config_path(const char *given)
{
    const char *path = given ? given : getenv("FRONT_BRIDGE_CONFIG");
    return path && *path ? path : "/etc/front-bridge.yaml";
}

void config_defaults(void *base, int scope)
{
    struct buf why;
    buf_init(&why, 256);
    for (size_t i = 0; i < config_key_n; i++) {
        const struct config_key *k = &config_keys[i];
        if (k->fallback && (int)config_key_scope(k) == scope)
            must(config_set(k, k->fallback, k->fallback, base, &why));
    }
    buf_fini(&why);
}

/* draft gives what could be read of text, or NULL. */
static struct config *draft(struct span text, const char *file, struct config_mistakes *mistakes)
{
    struct node *root;
    if (node_read(text, &root, mistakes))
        return NULL;
    struct config *c = mem_zalloc(sizeof *c);
    c->file = mem_strdup(file);
    config_defaults(c, SCOPE_BRIDGE);
    config_read(c, root, mistakes);
    config_complete(c, root, mistakes);
    node_free(root);
    return c;
}

static enum err settle(struct config *c, bool is_right, struct config **out)
{
    if (c && is_right) {
        *out = c;
        return OK;
    }
    config_free(c);
    return ERR_INVALID;
}

enum err config_parse(struct span text, const char *file, struct config **out,
                      struct config_mistakes *mistakes)
{
    size_t before = mistakes->n;
    struct config *c = NULL;
    if (text.n > FILE_BYTES_MAX)
        config_mistake(mistakes, 0, "", "the file is larger than 1 MiB; this cannot be a configuration");
    else
        c = draft(text, file, mistakes);
    return settle(c, mistakes->n == before, out);
}

static bool read_file(int fd, struct buf *text)
{
    char chunk[16384];
    ssize_t n;
    do {
        n = read(fd, chunk, sizeof chunk);
        if (n > 0)
            buf_add(text, chunk, (size_t)n);
    } while ((n > 0 && !text->is_over) || (n < 0 && errno == EINTR));
    return n >= 0;
}

struct config *config_draft(const char *file, struct config_mistakes *mistakes)
{
    struct buf text;
    struct config *c = NULL;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    buf_init(&text, FILE_BYTES_MAX);
    if (fd < 0 || !read_file(fd, &text))
        config_mistake(mistakes, 0, "", "the file cannot be read: %s; name another by -c FILE",
                       strerror(errno));
    else if (text.is_over)
        config_mistake(mistakes, 0, "", "the file is larger than 1 MiB; this cannot be a configuration");
    else
        c = draft(buf_span(&text), file, mistakes);
    if (fd >= 0)
        close(fd);
    if (text.p)
        mem_wipe(text.p, text.n);
    buf_fini(&text);
    return c;
}

enum err config_load(const char *file, struct config **out, struct config_mistakes *mistakes)
{
    size_t before = mistakes->n;
    struct config *c = config_draft(file, mistakes);
    return settle(c, mistakes->n == before, out);
}

static void secrets_fini(struct config_secrets *s)
{
    for (size_t i = 0; i < s->n; i++) {
        mem_wipe(s->item[i], strlen(s->item[i]));
        free(s->item[i]);
    }
    free(s->item);
}

static void texts_fini(struct config_texts *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->item[i]);
    free(h->item);
}

static void clear(void *base, enum key_scope scope)
{
    for (size_t i = 0; i < config_key_n; i++) {
        const struct config_key *k = &config_keys[i];
        if (config_key_scope(k) != scope)
            continue;
        if (k->kind == KEY_SECRETS)
            secrets_fini((void *)((char *)base + k->at));
        else if (k->kind == KEY_HANDLES || k->kind == KEY_URLS)
            texts_fini((void *)((char *)base + k->at));
        else
            config_clear(k, base);
    }
}

static void channel_fini(struct config_channel *c)
{
    for (size_t i = 0; i < c->setting_n; i++) {
        struct config_setting *s = &c->setting[i];
        mem_wipe((void *)(uintptr_t)s->json.p, s->json.n);
        free((void *)(uintptr_t)s->json.p);
        free(s->key);
    }
    free(c->setting);
    free(c->name);
    clear(c, SCOPE_CHANNEL);
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->channel_n; i++)
        channel_fini(&c->channel[i]);
    for (size_t i = 0; i < c->account_n; i++) {
        free(c->account[i].name);
        clear(&c->account[i], SCOPE_ACCOUNT);
    }
    clear(c, SCOPE_BRIDGE);
    free(c->channel);
    free(c->account);
    free(c->file);
    free(c);
}

const struct config_channel *config_channel_find(const struct config *c, struct span name)
{
    for (size_t i = 0; i < c->channel_n; i++)
        if (span_is(name, c->channel[i].name))
            return &c->channel[i];
    return NULL;
}

const struct config_account *config_account_find(const struct config *c, struct span name)
{
    for (size_t i = 0; i < c->account_n; i++)
        if (span_is(name, c->account[i].name))
            return &c->account[i];
    return NULL;
}
