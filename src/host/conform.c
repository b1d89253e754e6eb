/*
 * Runs an adapter through its life and judges what comes out. Each promise is a row of a table: a name and a
 * function that says in one line what it saw. It knows the ABI and nothing of the backend: a delivery may
 * fail, but it must end once, in time, and with a sentence.
 */
#include "host/conform_bridge.h"
#include "base/mem.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPEAT = 100,
    START_MS = 35000,
    PARALLEL = 64,
    LONG_TEXT = 20000,
    PARTS = 3, /* and a bit more */
    BIG_BODY = 200000,
    LEAK_KIB = 4096,
    COMPLAINT_MS = 20
};

#define SAY(c, ...)    ((void)snprintf((c)->text, sizeof(c)->text, __VA_ARGS__))
#define BREAKS(c, ...) (SAY(c, __VA_ARGS__), (enum conform_result)CONFORM_BROKEN)
#define SKIPS(c, ...)  (SAY(c, __VA_ARGS__), (enum conform_result)CONFORM_SKIPPED)
#define KEEPS(c, ...)  (SAY(c, __VA_ARGS__), (enum conform_result)CONFORM_KEPT)

static enum conform_result gone(struct conform *c)
{
    return BREAKS(c, "the process ended: %s", c->down_reason[0] ? c->down_reason : "no reason is known");
}

/* A sentence begins like one, ends like one and is one line. */
static const char *sentence_fault(const char *s)
{
    size_t n = strlen(s);
    if (strcmp(s, "The adapter gave no reason.") == 0 || n == 0)
        return "there is none";
    if (n < 8 || !strchr(s, ' '))
        return "it is too short to tell anything";
    if (s[0] >= 'a' && s[0] <= 'z')
        return "it does not begin with a capital letter";
    if (!strchr(".!?", s[n - 1]))
        return "it does not end with a full stop";
    return NULL;
}

static enum conform_result judge(struct conform *c, const char *what, const struct conform_ending *e)
{
    const char *fault = e->kind == OUTCOME_DELIVERED ? NULL : sentence_fault(e->reason);
    if (c->has_ended)
        return gone(c);
    if (e->n != 1)
        return BREAKS(c, "%s: did not end", what);
    if (e->kind == OUTCOME_UNKNOWN && strstr(e->reason, "deadline"))
        return BREAKS(c, "%s: did not complete before its deadline", what);
    if (fault)
        return BREAKS(c, "%s: the reason \"%s\" is no sentence: %s", what, e->reason, fault);
    return CONFORM_KEPT;
}

/* tally says how the endings since first were, and gives the reason of the first failure. With nothing delivered
 * there was nothing to see. */
static enum conform_result tally(struct conform *c, unsigned first)
{
    unsigned delivered = 0, other = 0;
    const char *reason = "";
    for (unsigned i = first; i < c->token_n; i++) {
        bool is_good = c->ending[i].kind == OUTCOME_DELIVERED;
        delivered += is_good;
        other += !is_good;
        if (!is_good && !*reason)
            reason = c->ending[i].reason;
    }
    if (delivered == 0)
        return SKIPS(c, "0 delivered, %u not: %s", other, reason);
    return other ? KEEPS(c, "%u delivered, %u not: %s", delivered, other, reason)
                 : KEEPS(c, "%u delivered", delivered);
}

/* ---- Promises ---- */

static enum conform_result opens(struct conform *c)
{
    mono_ms_t until = clock_mono_ms() + START_MS;
    host_start(c->host);
    while (host_status(c->host) == HOST_STARTING && clock_mono_ms() < until)
        conform_turn(c);
    if (host_status(c->host) != HOST_UP)
        return BREAKS(c, "%s", c->down_reason);
    const struct host_adapter *a = host_adapter(c->host);
    SAY(c, "%s %s, built for interface 1.%u", a->name, a->version, a->abi_minor);
    return CONFORM_KEPT;
}

static char long_text[LONG_TEXT + 1];

