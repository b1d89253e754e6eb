/*
 * The configuration: every mistake with its exact line, and what a right file gives.
 */
#include "test.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/mem.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *folder;

static const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, size_t n)
{
    FILE *f = fopen(in_folder(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

#define FILE_IS(name, text) write_file(name, text, sizeof(text) - 1)

/* The mistakes in text, as `check` prints them; "" if it is right. Freed by the caller. */
static char *mistakes_of(struct span text)
{
    struct config *c = NULL;
    struct config_mistakes m = {0};
    struct buf out;
    buf_init(&out, 1 << 20);
    enum err e = config_parse(text, "f", &c, &m);
    assert_int_equal(e, m.n ? ERR_INVALID : OK);
    assert_true((c != NULL) == (e == OK));
    config_print(&m, "f", &out);
    config_mistakes_fini(&m);
    config_free(c);
    return buf_take(&out, NULL);
}

static struct config *must_parse(const char *text)
{
    struct config *c = NULL;
    struct config_mistakes m = {0};
    struct buf out;
    buf_init(&out, 1 << 16);
    enum err e = config_parse(span_of(text), "f", &c, &m);
    config_print(&m, "f", &out);
    if (e)
        fail_msg("%s", buf_span(&out).p);
    buf_fini(&out);
    config_mistakes_fini(&m);
    return c;
}

#define GOOD_ACCOUNT  "accounts: {main: {token: t, secrets: [s]}}\n"
#define APP           "accounts: {main: {app: {uid: u, secret: s}}}\nchannels:\n"
#define CHANNEL(keys) GOOD_ACCOUNT "channels:\n  a:\n    adapter: http\n    front_channel: cha_1\n" keys

static const struct {
    const char *text, *mistakes;
} bad[] = {
    /* the file */
    {"", ""},
    {"- a\n", "f:1: this is a list; write `key: value` lines below it\n"},
    {"word\n", "f:1: this is plain text; write `key: value` lines below it\n"},
    {"listen: [1\n",
     "f:2: this is no YAML: did not find expected ',' or ']' while parsing a flow sequence\n"},
    {"a: b: c\n", "f:1: this is no YAML: mapping values are not allowed in this context\n"},
    {"store: \"\\0\"\n", "f:1: a NUL character stands in this value; remove it\n"},
    {"store: \xff\n", "f: this is no UTF-8 text: invalid leading UTF-8 octet at byte 7\n"},
    {"store: /a\n---\nstore: /b\n", "f:2: a second document starts here; write one, without `---`\n"},
    {"? [a]\n: b\n", "f:1: a key must be a plain word; write `key: value`\n"},
    {"log: &x {format: *x}\n",
     "f:1: this alias names no anchor that ends before it; write the value itself, in quotes if it begins "
     "with *\n"},
    {"log: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", "f:1: values nest too deep here; use fewer levels\n"},

    /* keys */
    {"lisen: :1\n", "f:1: lisen: there is no such key; did you mean \"listen\"?\n"},
    {"\nlog: {levle: info}\n", "f:2: log.levle: there is no such key; did you mean \"level\"?\n"},
    {"log: {colour: red}\n", "f:1: log.colour: there is no such key; known here are format, level\n"},
    {"store: /a\nstore: /b\n", "f:2: store: this stands on line 1 already; remove one or rename it\n"},
    {"log: {level: info, level: info, level: warn}\n",
     "f:1: log.level: this stands on line 1 already; remove one or rename it\n"
     "f:1: log.level: this stands on line 1 already; remove one or rename it\n"},
    {"log: json\n", "f:1: log: this is plain text; write `key: value` lines below it\n"},
    {"store: {a: b}\n", "f:1: store: this is a map; write one value\n"},
    {"store: [a]\n", "f:1: store: this is a list; write one value\n"},
    {"store:\n", "f:1: store: the value is missing; write one value, or remove the key\n"},
    {"store: ~\n", "f:1: store: the value is missing; write one value, or remove the key\n"},
    {"store: ''\n", "f:1: store: \"\" is no text; write a line of text\n"},
    {"\"a\\e[1m\": b\n",
     "f:1: a?[1m: there is no such key; known here are listen, tls, admin, public_url, store, "
     "lock_wait, log, limits, retention, accounts, channels\n"},

    /* kinds */
    {"listen: '80'\n", "f:1: listen: \"80\" is no address; write host:port, such as 127.0.0.1:8080, or :8080 "
                       "for all addresses\n"},
    {"listen: localhost:65536\n", "f:1: listen: \"localhost:65536\" is no address; write host:port, such as "
                                  "127.0.0.1:8080, or :8080 for all "
                                  "addresses\n"},
    {"listen: ::1:80\n", "f:1: listen: \"::1:80\" is no address; write host:port, such as 127.0.0.1:8080, or "
                         ":8080 for all addresses\n"},
    {"lock_wait: 10\n", "f:1: lock_wait: \"10\" is no duration; write a number and a unit, such as 250ms, "
                        "5s, 10m, 24h or 30d\n"},
    {"lock_wait: 2h\n", "f:1: lock_wait: 2h is out of bounds; write 0 to 1h\n"},
    {"limits: {head: 1MiB, held: 0, connections: many}\n",
     "f:1: limits.head: 1MiB is out of bounds; write 1KiB to 256KiB\n"
     "f:1: limits.held: 0 is out of bounds; write 1 to 1000000\n"
     "f:1: limits.connections: \"many\" is no number; write a whole number\n"},
    {"limits: {head: 1 MiB}\n",
     "f:1: limits.head: \"1 MiB\" is no size; write a number and a unit, such as 64KiB, 10MiB or 1GiB\n"},
    {"log: {level: wran, format: xml}\n",
     "f:1: log.level: \"wran\" is not known here; did you mean \"warn\"?\n"
     "f:1: log.format: \"xml\" is not known here; write text or json\n"},
    {"public_url: bridge.example.com\n", "f:1: public_url: \"bridge.example.com\" is no URL; write a whole "
                                         "URL, such as https://bridge.example.com\n"},
    {"public_url: 'https://bridge.example.com:65536'\n",
     "f:1: public_url: \"https://bridge.example.com:65536\" is no URL; write a whole URL, such as "
     "https://bridge.example.com\n"},
    {"accounts: {m: {catch_up: {enabled: yes}, rate: {reserve: 20, per_resource: 5}}}\n",
     "f:1: accounts.m.catch_up.enabled: \"yes\" is no truth value; write true or false\n"
     "f:1: accounts.m.rate.reserve: \"20\" is no percentage; write a number and %, such as 20%\n"
     "f:1: accounts.m.rate.per_resource: \"5\" is no rate; write a number per second, such as 5/s\n"},
    {"accounts: {m: {rate: {per_resource: 51/s}}}\n",
     "f:1: accounts.m.rate.per_resource: 51/s is out of bounds; write 1/s to 50/s\n"},

    /* where tokens go */
    {"accounts: {m: {api: 'http://api2.frontapp.com'}}\n",
     "f:1: accounts.m.api: \"http://api2.frontapp.com\" is no URL; write https:// and a host without a path "
     "(http:// on "
     "a loopback address only)\n"},
    {"accounts: {m: {api: 'https://api2.frontapp.com/v1'}}\n",
     "f:1: accounts.m.api: \"https://api2.frontapp.com/v1\" is no URL; write https:// and a host without a "
     "path (http:// "
     "on a loopback address only)\n"},
    {"accounts: {m: {api: 'http://127.0.0.1@evil.example'}}\n",
     "f:1: accounts.m.api: \"http://127.0.0.1@evil.example\" is no URL; write https:// and a host without a "
     "path (http:// "
     "on a loopback address only)\n"},
    {"accounts: {m: {api: 'http://127.0.0.1.evil.example'}}\n",
     "f:1: accounts.m.api: \"http://127.0.0.1.evil.example\" is no URL; write https:// and a host without a "
     "path (http:// "
     "on a loopback address only)\n"},
    {"accounts:\n  m: {api: 'https://api2.frontapp.com:99999'}\n  n: {api: 'https://:443'}\n",
     "f:2: accounts.m.api: \"https://api2.frontapp.com:99999\" is no URL; write https:// and a host without "
     "a "
     "path (http:// on a loopback address only)\n"
     "f:3: accounts.n.api: \"https://:443\" is no URL; write https:// and a host without a path (http:// on "
     "a "
     "loopback address only)\n"},
    {"accounts: {m: {api: 'http://127.0.0.1:8080', app: {uid: u}}}\n",
     "f:1: accounts.m.app: uid and secret belong together; write secret too\n"},

    /* what stands behind a value */
    {"store: ${FB_TEST_NONE}\n",
     "f:1: store: the environment has no variable FB_TEST_NONE; set it, or write the value here\n"},
    {"store: $STORE\n",
     "f:1: store: a variable needs braces, as in ${NAME}; for the character $ itself write $$\n"},
    {"accounts: {m: {token: $hunter2, secrets: [$$A, $1, $A-B, $_]}}\n",
     "f:1: accounts.m.token: a variable needs braces, as in ${NAME}; for the character $ itself write $$\n"
     "f:1: accounts.m.secrets: a variable needs braces, as in ${NAME}; for the character $ itself write "
     "$$\n"},
    {"store: ${FB-TEST}\n",
     "f:1: store: after ${ must come a name and a brace, as in ${NAME}; for the characters "
     "themselves write $${\n"},
    {"store: \"a${\"\n",
     "f:1: store: after ${ must come a name and a brace, as in ${NAME}; for the characters "
     "themselves write $${\n"},
    {"admin: {token: ${FB_TEST_EMPTY}}\n",
     "f:1: admin.token: the secret is empty or holds control characters; write one line of text\n"},
    {"admin: {token: ${FB_TEST_LINES}}\n",
     "f:1: admin.token: the secret is empty or holds control characters; write one line of text\n"},
    {"admin: {token: {a: b}}\n", "f:1: admin.token: this is a map; write one value\n"},
    {"admin: {token_file: /nowhere/token}\n",
     "f:1: admin.token_file: the file /nowhere/token cannot be read: No such file or directory\n"},
    {"admin: {token_file: /dev/zero}\n",
     "f:1: admin.token_file: /dev/zero is no regular file; name a file that holds the secret\n"},
    {"admin: {token_file: ${FB_TEST_DIR}/empty}\n",
     "f:1: admin.token_file: the file DIR/empty is empty; write the secret into it\n"},
    {"admin: {token_file: ${FB_TEST_DIR}/large}\n",
     "f:1: admin.token_file: the file DIR/large is larger than 64 KiB; it should hold one secret\n"},
    {"admin: {token_file: ${FB_TEST_DIR}/nul}\n",
     "f:1: admin.token_file: the file DIR/nul is no text; it should hold one secret\n"},
    {"admin: {token_file: ${FB_TEST_DIR}/lines}\n",
     "f:1: admin.token_file: the secret is empty or holds control characters; write one line of text\n"},
    {"admin: {token_file: ${FB_TEST_DIR}/one, token: t}\n",
     "f:1: admin.token_file: the secret is given twice, here and without _file; remove one\n"},
    {"store_file: /a\n",
     "f:1: store_file: there is no such key; known here are listen, tls, admin, public_url, store, "
     "lock_wait, log, limits, retention, accounts, channels\n"},
    {"accounts: {m: {secrets: s}}\n",
     "f:1: accounts.m.secrets: this is plain text; write a list, such as [${FIRST}, ${SECOND}]\n"},
    {"accounts: {m: {secrets: [a, ${FB_TEST_NONE}, [b], ~, '']}}\n",
     "f:1: accounts.m.secrets: the environment has no variable FB_TEST_NONE; set it, or write the value "
     "here\n"
     "f:1: accounts.m.secrets: this is a list; write one value\n"
     "f:1: accounts.m.secrets: the value is missing; write one value, or remove the key\n"
     "f:1: accounts.m.secrets: the secret is empty; write it, or remove it\n"},

    /* listeners */
    {"admin:\n  listen: :9090\n",
     "f:2: admin.token: :9090 can be reached from other machines; write a token_file, or "
     "listen on 127.0.0.1\n"},
    {"listen: 127.0.0.1:9090\n",
     "f: admin.listen: 127.0.0.1:9090 is the public listener too; choose another port\n"},
    {"tls: {cert: a.pem}\n", "f:1: tls: cert and key belong together; write key too\n"},

    /* channels */
    {"channels: {a: {adapter: http, front_channel: cha_1}}\n",
     "f:1: channels.a.account: there is no account yet; write one under accounts: and its name here\n"},
    {"accounts: {m: , n: }\nchannels: {a: {adapter: http, front_channel: cha_1}}\n",
     "f:2: channels.a.account: there are several accounts; write which one this channel belongs to\n"},
    {"accounts: {main: }\nchannels: {a: {adapter: http, account: mian, front_channel: cha_1}}\n",
     "f:2: channels.a.account: there is no account \"mian\"; did you mean \"main\"?\n"},
    {"channels: {a: {adapter: http, account: zebra, front_channel: cha_1}}\n",
     "f:1: channels.a.account: there is no account \"zebra\"; write it under accounts:\n"},
    {"channels:\n  a: {adapter: http}\naccounts: {main: {}}\n",
     "f:2: channels.a: a custom channel answers with an API token; write token or token_file in account "
     "\"main\"\n"
     "f:2: channels.a.secrets: nothing tells Front's callbacks from others; write secrets here or in account "
     "\"main\"\n"},
    {"public_url: https://b.example\naccounts: {main: {}}\n"
     "channels: {a: {adapter: http, kind: application}}\n",
     "f:3: channels.a: an application channel belongs to an app of yours; write app: {uid, secret_file} in "
     "account "
     "\"main\"\n"},
    {"accounts: {main: {token: t, secrets: []}}\nchannels: {a: {adapter: http, front_channel: cha_1, "
     "secrets: []}}\n",
     "f:1: accounts.main.secrets: the list is empty; write a secret, or remove the key\n"
     "f:2: channels.a.secrets: the list is empty; write a secret, or remove the key\n"},
    {"accounts: {main: {app: }}\nchannels: {a: {adapter: http, kind: application, front_channel: cha_1}}\n",
     "f:2: channels.a: an application channel belongs to an app of yours; write app: {uid, secret_file} in "
     "account "
     "\"main\"\n"},
    {APP "  a: {adapter: http, kind: application}\n",
     "f:3: channels.a: Front has to be told where this channel is when it is connected; write public_url: "
     "https://… at the top, or the channel's front_channel here\n"},
    {"public_url: https://b.example\n" APP "  a: {adapter: http, kind: application, address: x, api_key: k}\n"
     "  b: {adapter: http, kind: application, address: x, api_key: k}\n",
     "f:5: channels.b.api_key: channel \"a\" has the same key; each key names one channel\n"
     "f:5: channels.b.address: channel \"a\" has the same address; each address names one channel\n"},
    {"public_url: https://b.example\n" APP "  a: {adapter: http, kind: application}\n"
     "  b: {adapter: http, kind: application}\n",
     "f:5: channels.b.api_key: nothing tells this channel from \"a\" when one is connected in Front; write "
     "an "
     "api_key or the front_channel of each\n"},
    {"accounts: {main: {app: {uid: u, secret: s, oauth: {client_id: c, redirect_uris: [http://app.example/x, "
     "'https://a.example/#x', https://u@a.example/, ftp://a.example/]}}}}\n",
     "f:1: accounts.main.app.oauth.redirect_uris: \"http://app.example/x\" is no URL to go back to; write "
     "the whole "
     "URL that Front shows, with https://\n"
     "f:1: accounts.main.app.oauth.redirect_uris: \"https://a.example/#x\" is no URL to go back to; write "
     "the whole "
     "URL that Front shows, with https://\n"
     "f:1: accounts.main.app.oauth.redirect_uris: \"https://u@a.example/\" is no URL to go back to; write "
     "the whole "
     "URL that Front shows, with https://\n"
     "f:1: accounts.main.app.oauth.redirect_uris: \"ftp://a.example/\" is no URL to go back to; write the "
     "whole "
     "URL that Front shows, with https://\n"
     "f:1: accounts.main.app.oauth: client_secret is missing; write client_id, client_secret and "
     "redirect_uris\n"
     "f:1: accounts.main.app.oauth: people sign in with the api_key of a channel, and no channel of this "
     "account "
     "has one\n"},
    {CHANNEL("    api_key: k\n"), "f:3: channels.a.api_key: Front asks for a key only where application "
                                  "channels are connected; remove it\n"},
    {GOOD_ACCOUNT "channels: {Support!: {adapter: http, front_channel: cha_1}}\n",
     "f:2: channels.Support!: a name has 1 to 63 characters of a-z, 0-9, _ and -; choose another\n"},
    {CHANNEL("  a: {adapter: http}\n"),
     "f:6: channels.a: this stands on line 3 already; remove one or rename it\n"},
    {CHANNEL("  b: {adapter: http, front_channel: cha_1}\n"),
     "f:6: channels.b.front_channel: channel \"a\" has the same id; each channel of Front belongs to one "
     "channel "
     "here\n"},
    {GOOD_ACCOUNT "channels: {a: {front_channel: cha_1}}\n",
     "f:2: channels.a.adapter: this key is missing; write adapter: a name such as http, or a path that ends "
     "in "
     ".so\n"},
    {CHANNEL("    answer: {wait: 7s}\n"),
     "f:6: channels.a.answer.wait: 7s is out of bounds; write 0 to 6s\n"},
    {CHANNEL("    retry: {first: 1m, max: 5s}\n"), "f:6: channels.a.retry.max: the longest pause is shorter "
                                                   "than the first; write at least what first says\n"},
    {CHANNEL("    retry: {frist: 1m, factor: 0.5}\n"),
     "f:6: channels.a.retry.frist: there is no such key; did you mean \"first\"?\n"
     "f:6: channels.a.retry.factor: 0.5 is out of bounds; write 1 to 100\n"},
    {CHANNEL("    thread: 0\n"),
     "f:6: channels.a.thread: \"0\" is no thread; write contact, conversation, or a time such as 24h\n"},
    {CHANNEL("    only_to: []\n"),
     "f:6: channels.a.only_to: the list is empty; write who may be written to, remove the key (everyone), or "
     "write dry_run: true (nobody)\n"},
    {CHANNEL("    only_to: ada\n"),
     "f:6: channels.a.only_to: this is plain text; write a list of handles, such as [ada, '+1555*']\n"},
    {CHANNEL("    only_to: ['*', '**', '', 'a*b', \"a\\tb\", ~]\n"),
     "f:6: channels.a.only_to: \"*\" is no handle; write one, or a part of one with a * before or behind it\n"
     "f:6: channels.a.only_to: \"**\" is no handle; write one, or a part of one with a * before or behind "
     "it\n"
     "f:6: channels.a.only_to: \"\" is no handle; write one, or a part of one with a * before or behind it\n"
     "f:6: channels.a.only_to: \"a*b\" is no handle; write one, or a part of one with a * before or behind "
     "it\n"
     "f:6: channels.a.only_to: \"a?b\" is no handle; write one, or a part of one with a * before or behind "
     "it\n"
     "f:6: channels.a.only_to: the value is missing; write one value, or remove the key\n"},
    {CHANNEL("    dry_run: yes\n"),
     "f:6: channels.a.dry_run: \"yes\" is no truth value; write true or false\n"},
    {CHANNEL("    settings: [a]\n"),
     "f:6: channels.a.settings: this is a list; write `key: value` lines below it\n"},
    {CHANNEL("    settings:\n      url: ~\n      url: b\n      m: {x: 1, x: 2}\n"),
     "f:7: channels.a.settings.url: the value is missing; write one value, or remove the key\n"
     "f:8: channels.a.settings.url: this stands on line 7 already; remove one or rename it\n"
     "f:9: channels.a.settings.m: \"x\" stands here twice; remove one\n"},
    {GOOD_ACCOUNT "channels: {a: {adapter: ../x, front_channel: CHA}}\n",
     "f:2: channels.a.adapter: \"../x\" is no adapter; write a name such as http, or a path that ends in "
     ".so\n"
     "f:2: channels.a.front_channel: \"CHA\" is no channel id; write the id that Front shows, such as "
     "cha_12ab\n"},
};

/* with_folder writes the temporary folder where the table says DIR. */
static char *with_folder(const char *text)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    for (const char *dir; (dir = strstr(text, "DIR/")); text = dir + 3) {
        buf_add(&out, text, (size_t)(dir - text));
        buf_add_str(&out, folder);
    }
    buf_add_str(&out, text);
    return buf_take(&out, NULL);
}

static void test_each_mistake_has_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *got = mistakes_of(span_of(bad[i].text)), *want = with_folder(bad[i].mistakes);
        if (strcmp(got, want) != 0)
            fail_msg("case %zu:\n%s--- got\n%s--- want\n%s", i, bad[i].text, got, want);
        free(got);
        free(want);
    }
}

