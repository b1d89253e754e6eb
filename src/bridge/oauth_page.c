/* HTML by hand, since it is one page. Invariant: what came from outside is escaped wherever it stands. */
#include "bridge/oauth_page.h"
#include "base/config.h"
#include "base/crypto.h"

#define STYLE                                                                                                \
    "body{font:16px/1.5 sans-serif;color:#222;background:#f4f5f7;margin:0}"                                  \
    "main{max-width:26em;margin:4em auto;padding:1.5em 2em;background:#fff;border-radius:8px}"               \
    "h1{font-size:1.3em}label{display:block;margin:1em 0 .3em}"                                              \
    "input{width:100%;box-sizing:border-box;padding:.5em;font:inherit;border:1px solid "                     \
    "#999;border-radius:4px}"                                                                                \
    "button{margin-top:1em;padding:.5em 1.5em;font:inherit}.wrong{color:#a00}"

static void add_escaped(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        switch (s.p[i]) {
        case '&':
            buf_add_str(out, "&amp;");
            break;
        case '<':
            buf_add_str(out, "&lt;");
            break;
        case '>':
            buf_add_str(out, "&gt;");
            break;
        case '"':
            buf_add_str(out, "&quot;");
            break;
        case '\'':
            buf_add_str(out, "&#39;");
            break;
        default:
            buf_add_char(out, s.p[i]);
        }
}

static void add_hidden(struct buf *out, const char *name, struct span value)
{
    if (!value.p)
        return;
    buf_addf(out, "<input type=\"hidden\" name=\"%s\" value=\"", name);
    add_escaped(out, value);
    buf_add_str(out, "\">\n");
}

static void begin(struct buf *out, const char *sentence)
{
    buf_add_str(out, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width\">\n"
                     "<title>Connect a channel</title>\n<style>" STYLE "</style>\n<main>\n"
                     "<h1>Connect a channel</h1>\n");
    if (sentence) {
        buf_add_str(out, "<p class=\"wrong\" role=\"alert\">");
        add_escaped(out, span_of(sentence));
        buf_add_str(out, "</p>\n");
    }
}

void oauth_page_form(struct buf *out, const struct oauth_form *f, const char *sentence)
{
    begin(out, sentence);
    buf_add_str(out, "<p>Front asks for access to a channel of this bridge.</p>\n"
                     "<form method=\"post\" action=\"authorize\" autocomplete=\"off\">\n");
    add_hidden(out, "client_id", f->client_id);
    add_hidden(out, "redirect_uri", f->redirect_uri);
    add_hidden(out, "state", f->state);
    add_hidden(out, "code_challenge", f->challenge);
    buf_add_str(
        out,
        "<label for=\"key\">API key of the channel</label>\n"
        "<input id=\"key\" type=\"password\" name=\"api_key\" maxlength=\"1024\" required autofocus>\n"
        "<button>Connect</button>\n</form>\n"
        "<p>It is the <code>api_key</code> in the bridge's configuration; it tells which channel is meant."
        "</p>\n</main>\n");
}

void oauth_page_error(struct buf *out, const char *sentence)
{
    begin(out, sentence);
    buf_add_str(out, "<p>Go back to Front, and begin there again.</p>\n</main>\n");
}

/* The origin of a URL that the configuration allows: scheme and host. */
static void add_origin(struct buf *out, const char *url)
{
    struct span host = config_authority(span_of(url));

    if (host.p)
        buf_add(out, url, (size_t)(host.p + host.n - url));
}

void oauth_page_headers(struct buf *out, const char *redirect_uri)
{
    uint8_t digest[SHA256_BYTES];

    sha256(SPAN_LIT(STYLE), digest);
    buf_add_str(out, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
                     "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'; "
                     "frame-ancestors 'none'; base-uri 'none'; style-src 'sha256-");
    base64_encode(out, (struct span){(const char *)digest, sizeof digest});
    buf_add_str(out, "'; form-action ");
    if (redirect_uri) { /* browsers hold a form to where the answer to it leads, too */
        buf_add_str(out, "'self' ");
        add_origin(out, redirect_uri);
    } else {
        buf_add_str(out, "'none'");
    }
    buf_add_str(out, "\r\n");
}