static const struct conform_message messages[] = {
    {.what = "a plain text", .text = "Hello"},
    {.what = "several lines", .text = "one\ntwo\n\n\tthree", .html = "<p>one<br>two</p>"},
    {.what = "an empty text", .text = ""},
    {.what = "no text at all", .html = "<img src=\"cid:x\">"},
    {.what = "a message of nulls", .is_bare = true},
    {.what = "a bare text", .text = "bare", .is_bare = true},
    {.what = "emoji and combining characters",
     .text = "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80 e\xcc\x81 \xe2\x9c\x93"},
    {.what = "right-to-left text",
     .text = "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xd8\xb3\xd9\x84\xd8\xa7\xd9\x85"},
    {.what = "quotes, backslashes and markup", .text = "\"'\\ <b>&amp;</b> */ %s %n $(x) `y` ; -- \\u0000"},
    {.what = "a subject", .text = "with a subject", .subject = "Subject \"1\"\nline 2"},
    {.what = "an attachment", .text = "see file", .has_file = true},
    {.what = "an attachment alone", .has_file = true},
    {.what = "a long text", .text = long_text},
    {.what = "a second attempt", .text = "Hello again", .attempt = 2},
};

static enum conform_result delivers(struct conform *c)
{
    unsigned first = c->token_n;
    size_t most = host_adapter(c->host)->max_text;
    memset(long_text, 'x', LONG_TEXT);
    long_text[most > 0 && most < LONG_TEXT ? most : LONG_TEXT] = 0; /* parts have a promise of their own */
    for (unsigned i = 0; i < ARRAY_LEN(messages); i++) {
        if (!conform_post(c, &messages[i], i) || !conform_settle(c))
            return c->has_ended ? gone(c) : BREAKS(c, "%s: did not end", messages[i].what);
        enum conform_result r = judge(c, messages[i].what, &c->ending[first + i]);
        if (r != CONFORM_KEPT)
            return r;
    }
    return tally(c, first);
}

static void write_words(size_t characters)
{
    for (size_t i = 0; i < characters; i++)
        long_text[i] = i % 8 == 7 ? ' ' : (char)('a' + i % 26);
    long_text[characters] = 0;
}

/* One after the other, as the bridge does it, until one is not delivered. */
static enum conform_result takes_parts(struct conform *c)
{
    size_t most = host_adapter(c->host)->max_text;
    if (most == 0 || most > LONG_TEXT / (PARTS + 1))
        return SKIPS(c, most ? "it takes longer texts than are tried" : "it takes texts of any length");
    struct conform_message m = {.what = "a part of a long text", .text = long_text, .has_file = true};
    write_words(PARTS * most);
    for (;;) {
        unsigned at = c->token_n;
        if (!conform_post(c, &m, 900) || !conform_settle(c))
            return c->has_ended ? gone(c) : BREAKS(c, "part %u: did not end", m.parts.sent + 1);
        const struct conform_ending *e = &c->ending[at];
        enum conform_result r = judge(c, m.what, e);
        if (r != CONFORM_KEPT)
            return r;
        if (e->kind != OUTCOME_DELIVERED && m.parts.sent == 0)
            return SKIPS(c, "0 parts delivered: %s", e->reason);
        if (e->kind != OUTCOME_DELIVERED)
            return KEEPS(c, "part %u of %u was not delivered: %s", m.parts.sent + 1, e->part_n, e->reason);
        m.parts = (struct message_parts){m.parts.sent + 1, e->part_n, e->part_cut};
        if (m.parts.sent == m.parts.n)
            return KEEPS(c, "%u parts of at most %zu characters delivered", m.parts.n, most);
    }
}

static enum conform_result deliver_many(struct conform *c, unsigned n)
{
    static const struct conform_message m = {.what = "one of many", .text = "one of many", .has_file = true};
    unsigned first = c->token_n;
    for (unsigned i = 0; i < n; i++) {
        if (!conform_post(c, &m, 1000 + first + i))
            return c->has_ended ? gone(c) : BREAKS(c, "there was no room for message %u in time", i + 1);
    }
    conform_settle(c);
    for (unsigned i = first; i < c->token_n; i++) {
        enum conform_result r = judge(c, m.what, &c->ending[i]);
        if (r != CONFORM_KEPT)
            return r;
    }
    return tally(c, first);
}