static void test_secrets_never_appear_in_mistakes(void **state)
{
    (void)state;
    char *got = mistakes_of(SPAN_LIT("admin: {token: \"hunter2\\n\"}\n"
                                     "accounts: {m: {token: \"hunter2\\t\", app: {secret: \"hunter2\\n\"}, "
                                     "secrets: hunter2}}\nlisten: ${FB_TEST_LINES}\n"));
    assert_non_null(strstr(got, "admin.token"));
    assert_null(strstr(got, "hunter2"));
    assert_null(strstr(got, "second line"));
    free(got);
}

static void test_alias_bomb_is_refused(void **state)
{
    (void)state;
    char *got =
        mistakes_of(SPAN_LIT("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                             "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                             "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"));
    assert_string_equal(got,
                        "f:5: there are too many values (20000, or 4 MiB), or aliases multiply; use fewer\n");
    free(got);
}

static void test_large_files_are_refused(void **state)
{
    (void)state;
    size_t n = (1 << 20) + 1;
    char *text = mem_zalloc(n);
    memset(text, '#', n);
    char *got = mistakes_of((struct span){text, n});
    assert_string_equal(got, "f: the file is larger than 1 MiB; this cannot be a configuration\n");
    free(got);
    memset(text, '[', n - 1);
    got = mistakes_of((struct span){text, n - 1});
    assert_string_equal(got, "f:1: values nest too deep here; use fewer levels\n");
    free(got);
    free(text);
}

