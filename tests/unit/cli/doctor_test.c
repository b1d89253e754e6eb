/*
 * What answers mean to `doctor`: one table for each kind of check.
 */
#include "../base/test.h"
#include "base/mem.h"
#include "cli/doctor_judge.h"
#include <errno.h>
#include <front_bridge/channel.h>
#include <stdlib.h>
#include <string.h>

static struct findings list;

static struct finding *fresh(void)
{
    findings_fini(&list);
    return findings_add(&list, "check", "subject");
}

static void expect(const struct finding *f, enum finding_level level, const char *word)
{
    if (f->level != level || !f->text || !strstr(f->text, word))
        fail_msg("level %d, not %d; text \"%s\", want \"%s\"", f->level, level, f->text ? f->text : "", word);
    assert_true(f->level != FINDING_PROBLEM || f->cure != NULL);
}

/* An answer of Front with this body; text "" for none. */
static struct front_result answer(struct json *doc, int status, const char *text)
{
    struct front_result r = {.class = status >= 500 || status == 429 ? FRONT_CALL_RETRY
                                      : status >= 400                ? FRONT_CALL_REFUSED
                                                                     : FRONT_CALL_OK,
                             .status = status,
                             .date_s = -1,
                             .reason = status >= 400 ? SPAN_LIT("Front said no.") : SPAN_NONE};

    *doc = (struct json){0};
    if (*text && json_parse(doc, span_of(text)) == OK)
        r.json = doc;
    return r;
}

static const struct front_result cut_off = {
    .class = FRONT_CALL_CANCELLED, .date_s = -1, .reason = {"It was cancelled.", 17}};

#define ERROR_BODY "{\"_error\":{\"status\":401}}"

static const struct {
    int status;
    const char *body;
    bool is_front;
    const char *word;
} apis[] = {
    {200, "{\"_links\":{\"self\":\"x\"},\"name\":\"Acme\"}", true, "is Front"},
    {401, ERROR_BODY, true, "is Front"},
    {200, "{\"hello\":1}", false, "not as Front does"},
    {200, "[1]", false, "not as Front does"},
    {502, "", false, "(502)"},
    {404, "", false, "not as Front does"},
};

static void test_who_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(apis); i++) {
        struct json doc;
        struct front_result r = answer(&doc, apis[i].status, apis[i].body);
        struct finding *f = fresh();
        assert_int_equal(judge_api(f, "https://api2.frontapp.com", &r), apis[i].is_front);
        expect(f, apis[i].is_front ? FINDING_OK : FINDING_PROBLEM, apis[i].word);
        json_fini(&doc);
    }
    struct finding *f = fresh();
    assert_false(judge_api(f, "https://x", &cut_off));
    expect(f, FINDING_PROBLEM, "the time was over");
}

static void test_tokens(void **state)
{
    struct json doc;
    struct finding *f = fresh();
    struct front_result r = answer(&doc, 200, "{\"_links\":{},\"name\":\"Acme\"}");

    (void)state;
    assert_true(judge_token(f, &r));
    expect(f, FINDING_OK, "Acme");
    json_fini(&doc);
    r = answer(&doc, 401, ERROR_BODY);
    assert_false(judge_token(f, &r));
    expect(f, FINDING_PROBLEM, "Front said no");
    json_fini(&doc);
    r = answer(&doc, 429, ERROR_BODY);
    assert_false(judge_token(f, &r));
    expect(f, FINDING_WARNING, "Front said no");
    json_fini(&doc);
}

static const struct {
    int64_t date_s;
    enum finding_level level;
    const char *word;
} clocks[] = {
    {1000000, FINDING_OK, "within"},          {1000059, FINDING_OK, "within"},
    {1000065, FINDING_WARNING, "behind"},     {999935, FINDING_WARNING, "ahead of"},
    {1000301, FINDING_PROBLEM, "signatures"}, {999690, FINDING_PROBLEM, "ahead of"},
    {-1, FINDING_NOTE, "did not say"},        {0, FINDING_PROBLEM, "ahead of"},
};

static void test_clocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
        struct finding *f = fresh();
        judge_clock(f, clocks[i].date_s, 1000000500);
        expect(f, clocks[i].level, clocks[i].word);
    }
}

static const struct {
    struct rate_view rate;
    enum finding_level level;
    const char *word;
} rates[] = {
    {{.limit = 50, .remaining = 40}, FINDING_OK, "Starter"},
    {{.limit = 100, .remaining = 10}, FINDING_OK, "Professional"},
    {{.limit = 200, .remaining = 200}, FINDING_OK, "Enterprise"},
    {{.limit = 120, .remaining = 100}, FINDING_OK, "120 requests a minute, 100 left"},
    {{.limit = 100, .remaining = 9}, FINDING_WARNING, "9 left"},
    {{.limit = 100, .remaining = 90, .refused_n = 1}, FINDING_WARNING, "90 left"},
    {{.limit = 0}, FINDING_NOTE, "did not say"},
};

