#include "base/crypto.h"
#include "base/mem.h"
#include "cmocka_all.h"
#include "wire/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

enum { MESSAGE = 0, RECEIPT = 1, SIGN = 2 };

static enum err read_json(const char *text, int what, struct wire_item *item, char why[300])
{
    struct json doc;
    struct buf b;
    buf_init(&b, 299);
    assert_int_equal(json_parse(&doc, span_of(text)), OK);
    enum err e = what == RECEIPT ? wire_read_receipt(json_root(&doc), item, &b)
                 : what == SIGN  ? wire_read_sign(json_root(&doc), item, &b)
                                 : wire_read_message(json_root(&doc), &(struct wire_also){0}, item, &b);
    strcpy(why, buf_span(&b).p);
    assert_int_equal(e == OK, *why == '\0');
    buf_fini(&b);
    json_fini(&doc);
    return e;
}

static void test_message(void **state)
{
    struct wire_item item;
    char why[300];
    (void)state;
    assert_int_equal(
        read_json("{\"id\":\"m1\",\"conversation_id\":42,\"sender\":{\"handle\":\"alice\",\"name\":\"A\\nB\","
                  "\"email\":\"a@b.c\"},\"text\":\"one\\r\\ntwo\\rthree\\u0007\\ttab\\u0000!\","
                  "\"subject\":\" s \",\"in_reply_to\":\"m0\",\"sent_at\":1700000000.5,\"attachments\":[],"
                  "\"unknown\":{}}",
                  false, &item, why),
        OK);
    assert_false(item.is_receipt);
    assert_string_equal(item.inbound.id, "m1");
    assert_string_equal(item.inbound.conversation_id, "42");
    assert_string_equal(item.inbound.sender->handle, "alice");
    assert_string_equal(item.inbound.sender->name, "A B");
    assert_string_equal(item.inbound.sender->email, "a@b.c");
    assert_string_equal(item.inbound.text, "one\ntwo\nthree\ttab!");
    assert_null(item.inbound.html);
    assert_string_equal(item.inbound.subject, "s");
    assert_string_equal(item.inbound.in_reply_to, "m0");
    assert_int_equal(item.inbound.sent_at_ms, INT64_C(1700000000500));
    assert_int_equal(item.inbound.direction, FB_FROM_CUSTOMER);
    wire_item_fini(&item);
}

static void test_outbound_message(void **state)
{
    struct wire_item item;
    char why[300];
    (void)state;
    assert_int_equal(
        read_json("{\"direction\":\"outbound\",\"sender\":{\"handle\":\"shop\"},\"author_email\":\"x@y.z\","
                  "\"to\":[{\"handle\":\"alice\",\"name\":\"A\",\"email\":\"a@b.c\"},{\"handle\":7}],"
                  "\"markdown\":\"*hi*\"}",
                  false, &item, why),
        OK);
    assert_int_equal(item.inbound.direction, FB_FROM_AGENT);
    assert_int_equal(item.inbound.to_n, 2);
    assert_string_equal(item.inbound.to[0].handle, "alice");
    assert_string_equal(item.inbound.to[0].name, "A");
    assert_string_equal(item.inbound.to[0].email, "a@b.c");
    assert_string_equal(item.inbound.to[1].handle, "7");
    assert_string_equal(item.inbound.author_email, "x@y.z");
    assert_null(item.inbound.id);
    wire_item_fini(&item);
}

#define S         "\"sender\":{\"handle\":\"a\"}"
#define FILE_HEAD "{\"filename\":\"a.png\",\"content_type\":\"image/png\""