static enum conform_result delivers_in_parallel(struct conform *c)
{
    return deliver_many(c, PARALLEL);
}

static enum conform_result notify(struct conform *c, bool is_failure, const char *type)
{
    struct buf json;
    buf_init(&json, 4096);
    buf_addf(
        &json,
        "{\"type\":\"%s\",\"id\":\"n%u\",\"channel\":\"conform\",\"front\":{\"event_id\":\"evt_1\",\"message_"
        "id\":"
        "\"msg_1\",\"conversation_id\":\"cnv_1\"},\"emitted_at\":1700000000.5,\"source\":{\"type\":"
        "\"recipient\","
        "\"data\":null},\"target\":{\"type\":\"message\",\"data\":{}},\"recipient\":{\"handle\":\"conform\"},"
        "\"reason\":\"Mailbox full\"}",
        type, c->token_n);
    enum err e = host_notify(c->host, conform_token(c), is_failure, buf_span(&json));
    buf_fini(&json);
    if (e != OK || !conform_settle(c))
        return c->has_ended ? gone(c) : BREAKS(c, "%s: did not end", type);
    const struct conform_ending *ending = &c->ending[c->token_n - 1];
    enum conform_result r = judge(c, type, ending);
    return r == CONFORM_KEPT && ending->kind != OUTCOME_DELIVERED ? SKIPS(c, "%s: %s", type, ending->reason)
                                                                  : r;
}

static enum conform_result takes_failures(struct conform *c)
{
    if (!host_adapter(c->host)->takes_failed)
        return SKIPS(c, "it has no call failed");
    enum conform_result r = notify(c, true, "sending_error");
    return r == CONFORM_KEPT ? notify(c, true, "message_bounce_error") : r;
}

static enum conform_result takes_events(struct conform *c)
{
    if (!host_adapter(c->host)->takes_events)
        return SKIPS(c, "it has no call event");
    enum conform_result r = notify(c, false, "comment");
    return r == CONFORM_KEPT ? notify(c, false, "a_type_of_next_year") : r;
}

static enum conform_result ask(struct conform *c, const char *what, const struct host_request *q)
{
    if (host_request(c->host, conform_token(c), q) != OK || !conform_settle(c))
        return c->has_ended ? gone(c) : BREAKS(c, "%s: got no reply", what);
    const struct conform_ending *e = &c->ending[c->token_n - 1];
    if (c->has_ended)
        return gone(c);
    if (e->status == 503 || e->status == 500)
        return BREAKS(c, "%s: was answered %d, not refused with 4xx; or had no reply in time", what,
                      e->status);
    return CONFORM_KEPT;
}

static enum conform_result replies(struct conform *c)
{
    if (!host_adapter(c->host)->takes_requests)
        return SKIPS(c, "it has no call request");
    char *big = mem_zalloc(BIG_BODY);
    memset(big, '[', BIG_BODY);
    const struct host_header json = {SPAN_LIT("content-type"), SPAN_LIT("application/json")};
    const struct {
        const char *what, *method, *path;
        struct span body;
    } cases[] = {
        {"GET without a body", "GET", "", SPAN_LIT("")},
        {"POST without a body", "POST", "", SPAN_LIT("")},
        {"POST of broken JSON", "POST", "", SPAN_LIT("{\"sender\":")},
        {"POST of bytes", "POST", "/a/b%20c", {"\0\xff\xfe{", 4}},
        {"POST of a large body", "POST", "", {big, BIG_BODY}},
        {"DELETE", "DELETE", "/", SPAN_LIT("")},
    };
    enum conform_result r = CONFORM_KEPT;
    for (size_t i = 0; i < ARRAY_LEN(cases) && r == CONFORM_KEPT; i++) {
        struct host_request q = {.method = span_of(cases[i].method),
                                 .path = span_of(cases[i].path),
                                 .query = SPAN_LIT("x=%00&y"),
                                 .peer = SPAN_LIT("192.0.2.1"),
                                 .header = &json,
                                 .header_n = 1,
                                 .body = cases[i].body};
        r = ask(c, cases[i].what, &q);
    }
    free(big);
    return r;
}