static void test_rates(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct finding *f = fresh();
        judge_rate(f, rates[i].rate);
        expect(f, rates[i].level, rates[i].word);
    }
}

static const struct {
    int status;
    bool is_needed;
    const char *body; /* of the probe */
    enum finding_level level;
    const char *word;
} probes[] = {
    {404, true, NULL, FINDING_OK, "not refused (404)"},
    {400, true, "{}", FINDING_OK, "without writing"},
    {200, true, NULL, FINDING_OK, "not refused"},
    {403, true, "{}", FINDING_PROBLEM, "needed to test"},
    {403, false, "{}", FINDING_WARNING, "needed to test"},
    {401, true, NULL, FINDING_NOTE, "not seen"},
    {429, true, NULL, FINDING_NOTE, "not seen"},
    {503, true, NULL, FINDING_NOTE, "not seen"},
};

static void test_scopes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
        struct json doc;
        struct front_result r = answer(&doc, probes[i].status, "{}");
        const struct scope s = {.body = probes[i].body, .purpose = "test", .is_needed = probes[i].is_needed};
        struct finding *f = fresh();
        judge_scope(f, &s, &r);
        expect(f, probes[i].level, probes[i].word);
        json_fini(&doc);
    }
    struct finding *f = fresh();
    judge_scope(f, &(struct scope){.purpose = "test"}, &cut_off);
    expect(f, FINDING_NOTE, "the time was over");
}

static struct preflight_channel adapters[1];
static const struct preflight seen = {adapters, 1};

static bool is_needed(const struct config *c, const char *name)
{
    struct scope s[SCOPES_MAX];
    unsigned n = scopes_of(c, &seen, &c->account[0], s), i = 0;

    while (i < n && strcmp(s[i].name, name) != 0)
        i++;
    assert_true(i < n);
    return s[i].is_needed;
}

static void test_which_scopes_are_needed(void **state)
{
    struct config_account a[2] = {{.name = "a"}, {.name = "b"}};
    struct config_channel ch = {.account = &a[0], .kind = CHANNEL_CUSTOM, .late_failure = LATE_AUTO};
    const struct config c = {.account = a, .account_n = 2, .channel = &ch, .channel_n = 1};

    (void)state;
    assert_true(is_needed(&c, "messages:write") && is_needed(&c, "comments:write"));
    assert_false(is_needed(&c, "channels:write") || is_needed(&c, "attachments:read"));
    adapters[0].capabilities = FB_CAN_ATTACHMENTS;
    assert_true(is_needed(&c, "attachments:read"));
    assert_false(is_needed(&c, "events:*:read"));
    a[0].catch_up_enabled = true;
    assert_true(is_needed(&c, "events:*:read"));
    ch.late_failure = LATE_NONE;
    assert_true(is_needed(&c, "messages:write"));
    assert_false(is_needed(&c, "conversations:write"));
    ch.kind = CHANNEL_APPLICATION;
    assert_true(is_needed(&c, "comments:write")); /* for reactions */
    assert_false(is_needed(&c, "messages:write") || is_needed(&c, "attachments:read"));
    assert_true(is_needed(&c, "events:*:read"));
    ch.kind = CHANNEL_CUSTOM;
    ch.account = &a[1];
    assert_false(is_needed(&c, "messages:write"));
}

static void test_probes_cannot_write(void **state)
{
    struct config_account a = {.name = "a"};
    const struct config c = {.account = &a, .account_n = 1};
    struct scope s[SCOPES_MAX];
    unsigned n = scopes_of(&c, &seen, &a, s);

    (void)state;
    for (unsigned i = 0; i < n; i++) {
        assert_true((strcmp(s[i].method, "GET") == 0) == (s[i].body == NULL));
        assert_true(!s[i].body || (strcmp(s[i].body, "{}") == 0 && strstr(s[i].path, "_0")));
    }
}

#define CHANNEL_BODY(type, valid)                                                                            \
    "{\"id\":\"cha_1\",\"type\":\"" type "\",\"address\":\"line\\u001b\",\"is_valid\":" valid                \
    ",\"_links\":{\"related\":{\"inbox\":\"https://x/inboxes/inb_7\"}}}"