static void test_defaults(void **state)
{
    (void)state;
    struct config *c = must_parse("");
    assert_string_equal(c->listen, "0.0.0.0:8080");
    assert_string_equal(c->admin_listen, "127.0.0.1:9090");
    assert_string_equal(c->store, "/var/lib/front-bridge");
    assert_null(c->public_url);
    assert_null(c->admin_token);
    assert_int_equal(c->lock_wait_ms, 60 * SECOND_MS);
    assert_int_equal(c->log_format, LOG_JSON);
    assert_int_equal(c->log_level, LOG_INFO);
    assert_int_equal(c->callback_body_bytes, 10 << 20);
    assert_int_equal(c->channel_quota_bytes, 1 << 30);
    assert_int_equal(c->connections, 10000);
    assert_int_equal(c->retention_keys_ms, 400 * DAY_MS);
    config_free(c);
}

static const struct {
    const char *text, *warnings;
} doubtful[] = {
    {"public_url: https://b.example\n" CHANNEL(""), ""},
    {"public_url: http://127.0.0.1:8080\n" CHANNEL(""), ""},
    {"public_url: http://localhost/x\n" CHANNEL(""), ""},
    {"store: /a\npublic_url: http://b.example:80/x\n" CHANNEL(""),
     "f:2: public_url: warning: without TLS anyone on the way can read the messages; write "
     "https://b.example:80\n"},
    {CHANNEL(""),
     "f: public_url: warning: it is not there; `channel register`, `doctor` and links to files need it\n"},
    {"public_url: https://b.example\n" GOOD_ACCOUNT
     "channels:\n  a: {adapter: http, dry_run: true, only_to: [ada]}\n",
     "f:4: channels.a: warning: without its front_channel it cannot post to Front; run `front-bridge channel "
     "register a`\n"
     "f:4: channels.a: warning: dry_run is on: nothing leaves, and nothing is written to Front\n"
     "f:4: channels.a: warning: only_to is set: it writes to nobody else\n"},
};

