/*
 * The files of a message: read from JSON or taken from a form, each ending as a descriptor or a url.
 *
 * Decides which names, types and sizes pass and with which sentence the others are refused; does not fetch urls.
 * Invariant: a file counts in item->inbound.attachment_n from the moment it has a descriptor, so that
 * wire_item_fini closes it.
 */
#include "base/crypto.h"
#include "base/filename.h"
#include "base/mem.h"
#include "wire.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NAME_RAW_MAX = 4096, /* before it is cleaned, which shortens it to FILENAME_MAX_BYTES */
    TYPE_RAW_MAX = 1000,
    URL_MAX = 4096,
    PATH_BYTES_MAX = 4096,
    DECODE_CHARS = 64 << 10, /* of base64 at a time; a multiple of 4 */
};

/* One file while it is read. */
struct reading {
    struct wire_item *item;
    struct fb_attachment *file;
    unsigned at;
    struct buf *why;
};

static enum err refuse(const struct reading *r, enum err e, const char *key, const char *what)
{
    buf_addf(r->why, "`attachments[%u]%s%s` %s", r->at, *key ? "." : "", key, what);
    return e;
}

static enum err too_large(struct buf *why)
{
    buf_addf(why, "The attachments are larger than %d MB in all.", WIRE_FILES_BYTES_MAX / 1000000);
    return ERR_LIMIT;
}

static enum err too_many(struct buf *why)
{
    buf_addf(why, "There are more than %d attachments: send the rest in another message.", WIRE_FILES_MAX);
    return ERR_INVALID;
}

/* ---- Bytes ---- */

/* A file without a name: on disk where the host may write, else in memory. */
static int scratch_open(void)
{
    const char *dir = getenv("TMPDIR");
    int fd = open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : memfd_create("attachment", MFD_CLOEXEC);
}

static bool write_all(int fd, struct span bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = (struct span){bytes.p + n, bytes.n - (size_t)n};
    }
    return true;
}

/* bytes_add appends to the file, within the limit of the message. */
static enum err bytes_add(struct reading *r, struct span bytes)
{
    if (bytes.n > WIRE_FILES_BYTES_MAX - r->item->file_bytes)
        return too_large(r->why);
    r->item->file_bytes += bytes.n;
    r->file->bytes += bytes.n;
    return write_all(r->file->fd, bytes) ? OK
                                         : refuse(r, ERR_IO, "", "could not be kept: send it again later.");
}

static enum err scratch_begin(struct reading *r)
{
    r->file->fd = scratch_open();
    return r->file->fd < 0 ? refuse(r, ERR_IO, "", "could not be kept: send it again later.") : OK;
}

static enum err not_base64(const struct reading *r)
{
    return refuse(r, ERR_INVALID, "data",
                  "is no base64: send the bytes in its standard alphabet, without a data: prefix.");
}

/* decode writes what the letters of text mean, some at a time; line breaks between them are let pass. */
static enum err decode(struct reading *r, struct span text)
{
    char *letters = mem_zalloc(DECODE_CHARS);
    struct buf bytes;
    bool is_ended = false;
    enum err e = OK;
    buf_init(&bytes, DECODE_CHARS);
    for (size_t i = 0; i < text.n && e == OK;) {
        size_t n = 0;
        for (; i < text.n && n < DECODE_CHARS; i++)
            if (text.p[i] != '\n' && text.p[i] != '\r')
                letters[n++] = text.p[i];
        buf_clear(&bytes);
        if (n && (is_ended || base64_decode(&bytes, (struct span){letters, n})))
            e = not_base64(r);
        else if (n)
            e = bytes_add(r, buf_span(&bytes));
        is_ended |= n < DECODE_CHARS || letters[n - 1] == '=';
    }
    buf_fini(&bytes);
    free(letters);
    return e;
}