/* post_inbound sends the wire form that the adapters http and exec take; others may refuse it. */
static bool post_inbound(struct conform *c)
{
    char bearer[600];
    /* "from" is for backends that say it in a word, such as those of the examples. */
    static const char body[] =
        "{\"id\":\"conform-in\",\"sender\":{\"handle\":\"conform\"},\"from\":\"conform\","
        "\"text\":\"Hello\"}";
    snprintf(bearer, sizeof bearer, "Bearer %.500s", c->o->token ? c->o->token : "");
    const struct host_header header[] = {{SPAN_LIT("content-type"), SPAN_LIT("application/json")},
                                         {SPAN_LIT("authorization"), span_of(bearer)},
                                         {SPAN_LIT("x-from"), SPAN_LIT("conform")},
                                         {SPAN_LIT("x-id"), SPAN_LIT("conform-in")}};
    struct host_request q = {.method = SPAN_LIT("POST"),
                             .peer = SPAN_LIT("192.0.2.1"),
                             .path = SPAN_LIT(""),
                             .header = header,
                             .header_n = c->o->token ? 4 : 1,
                             .body = span_of(body)};
    return host_request(c->host, conform_token(c), &q) == OK;
}

static enum conform_result acknowledges_what_is_safe(struct conform *c)
{
    if (!host_adapter(c->host)->takes_requests)
        return SKIPS(c, "it has no call request");
    c->withholds = true;
    const struct conform_ending *e = &c->ending[c->token_n];
    mono_ms_t until = clock_mono_ms() + 2000;
    if (!post_inbound(c))
        return BREAKS(c, "the request was not taken");
    while (!c->withheld && e->n == 0 && !c->has_ended && clock_mono_ms() < until)
        conform_turn(c);
    c->withholds = false;
    if (c->withheld)
        conform_rest(c, 300);
    bool was_early = c->withheld && e->n && e->status < 300;
    if (c->withheld)
        conform_store(c, c->withheld);
    bool is_settled = conform_settle(c);
    if (c->has_ended)
        return gone(c);
    if (was_early)
        return BREAKS(c, "the backend heard %d before the message was stored", e->status);
    if (!c->withheld)
        return SKIPS(c, "the request made no message (answered %d)", e->status);
    return is_settled && e->status < 300 ? CONFORM_KEPT
                                         : BREAKS(c, "the stored message was answered %d", e->status);
}

/* ---- Leaks ---- */

static int count_descriptors(const struct conform *c)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", host_pid(c->host));
    DIR *d = opendir(path);
    if (!d)
        return -1;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static long resident_kib(const struct conform *c)
{
    char path[64], line[200];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", host_pid(c->host));
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    }
    if (f)
        fclose(f);
    return kib;
}

static enum conform_result leaks_nothing(struct conform *c)
{
    unsigned n = c->o->repeat ? c->o->repeat : REPEAT;
    enum conform_result r = deliver_many(c, n);
    conform_rest(c, 200);
    int before = count_descriptors(c);
    long before_kib = resident_kib(c);
    if (r != CONFORM_BROKEN)
        r = deliver_many(c, n);
    conform_rest(c, 200);
    int after = count_descriptors(c);
    long grown_kib = resident_kib(c) - before_kib;
    if (r == CONFORM_BROKEN)
        return r;
    if (before < 0)
        return SKIPS(c, "/proc does not show its descriptors");
    if (after > before + 4)
        return BREAKS(c, "%u deliveries left %d more descriptors open", n, after - before);
#ifndef FB_SANITIZED /* which keeps freed memory for a while */
    if (grown_kib > LEAK_KIB)
        return BREAKS(c, "%u deliveries left %ld KiB more memory in use", n, grown_kib);
#endif
    if (r == CONFORM_SKIPPED) /* nothing was delivered; what leaks even so was found */
        return r;
    return KEEPS(c, "%d descriptors, %+ld KiB over %u deliveries", after, grown_kib, n);
}