static void test_warnings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(doubtful); i++) {
        struct config *c = must_parse(doubtful[i].text);
        struct config_mistakes w = {0};
        struct buf out;
        buf_init(&out, 1 << 16);
        config_warnings(c, &w);
        config_print(&w, "f", &out);
        assert_string_equal(buf_span(&out).p, doubtful[i].warnings);
        buf_fini(&out);
        config_mistakes_fini(&w);
        config_free(c);
    }
}

static void test_what_keeps_a_channel_back(void **state)
{
    (void)state;
    struct config *c =
        must_parse(CHANNEL("    dry_run: true\n    only_to: [ada, '+1555*', '*@example.com', '*x*']\n"));
    const struct config_channel *a = config_channel_find(c, SPAN_LIT("a"));
    assert_true(a->dry_run);
    assert_int_equal(a->only_to.n, 4);
    assert_string_equal(a->only_to.item[0], "ada");
    assert_string_equal(a->only_to.item[3], "*x*");
    config_free(c);
}

static void test_a_channel_takes_its_defaults_from_the_account(void **state)
{
    (void)state;
    struct config *c = must_parse("channels:\n  b: {adapter: ./my.so, front_channel: cha_1, account: two}\n"
                                  "  a: {kind: application, adapter: http, account: one, secrets: [x, y],"
                                  " front_channel: cha_2}\n"
                                  "  c: {kind: application, adapter: http, account: one, thread: 24h,"
                                  " address: '+49 30 1', api_key: k}\n"
                                  "accounts: {one: {app: {uid: u, secret: s}},"
                                  " two: {token: t, secrets: [p, q], api: 'http://[::1]:99/'}}\n"
                                  "public_url: https://b.example/x/\n");
    const struct config_channel *b = config_channel_find(c, SPAN_LIT("b"));
    const struct config_channel *a = config_channel_find(c, SPAN_LIT("a"));
    const struct config_channel *o = config_channel_find(c, SPAN_LIT("c"));
    assert_string_equal(c->public_url, "https://b.example/x");
    assert_string_equal(b->account->name, "two");
    assert_string_equal(b->account->api, "http://[::1]:99");
    assert_int_equal(b->secrets.n, 2);
    assert_string_equal(b->secrets.item[1], "q");
    assert_string_equal(a->secrets.item[1], "y");
    assert_int_equal(o->secrets.n, 1);
    assert_string_equal(o->secrets.item[0], "s");
    assert_string_equal(a->account->api, "https://api2.frontapp.com");
    assert_null(o->front_channel);
    assert_string_equal(o->address, "+49 30 1");
    assert_string_equal(o->api_key, "k");
    assert_int_equal(a->answer_wait_ms, 5000);
    assert_int_equal(a->thread, THREAD_CONTACT);
    assert_int_equal(o->thread, THREAD_ROLLING);
    assert_int_equal(o->thread_roll_ms, 24 * HOUR_MS);
    assert_int_equal(a->account->rate_reserve_percent, 20);
    assert_false(b->dry_run);
    assert_int_equal(b->only_to.n, 0);
    assert_null(config_channel_find(c, SPAN_LIT("d")));
    config_free(c);
}