static enum err data_read(struct reading *r, struct jval v)
{
    struct buf scratch;
    if (json_type(v) != JSON_STRING)
        return refuse(r, ERR_INVALID, "data", "must be a string of base64.");
    buf_init(&scratch, json_raw(v).n);
    enum err e = scratch_begin(r);
    e = e ? e : decode(r, json_span(v, &scratch)); /* borrowed if it has no escapes */
    buf_fini(&scratch);
    if (e == OK)
        lseek(r->file->fd, 0, SEEK_SET);
    return e;
}

static enum err keep(struct reading *r, char *s, const char **to)
{
    must(r->item->own_n < WIRE_OWN_MAX);
    r->item->own[r->item->own_n++] = s;
    *to = s;
    return OK;
}

static bool is_url(const char *s)
{
    size_t scheme = !strncmp(s, "https://", 8) ? 8 : !strncmp(s, "http://", 7) ? 7 : 0;
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return false;
    return scheme && s[scheme] && s[scheme] != '/';
}

static enum err url_read(struct reading *r, struct jval v)
{
    char *url = json_dup(v, URL_MAX);
    if (!url)
        return refuse(r, ERR_INVALID, "url", "must be a string of up to 4096 bytes.");
    if (is_url(url))
        return keep(r, url, &r->file->url);
    free(url);
    return refuse(r, ERR_INVALID, "url", "must be a whole address that begins with https:// or http://.");
}

static enum err open_refused(const struct reading *r, int number)
{
    bool is_ours = number == EMFILE || number == ENFILE || number == ENOMEM || number == EIO;
    if (number == ELOOP)
        return refuse(r, ERR_INVALID, "path", "is a symbolic link: name the file itself.");
    buf_addf(r->why, "`attachments[%u].path` cannot be opened: %s.", r->at, strerror(number));
    return is_ours ? ERR_IO : ERR_INVALID;
}

/* O_NONBLOCK: a pipe must not hold the host. No link is followed, so that a name which came from a chat leads
 * nowhere else. */
static enum err path_read(struct reading *r, struct jval v)
{
    struct stat st;
    char *path = json_dup(v, PATH_BYTES_MAX);
    bool is_whole = path && *path == '/';
    if (is_whole)
        r->file->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int number = errno;
    free(path);
    if (!is_whole)
        return refuse(r, ERR_INVALID, "path", "must be a whole path that begins with /.");
    if (r->file->fd < 0)
        return open_refused(r, number);
    if (fstat(r->file->fd, &st) || !S_ISREG(st.st_mode))
        return refuse(r, ERR_INVALID, "path", "is no regular file.");
    if ((uint64_t)st.st_size > WIRE_FILES_BYTES_MAX - r->item->file_bytes)
        return too_large(r->why);
    r->file->bytes = (uint64_t)st.st_size;
    r->item->file_bytes += r->file->bytes;
    return OK;
}

/* ---- What stands beside them ---- */

static enum err clean_read(struct reading *r, struct span raw,
                           void (*clean)(struct span raw, struct buf *out), const char **to)
{
    struct buf text;
    buf_init(&text, NAME_RAW_MAX);
    clean(raw, &text);
    struct span s = buf_span(&text);
    enum err e = s.n ? keep(r, mem_strndup(s.p, s.n), to) : ERR_INVALID;
    buf_fini(&text);
    return e;
}

/* In the order of struct wire_part. */
static const struct label {
    const char *key;
    size_t at; /* of the const char * in struct fb_attachment */
    size_t raw_max;
    void (*clean)(struct span raw, struct buf *out);
    const char *missing; /* NULL: it may be */
    const char *wrong;
} labels[] = {
    {"filename", offsetof(struct fb_attachment, filename), NAME_RAW_MAX, filename_clean,
     "is missing, as in photo.png.", "is too long."},
    {"content_type", offsetof(struct fb_attachment, content_type), TYPE_RAW_MAX, media_type_clean,
     "is missing, as in image/png.", "is too long."},
    {"cid", offsetof(struct fb_attachment, cid), TYPE_RAW_MAX, content_id_clean, NULL,
     "must be up to 200 visible ASCII characters, as in logo1."},
};

