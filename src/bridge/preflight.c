/*
 * Forks, loads, reports through a pipe. Decides nothing: the rules are the loader's, the settings' and the
 * module's own.
 */
#include "bridge/preflight.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/loader.h"
#include "host/settings.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORT_MAX = 16 << 20, SETTINGS_MAX = 4 << 20, WHY_MAX = 4096, SECONDS_MAX = 10 };

static void mistake(const struct config_channel *c, struct config_mistakes *mistakes, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static void mistake(const struct config_channel *c, struct config_mistakes *mistakes, const char *fmt, ...)
{
    char key[128], text[WHY_MAX];
    va_list args;

    must(snprintf(key, sizeof key, "channels.%s.adapter", c->name) > 0);
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    config_mistake(mistakes, c->adapter_line ? c->adapter_line : c->line, key, "%s", text);
}

/* ---- In the child ---- */

/* Settings that are secrets stay out of it, though they may be URLs. */
static void write_urls(const struct fb_module *m, struct span settings, struct jout *j)
{
    struct json doc;

    jout_key(j, "urls");
    jout_array(j);
    if (json_parse(&doc, settings) == OK)
        for (uint32_t i = 0; i < m->setting_n; i++) {
            const struct fb_setting *s = &m->settings[i];
            struct jval value = json_get(json_root(&doc), s->key);
            if (s->kind == FB_SETTING_URL && !(s->flags & FB_SETTING_SECRET) && json_has(value))
                jout_raw(j, json_raw(value));
        }
    jout_array_end(j);
    json_fini(&doc);
}

static void look(const struct config_channel *c, struct config_mistakes *mistakes, struct jout *j)
{
    struct buf path, why, settings;
    struct adapter *adapter = NULL;

    buf_init(&path, 4096);
    buf_init(&why, WHY_MAX);
    buf_init(&settings, SETTINGS_MAX);
    if (adapter_find(c->adapter, &path, &why) != OK || adapter_load(path.p, &adapter, &why) != OK) {
        mistake(c, mistakes, "%s", why.p);
    } else {
        const struct fb_module *m = adapter_module(adapter);
        if (settings_check(c, m, mistakes, &settings) == OK &&
            settings_validate(c, m, buf_span(&settings), mistakes) == OK) {
            jout_kv_span(j, "path", buf_span(&path));
            jout_kv_raw(j, "settings", buf_span(&settings));
            write_urls(m, buf_span(&settings), j);
            jout_kv_str(j, "name", m->name);
            jout_kv_str(j, "version", m->version);
            jout_kv_i64(j, "capabilities", m->capabilities);
        }
        adapter_unload(adapter);
    }
    buf_fini(&path);
    buf_fini(&why);
    buf_fini(&settings);
}

static void write_mistakes(const struct config_mistakes *mistakes, struct jout *j)
{
    jout_key(j, "mistakes");
    jout_array(j);
    for (size_t i = 0; i < mistakes->n; i++) {
        jout_object(j);
        jout_kv_i64(j, "line", mistakes->item[i].line);
        jout_kv_str(j, "key", mistakes->item[i].key);
        jout_kv_str(j, "text", mistakes->item[i].text);
        jout_object_end(j);
    }
    jout_array_end(j);
}

static bool write_all(int fd, struct span text)
{
    while (text.n > 0) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text = (struct span){text.p + n, text.n - (size_t)n};
    }
    return true;
}

/* Ends without exit handlers: those are the parent's. */
_Noreturn static void report(const struct config_channel *c, int fd)
{
    struct config_mistakes mistakes = {0};
    struct buf out;
    struct jout j;

    alarm(SECONDS_MAX);
    buf_init(&out, REPORT_MAX);
    jout_init(&j, &out);
    jout_object(&j);
    look(c, &mistakes, &j);
    write_mistakes(&mistakes, &j);
    jout_object_end(&j);
    _exit(!out.is_over && write_all(fd, buf_span(&out)) ? 0 : 1);
}

/* ---- In the parent ---- */

static void read_all(int fd, struct buf *out)
{
    char piece[65536];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            buf_add(out, piece, (size_t)n);
}

static char *string_of(struct jval object, const char *key)
{
    return json_dup(json_get(object, key), SETTINGS_MAX);
}

