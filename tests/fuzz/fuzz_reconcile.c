/*
 * A page of Front's messages or events, a message, or a link to the next page. What is found names our id; ids
 * that go into paths have no control characters; nothing grows beyond its limit.
 */
#include "base/mem.h"
#include "front/link.h"
#include "front/reconcile.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(void read(struct finding *, const struct json *, const struct sought *),
                  const struct json *doc)
{
    const struct sought s = {
        .id = "fb1", .handle = "ada", .since = 1000, .is_hidden = true, .text = SPAN_LIT("fb1")};
    struct finding f;

    read(&f, doc, &s);
    must(f.candidate_n <= RECONCILE_CANDIDATES_MAX);
    for (unsigned i = 0; i < f.candidate_n; i++)
        must(f.candidate[i] && strlen(f.candidate[i]) <= FRONT_ID_MAX);
    must(!f.is_found || read == reconcile_comments || memmem(doc->text.p, doc->text.n, "fb1", 3) ||
         memchr(doc->text.p, '\\', doc->text.n));
    must(f.is_readable || !f.is_found);
    finding_fini(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span s = {(const char *)data, n};
    struct json doc;
    struct buf token;

    buf_init(&token, 1024);
    must(front_page_token_of_link(s, &token) != OK || token.n <= 1024);
    buf_fini(&token);
    if (json_parse(&doc, s) == OK) {
        check(reconcile_messages, &doc);
        check(reconcile_comments, &doc);
        check(reconcile_events, &doc);
        check(reconcile_message, &doc);
    }
    json_fini(&doc);
    return 0;
}
