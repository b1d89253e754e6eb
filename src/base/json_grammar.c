/*
 * Decides whether a text is JSON, by RFC 8259 and nothing more lenient, and where it goes wrong.
 * It runs before the tokeniser, which therefore meets only correct documents of bounded depth.
 * Invariant: at never passes end; every call either moves on or fails.
 */
#include "base/json_text.h"
#include "base/utf8.h"
#include <string.h>

static const char ends_early[] = "the text ends too early";

struct scan {
    const char *at, *end;
    uint32_t token_n;
    unsigned depth;
    enum err err;
    const char *error;
};

static bool scan_value(struct scan *s);

static bool fail(struct scan *s, enum err e, const char *why)
{
    s->err = e;
    s->error = why;
    return false;
}

static bool refuse(struct scan *s, const char *why)
{
    return fail(s, ERR_INVALID, s->at == s->end ? ends_early : why);
}

static bool count_token(struct scan *s)
{
    if (s->token_n == JSON_TOKENS_MAX)
        return fail(s, ERR_LIMIT, "there are too many values");
    s->token_n++;
    return true;
}

/* peek skips white space and shows the next byte, or -1 at the end. */
static int peek(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
    return s->at < s->end ? (unsigned char)*s->at : -1;
}

static bool skip_if(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool scan_escape(struct scan *s)
{
    s->at++;
    if (s->at == s->end || *s->at == '\0' || !strchr("\"\\/bfnrtu", *s->at))
        return refuse(s, "there is no such escape in JSON");
    if (*s->at++ != 'u')
        return true;
    for (int i = 0; i < 4; i++, s->at++)
        if (s->at == s->end || !is_hex(*s->at))
            return refuse(s, "\\u wants four hexadecimal digits");
    return true;
}

/* scan_special handles the one byte that json_plain stopped at. */
static bool scan_special(struct scan *s)
{
    uint32_t character;
    if (*s->at == '\\')
        return scan_escape(s);
    if ((unsigned char)*s->at < 0x20)
        return refuse(s, "a control character in a string must be written as an escape");
    const unsigned n = utf8_read(s->at, (size_t)(s->end - s->at), &character);
    s->at += n;
    return n > 0 || refuse(s, "this is not UTF-8");
}

static bool scan_string(struct scan *s)
{
    if (!count_token(s))
        return false;
    s->at++;
    for (;;) {
        s->at += json_plain(s->at, (size_t)(s->end - s->at));
        if (s->at == s->end)
            return refuse(s, ends_early);
        if (skip_if(s, '"'))
            return true;
        if (!scan_special(s))
            return false;
    }
}

static bool skip_digits(struct scan *s)
{
    const char *start = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > start;
}

static bool number_ends_here(const struct scan *s)
{
    return s->at == s->end || (!is_hex(*s->at) && *s->at != '.' && *s->at != '+' && *s->at != '-');
}

static bool scan_number(struct scan *s)
{
    const char *start = s->at;
    skip_if(s, '-');
    bool is_right = skip_if(s, '0') || skip_digits(s);
    if (is_right && skip_if(s, '.'))
        is_right = skip_digits(s);
    if (is_right && (skip_if(s, 'e') || skip_if(s, 'E'))) {
        if (!skip_if(s, '+'))
            skip_if(s, '-');
        is_right = skip_digits(s);
    }
    if (is_right && number_ends_here(s))
        return count_token(s);
    s->at = start;
    return refuse(s, "this number is not written as JSON wants it");
}

static bool scan_word(struct scan *s, const char *word)
{
    const size_t n = strlen(word);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
        return refuse(s, "this word is not true, false or null");
    s->at += n;
    return count_token(s);
}

static bool enter(struct scan *s)
{
    if (s->depth == JSON_DEPTH_MAX)
        return fail(s, ERR_LIMIT, "it is nested too deeply");
    s->depth++;
    s->at++;
    return count_token(s);
}

static bool leave(struct scan *s)
{
    s->depth--;
    s->at++;
    return true;
}

static bool scan_array(struct scan *s)
{
    if (!enter(s))
        return false;
    if (peek(s) == ']')
        return leave(s);
    for (;;) {
        if (!scan_value(s))
            return false;
        const int next = peek(s);
        if (next == ']')
            return leave(s);
        if (next != ',')
            return refuse(s, next == '}' ? "this brace closes nothing" : "a comma is missing");
        s->at++;
        if (peek(s) == ']')
            return refuse(s, "there is a comma too many");
    }
}

static bool scan_member(struct scan *s)
{
    if (peek(s) != '"')
        return refuse(s, "a key in double quotes is missing");
    if (!scan_string(s))
        return false;
    if (peek(s) != ':')
        return refuse(s, "a colon is missing");
    s->at++;
    return scan_value(s);
}

static bool scan_object(struct scan *s)
{
    if (!enter(s))
        return false;
    if (peek(s) == '}')
        return leave(s);
    for (;;) {
        if (!scan_member(s))
            return false;
        const int next = peek(s);
        if (next == '}')
            return leave(s);
        if (next != ',')
            return refuse(s, next == ']' ? "this bracket closes nothing" : "a comma is missing");
        s->at++;
        if (peek(s) == '}')
            return refuse(s, "there is a comma too many");
    }
}

static bool scan_other(struct scan *s, int first)
{
    if ((first >= '0' && first <= '9') || first == '-' || first == '+' || first == '.')
        return scan_number(s);
    if (first == 't')
        return scan_word(s, "true");
    if (first == 'f')
        return scan_word(s, "false");
    if (first == 'n')
        return scan_word(s, "null");
    return refuse(s, "a value is missing");
}

static bool scan_value(struct scan *s)
{
    const int first = peek(s);
    if (first == '"')
        return scan_string(s);
    if (first == '{')
        return scan_object(s);
    if (first == '[')
        return scan_array(s);
    return scan_other(s, first);
}

static bool scan_document(struct scan *s)
{
    if (peek(s) < 0)
        return fail(s, ERR_INVALID, "the text is empty");
    if (!scan_value(s))
        return false;
    return peek(s) < 0 || refuse(s, "there is something after the end");
}

enum err json_grammar(struct json *doc)
{
    struct scan s = {.at = doc->text.p, .end = doc->text.p + doc->text.n};
    if (scan_document(&s)) {
        doc->token_n = s.token_n;
        return OK;
    }
    doc->error = s.error;
    doc->error_at = (size_t)(s.at - doc->text.p);
    return s.err;
}
