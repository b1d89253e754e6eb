/*
 * Decides what a backend may say of its files. It refuses to know how they are fetched. Invariant: what enclosures_check
 * accepted is read whole, and every string that is kept is clean.
 */
#include "front/enclosure.h"
#include "base/config.h"
#include "base/filename.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- The check ---- */

static enum err say(struct buf *why, enum err e, const char *sentence)
{
    buf_add_str(why, sentence);
    return e;
}

static bool is_name(struct jval v)
{
    char *text = json_dup(v, ENCLOSURE_NAME_MAX);
    bool is_one = text && *text;

    free(text);
    return is_one;
}

static bool is_url(struct jval v)
{
    struct buf scratch;

    buf_init(&scratch, ENCLOSURE_URL_MAX);
    struct span url = json_span(v, &scratch);
    size_t host_at = span_starts(url, "http://") ? 7 : span_starts(url, "https://") ? 8 : url.n;
    bool is_one = url.n > host_at && url.n <= ENCLOSURE_URL_MAX && url.p[host_at] != '/';
    for (size_t i = 0; is_one && i < url.n; i++)
        is_one = (unsigned char)url.p[i] > ' ' && url.p[i] != 0x7f;
    buf_fini(&scratch);
    return is_one;
}

static enum err check_source(struct jval a, bool takes_descriptors, unsigned *fd_n, struct buf *why)
{
    struct jval url = json_get(a, "url");
    int64_t fd;

    if (json_has(url))
        return is_url(url) ? OK
                           : say(why, ERR_INVALID,
                                 "the url of an attachment must begin with http:// or https://, have at most "
                                 "4,096 bytes, and hold no blanks");
    if (!takes_descriptors)
        return say(why, ERR_INVALID, "an attachment needs a url");
    if (json_i64(json_get(a, "fd"), &fd) != OK || fd != *fd_n)
        return say(why, ERR_INVALID, "an attachment needs a url or a descriptor");
    ++*fd_n;
    return OK;
}

static enum err check_one(struct jval a, bool takes_descriptors, unsigned *fd_n, struct buf *why)
{
    struct jval type = json_get(a, "content_type"), cid = json_get(a, "cid"), size = json_get(a, "size");
    int64_t n;

    if (json_type(a) != JSON_OBJECT || !is_name(json_get(a, "filename")))
        return say(why, ERR_INVALID, "an attachment needs a filename of 1 to 1,024 bytes");
    if ((json_has(type) && !is_name(type)) || (json_has(cid) && !is_name(cid)))
        return say(why, ERR_INVALID, "content_type and cid of an attachment are strings of 1 to 1,024 bytes");
    if (json_has(size) && (json_i64(size, &n) != OK || n < 0))
        return say(why, ERR_INVALID, "the size of an attachment is a number of bytes");
    return check_source(a, takes_descriptors, fd_n, why);
}

enum err enclosures_check(struct jval list, bool takes_descriptors, struct buf *why)
{
    unsigned fd_n = 0;

    if (!json_has(list))
        return OK;
    if (json_type(list) != JSON_ARRAY)
        return say(why, ERR_INVALID, "attachments is not a list");
    if (json_len(list) > ATTACHMENTS_MAX)
        return say(why, ERR_LIMIT, "there are more than 32 attachments");
    for (struct jval a = json_first(list); a.doc; a = json_next(a)) {
        enum err e = check_one(a, takes_descriptors, &fd_n, why);
        if (e)
            return e;
    }
    return OK;
}

/* ---- Reading ---- */

void enclosure_too_much(const char *filename, uint64_t max_bytes, char out[ATTACHMENT_REASON_MAX])
{
    char most[SIZE_TEXT_BYTES];

    snprintf(out, ATTACHMENT_REASON_MAX,
             "The file \"%s\" was left out: the files of this message are larger than %s together, which is "
             "the most that Front takes.",
             filename, config_size_text(max_bytes, most));
}

static void add(struct enclosures *out, struct jval a, const uint64_t *fd_bytes)
{
    struct enclosure *item = &out->item[out->n++];

    *item = (struct enclosure){.filename = attachment_text(json_get(a, "filename"), filename_clean),
                               .content_type = attachment_text(json_get(a, "content_type"), media_type_clean),
                               .cid = attachment_text(json_get(a, "cid"), content_id_clean),
                               .url = json_dup(json_get(a, "url"), ENCLOSURE_URL_MAX)};
    if (!item->url)
        item->bytes = (int64_t)fd_bytes[out->fd_n++];
    else if (json_i64(json_get(a, "size"), &item->bytes) != OK)
        item->bytes = -1;
}

/* What is here already comes first. */
static void leave_out(struct enclosures *out, uint64_t max_bytes)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < out->n; i++)
        sum += out->item[i].url ? 0 : (uint64_t)out->item[i].bytes;
    for (unsigned i = 0; i < out->n; i++) {
        struct enclosure *e = &out->item[i];
        if (!e->url || e->bytes < 0)
            continue;
        if (sum > max_bytes || (uint64_t)e->bytes > max_bytes - sum)
            enclosure_too_much(e->filename, max_bytes, e->reason);
        else
            sum += (uint64_t)e->bytes;
    }
}

void enclosures_read(struct jval list, const uint64_t *fd_bytes, uint64_t max_bytes, struct enclosures *out)
{
    out->n = out->fd_n = 0;
    for (struct jval a = json_first(list); a.doc && out->n < ATTACHMENTS_MAX; a = json_next(a))
        add(out, a, fd_bytes);
    leave_out(out, max_bytes);
}

void enclosures_fini(struct enclosures *e)
{
    for (unsigned i = 0; i < e->n; i++) {
        free(e->item[i].filename);
        free(e->item[i].content_type);
        free(e->item[i].cid);
        free(e->item[i].url);
    }
    e->n = 0;
}
