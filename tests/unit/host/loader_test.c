/* Finding adapters, and files that are none. What is wrong inside of one is in broken_test.c. */
#include "base/mem.h"
#include "host/loader.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char channels[4200];

static void assert_load(const char *path, enum err expected, const char *sentence)
{
    struct adapter *a = NULL;
    struct buf why;
    buf_init(&why, 4000);
    enum err e = adapter_load(path, &a, &why);
    if (e != expected || !strstr(why.n ? why.p : "", sentence))
        fail_msg("%s: %d %s", path, e, why.p);
    adapter_unload(a);
    buf_fini(&why);
}

static void test_files_that_are_no_adapters(void **state)
{
    (void)state;
    char text[] = "/tmp/fb-loader-XXXXXX", fifo[80];
    int fd = mkstemp(text);
    assert_true(fd >= 0 && write(fd, "no library", 10) == 10);
    close(fd);
    snprintf(fifo, sizeof fifo, "%s.so", text);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_load(text, ERR_INVALID, "cannot be loaded as a shared object");
    assert_load(fifo, ERR_INVALID, "is no file.");
    assert_load("/tmp", ERR_INVALID, "is no file.");
    assert_load("/nowhere/x.so", ERR_NOT_FOUND, "cannot be read: No such file or directory.");
    unlink(text);
    unlink(fifo);
}

static void test_a_good_one_loads_twice(void **state)
{
    (void)state;
    char path[4300];
    struct adapter *a, *b;
    struct buf why;
    buf_init(&why, 1000);
    snprintf(path, sizeof path, "%s/probe.so", channels);
    assert_int_equal(adapter_load(path, &a, &why), OK);
    assert_int_equal(adapter_load(path, &b, &why), OK);
    assert_string_equal(adapter_module(a)->name, "probe");
    assert_string_equal(adapter_setting(adapter_module(a), 1)->key, "colour");
    adapter_unload(a);
    adapter_unload(b);
    buf_fini(&why);
}

static void test_find(void **state)
{
    (void)state;
    char so[4300], list[4300];
    snprintf(so, sizeof so, "%s/probe.so", channels);
    snprintf(list, sizeof list, "/nowhere::%s", channels);
    setenv("FRONT_BRIDGE_CHANNELS", list, 1);
    const struct {
        const char *name, *path, *why;
    } cases[] = {
        {"probe", so, NULL},
        {so, so, NULL},
        {"nobody", NULL, "There is no adapter nobody.so in /nowhere, "},
        {"nobody", NULL, "/channels, " BUILD_DIR "/lib/front-bridge/channels: install it"},
        {"porbe", NULL, "channels: did you mean \"probe\"? Otherwise install it, set"},
        {"/nowhere/x.so", NULL, "cannot be read"},
        {"../probe", NULL, "is neither the name of an adapter"},
        {"", NULL, "is neither the name of an adapter"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf path, why;
        buf_init(&path, 4300);
        buf_init(&why, 9000);
        enum err e = adapter_find(cases[i].name, &path, &why);
        assert_int_equal(e, cases[i].path ? OK : ERR_NOT_FOUND);
        if (cases[i].path)
            assert_string_equal(path.p, cases[i].path);
        else if (!strstr(why.p, cases[i].why))
            fail_msg("%s", why.p);
        buf_fini(&path);
        buf_fini(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_that_are_no_adapters),
        cmocka_unit_test(test_a_good_one_loads_twice),
        cmocka_unit_test(test_find),
    };
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    *strrchr(exe, '/') = 0;
    snprintf(channels, sizeof channels, "%s/channels", exe);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