static enum err label_take(struct reading *r, const char *raw, const struct label *l)
{
    const char **to = (const char **)(void *)((char *)r->file + l->at);
    enum err e = clean_read(r, span_of(raw), l->clean, to);
    return e ? refuse(r, e, l->key, l->wrong) : OK;
}

static enum err label_read(struct reading *r, struct jval v, const struct label *l)
{
    if (json_has(v) && json_type(v) != JSON_STRING)
        return refuse(r, ERR_INVALID, l->key, "must be a string.");
    if (!json_has(v) || json_is(v, ""))
        return l->missing ? refuse(r, ERR_INVALID, l->key, l->missing) : OK;
    char *raw = json_dup(v, l->raw_max);
    enum err e = raw ? label_take(r, raw, l) : refuse(r, ERR_INVALID, l->key, l->wrong);
    free(raw);
    return e;
}

/* ---- One and all ---- */

static const struct source {
    const char *key;
    bool is_path;
    enum err (*read)(struct reading *r, struct jval v);
} sources[] = {{"data", false, data_read}, {"url", false, url_read}, {"path", true, path_read}};

static enum err source_read(struct reading *r, struct jval v, bool takes_paths)
{
    const struct source *given = NULL;
    unsigned n = 0;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (json_has(json_get(v, sources[i].key)) && (takes_paths || !sources[i].is_path)) {
            given = &sources[i];
            n++;
        }
    if (n != 1)
        return refuse(r, ERR_INVALID, "",
                      takes_paths ? "needs exactly one of `path`, `data` and `url`."
                                  : "needs exactly one of `data` and `url`.");
    return given->read(r, json_get(v, given->key));
}

static struct reading reading_begin(struct wire_item *item, struct buf *why)
{
    unsigned at = item->inbound.attachment_n++;
    item->inbound.attachments = item->file;
    item->file[at] = (struct fb_attachment){.size = sizeof item->file[at], .fd = -1};
    return (struct reading){item, &item->file[at], at, why};
}

static enum err file_read(struct jval v, bool takes_paths, struct wire_item *item, struct buf *why)
{
    struct reading r = reading_begin(item, why);
    enum err e = OK;
    if (json_type(v) != JSON_OBJECT)
        return refuse(&r, ERR_INVALID, "", "must be an object with `filename` and `content_type`.");
    for (size_t i = 0; i < ARRAY_LEN(labels) && e == OK; i++)
        e = label_read(&r, json_get(v, labels[i].key), &labels[i]);
    return e ? e : source_read(&r, v, takes_paths);
}

static enum err part_take(const struct wire_part *part, struct wire_item *item, struct buf *why)
{
    const char *const said[ARRAY_LEN(labels)] = {part->filename, part->content_type, part->cid};
    struct reading r = reading_begin(item, why);
    enum err e = scratch_begin(&r);
    for (size_t i = 0; i < ARRAY_LEN(labels) && e == OK; i++)
        e = said[i] ? label_take(&r, said[i], &labels[i]) : OK;
    e = e ? e : bytes_add(&r, part->bytes);
    if (e == OK)
        lseek(r.file->fd, 0, SEEK_SET);
    return e;
}

enum err wire_read_files(struct jval list, const struct wire_also *also, struct wire_item *item,
                         struct buf *why)
{
    enum err e = OK;
    if (json_has(list) && json_type(list) != JSON_ARRAY) {
        buf_add_str(why, "`attachments` must be an array.");
        return ERR_INVALID;
    }
    if (json_len(list) + also->part_n > WIRE_FILES_MAX)
        return too_many(why);
    for (struct jval v = json_first(list); v.doc && e == OK; v = json_next(v))
        e = file_read(v, also->takes_paths, item, why);
    for (unsigned i = 0; i < also->part_n && e == OK; i++)
        e = part_take(&also->part[i], item, why);
    return e;
}

void wire_files_close(struct wire_item *item)
{
    for (uint32_t i = 0; i < item->inbound.attachment_n; i++)
        if (item->file[i].fd >= 0)
            close(item->file[i].fd);
    item->inbound.attachment_n = 0;
}