static enum conform_result stops(struct conform *c)
{
    static const struct conform_message m = {.what = "a message during stop", .text = "bye"};
    mono_ms_t from = clock_mono_ms(), until = from + CONFORM_STOP_MS + 5000;
    unsigned first = c->token_n;
    conform_post(c, &m, 1);
    c->has_ended = false;
    host_stop(c->host);
    while (!c->has_ended && clock_mono_ms() < until)
        conform_turn(c);
    if (!c->has_ended)
        return BREAKS(c, "it did not go, even when it was ended");
    if (c->down_reason[0])
        return BREAKS(c, "it did not go by itself: %s", c->down_reason);
    if (clock_mono_ms() - from >= CONFORM_STOP_MS)
        return BREAKS(c, "stop and close took %lld ms, and it was cut off",
                      (long long)(clock_mono_ms() - from));
    if (c->token_n > first && c->ending[first].n != 1)
        return BREAKS(c, "the message under way did not end");
    return KEEPS(c, "in %lld ms", (long long)(clock_mono_ms() - from));
}

static enum conform_result lives_with_another(struct conform *c)
{
    enum conform_result r = opens(c);
    if (r == CONFORM_KEPT)
        r = deliver_many(c, 2);
    if (r != CONFORM_BROKEN)
        r = stops(c);
    c->text[0] = r == CONFORM_KEPT ? 0 : c->text[0];
    return r;
}

/* ---- The suite ---- */

struct promise {
    const char *name;
    enum conform_result (*look)(struct conform *c);
};

static const struct promise life[] = {
    {"opens", opens},
    {"ends every delivery once, in time, with a sentence if it failed", delivers},
    {"takes a long text in parts", takes_parts},
    {"ends 64 deliveries at once", delivers_in_parallel},
    {"takes failure reports", takes_failures},
    {"takes events, also of unknown types", takes_events},
    {"replies to every request, and refuses nonsense", replies},
    {"acknowledges a message only when it is stored", acknowledges_what_is_safe},
    {"leaks neither descriptors nor memory", leaks_nothing},
    {"stops and closes in time", stops},
};

static const struct promise again[] = {
    {"lives beside another instance of itself", lives_with_another},
};

/* look_at one promise; a rule of the header that is broken meanwhile breaks it too. */
static enum conform_result look_at(struct conform *c, const struct promise *p)
{
    c->complaint[0] = c->text[0] = 0;
    enum conform_result r = p->look(c);
    conform_rest(c, COMPLAINT_MS);
    return r != CONFORM_BROKEN && c->complaint[0] ? BREAKS(c, "a rule is broken: %s", c->complaint) : r;
}

/* revive gives the next promise a process of its own if the last one has ended it. */
static bool revive(struct conform *c, unsigned probe)
{
    if (c->has_ended) {
        host_free(c->host);
        conform_open(c, probe);
        return opens(c) == CONFORM_KEPT;
    }
    return true;
}

/* run_life looks at promises that begin with opening; what does not open can keep no other. */
static void run_life(struct conform *c, const struct promise *p, size_t n, unsigned probe)
{
    bool is_open = true;
    conform_open(c, probe);
    for (size_t i = 0; i < n; i++) {
        enum conform_result r;
        is_open = is_open && revive(c, probe);
        r = is_open ? look_at(c, &p[i]) : SKIPS(c, "it does not open");
        is_open = is_open && (i > 0 || r != CONFORM_BROKEN || !c->has_ended);
        c->is_broken |= r == CONFORM_BROKEN;
        c->report(r, p[i].name, c->text, c->arg);
    }
    host_free(c->host);
}

bool conform_run(const struct conform_options *o, conform_report_fn *report, void *arg)
{
    struct conform *c = mem_zalloc(sizeof *c);
    c->o = o;
    c->report = report;
    c->arg = arg;
    c->base = event_base_new();
    must(c->base);
    run_life(c, life, ARRAY_LEN(life), HOST_PROBE_READABLE);
    run_life(c, again, ARRAY_LEN(again), HOST_PROBE_TWICE);
    event_base_free(c->base);
    bool is_kept = !c->is_broken;
    if (o->delivered_n)
        *o->delivered_n += c->delivered_n;
    free(c);
    return is_kept;
}