static void take_urls(struct preflight_channel *to, struct jval list)
{
    to->url = mem_calloc(json_len(list) + 1, sizeof *to->url);
    for (struct jval v = json_first(list); v.doc; v = json_next(v))
        if (json_type(v) == JSON_STRING && (to->url[to->url_n] = json_dup(v, SETTINGS_MAX)))
            to->url_n++;
}

static void take_channel(struct preflight_channel *to, struct jval from)
{
    int64_t capabilities = 0;

    to->adapter_path = string_of(from, "path");
    to->name = string_of(from, "name");
    to->version = string_of(from, "version");
    take_urls(to, json_get(from, "urls"));
    to->settings = span_strdup(json_raw(json_get(from, "settings")));
    if (json_i64(json_get(from, "capabilities"), &capabilities) == OK)
        to->capabilities = (uint32_t)capabilities;
}

static void take_mistake(struct config_mistakes *mistakes, struct jval from)
{
    char *key = string_of(from, "key"), *text = string_of(from, "text");
    int64_t line = 0;

    if (json_i64(json_get(from, "line"), &line) == OK && key && text)
        config_mistake(mistakes, (unsigned)line, key, "%s", text);
    free(key);
    free(text);
}

static void take(struct preflight_channel *to, struct span text, struct config_mistakes *mistakes)
{
    struct json doc;

    if (json_parse(&doc, text) == OK) {
        take_channel(to, json_root(&doc));
        struct jval list = json_get(json_root(&doc), "mistakes");
        for (struct jval v = json_first(list); v.doc; v = json_next(v))
            take_mistake(mistakes, v);
    }
    json_fini(&doc);
}

static void judge(const struct config_channel *c, int status, struct config_mistakes *mistakes)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        mistake(c, mistakes, "the adapter %.200s does not answer within %d s; ask its author", c->adapter,
                SECONDS_MAX);
    else if (WIFSIGNALED(status))
        mistake(c, mistakes, "the adapter %.200s crashes (%s); ask its author", c->adapter,
                strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        mistake(c, mistakes, "the adapter %.200s ends the program that loads it (exit code %d)", c->adapter,
                WEXITSTATUS(status));
}

static void ask(struct preflight_channel *to, const struct config_channel *c,
                struct config_mistakes *mistakes)
{
    struct buf text;
    int fds[2], status = 0;

    must(pipe2(fds, O_CLOEXEC) == 0);
    log_flush();
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        report(c, fds[1]);
    }
    close(fds[1]);
    buf_init(&text, REPORT_MAX);
    read_all(fds[0], &text);
    close(fds[0]);
    while (waitpid(pid, &status, 0) < 0)
        must(errno == EINTR);
    if (status == 0)
        take(to, buf_span(&text), mistakes);
    judge(c, status, mistakes);
    if (text.p)
        mem_wipe(text.p, text.n);
    buf_fini(&text);
}

enum err preflight_run(struct preflight *p, const struct config *c, struct config_mistakes *mistakes)
{
    size_t before = mistakes->n;

    *p = (struct preflight){.channel = mem_calloc(c->channel_n, sizeof *p->channel),
                            .channel_n = c->channel_n};
    if (c->channel_n == 0 && before == 0) /* else what is wrong there may be the reason */
        config_mistake(mistakes, 0, "channels",
                       "there is no channel, so there is nothing to do; write one below channels:");
    for (size_t i = 0; i < c->channel_n; i++)
        if (c->channel[i].adapter) /* NULL: a mistake that the configuration knows already */
            ask(&p->channel[i], &c->channel[i], mistakes);
    return mistakes->n == before ? OK : ERR_INVALID;
}

void preflight_fini(struct preflight *p)
{
    for (size_t i = 0; i < p->channel_n; i++) {
        struct preflight_channel *c = &p->channel[i];
        if (c->settings)
            mem_wipe(c->settings, strlen(c->settings));
        for (size_t k = 0; k < c->url_n; k++)
            free(c->url[k]);
        free(c->url);
        free(c->adapter_path);
        free(c->settings);
        free(c->name);
        free(c->version);
    }
    free(p->channel);
    *p = (struct preflight){0};
}
