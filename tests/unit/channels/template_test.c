/* The adapter that people copy: it must do what it teaches. */
#include "base/mem.h"
#include "cmocka_all.h"
#include "fake_host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AUTH "Authorization: Bearer opensesame\nX-From: alice\n"

static char folder[] = "/tmp/template_test_XXXXXX";
static char path[64];

static int folder_make(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/chat.txt", folder);
    return 0;
}

static int folder_drop(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static struct fake *opened(const char *at, const char *delay)
{
    struct fake *f = fake_new(ADAPTER);
    unlink(path);
    fake_set(f, "path", at);
    fake_set(f, "token", "opensesame");
    fake_set(f, "delay", delay);
    assert_int_equal(fake_validate(f), FB_OK);
    assert_int_equal(fake_open(f), FB_OK);
    return f;
}

static const char *chat(void)
{
    static char text[1000];
    FILE *file = fopen(path, "r");
    text[file ? fread(text, 1, sizeof text - 1, file) : 0] = '\0';
    if (file)
        fclose(file);
    return text;
}

static void test_delivers(void **state)
{
    struct fake *f = opened(path, "0");
    (void)state;
    fake_deliver(f, 1, "d1", "hello", NULL);
    fake_deliver(f, 2, "d2", "two\nlines", NULL);
    assert_int_equal(f->outcome[1].kind, FB_DELIVERED);
    assert_string_equal(f->outcome[1].external_id, "d1");
    assert_string_equal(chat(), "alice\thello\nalice\ttwo lines\n");
    fake_free(f);
}

static void test_delivers_later(void **state)
{
    struct fake *f = opened(path, "5000");
    (void)state;
    fake_deliver(f, 1, "d1", "hello", NULL);
    fake_run(f, 20, NULL, NULL);
    assert_false(f->outcome[1].is_done);
    fake_advance(f, 5000);
    assert_int_equal(f->outcome[1].kind, FB_DELIVERED);
    assert_string_equal(chat(), "alice\thello\n");
    fake_free(f);
}

static void test_retries_and_rejects(void **state)
{
    struct fake *f = opened("/nowhere/at/all", "0");
    const struct fb_person tab = {.size = sizeof tab, .handle = "a\tb"};
    const struct fb_delivery bad = {.id = "d", .text = "x", .recipient = &tab};
    (void)state;
    fake_deliver(f, 1, "d1", "hello", NULL);
    assert_int_equal(f->outcome[1].kind, FB_RETRY);
    fake_deliver_to(f, 2, &bad);
    assert_int_equal(f->outcome[2].kind, FB_REJECTED);
    fake_free(f);
}

static void test_closes_with_work_open(void **state)
{
    struct fake *f = opened(path, "5000");
    (void)state;
    fake_deliver(f, 1, "d1", "hello", NULL);
    fake_deliver(f, 2, "d2", "hello", NULL);
    fake_request(f, 3, "POST", "", AUTH, "hi", -1);
    fake_close(f);
    assert_string_equal(chat(), "");
    fake_free(f);
}

static void test_receives(void **state)
{
    struct fake *f = opened(path, "0");
    (void)state;
    fake_request(f, 1, "POST", "", AUTH "X-Id: 17\n", "Hello\r\nthere\x07", -1);
    assert_string_equal(f->received[0].inbound.text, "Hello\nthere");
    assert_string_equal(f->received[0].inbound.id, "17");
    assert_string_equal(f->received[0].sender_handle, "alice");
    assert_false(f->reply[1].is_done);
    fake_stored(f, 0, FB_OK, false, "in_1", NULL);
    assert_int_equal(f->reply[1].status, 202);
    assert_string_equal(f->reply[1].body, "in_1");
    fake_request(f, 2, "POST", "", AUTH "X-Id: 17\n", "Hello", -1);
    fake_stored(f, 1, FB_OK, true, "in_1", NULL);
    assert_int_equal(f->reply[2].status, 200);
    fake_request(f, 3, "POST", "", AUTH, "Hello", -1);
    fake_stored(f, 2, FB_ERR_FAILED, false, NULL, "The disk is full.");
    assert_int_equal(f->reply[3].status, 503);
    f->receive_result = FB_ERR_FULL;
    fake_request(f, 4, "POST", "", AUTH, "Hello", -1);
    assert_int_equal(f->reply[4].status, 503);
    fake_free(f);
}

static void test_refuses(void **state)
{
    static const struct {
        const char *method, *headers, *body;
        int status;
    } cases[] = {
        {"POST", "X-From: alice\n", "hi", 401},
        {"POST", "X-From: alice\nAuthorization: Bearer opensesamE\n", "hi", 401},
        {"GET", AUTH, NULL, 405},
        {"POST", AUTH, NULL, 422},
        {"POST", AUTH, "\x01\x02", 422},
        {"POST", "Authorization: Bearer opensesame\n", "hi", 422},
    };
    struct fake *f = opened(path, "0");
    struct fb_request large = {
        .size = sizeof large, .method = "POST", .path = "", .body_n = 1 << 20, .fd = 0};
    const struct fb_header auth = {"authorization", "Bearer opensesame"};
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        fake_request(f, i + 1, cases[i].method, "", cases[i].headers, cases[i].body, -1);
        assert_int_equal(f->reply[i + 1].status, cases[i].status);
    }
    large.headers = &auth;
    large.header_n = 1;
    f->module->request(f->self, 100, &large);
    assert_int_equal(f->reply[100].status, 413);
    fake_free(f);
}

static void test_settings(void **state)
{
    struct fake *f = fake_new(ADAPTER);
    (void)state;
    assert_int_equal(fake_validate(f), FB_ERR_INVALID);
    fake_set(f, "path", "relative.txt");
    assert_int_equal(fake_validate(f), FB_ERR_INVALID);
    fake_set(f, "path", "/tmp/x");
    fake_set(f, "token", "short");
    assert_int_equal(fake_validate(f), FB_ERR_INVALID);
    assert_null(strstr(f->why, "short"));
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivers),
        cmocka_unit_test(test_delivers_later),
        cmocka_unit_test(test_retries_and_rejects),
        cmocka_unit_test(test_closes_with_work_open),
        cmocka_unit_test(test_receives),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
