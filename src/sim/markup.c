/*
 * A plain reading of HTML that people wrote or bridges made: no parser of documents, never fails.
 */
#include "sim/markup.h"
#include "base/mem.h"
#include <string.h>
#include <strings.h>

static const struct {
    const char *entity, *text;
} entities[] = {
    {"&amp;", "&"}, {"&lt;", "<"},   {"&gt;", ">"},   {"&quot;", "\""},
    {"&#39;", "'"}, {"&#x27;", "'"}, {"&nbsp;", " "},
};

static const char *const escapes[256] = {
    ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\n'] = "<br>",
};

static const char *const breaking_tags[] = {"br",  "/p",  "/div", "/li",        "/tr",
                                            "/h1", "/h2", "/h3",  "/blockquote"};

static char *finish(struct buf *out)
{
    char *text = mem_strndup(buf_span(out).p, out->n);
    buf_fini(out);
    return text;
}

char *sim_html_of_text(struct span text)
{
    struct buf out;
    buf_init(&out, SIM_MARKUP_MAX);
    for (size_t i = 0; i < text.n; i++) {
        const char *escape = escapes[(unsigned char)text.p[i]];
        if (escape)
            buf_add_str(&out, escape);
        else
            buf_add_char(&out, text.p[i]);
    }
    return finish(&out);
}

static bool breaks(struct span tag)
{
    size_t name = 0;
    while (name < tag.n && !strchr(" \t\r\n/>", name ? tag.p[name] : 'a'))
        name++;
    for (size_t i = 0; i < ARRAY_LEN(breaking_tags); i++)
        if (name == strlen(breaking_tags[i]) && !strncasecmp(tag.p, breaking_tags[i], name))
            return true;
    return false;
}

/* tag_at reads "<…>" at the start of s and gives its length; 0 if there is none. */
static size_t tag_at(struct span s, struct buf *out)
{
    const char *end = s.n > 1 && s.p[0] == '<' && s.p[1] != ' ' ? memchr(s.p, '>', s.n) : NULL;
    if (!end)
        return 0;
    if (breaks((struct span){s.p + 1, (size_t)(end - s.p) - 1}))
        buf_add_char(out, '\n');
    return (size_t)(end - s.p) + 1;
}

static size_t entity_at(struct span s, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
        if (!span_starts(s, entities[i].entity))
            continue;
        buf_add_str(out, entities[i].text);
        return strlen(entities[i].entity);
    }
    return 0;
}

char *sim_text_of_html(struct span html)
{
    struct buf out;
    buf_init(&out, SIM_MARKUP_MAX);
    for (size_t i = 0; i < html.n;) {
        struct span rest = {html.p + i, html.n - i};
        size_t used = tag_at(rest, &out);
        if (!used)
            used = entity_at(rest, &out);
        if (!used) {
            buf_add_char(&out, html.p[i]);
            used = 1;
        }
        i += used;
    }
    while (out.n && out.p[out.n - 1] == '\n')
        out.p[--out.n] = '\0';
    return finish(&out);
}
