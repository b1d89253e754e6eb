/*
 * Takes links apart without believing them: what looks odd is absent. It knows no configured host; whoever
 * compares hosts for safety (the client) does it there.
 */
#include "front/link.h"
#include "http/server.h"
#include <string.h>

static struct span skip(struct span s, size_t n)
{
    return (struct span){s.p + n, s.n - n};
}

static size_t length_until(struct span s, const char *stops)
{
    size_t n = 0;

    while (n < s.n && s.p[n] != '\0' && !strchr(stops, s.p[n]))
        n++;
    return n;
}

/* after_scheme gives what follows "http://" or "https://". */
static struct span after_scheme(struct span link)
{
    static const char *const schemes[] = {"https://", "http://"};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (span_starts(link, schemes[i]))
            return skip(link, strlen(schemes[i]));
    return SPAN_NONE;
}

struct span front_host_of_link(struct span link)
{
    struct span rest = after_scheme(link);

    if (!rest.p)
        return SPAN_NONE;
    size_t n = length_until(rest, "/?#\\@");
    if (n == 0 || (n < rest.n && (rest.p[n] == '@' || rest.p[n] == '\\')))
        return SPAN_NONE;
    return (struct span){rest.p, n};
}

struct span front_path_of_link(struct span link)
{
    struct span host = front_host_of_link(link);

    if (!host.p)
        return SPAN_NONE;
    struct span rest = {host.p + host.n, (size_t)(link.p + link.n - (host.p + host.n))};
    rest.n = length_until(rest, "#");
    if (rest.n == 0 || rest.p[0] != '/')
        return SPAN_NONE;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] <= ' ' || rest.p[i] == 0x7f || rest.p[i] == '\\')
            return SPAN_NONE;
    return rest;
}

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == ':';
}

bool front_is_id(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_id_char(s.p[i]))
            return false;
    return s.n > 0 && s.n <= FRONT_ID_MAX;
}

struct span front_id_of_link(struct span link)
{
    struct span path = front_path_of_link(link);

    if (!path.p)
        return SPAN_NONE;
    path.n = length_until(path, "?");
    size_t start = path.n;
    while (start > 0 && path.p[start - 1] != '/')
        start--;
    struct span id = skip(path, start);
    return front_is_id(id) ? id : SPAN_NONE;
}

struct span front_conversation_of_link(struct span link)
{
    static const char before[] = "/conversations/";
    struct span path = front_path_of_link(link);

    if (!path.p || !span_starts(path, before))
        return SPAN_NONE;
    struct span rest = skip(path, sizeof before - 1);
    struct span id = {rest.p, length_until(rest, "/?")};
    return span_starts(id, "cnv_") && front_is_id(id) ? id : SPAN_NONE;
}

enum err front_page_token_of_link(struct span link, struct buf *out)
{
    static const char key[] = "page_token=";
    struct span path = front_path_of_link(link);
    size_t from = length_until(path, "?");

    if (!path.p || from == path.n)
        return ERR_NOT_FOUND;
    for (struct span rest = skip(path, from + 1); rest.n > 0;) {
        struct span item = {rest.p, length_until(rest, "&")};
        if (span_starts(item, key) && item.n > sizeof key - 1) {
            enum err e = http_percent_decode(skip(item, sizeof key - 1), true, out);
            return e ? e : out->is_over ? ERR_LIMIT : OK;
        }
        rest = skip(rest, item.n < rest.n ? item.n + 1 : item.n);
    }
    return ERR_NOT_FOUND;
}

static bool ends_with(struct span s, const char *tail)
{
    size_t n = strlen(tail);

    return s.n >= n && span_ieq(skip(s, s.n - n), span_of(tail));
}

bool front_host_is_fronts(struct span host)
{
    return host.p && ends_with(host, ".frontapp.com");
}

bool front_link_is_foreign(struct span link)
{
    return !front_host_is_fronts(front_host_of_link(link));
}