static void test_variables_in_every_style(void **state)
{
    (void)state;
    struct config *c =
        must_parse("store: ${FB_TEST_DIR} # ${NOT_READ}\n"
                   "accounts: {m: {token: \"a$b$$c$${D}\", secrets: [${FB_TEST_DIR}, '${FB_TEST_DIR}', "
                   "x${FB_TEST_DIR}y, $$, '$${FB_TEST_DIR}']}}\n");
    const struct config_account *a = config_account_find(c, SPAN_LIT("m"));
    assert_string_equal(c->store, folder);
    assert_string_equal(a->token, "a$b$c${D}");
    assert_int_equal(a->secrets.n, 5);
    assert_string_equal(a->secrets.item[0], folder);
    assert_string_equal(a->secrets.item[1], folder);
    assert_int_equal(strlen(a->secrets.item[2]), strlen(folder) + 2);
    assert_string_equal(a->secrets.item[3], "$");
    assert_string_equal(a->secrets.item[4], "${FB_TEST_DIR}");
    config_free(c);
}

static void test_secrets_from_files(void **state)
{
    (void)state;
    struct config *c = must_parse("admin: {listen: ':9090', token_file: ${FB_TEST_DIR}/one}\n"
                                  "accounts: {m: {secrets_file: ${FB_TEST_DIR}/lines}}\n");
    assert_string_equal(c->admin_token, "the one");
    assert_int_equal(c->account[0].secrets.n, 2);
    assert_string_equal(c->account[0].secrets.item[0], "first");
    assert_string_equal(c->account[0].secrets.item[1], "second line");
    config_free(c);
}

