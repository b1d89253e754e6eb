/* Bytes on the disk: copied, kept, removed; what is no file is refused; what an earlier process left is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "store/files.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig {
    struct event_base *base;
    struct files *files;
    char dir[64];
};

static int set_up(void **state)
{
    struct rig *r = mem_zalloc(sizeof *r);
    snprintf(r->dir, sizeof r->dir, "/tmp/files-test-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->base = event_base_new();
    r->files = files_open(r->base, r->dir);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    char command[128];
    files_close(r->files);
    event_base_free(r->base);
    snprintf(command, sizeof command, "rm -rf %s", r->dir);
    assert_int_equal(system(command), 0);
    free(r);
    return 0;
}

static void on_done(struct file_job *j)
{
    j->on_done = NULL;
}

static void await(struct rig *r, struct file_job *j)
{
    while (j->on_done)
        event_base_loop(r->base, EVLOOP_ONCE);
}

static enum err copy(struct rig *r, struct file_job *j, int fd, uint64_t max_bytes)
{
    *j = (struct file_job){.on_done = on_done, .fd = fd, .max_bytes = max_bytes};
    files_copy(r->files, j);
    await(r, j);
    return j->result;
}

static int memory_file(const char *bytes, size_t n)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    return fd;
}

static unsigned files_in(const struct rig *r)
{
    char command[128], line[16];
    snprintf(command, sizeof command, "ls %s/files 2>/dev/null | wc -l", r->dir);
    FILE *p = popen(command, "r");
    assert_non_null(fgets(line, sizeof line, p));
    pclose(p);
    return (unsigned)atoi(line);
}

static void test_a_copy_is_the_same(void **state)
{
    struct rig *r = *state;
    size_t n = 300001;
    char *bytes = mem_zalloc(n), *back = mem_zalloc(n + 1);
    struct file_job j;
    struct stat st;
    char hex[FILE_SHA256_BYTES];
    crypto_random(bytes, n);
    int fd = memory_file(bytes, n); /* its offset is at the end: a copy begins at the start */
    assert_int_equal(copy(r, &j, fd, n), OK);
    close(fd);
    assert_int_equal(j.bytes, n);
    struct sha256_sum *sum = sha256_begin();
    sha256_add(sum, (struct span){bytes, n});
    sha256_end_hex(sum, hex);
    assert_string_equal(j.sha256, hex);
    fd = files_read(r->files, j.name);
    assert_int_equal(read(fd, back, n + 1), (ssize_t)n);
    assert_memory_equal(bytes, back, n);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    close(fd);
    files_remove(r->files, j.name);
    assert_int_equal(copy(r, &j, -1, 1), ERR_INVALID);
    free(bytes);
    free(back);
}

static void test_what_is_no_file_or_too_large_is_refused(void **state)
{
    struct rig *r = *state;
    struct file_job j;
    int pipe_fd[2], fd = memory_file("12345", 5);
    assert_int_equal(copy(r, &j, fd, 4), ERR_LIMIT);
    assert_int_equal(copy(r, &j, fd, 5), OK);
    close(fd);
    assert_int_equal(pipe(pipe_fd), 0);
    assert_int_equal(copy(r, &j, pipe_fd[0], 100), ERR_INVALID); /* which would never end */
    assert_int_equal(files_in(r), 1);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

static void test_an_empty_file_is_a_file(void **state)
{
    struct rig *r = *state;
    struct file_job j;
    int fd = memory_file("", 0);
    assert_int_equal(copy(r, &j, fd, 0), OK);
    assert_int_equal(j.bytes, 0);
    close(fd);
}

static void test_kept(void **state)
{
    struct rig *r = *state;
    struct file_job j = {.on_done = on_done};
    char back[8] = "";
    j.fd = files_create(r->files, j.name);
    assert_true(j.fd >= 0);
    assert_int_equal(write(j.fd, "hello", 5), 5);
    files_keep(r->files, &j);
    await(r, &j);
    assert_int_equal(j.result, OK);
    int fd = files_read(r->files, j.name);
    assert_int_equal(read(fd, back, sizeof back), 5);
    close(fd);
    assert_int_equal(files_read(r->files, "nothing"), -1);
}

static void test_what_an_earlier_process_left(void **state)
{
    struct rig *r = *state;
    struct file_job old, new;
    char path[128], **name;
    int fd = memory_file("12345", 5);
    assert_int_equal(copy(r, &old, fd, 5), OK);
    assert_int_equal(files_left_over(r->files, &name), 0);
    free(name);
    files_close(r->files);
    snprintf(path, sizeof path, "%s/files/not-ours.txt", r->dir);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    r->files = files_open(r->base, r->dir);
    assert_int_equal(copy(r, &new, fd, 5), OK);
    assert_int_equal(files_left_over(r->files, &name), 1);
    assert_string_equal(name[0], old.name);
    free(name[0]);
    free(name);
    close(fd);
}

static void test_no_directory_to_write_to(void **state)
{
    struct rig *r = *state;
    struct file_job j;
    char name[FILE_NAME_BYTES];
    int fd = memory_file("12345", 5);
    assert_int_equal(rmdir(r->dir), 0);
    assert_int_equal(copy(r, &j, fd, 5), ERR_IO);
    assert_int_equal(files_create(r->files, name), -1);
    assert_int_equal(mkdir(r->dir, 0700), 0);
    assert_int_equal(copy(r, &j, fd, 5), OK); /* and it is there again */
    close(fd);
}

static void test_jobs_end_with_the_store(void **state)
{
    struct rig *r = *state;
    struct file_job j[8];
    int fd = memory_file("12345", 5);
    for (int i = 0; i < 8; i++) {
        j[i] = (struct file_job){.on_done = on_done, .fd = fd, .max_bytes = 5};
        files_copy(r->files, &j[i]);
    }
    files_close(r->files);
    for (int i = 0; i < 8; i++)
        assert_int_equal(j[i].result, OK);
    r->files = NULL;
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_copy_is_the_same),           TEST(test_what_is_no_file_or_too_large_is_refused),
        TEST(test_an_empty_file_is_a_file),      TEST(test_kept),
        TEST(test_what_an_earlier_process_left), TEST(test_no_directory_to_write_to),
        TEST(test_jobs_end_with_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
