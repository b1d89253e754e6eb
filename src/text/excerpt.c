/*
 * Decides where a text that is quoted ends. Reads no more of it than a line can hold: an emoji may be long, but not
 * without an end.
 */
#include "text/excerpt.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <unigbrk.h>

enum { CHARACTER_BYTES_MAX = 64 };

static bool is_blank(uint32_t c)
{
    return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028 || c == 0x2029;
}

/* At most `room` bytes of text in one line. */
static void add_line(struct span text, size_t room, struct buf *line)
{
    bool owes_space = false;
    uint32_t c;

    for (size_t i = 0, width; i < text.n && line->n < room; i += width) {
        width = utf8_read(text.p + i, text.n - i, &c);
        if (width == 0) {
            c = UTF8_REPLACEMENT;
            width = 1;
        }
        if (is_blank(c)) {
            owes_space = line->n > 0;
            continue;
        }
        if (owes_space)
            buf_add_char(line, ' ');
        owes_space = false;
        utf8_add(line, c);
    }
}

/* Where the first max characters of line end; a single one that is very long ends where it must. */
static size_t cut_at(const struct buf *line, unsigned max, const char *begins)
{
    size_t end = 0, word_end = 0;
    unsigned n = 0;

    for (size_t i = 1; i <= line->n; i++) {
        if (i < line->n && !begins[i])
            continue;
        n++;
        if (n > max)
            break;
        end = i;
        if (i < line->n && line->p[i] == ' ' && n >= max / 2)
            word_end = i;
    }
    return end == line->n || word_end == 0 ? end : word_end;
}

void text_excerpt(struct span text, unsigned max, struct buf *out)
{
    size_t room = (size_t)max * CHARACTER_BYTES_MAX;
    struct buf line;

    buf_init(&line, room + 8);
    add_line(text, room, &line);
    if (line.n > 0) {
        char *begins = mem_zalloc(line.n);
        u8_grapheme_breaks((const uint8_t *)line.p, line.n, begins);
        size_t end = cut_at(&line, max, begins);
        free(begins);
        buf_add(out, line.p, end);
        if (end < line.n)
            buf_add_str(out, "…");
    }
    buf_fini(&line);
}