static const struct {
    enum channel_kind kind;
    int status;
    const char *body;
    enum finding_level level;
    const char *word;
} channels[] = {
    {CHANNEL_CUSTOM, 200, CHANNEL_BODY("custom", "true"), FINDING_OK, "inbox inb_7"},
    {CHANNEL_CUSTOM, 200, CHANNEL_BODY("smtp", "true"), FINDING_PROBLEM, "smtp"},
    {CHANNEL_CUSTOM, 200, CHANNEL_BODY("acme_chat", "true"), FINDING_PROBLEM, "acme_chat"},
    {CHANNEL_CUSTOM, 200, CHANNEL_BODY("custom", "false"), FINDING_PROBLEM, "not valid"},
    {CHANNEL_CUSTOM, 200, "{}", FINDING_PROBLEM, "(none)"},
    {CHANNEL_APPLICATION, 200, CHANNEL_BODY("custom", "true"), FINDING_OK, "is there"},
    {CHANNEL_APPLICATION, 200, CHANNEL_BODY("acme_chat", "true"), FINDING_OK, "is there"},
    {CHANNEL_APPLICATION, 200, CHANNEL_BODY("front_chat", "true"), FINDING_PROBLEM, "front_chat"},
    {CHANNEL_CUSTOM, 404, "{}", FINDING_PROBLEM, "knows no channel"},
    {CHANNEL_CUSTOM, 403, "{}", FINDING_NOTE, "not seen"},
};

static void test_channels(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(channels); i++) {
        const struct config_channel c = {.kind = channels[i].kind};
        struct json doc;
        struct front_result r = answer(&doc, channels[i].status, channels[i].body);
        struct finding *f = fresh();
        judge_channel(f, &c, "cha_1", &r);
        expect(f, channels[i].level, channels[i].word);
        json_fini(&doc);
    }
}

static void test_apps(void **state)
{
    static const struct {
        int status;
        enum finding_level level;
    } rows[] = {{404, FINDING_OK},
                {401, FINDING_PROBLEM},
                {403, FINDING_WARNING},
                {429, FINDING_NOTE},
                {500, FINDING_NOTE}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json doc;
        struct front_result r = answer(&doc, rows[i].status, ERROR_BODY);
        struct finding *f = fresh();
        judge_app(f, &r);
        expect(f, rows[i].level, "");
        json_fini(&doc);
    }
}

#define SAYS(type) SPAN_LIT("{\"type\":\"" type "\",\"message\":\"x\"}")