static void test_settings_are_kept_as_json(void **state)
{
    (void)state;
    struct config *c = must_parse(CHANNEL("    settings:\n      url: https://x/${FB_TEST_QUOTE}\n      n: 5\n"
                                          "      list: [a, true, '']\n      map: {k: v, w: [1]}\n"));
    static const char *const want[][2] = {{"url", "\"https://x/\\\"q\\\"\""},
                                          {"n", "\"5\""},
                                          {"list", "[\"a\",\"true\",\"\"]"},
                                          {"map", "{\"k\":\"v\",\"w\":[\"1\"]}"}};
    const struct config_channel *a = &c->channel[0];
    assert_int_equal(a->setting_n, ARRAY_LEN(want));
    for (size_t i = 0; i < a->setting_n; i++) {
        assert_string_equal(a->setting[i].key, want[i][0]);
        assert_string_equal(a->setting[i].json.p, want[i][1]);
        assert_int_equal(a->setting[i].line, 7 + i);
    }
    config_free(c);
}

static void test_lines_of_keys_that_are_checked_elsewhere(void **state)
{
    (void)state;
    struct config *c = must_parse("tls:\n  cert: a\n  key: b\n" CHANNEL("    settings:\n      url: x\n"));
    const struct config_channel *a = &c->channel[0];
    assert_int_equal(c->listen_cert_line, 2);
    assert_int_equal(c->listen_key_line, 3);
    assert_int_equal(a->line, 6);
    assert_int_equal(a->adapter_line, 7);
    assert_int_equal(a->settings_line, 9);
    assert_int_equal(a->setting[0].line, 10);
    config_free(c);
}