static void test_refused_messages(void **state)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        {"[]", "JSON object"},
        {"{}", "`sender.handle` is missing"},
        {"{\"sender\":\"a\",\"text\":\"x\"}", "`sender.handle` is missing"},
        {"{\"sender\":{\"handle\":\"\"},\"text\":\"x\"}", "`sender.handle` is missing"},
        {"{\"sender\":{\"handle\":[1]},\"text\":\"x\"}", "`sender.handle` must be a string"},
        {"{\"sender\":{\"handle\":\"a\\u0001\"},\"text\":\"x\"}", "control characters"},
        {"{" S "}", "exactly one of"},
        {"{" S ",\"text\":\"\"}", "exactly one of"},
        {"{" S ",\"text\":null}", "exactly one of"},
        {"{" S ",\"text\":\"x\",\"html\":\"y\"}", "exactly one of"},
        {"{" S ",\"text\":5}", "`text` must be a string"},
        {"{" S ",\"text\":\"x\",\"id\":1.5}", "`id` must be a string"},
        {"{" S ",\"text\":\"x\",\"id\":{}}", "`id` must be a string"},
        {"{" S ",\"text\":\"x\",\"sent_at\":\"now\"}", "`sent_at` must be a time"},
        {"{" S ",\"text\":\"x\",\"sent_at\":-1}", "`sent_at` must be a time"},
        {"{" S ",\"text\":\"x\",\"sent_at\":1700000000000}", "not in milliseconds"},
        {"{" S ",\"attachments\":[]}", "exactly one of"},
        {"{" S ",\"text\":\"x\",\"html\":\"y\",\"attachments\":[" FILE_HEAD ",\"data\":\"\"}]}",
         "exactly one of"},
        {"{" S ",\"text\":\"x\",\"attachments\":{}}", "must be an array"},
        {"{" S ",\"attachments\":[7]}", "`attachments[0]` must be an object"},
        {"{" S ",\"attachments\":[{}]}", "`attachments[0].filename` is missing"},
        {"{" S ",\"attachments\":[{\"filename\":\"\"}]}", "`attachments[0].filename` is missing"},
        {"{" S ",\"attachments\":[{\"filename\":1}]}", "`attachments[0].filename` must be a string"},
        {"{" S ",\"attachments\":[{\"filename\":\"a\"}]}", "`attachments[0].content_type` is missing"},
        {"{" S ",\"attachments\":[" FILE_HEAD "}]}",
         "`attachments[0]` needs exactly one of `data` and `url`."},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"path\":\"/etc/passwd\"}]}",
         "needs exactly one of `data` and `url`."},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"data\":\"\",\"url\":\"https://a/b\"}]}",
         "needs exactly one of"},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"url\":\"https://a/b\"}," FILE_HEAD ",\"data\":\"a\"}]}",
         "`attachments[1].data` is no base64"},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"data\":\"QQ==QQ==\"}]}", "is no base64"},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"data\":\"data:image/png;base64,QQ==\"}]}", "is no base64"},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"data\":[]}]}", "`attachments[0].data` must be a string"},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"url\":\"ftp://a/b\"}]}",
         "`attachments[0].url` must be a whole address"},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"url\":\"https:///b\"}]}", "must be a whole address"},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"url\":\"https://a/b c\"}]}", "must be a whole address"},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"url\":\"https://a/\\r\\nb\"}]}", "must be a whole address"},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"url\":1}]}", "`attachments[0].url` must be a string"},
        {"{" S ",\"attachments\":[" FILE_HEAD ",\"cid\":\"a b\",\"data\":\"\"}]}",
         "`attachments[0].cid` must be"},
        {"{" S ",\"text\":\"x\",\"direction\":\"up\"}", "`direction` must be"},
        {"{" S ",\"text\":\"x\",\"direction\":\"outbound\"}", "`to` must name"},
        {"{" S ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[]}", "`to` must name"},
        {"{" S ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[{}]}", "needs a `handle`"},
        {"{" S ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[\"a\"]}", "needs a `handle`"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_item item;
        char why[300];
        assert_int_equal(read_json(cases[i].json, false, &item, why), ERR_INVALID);
        if (!strstr(why, cases[i].why))
            fail_msg("%s: %s", cases[i].json, why);
        wire_item_fini(&item);
    }
}

