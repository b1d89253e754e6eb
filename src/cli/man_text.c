/*
 * Decides what of a text is a paragraph and what an example; knows nothing of commands.
 * Invariant: no line of text can begin a troff request, and no character of it an escape.
 */
#include "cli/man_text.h"
#include "base/utf8.h"
#include <string.h>

static void add_character(struct buf *out, uint32_t c)
{
    if (c == '\\')
        buf_add_str(out, "\\e");
    else if (c == '-')
        buf_add_str(out, "\\-");
    else if (c == '\'')
        buf_add_str(out, "\\(aq");
    else if (c < 0x80)
        buf_add_char(out, (char)c);
    else
        buf_addf(out, "\\[u%04X]", c);
}

/* troff wants each sentence to begin a line. */
static bool is_between_sentences(struct span line, size_t i)
{
    return line.p[i] == ' ' && i > 0 && strchr(".?!", line.p[i - 1]) && i + 1 < line.n &&
           line.p[i + 1] != ' ';
}

static void add_line(struct buf *out, struct span line, bool is_example)
{
    bool is_bold = false;

    if (line.n && line.p[0] == '.')
        buf_add_str(out, "\\&");
    for (size_t i = 0; i < line.n;) {
        uint32_t c;
        unsigned n = utf8_read(line.p + i, line.n - i, &c);
        must(n > 0);
        if (!is_example && is_between_sentences(line, i))
            c = '\n';
        i += n;
        if (c == '`') {
            is_bold = !is_bold;
            buf_add_str(out, is_bold ? "\\fB" : "\\fP");
        } else {
            add_character(out, c);
        }
    }
}

void man_text_add(struct buf *out, struct span line)
{
    add_line(out, line, false);
}

void man_text_paragraphs(struct buf *out, const char *text)
{
    bool is_example = false, is_parted = false, is_first = true;

    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        if (n == 0) {
            is_parted = true;
            continue;
        }
        if ((text[0] == ' ') != is_example) {
            is_example = !is_example;
            buf_add_str(out, is_example ? ".Bd -literal -offset indent\n" : ".Ed\n");
        }
        if (is_parted && !is_first)
            buf_add_str(out, is_example ? "" : ".Pp\n");
        is_parted = is_first = false;
        add_line(out, (struct span){text, n}, is_example);
        buf_add_char(out, '\n');
    }
    if (is_example)
        buf_add_str(out, ".Ed\n");
}
