/*
 * One adapter, looked at by a child that ends after it. Mistakes come back through a pipe, one line each:
 * config_mistake leaves no control characters in them, so that tab and newline are free to separate.
 */
#include "cli/check.h"
#include "base/err.h"
#include "host/loader.h"
#include "host/settings.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ANSWER_BYTES_MAX = 1 << 20,
    WHY_BYTES_MAX = 4096,
    PATH_BYTES_MAX = 4096,
    SETTINGS_BYTES_MAX = 1 << 20,
    SECONDS_MAX = 10
};

static void look(const struct config_channel *c, struct config_mistakes *mistakes)
{
    char key[128];
    struct adapter *adapter;
    struct buf path, why, settings;
    buf_init(&path, PATH_BYTES_MAX);
    buf_init(&why, WHY_BYTES_MAX);
    buf_init(&settings, SETTINGS_BYTES_MAX);
    must(snprintf(key, sizeof key, "channels.%s.adapter", c->name) > 0);
    if (adapter_find(c->adapter, &path, &why) || adapter_load(buf_span(&path).p, &adapter, &why)) {
        config_mistake(mistakes, c->line, key, "%s", buf_span(&why).p);
        return;
    }
    const struct fb_module *m = adapter_module(adapter);
    if (settings_check(c, m, mistakes, &settings) == OK &&
        settings_validate(c, m, buf_span(&settings), mistakes) != OK)
        must(mistakes->n > 0);
}

static _Noreturn void child(const struct config_channel *c, int fd)
{
    struct config_mistakes mistakes = {0};
    alarm(SECONDS_MAX);
    look(c, &mistakes);
    for (size_t i = 0; i < mistakes.n; i++)
        if (dprintf(fd, "%u\t%s\t%s\n", mistakes.item[i].line, mistakes.item[i].key, mistakes.item[i].text) <
            0)
            _exit(1);
    _exit(0);
}

static void take_lines(char *text, struct config_mistakes *mistakes)
{
    for (char *line; (line = strsep(&text, "\n"));) {
        char *number = strsep(&line, "\t"), *key = strsep(&line, "\t");
        if (number && key && line)
            config_mistake(mistakes, (unsigned)strtoul(number, NULL, 10), key, "%s", line);
    }
}

static void read_lines(int fd, struct config_mistakes *mistakes)
{
    char chunk[4096];
    struct buf text;
    ssize_t n;
    buf_init(&text, ANSWER_BYTES_MAX);
    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            buf_add(&text, chunk, (size_t)n);
    if (text.p)
        take_lines(text.p, mistakes);
    buf_fini(&text);
}

static void judge(const struct config_channel *c, int status, struct config_mistakes *mistakes)
{
    char key[128];
    must(snprintf(key, sizeof key, "channels.%s.adapter", c->name) > 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        config_mistake(mistakes, c->line, key,
                       "the adapter %.200s does not answer within %d s; ask its author", c->adapter,
                       SECONDS_MAX);
    else if (WIFSIGNALED(status))
        config_mistake(mistakes, c->line, key, "the adapter %.200s crashes (%s); ask its author", c->adapter,
                       strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        config_mistake(mistakes, c->line, key,
                       "the adapter %.200s ends the program that loads it (exit code %d)", c->adapter,
                       WEXITSTATUS(status));
}

void check_adapter(const struct config_channel *c, struct config_mistakes *mistakes)
{
    int end[2], status = 0;
    must(pipe(end) == 0);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        close(end[0]);
        child(c, end[1]);
    }
    close(end[1]);
    read_lines(end[0], mistakes);
    close(end[0]);
    while (waitpid(pid, &status, 0) < 0)
        must(errno == EINTR);
    judge(c, status, mistakes);
}