static void test_too_many_and_too_long(void **state)
{
    struct wire_item item;
    char why[300];
    char *json = mem_zalloc(WIRE_TEXT_MAX + 1000);
    (void)state;
    strcpy(json, "{" S ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[{\"handle\":\"a\"}");
    for (int i = 0; i < WIRE_TO_MAX; i++)
        strcat(json, ",{\"handle\":\"a\"}");
    assert_int_equal(read_json(strcat(json, "]}"), false, &item, why), ERR_INVALID);
    assert_non_null(strstr(why, "1 to 50"));
    wire_item_fini(&item);

    int n = sprintf(json, "{" S ",\"text\":\"");
    memset(json + n, 'x', WIRE_TEXT_MAX + 1);
    strcpy(json + n + WIRE_TEXT_MAX + 1, "\"}");
    assert_int_equal(read_json(json, false, &item, why), ERR_INVALID);
    assert_non_null(strstr(why, "`text` is longer"));
    wire_item_fini(&item);
    strcpy(json + n + WIRE_TEXT_MAX, "\"}");
    assert_int_equal(read_json(json, false, &item, why), OK);
    wire_item_fini(&item);

    snprintf(json, 2000, "{" S ",\"text\":\"x\",\"id\":\"%0*d\"}", WIRE_ID_MAX + 1, 1);
    assert_int_equal(read_json(json, false, &item, why), ERR_INVALID);
    assert_non_null(strstr(why, "`id` is longer"));
    wire_item_fini(&item);
    free(json);
}

static void test_receipts(void **state)
{
    static const struct {
        const char *json, *why; /* NULL: fine */
        uint32_t status;
    } cases[] = {
        {"{\"delivery_id\":\"d1\",\"status\":\"delivered\"}", NULL, FB_RECEIPT_DELIVERED},
        {"{\"external_id\":12,\"status\":\"read\"}", NULL, FB_RECEIPT_READ},
        {"{\"delivery_id\":\"d\",\"external_id\":\"e\",\"status\":\"read\"}", NULL, FB_RECEIPT_READ},
        {"{\"external_id\":\"e\",\"status\":\"failed\",\"reason\":\"gone\"}", NULL, FB_RECEIPT_FAILED},
        {"{\"status\":\"read\"}", "`delivery_id` or `external_id`", 0},
        {"{\"delivery_id\":\"d1\"}", "`status` of a receipt", 0},
        {"{\"delivery_id\":\"d1\",\"status\":\"lost\"}", "`status` of a receipt", 0},
        {"{\"delivery_id\":\"d1\",\"status\":1}", "`status` of a receipt", 0},
        {"{\"delivery_id\":[],\"status\":\"read\"}", "`delivery_id` must be", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_item item;
        char why[300];
        assert_int_equal(read_json(cases[i].json, true, &item, why), cases[i].why ? ERR_INVALID : OK);
        if (cases[i].why)
            assert_non_null(strstr(why, cases[i].why));
        else
            assert_int_equal(item.receipt.status, cases[i].status);
        assert_false(item.receipt.delivery_id && item.receipt.external_id);
        wire_item_fini(&item);
    }
}

static void test_signs(void **state)
{
    struct wire_item item;
    char why[300];
    (void)state;
    assert_int_equal(
        read_json("{\"type\":\"edit\",\"id\":\"e1\",\"message_id\":17,\"conversation_id\":\"c\"," S
                  ",\"markdown\":\"*a*\",\"sent_at\":1700000000,\"subject\":\"no\",\"in_reply_to\":\"no\"}",
                  SIGN, &item, why),
        OK);
    assert_int_equal(item.inbound.what, FB_EDIT);
    assert_string_equal(item.inbound.id, "e1");
    assert_string_equal(item.inbound.about, "17");
    assert_string_equal(item.inbound.conversation_id, "c");
    assert_string_equal(item.inbound.markdown, "*a*");
    assert_int_equal(item.inbound.sent_at_ms, INT64_C(1700000000000));
    assert_null(item.inbound.subject);
    assert_null(item.inbound.in_reply_to);
    wire_item_fini(&item);
    assert_int_equal(read_json("{\"type\":\"delete\",\"external_id\":\"x\"," S
                               ",\"text\":\"not said\",\"direction\":\"outbound\","
                               "\"to\":[{\"handle\":\"b\"}]}",
                               SIGN, &item, why),
                     OK);
    assert_int_equal(item.inbound.what, FB_DELETE);
    assert_string_equal(item.inbound.about_external_id, "x");
    assert_int_equal(item.inbound.direction, FB_FROM_AGENT);
    assert_null(item.inbound.text);
    wire_item_fini(&item);
    assert_int_equal(read_json("{\"type\":\"reaction\",\"delivery_id\":\"d\"," S
                               ",\"emoji\":\"\\ud83d\\udc68\\u200d\\ud83d\\udc67\",\"removed\":true}",
                               SIGN, &item, why),
                     OK);
    assert_int_equal(item.inbound.what, FB_REACTION);
    assert_string_equal(item.inbound.about_delivery_id, "d");
    assert_string_equal(item.inbound.emoji, "\U0001f468\u200d\U0001f467");
    assert_int_equal(item.inbound.is_removed, 1);
    wire_item_fini(&item);
    assert_int_equal(read_json("{\"type\":\"typing\"," S "}", SIGN, &item, why), OK);
    assert_int_equal(item.inbound.what, FB_TYPING);
    wire_item_fini(&item);
}

static void test_refused_signs(void **state)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        {"{\"type\":\"typing\"}", "`sender.handle` is missing"},
        {"{\"type\":\"edit\",\"message_id\":\"m\"," S "}", "Give the new text"},
        {"{\"type\":\"edit\",\"message_id\":\"m\"," S ",\"text\":\"\"}", "send a delete"},
        {"{\"type\":\"edit\",\"message_id\":\"m\"," S ",\"text\":\"a\",\"html\":\"b\"}",
         "exactly one of `text`"},
        {"{\"type\":\"edit\"," S ",\"text\":\"a\"}", "Say which message is meant"},
        {"{\"type\":\"edit\",\"message_id\":\"\"," S ",\"text\":\"a\"}", "Say which message is meant"},
        {"{\"type\":\"delete\",\"message_id\":\"m\",\"delivery_id\":\"d\"," S "}",
         "Say which message is meant"},
        {"{\"type\":\"delete\",\"message_id\":{}," S "}", "`message_id` must be a string"},
        {"{\"type\":\"delete\",\"message_id\":\"m\"," S ",\"attachments\":[{}]}",
         "Files are only taken with a message"},
        {"{\"type\":\"reaction\",\"message_id\":\"m\"," S "}", "`emoji` must be"},
        {"{\"type\":\"reaction\",\"message_id\":\"m\"," S ",\"emoji\":5}", "`emoji` must be"},
        {"{\"type\":\"reaction\",\"message_id\":\"m\"," S ",\"emoji\":\" \\n \"}", "`emoji` must be"},
        {"{\"type\":\"reaction\",\"message_id\":\"m\"," S ",\"emoji\":\"+\",\"removed\":\"no\"}",
         "`removed` must be"},
    };
    struct wire_item item;
    char why[300], json[400];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(read_json(cases[i].json, SIGN, &item, why), ERR_INVALID);
        if (!strstr(why, cases[i].why))
            fail_msg("%s: %s", cases[i].json, why);
        wire_item_fini(&item);
    }
    for (int more = 0; more < 2; more++) {
        snprintf(json, sizeof json, "{\"type\":\"reaction\",\"message_id\":\"m\"," S ",\"emoji\":\"%0*d\"}",
                 WIRE_EMOJI_MAX + more, 1);
        assert_int_equal(read_json(json, SIGN, &item, why), more ? ERR_INVALID : OK);
        wire_item_fini(&item);
    }
}

