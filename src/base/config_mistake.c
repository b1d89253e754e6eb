/*
 * The list of mistakes: every check adds to it, one line each comes out, in the order of the file.
 */
#include "base/config.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

enum { MISTAKES_MAX = 500, MISTAKE_BYTES_MAX = 1000 };

/* printable copies text for a terminal: keys and values come from a file. */
static char *printable(const char *text)
{
    char *copy = mem_strdup(text);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    return copy;
}

void config_mistake(struct config_mistakes *m, unsigned line, const char *key, const char *fmt, ...)
{
    if (m->n == MISTAKES_MAX)
        return;
    char text[MISTAKE_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    m->item = mem_realloc(m->item, (m->n + 1) * sizeof *m->item);
    size_t at = m->n++;
    for (; at > 0 && line != 0 && m->item[at - 1].line > line; at--)
        m->item[at] = m->item[at - 1];
    m->item[at] = (struct config_mistake){line, printable(key), printable(text)};
}

void config_mistake_unknown(struct config_mistakes *m, unsigned line, const char *key, const char *name,
                            const char *const *names, size_t n)
{
    const char *near = config_nearest(name, names, n);
    if (near) {
        config_mistake(m, line, key, "there is no such key; did you mean \"%s\"?", near);
        return;
    }
    struct buf list;
    buf_init(&list, MISTAKE_BYTES_MAX / 2);
    for (size_t i = 0; i < n; i++)
        buf_addf(&list, "%s%s", i ? ", " : "", names[i]);
    config_mistake(m, line, key, "there is no such key; known here are %s", buf_span(&list).p);
    buf_fini(&list);
}

void config_mistakes_fini(struct config_mistakes *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->item[i].key);
        free(m->item[i].text);
    }
    free(m->item);
    *m = (struct config_mistakes){0};
}

void config_print(const struct config_mistakes *m, const char *file, struct buf *out)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct config_mistake *one = &m->item[i];
        buf_add_str(out, file);
        if (one->line)
            buf_addf(out, ":%u", one->line);
        if (one->key[0])
            buf_addf(out, ": %s", one->key);
        buf_addf(out, ": %s%s\n", m->are_warnings ? "warning: " : "", one->text);
    }
}
