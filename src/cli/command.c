/*
 * What commands share: the configuration, files, and how they speak. Standard output is for what was asked
 * for, standard error for everything else.
 */
#include "cli/command.h"
#include "base/mem.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRINTED_BYTES_MAX = 1 << 20 };

struct config *command_config(const struct options *o)
{
    const char *file = config_path(options_get(o, "config"));
    struct config *c = NULL;
    struct config_mistakes mistakes = {0};
    if (config_load(file, &c, &mistakes))
        command_mistakes(&mistakes, file);
    config_mistakes_fini(&mistakes);
    return c;
}

void command_mistakes(const struct config_mistakes *mistakes, const char *file)
{
    struct buf out;
    buf_init(&out, PRINTED_BYTES_MAX);
    config_print(mistakes, file, &out);
    fputs(buf_span(&out).p, stderr);
    buf_fini(&out);
}

int command_fail(int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("front-bridge: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
}

int command_no_channel(const struct config *c, const char *name)
{
    const char **names = mem_calloc(c->channel_n + 1, sizeof *names);
    for (size_t i = 0; i < c->channel_n; i++)
        names[i] = c->channel[i].name;
    const char *near = config_nearest(name, names, c->channel_n);
    free(names);
    if (near)
        return command_fail(EXIT_USAGE,
                            "there is no channel \"%.63s\" in the configuration; did you mean \"%s\"?", name,
                            near);
    return command_fail(EXIT_USAGE, "there is no channel \"%.63s\" in the configuration", name);
}

int command_print(struct buf *out)
{
    struct span text = buf_span(out);
    bool is_written = fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0;
    buf_fini(out);
    return is_written ? EXIT_FINE : command_fail(EXIT_FAILED, "cannot write the output: %s", strerror(errno));
}

int command_read(const char *file, struct buf *out)
{
    char chunk[16384];
    size_t n;
    bool is_input = !file || strcmp(file, "-") == 0;
    FILE *f = is_input ? stdin : fopen(file, "re");
    if (!f)
        return command_fail(EXIT_USAGE, "cannot read %s: %s", file, strerror(errno));
    while (!out->is_over && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(out, chunk, n);
    int error = ferror(f) ? errno : 0;
    if (!is_input)
        fclose(f);
    if (error)
        return command_fail(EXIT_USAGE, "cannot read %s: %s", is_input ? "standard input" : file,
                            strerror(error));
    if (out->is_over)
        return command_fail(EXIT_USAGE, "%s is larger than %zu bytes", is_input ? "standard input" : file,
                            out->max_bytes);
    return EXIT_FINE;
}