static void test_lines(void **state)
{
    static const struct {
        const char *raw;
        size_t max;
        const char *line;
    } cases[] = {
        {"plain", 100, "plain"},
        {"  a \r\n\t b\x7f\x01 ", 100, "a b"},
        {"abc", 3, "ab"},
        {"a\u20ac", 4, "a"},
        {"a\u20ac", 5, "a\u20ac"},
        {"bad\xff\xc0\x80 byte", 100, "bad??? byte"},
        {"\xed\xa0\x80", 100, "???"},
        {"cut\xe2\x82", 100, "cut??"},
        {"", 1, ""},
        {"x", 1, ""},
        {"a b", 3, "a"},
    };
    char out[100];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(wire_line(span_of(cases[i].raw), out, cases[i].max), strlen(cases[i].line));
        assert_string_equal(out, cases[i].line);
    }
    assert_true(wire_is_utf8(SPAN_LIT("\u00e9\u20ac\U0001f600")));
    assert_false(wire_is_utf8(SPAN_LIT("\xf4\x90\x80\x80")));
    assert_true(wire_is_utf8(SPAN_NONE));
}

/* ---- Files ---- */

static void assert_content(const struct fb_attachment *a, struct span content)
{
    char *bytes = mem_zalloc(content.n + 1);
    assert_true(a->fd > 0);
    assert_int_equal(a->bytes, content.n);
    assert_int_equal(read(a->fd, bytes, content.n + 1), content.n);
    assert_memory_equal(bytes, content.p, content.n);
    free(bytes);
}

