/*
 * Follows strings and depth, no more: whoever uses a value checks it. Invariant: word is what stands at depth 1.
 */
#include "skim.h"
#include <string.h>

void skim_begin(struct skim *s)
{
    memset(s, 0, sizeof *s);
}

/* One byte more than is used tells what is too long from what fits. */
static void word_add(struct skim *s, char c)
{
    if (s->depth == 1 && s->word.n < sizeof s->word.text)
        s->word.text[s->word.n++] = c;
}

static bool word_is(const struct skim *s, const char *word)
{
    return s->word.n == strlen(word) && memcmp(s->word.text, word, s->word.n) == 0;
}

static void word_end(struct skim *s)
{
    if (s->depth != 1 || s->word.n == 0)
        return;
    if (!s->is_after_colon)
        s->wants = word_is(s, "\"type\"") ? &s->type : word_is(s, "\"ref\"") ? &s->ref : NULL;
    else if (s->wants && s->word.n < sizeof s->word.text)
        *s->wants = s->word;
    s->word.n = 0;
}

static void string_byte(struct skim *s, char c)
{
    word_add(s, c);
    if (s->is_escaped || c == '\\') {
        s->is_escaped = !s->is_escaped;
    } else if (c == '"') {
        s->is_in_string = false;
        word_end(s);
    }
}

static void other_byte(struct skim *s, char c)
{
    bool is_part =
        c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');

    if (is_part) {
        word_add(s, c);
        return;
    }
    word_end(s);
    if (c == '"') {
        s->is_in_string = true;
        word_add(s, c);
    } else if (c == '{' || c == '[') {
        s->depth++;
        s->is_after_colon = false;
    } else if ((c == '}' || c == ']') && s->depth > 0) {
        s->depth--;
    } else if (s->depth == 1 && (c == ',' || c == ':')) {
        s->is_after_colon = c == ':';
    }
}

void skim_feed(struct skim *s, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        (s->is_in_string ? string_byte : other_byte)(s, bytes.p[i]);
}
