/*
 * What stands behind a scalar: variables of the environment, and files that hold one secret.
 * It never writes a value into a sentence, only names.
 */
#include "base/config_value.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_name(const char *p, size_t n)
{
    if (n == 0 || isdigit((unsigned char)p[0]))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)p[i]) && p[i] != '_')
            return false;
    return true;
}

/* expand_variable reads what follows "${", and gives the number of bytes with the brace; 0: why says what to
 * do. */
static size_t expand_variable(const char *p, struct buf *out, struct buf *why)
{
    size_t n = strcspn(p, "}");
    if (p[n] != '}' || n > 127 || !is_name(p, n)) {
        buf_add_str(
            why,
            "after ${ must come a name and a brace, as in ${NAME}; for the characters themselves write $${");
        return 0;
    }
    char name[128];
    memcpy(name, p, n);
    name[n] = '\0';
    const char *value = getenv(name);
    if (!value) {
        buf_addf(why, "the environment has no variable %s; set it, or write the value here", name);
        return 0;
    }
    buf_add_str(out, value);
    return n + 1;
}

bool config_expand(const char *text, struct buf *out, struct buf *why)
{
    if (text[0] == '$' && is_name(text + 1, strlen(text + 1))) {
        buf_add_str(why, "a variable needs braces, as in ${NAME}; for the character $ itself write $$");
        return false;
    }
    while (*text) {
        size_t plain = strcspn(text, "$");
        buf_add(out, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        if (text[1] == '{') {
            size_t n = expand_variable(text + 2, out, why);
            if (n == 0)
                return false;
            text += 2 + n;
        } else {
            buf_add_char(out, '$');
            text += text[1] == '$' ? 2 : 1;
        }
    }
    if (out->is_over)
        buf_addf(why, "the value is longer than %d KiB; shorten it", CONFIG_VALUE_MAX / 1024);
    return !out->is_over;
}

static bool read_all(int fd, struct buf *out)
{
    char chunk[4096];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        buf_add(out, chunk, (size_t)n);
        if (out->is_over)
            return true;
    }
}

static bool check_secret(const char *file, struct buf *out, struct buf *why)
{
    if (out->is_over)
        buf_addf(why, "the file %.200s is larger than %d KiB; it should hold one secret", file,
                 CONFIG_VALUE_MAX / 1024);
    else if (out->n == 0)
        buf_addf(why, "the file %.200s is empty; write the secret into it", file);
    else if (memchr(out->p, '\0', out->n))
        buf_addf(why, "the file %.200s is no text; it should hold one secret", file);
    else
        return true;
    return false;
}

bool config_read_secret(const char *file, struct buf *out, struct buf *why)
{
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hang the start */
    bool is_read = fd >= 0 && fstat(fd, &st) == 0;
    if (is_read && !S_ISREG(st.st_mode)) {
        close(fd);
        buf_addf(why, "%.200s is no regular file; name a file that holds the secret", file);
        return false;
    }
    is_read = is_read && read_all(fd, out);
    if (!is_read)
        buf_addf(why, "the file %.200s cannot be read: %s", file, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (!is_read)
        return false;
    if (!out->is_over && out->n && out->p[out->n - 1] == '\n')
        out->p[--out->n] = '\0';
    if (!out->is_over && out->n && out->p[out->n - 1] == '\r')
        out->p[--out->n] = '\0';
    return check_secret(file, out, why);
}
