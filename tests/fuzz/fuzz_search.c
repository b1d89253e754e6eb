/*
 * A page of GET /events, and the messages that its events name. Of a link to the next page only the token is taken, and it
 * comes back to Front as one value of the query and nothing else; a message is delivered for a reason that it states itself.
 */
#include "base/mem.h"
#include "front/event.h"
#include "front/notice.h"
#include "front/route.h"
#include "front/search.h"
#include <string.h>

enum { NOW = 1700000000, RESULTS_MAX = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned count(struct span s, const char *part)
{
    unsigned n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += span_starts((struct span){s.p + i, s.n - i}, part);
    return n;
}

static void check_query(struct span token)
{
    struct search s = {.type = {"outbound"},
                       .type_n = 1,
                       .inbox = {"inb_1"},
                       .inbox_n = 1,
                       .after = NOW,
                       .before = NOW + 1,
                       .page_token = token};
    struct buf first, next;

    buf_init(&first, 16384);
    buf_init(&next, 16384);
    search_path(&s, &next);
    s.page_token = SPAN_NONE;
    search_path(&s, &first);
    struct span path = buf_span(&next);
    must(!next.is_over && span_starts(path, first.p) && count(path, "&page_token=") == 1);
    must(count(path, "?") == 1 && count(path, "&") == count(buf_span(&first), "&") + 1);
    for (size_t i = 0; i < path.n; i++)
        must((unsigned char)path.p[i] > ' ' && (unsigned char)path.p[i] < 0x7f && path.p[i] != '#');
    buf_fini(&first);
    buf_fini(&next);
}

static void check_next(struct jval page)
{
    struct buf token;

    buf_init(&token, SEARCH_TOKEN_MAX);
    enum err e = search_next(page, &token);
    must(e == OK || e == ERR_NOT_FOUND || e == ERR_INVALID || e == ERR_LIMIT);
    if (e == OK) {
        must(token.n > 0 && token.n <= SEARCH_TOKEN_MAX && !memchr(token.p, 0, token.n));
        check_query(buf_span(&token));
    }
    buf_fini(&token);
}

static void check_route(const struct callback *c)
{
    static const struct route_place chat = {"support-line", "custom"}, unknown = {NULL, NULL};
    bool is_ours = route_is_for(c, &chat, false), is_mail = json_is(json_get(c->message, "type"), "email");

    must(!is_ours || (c->from_handle && strcmp(c->from_handle, "support-line") == 0 && !is_mail));
    must(!route_is_for(c, &unknown, false)); /* nothing is known, nothing is claimed */
    must(!is_mail || !route_is_for(c, &chat, true));
    must(!is_ours || route_is_for(c, &chat, true));
    must(route_made_at(c) >= 0);
    const struct route_telling told = {.emitted_at = NOW * 1000LL},
                               sending = {.is_sending = true, .emitted_at = NOW * 1000LL},
                               again = {.emitted_at = NOW * 1000LL, .failed_at = NOW * 1000LL - 1};
    const char *refusal = route_refusal(c, &told, NOW * 1000LL, 86400000);
    must(refusal || !route_refusal(c, &sending, NOW * 1000LL, 86400000));
    must(refusal || !route_refusal(c, &again, NOW * 1000LL, 86400000));
    must(!refusal || span_starts(span_of(refusal), "not sent: "));
    if (json_bool(json_get(c->message, "is_inbound"), false))
        must(refusal);
}

static void check_message(struct jval message)
{
    struct callback c;
    struct buf why;

    buf_init(&why, 1024);
    if (callback_of_message(&c, json_raw(message), SPAN_LIT("evt_1"), &why) == OK)
        check_route(&c);
    callback_fini(&c);
    buf_fini(&why);
}

static void check_notice(const struct front_event *e, size_t n)
{
    struct buf handle, reason, wire;
    struct json doc;

    buf_init(&handle, 4096);
    buf_init(&reason, 4096);
    buf_init(&wire, 64 * n + 65536);
    notice_read_failure(e, &handle, &reason);
    notice_write(&(struct notice){.event = e,
                                  .message_id = e->target.kind == EVENT_OF_MESSAGE ? e->target.id : NULL,
                                  .handle = handle.n ? buf_span(&handle) : SPAN_NONE,
                                  .reason = reason.n ? buf_span(&reason) : SPAN_NONE},
                 &wire);
    must(!wire.is_over && json_parse(&doc, buf_span(&wire)) == OK);
    json_fini(&doc);
    buf_fini(&handle);
    buf_fini(&reason);
    buf_fini(&wire);
}

static void check_event(struct jval event, size_t n)
{
    struct front_event e;
    struct buf why;

    buf_init(&why, 1024);
    if (front_event_read(&e, event, &why) == OK) {
        if (!e.fault)
            check_notice(&e, n);
        if (!e.fault && e.target.kind == EVENT_OF_MESSAGE && e.target.form == EVENT_FULL &&
            json_has(e.target.data))
            check_message(e.target.data);
        front_event_fini(&e);
    } else {
        must(why.n > 0);
    }
    buf_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct json doc;
    unsigned i = 0;

    if (json_parse(&doc, (struct span){(const char *)data, n}) != OK) {
        json_fini(&doc);
        return 0;
    }
    struct jval page = json_root(&doc);
    check_next(page);
    for (struct jval e = json_first(json_get(page, "_results")); e.doc && i < RESULTS_MAX;
         e = json_next(e), i++)
        check_event(e, n);
    json_fini(&doc);
    return 0;
}