static void test_the_signature_round_trip(void **state)
{
    const struct config_channel c = {.name = (char *)(uintptr_t) "support"};
    const struct {
        struct heard h;
        enum finding_level level;
        const char *word;
    } rows[] = {
        {{0, 400, SAYS("bad_request")}, FINDING_OK, "let in"},
        {{0, 401, SAYS("authentication_required")}, FINDING_PROBLEM, "secret 2"},
        {{0, 404, SAYS("not_found")}, FINDING_PROBLEM, "\"support\""},
        {{0, 400, SPAN_LIT("no JSON")}, FINDING_PROBLEM, "400"},
        {{0, 200, SAYS("success")}, FINDING_PROBLEM, "200"},
        {{0, 302, SPAN_LIT("")}, FINDING_PROBLEM, "302"},
        {{HTTP_FAIL_CONNECT, 0, SPAN_LIT("")}, FINDING_PROBLEM, "cannot be reached"},
        {{HTTP_FAIL_CANCELLED, 0, SPAN_LIT("")}, FINDING_PROBLEM, "no answer in time"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct finding *f = fresh();
        assert_int_equal(judge_signature(f, &c, 2, &rows[i].h), i == 0);
        expect(f, rows[i].level, rows[i].word);
    }
    struct finding *f = fresh();
    assert_true(judge_forgery(f, &rows[1].h));
    assert_int_equal(f->level, FINDING_OPEN);
    assert_false(judge_forgery(f, &rows[0].h));
    expect(f, FINDING_PROBLEM, "400 and not with 401");
}

static void test_public_urls(void **state)
{
    const struct heard good = {0, 200, SPAN_LIT("ok\n")}, other = {0, 200, SPAN_LIT("<html>")},
                       tls = {HTTP_FAIL_TLS, 0, SPAN_LIT("")};
    struct finding *f = fresh();

    (void)state;
    assert_true(judge_public_url(f, "https://b", &good));
    expect(f, FINDING_OK, "https://b");
    assert_false(judge_public_url(f, "https://b", &other));
    expect(f, FINDING_PROBLEM, "not the bridge");
    assert_false(judge_public_url(f, "https://b", &tls));
    expect(f, FINDING_PROBLEM, "certificate");
    assert_non_null(strstr(f->cure, "certificate"));
}

static void test_backends_are_named_without_their_secrets(void **state)
{
    struct finding *f = fresh();

    (void)state;
    judge_backend(f, "https://me:hunter2@chat.example:8443/hook?key=hunter2", HTTP_FAIL_CONNECT);
    expect(f, FINDING_PROBLEM, "https://chat.example:8443: ");
    assert_null(strstr(f->text, "hunter2"));
    judge_backend(f, "http://chat.example/x", HTTP_FAIL_NONE);
    expect(f, FINDING_OK, "http://chat.example takes");
}

static void test_stores(void **state)
{
    const struct store_facts good = {.path = "/s",
                                     .is_directory = true,
                                     .is_writable = true,
                                     .owner = 7,
                                     .user = 7,
                                     .free_bytes = 4ull << 30,
                                     .quota_bytes = 1 << 30};
    struct store_facts s = good;
    struct finding *f = fresh();

    (void)state;
    judge_store(f, &s);
    expect(f, FINDING_OK, "4096 MiB free");
    s.free_bytes = 500 << 20;
    judge_store(f, &s);
    expect(f, FINDING_WARNING, "500 MiB");
    s.free_bytes = 1 << 20;
    judge_store(f, &s);
    expect(f, FINDING_PROBLEM, "1 MiB");
    s = good;
    s.is_open_to_others = true;
    judge_store(f, &s);
    expect(f, FINDING_WARNING, "open to other");
    s.is_writable = false;
    judge_store(f, &s);
    expect(f, FINDING_PROBLEM, "written");
    s.owner = 8;
    judge_store(f, &s);
    expect(f, FINDING_PROBLEM, "user 8");
    s.is_directory = false;
    judge_store(f, &s);
    expect(f, FINDING_PROBLEM, "no directory");
    s.error = EACCES;
    judge_store(f, &s);
    expect(f, FINDING_PROBLEM, "looked at");
    s.error = ENOENT;
    judge_store(f, &s);
    expect(f, FINDING_NOTE, "not there yet");
}

static void test_the_report(void **state)
{
    struct finding *f = fresh();
    struct buf out;
    struct jout j;

    (void)state;
    finding_say(f, FINDING_PROBLEM, "no\x1b[1m");
    finding_cure(f, "mend %s", "it");
    finding_say(findings_add(&list, "later", "other"), FINDING_NOTE, FINDING_SKIPPED);
    assert_int_equal(findings_count(&list, FINDING_PROBLEM), 1);
    buf_init(&out, 4096);
    findings_write_text(&list, &out);
    assert_string_equal(out.p, "problem  subject, check: no\\x1b[1m; mend it\n"
                               "note     other, later: not looked at\n");
    buf_clear(&out);
    jout_init(&j, &out);
    findings_write_json(&list, &j);
    assert_string_equal(
        out.p, "[{\"level\":\"problem\",\"subject\":\"subject\",\"check\":\"check\","
               "\"text\":\"no\\u001b[1m\",\"cure\":\"mend it\"},{\"level\":\"note\","
               "\"subject\":\"other\",\"check\":\"later\",\"text\":\"not looked at\",\"cure\":null}]");
    buf_fini(&out);
    findings_fini(&list);
}

/* A company of many channels whose Front is away: one line, not one for each. */
static void what_was_skipped_for_one_reason_is_one_line(void **state)
{
    struct buf out;
    struct jout j;

    (void)state;
    finding_say(findings_add(&list, "token", "account main"), FINDING_NOTE,
                FINDING_SKIPPED ": Front was away");
    finding_say(findings_add(&list, "adapter", "channel c0"), FINDING_OK, "it is there");
    for (int i = 0; i < 7; i++)
        finding_say(findings_add(&list, "in Front", "channel c%d", i), FINDING_NOTE,
                    FINDING_SKIPPED ": Front was away");
    finding_say(findings_add(&list, "signature", "channel c0"), FINDING_NOTE, FINDING_SKIPPED ": no URL");
    buf_init(&out, 4096);
    findings_write_text(&list, &out);
    assert_string_equal(
        out.p, "note     8 checks not looked at: Front was away (account main, token; channel c0, in Front; "
               "channel c1, in Front; channel c2, in Front; channel c3, in Front; and 3 more)\n"
               "ok       channel c0, adapter: it is there\n"
               "note     channel c0, signature: not looked at: no URL\n");
    buf_clear(&out);
    jout_init(&j, &out);
    findings_write_json(&list, &j);
    assert_non_null(strstr(out.p, "\"subject\":\"channel c6\""));
    buf_fini(&out);
    findings_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_answers),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_which_scopes_are_needed),
        cmocka_unit_test(test_probes_cannot_write),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_apps),
        cmocka_unit_test(test_the_signature_round_trip),
        cmocka_unit_test(test_public_urls),
        cmocka_unit_test(test_backends_are_named_without_their_secrets),
        cmocka_unit_test(test_stores),
        cmocka_unit_test(test_the_report),
        cmocka_unit_test(what_was_skipped_for_one_reason_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