static void test_a_file_that_is_not_there(void **state)
{
    (void)state;
    struct config *c = NULL;
    struct config_mistakes m = {0};
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(config_load("/nowhere/f.yaml", &c, &m), ERR_INVALID);
    assert_int_equal(config_load("/", &c, &m), ERR_INVALID);
    config_print(&m, "F", &out);
    assert_string_equal(buf_span(&out).p,
                        "F: the file cannot be read: No such file or directory; name another by -c FILE\n"
                        "F: the file cannot be read: Is a directory; name another by -c FILE\n");
    buf_fini(&out);
    config_mistakes_fini(&m);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } cases[] = {{"0", 0},
                 {"0s", 0},
                 {"250ms", 250},
                 {"5s", 5000},
                 {"10m", 600000},
                 {"24h", DAY_MS},
                 {"30d", 30 * DAY_MS},
                 {"", -1},
                 {"5", -1},
                 {"s", -1},
                 {"5 s", -1},
                 {"-5s", -1},
                 {"1.5s", -1},
                 {"5S", -1},
                 {"5ss", -1},
                 {"99999999999999999999s", -1},
                 {"9223372036854775807d", -1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ms = -1;
        enum err e = config_duration(span_of(cases[i].text), &ms);
        assert_int_equal(e, cases[i].ms < 0 ? ERR_INVALID : OK);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
        enum err e;
    } cases[] = {{"0", 0, OK},
                 {"512", 512, OK},
                 {"1KiB", 1024, OK},
                 {"1MiB", 1 << 20, OK},
                 {"10MB", 10000000, OK},
                 {"2GiB", UINT64_C(2) << 30, OK},
                 {"", 7, ERR_INVALID},
                 {"1 KiB", 7, ERR_INVALID},
                 {"1k", 7, ERR_INVALID},
                 {"-1", 7, ERR_INVALID},
                 {"18446744073709551615", 7, ERR_INVALID},
                 {"17592186044416TiB", 7, ERR_INVALID}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t bytes = 7;
        assert_int_equal(config_size(span_of(cases[i].text), &bytes), cases[i].e);
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void test_sizes_in_words(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 bytes"},
                 {999, "999 bytes"},
                 {1000, "1 kB"},
                 {999999, "999 kB"},
                 {1000000, "1 MB"},
                 {25000000, "25 MB"},
                 {UINT64_MAX, "18446744073709 MB"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[SIZE_TEXT_BYTES];
        assert_string_equal(config_size_text(cases[i].bytes, text), cases[i].text);
    }
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"listen", "limits", "log", "store", "token"};
    static const char *const cases[][2] = {{"lisen", "listen"}, {"listne", "listen"}, {"limit", "limits"},
                                           {"lgo", "log"},      {"tokne", "token"},   {"sotre", "store"},
                                           {"zebra", NULL},     {"", NULL},           {"x", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = config_nearest(cases[i][0], words, ARRAY_LEN(words));
        if (cases[i][1])
            assert_string_equal(got, cases[i][1]);
        else
            assert_null(got);
    }
    char *longest = mem_zalloc(5000);
    memset(longest, 'l', 4999);
    assert_null(config_nearest(longest, words, ARRAY_LEN(words)));
    free(longest);
}

static void test_path(void **state)
{
    (void)state;
    unsetenv("FRONT_BRIDGE_CONFIG");
    assert_string_equal(config_path(NULL), "/etc/front-bridge.yaml");
    assert_string_equal(config_path("x"), "x");
    setenv("FRONT_BRIDGE_CONFIG", "e", 1);
    assert_string_equal(config_path(NULL), "e");
    assert_string_equal(config_path("x"), "x");
    unsetenv("FRONT_BRIDGE_CONFIG");
}

static void test_reference_names_every_key_once(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    config_reference(&out);
    assert_false(out.is_over);
    assert_non_null(strstr(out.p, "| `listen` | address | `0.0.0.0:8080` | "));
    assert_non_null(strstr(out.p, "| `channels.CHANNEL.answer.wait` | duration, 0 to 6s | `5s` | "));
    assert_non_null(strstr(out.p, "| `accounts.ACCOUNT.secrets` or `…_file` | list of secrets |  | "));
    assert_non_null(strstr(out.p, "| `channels.CHANNEL.adapter` | adapter | required | "));
    buf_fini(&out);
}

static int make_folder(void **state)
{
    (void)state;
    static char name[] = "/tmp/config_test.XXXXXX", large[64 * 1024 + 1];
    folder = mkdtemp(name);
    memset(large, 'x', sizeof large);
    FILE_IS("one", "the one\n");
    FILE_IS("lines", "first\n\nsecond line\n");
    FILE_IS("empty", "\n");
    FILE_IS("nul", "a\0b");
    write_file("large", large, sizeof large);
    setenv("FB_TEST_DIR", folder, 1);
    setenv("FB_TEST_EMPTY", "", 1);
    setenv("FB_TEST_LINES", "first\nsecond line", 1);
    setenv("FB_TEST_QUOTE", "\"q\"", 1);
    return folder ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"one", "lines", "empty", "nul", "large"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(in_folder(names[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake_has_its_line),
        cmocka_unit_test(test_secrets_never_appear_in_mistakes),
        cmocka_unit_test(test_alias_bomb_is_refused),
        cmocka_unit_test(test_large_files_are_refused),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_what_keeps_a_channel_back),
        cmocka_unit_test(test_a_channel_takes_its_defaults_from_the_account),
        cmocka_unit_test(test_variables_in_every_style),
        cmocka_unit_test(test_secrets_from_files),
        cmocka_unit_test(test_settings_are_kept_as_json),
        cmocka_unit_test(test_lines_of_keys_that_are_checked_elsewhere),
        cmocka_unit_test(test_a_file_that_is_not_there),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_sizes_in_words),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_reference_names_every_key_once),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