static void test_files(void **state)
{
    struct wire_item item;
    char why[300];
    (void)state;
    assert_int_equal(
        read_json(
            "{" S ",\"text\":\"\",\"attachments\":["
            "{\"filename\":\"../b\\\\a\\u0007.png\",\"content_type\":\"Image/PNG; x=y\",\"data\":\"AP\\/+\","
            "\"cid\":\"<logo1>\"}," FILE_HEAD ",\"url\":\"https://files.example/a?b=c\"},"
            "{\"filename\":\"a\",\"content_type\":\"picture\",\"data\":\"aGVs\\r\\nbG8=\\n\"}," FILE_HEAD
            ",\"data\":\"\",\"url\":null}]}",
            false, &item, why),
        OK);
    const struct fb_inbound *m = &item.inbound;
    assert_null(m->text);
    assert_int_equal(m->attachment_n, 4);
    assert_string_equal(m->attachments[0].filename, "a .png");
    assert_string_equal(m->attachments[0].content_type, "image/png");
    assert_string_equal(m->attachments[0].cid, "logo1");
    assert_content(&m->attachments[0], SPAN_LIT("\0\xff\xfe"));
    assert_string_equal(m->attachments[1].url, "https://files.example/a?b=c");
    assert_int_equal(m->attachments[1].fd, -1);
    assert_null(m->attachments[1].cid);
    assert_string_equal(m->attachments[2].content_type, "application/octet-stream");
    assert_content(&m->attachments[2], SPAN_LIT("hello"));
    assert_content(&m->attachments[3], SPAN_LIT(""));
    int fd = m->attachments[2].fd;
    wire_item_fini(&item);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

/* Over the pieces in which it is decoded, and with every escape that a JSON library may write. */
static void test_a_large_file(void **state)
{
    enum { BYTES = 300001 };
    struct wire_item item;
    struct buf json, text;
    char why[300], *content = mem_zalloc(BYTES);
    (void)state;
    for (size_t i = 0; i < BYTES; i++)
        content[i] = (char)(i * 7 + i / 251);
    for (int form = 0; form < 3; form++) {
        buf_init(&json, 4 << 20);
        buf_init(&text, 1 << 20);
        base64_encode(&text, (struct span){content, BYTES});
        buf_add_str(&json, "{" S ",\"attachments\":[" FILE_HEAD ",\"data\":\"");
        for (size_t i = 0; i < text.n; i++) {
            if (form == 1 && i % 76 == 0)
                buf_add_str(&json, "\\n");
            if (form == 2 && (text.p[i] == '/' || text.p[i] == '+'))
                buf_add_str(&json, text.p[i] == '/' ? "\\/" : "\\u002B");
            else
                buf_add_char(&json, text.p[i]);
        }
        buf_add_str(&json, "\"}]}");
        assert_int_equal(read_json(json.p, false, &item, why), OK);
        assert_content(&item.inbound.attachments[0], (struct span){content, BYTES});
        wire_item_fini(&item);
        buf_fini(&text);
        buf_fini(&json);
    }
    free(content);
}

/* Nothing may follow the end of base64, also where a piece ends with it. */
static void test_an_end_inside_of_base64(void **state)
{
    enum { PIECE = 64 << 10 };
    struct wire_item item;
    struct buf json;
    char why[300];
    (void)state;
    for (int more = 0; more < 2; more++) {
        buf_init(&json, 1 << 20);
        buf_add_str(&json, "{" S ",\"attachments\":[" FILE_HEAD ",\"data\":\"");
        memset(buf_extend(&json, PIECE - 4), 'A', PIECE - 4);
        buf_add_str(&json, more ? "QQ==QQ==\"}]}" : "QQ==\\n\"}]}");
        assert_int_equal(read_json(json.p, false, &item, why), more ? ERR_INVALID : OK);
        wire_item_fini(&item);
        buf_fini(&json);
    }
}

static void test_too_many_and_too_large_files(void **state)
{
    struct wire_item item;
    struct buf json;
    char why[300];
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        buf_init(&json, 1 << 20);
        buf_add_str(&json, "{" S ",\"attachments\":[" FILE_HEAD ",\"data\":\"QQ\"}");
        for (int i = 1; i < WIRE_FILES_MAX + extra; i++)
            buf_add_str(&json, "," FILE_HEAD ",\"data\":\"QQ\"}");
        buf_add_str(&json, "]}");
        assert_int_equal(read_json(json.p, false, &item, why), extra ? ERR_INVALID : OK);
        assert_int_equal(item.inbound.attachment_n, extra ? 0 : WIRE_FILES_MAX);
        assert_int_equal(strstr(why, "more than 32 attachments") != NULL, extra);
        wire_item_fini(&item);
        buf_fini(&json);
    }
    for (int extra = 0; extra < 2; extra++) {
        buf_init(&json, 40 << 20);
        buf_add_str(&json,
                    "{" S ",\"attachments\":[" FILE_HEAD ",\"data\":\"QUFB\"}," FILE_HEAD ",\"data\":\"");
        memset(buf_extend(&json, (WIRE_FILES_BYTES_MAX - 4) / 3 * 4), 'A',
               (WIRE_FILES_BYTES_MAX - 4) / 3 * 4);
        buf_add_str(&json, extra ? "QUE=\"}]}" : "QQ==\"}]}");
        assert_int_equal(read_json(json.p, false, &item, why), extra ? ERR_LIMIT : OK);
        assert_int_equal(strstr(why, "larger than 25 MB in all") != NULL, extra);
        wire_item_fini(&item);
        buf_fini(&json);
    }
}

