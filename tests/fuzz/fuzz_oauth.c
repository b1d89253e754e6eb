/*
 * What anyone may send to a sign-in: no text is a token but one that was signed, no text is a code, and nothing breaks
 * out of the page.
 */
#include "base/mem.h"
#include "bridge/oauth_page.h"
#include "bridge/oauth_token.h"
#include <string.h>

static const char *key_of(struct span channel, void *arg)
{
    (void)arg;
    return channel.n % 2 ? "key" : NULL;
}

static unsigned count(struct span s, char c)
{
    unsigned n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

/* Whatever stands in the form, the page has the tags of the page. */
static void check_page(struct span text)
{
    const struct oauth_form plain = {SPAN_LIT(""), SPAN_LIT(""), SPAN_LIT(""), SPAN_LIT("")};
    const struct oauth_form f = {text, text, text, text};
    struct buf page, empty;

    buf_init(&page, 16 << 20);
    buf_init(&empty, 1 << 20);
    oauth_page_form(&page, &f, NULL);
    oauth_page_form(&empty, &plain, NULL);
    must(!page.is_over);
    must(count(buf_span(&page), '<') == count(buf_span(&empty), '<'));
    must(count(buf_span(&page), '>') == count(buf_span(&empty), '>'));
    must(count(buf_span(&page), '"') == count(buf_span(&empty), '"'));
    buf_fini(&page);
    buf_fini(&empty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct oauth_codes codes;
    static struct oauth_signer signer;
    struct span text = {(const char *)data, n};
    struct oauth_token token;
    struct oauth_code code;

    if (!*codes.slot[0].code) {
        oauth_signer_init(&signer, "main", "secret");
        (void)oauth_code_make(&codes, "support", "https://a/", "", 0);
    }
    for (enum oauth_use use = OAUTH_ACCESS; use <= OAUTH_REFRESH; use++)
        must(oauth_token_read(&signer, use, text, 0, key_of, NULL, &token) == ERR_DENIED);
    must(oauth_code_take(&codes, text, 0, &code) == ERR_DENIED);
    (void)oauth_proves("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", text);
    check_page(text);
    return 0;
}