static enum err read_path(const char *path, struct wire_item *item, char why[300])
{
    struct json doc;
    struct buf b, json;
    buf_init(&b, 299);
    buf_init(&json, 8192);
    buf_addf(&json, "{" S ",\"attachments\":[" FILE_HEAD ",\"path\":\"%s\"}]}", path);
    assert_int_equal(json_parse(&doc, buf_span(&json)), OK);
    enum err e = wire_read_message(json_root(&doc), &(struct wire_also){.takes_paths = true}, item, &b);
    strcpy(why, buf_span(&b).p);
    assert_int_equal(e == OK, *why == '\0');
    json_fini(&doc);
    buf_fini(&json);
    buf_fini(&b);
    return e;
}

static void test_files_by_path(void **state)
{
    char dir[] = "/tmp/wire_test_XXXXXX", path[6][80], why[300];
    static const struct {
        int path;
        const char *why; /* NULL: fine */
    } cases[] = {{0, NULL},
                 {1, "is a symbolic link"},
                 {2, "is no regular file"},
                 {3, "is no regular file"},
                 {4, "cannot be opened: No such file"},
                 {5, "larger than 25 MB"}};
    struct wire_item item;
    (void)state;
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < 6; i++)
        snprintf(path[i], sizeof path[i], "%s/%d", dir, i);
    int fd = open(path[0], O_CREAT | O_WRONLY, 0600), large = open(path[5], O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "hello", 5), 5);
    assert_int_equal(ftruncate(large, WIRE_FILES_BYTES_MAX + 1), 0);
    assert_int_equal(symlink(path[0], path[1]), 0);
    assert_int_equal(mkdir(path[2], 0700), 0);
    assert_int_equal(mkfifo(path[3], 0600), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum err e = read_path(path[cases[i].path], &item, why);
        assert_int_equal(e == OK, cases[i].why == NULL);
        assert_int_equal(e == ERR_LIMIT, i == 5);
        if (cases[i].why && !strstr(why, cases[i].why))
            fail_msg("case %zu: %s", i, why);
        if (e == OK)
            assert_content(&item.inbound.attachments[0], SPAN_LIT("hello"));
        wire_item_fini(&item);
    }
    assert_int_equal(read_path("relative", &item, why), ERR_INVALID);
    assert_non_null(strstr(why, "`attachments[0].path` must be a whole path"));
    wire_item_fini(&item);
    close(fd);
    close(large);
    for (int i = 0; i < 6; i++)
        i == 2 ? rmdir(path[i]) : unlink(path[i]);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_outbound_message),
        cmocka_unit_test(test_refused_messages),
        cmocka_unit_test(test_too_many_and_too_long),
        cmocka_unit_test(test_receipts),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_refused_signs),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_a_large_file),
        cmocka_unit_test(test_an_end_inside_of_base64),
        cmocka_unit_test(test_too_many_and_too_large_files),
        cmocka_unit_test(test_files_by_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
