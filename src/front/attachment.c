/*
 * Decides which of a message's files can be fetched at all. It refuses to know how they are fetched. Invariant: every
 * string that is kept is clean.
 */
#include "front/attachment.h"
#include "base/config.h"
#include "base/filename.h"
#include "base/mem.h"
#include "front/link.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096 };

char *attachment_text(struct jval v, void (*clean)(struct span raw, struct buf *out))
{
    struct buf scratch, out;

    buf_init(&scratch, TEXT_MAX);
    buf_init(&out, TEXT_MAX);
    struct span raw = json_span(v, &scratch);
    clean(raw.p ? raw : SPAN_LIT(""), &out);
    char *text = out.n > 0 ? buf_take(&out, NULL) : NULL;
    buf_fini(&scratch);
    buf_fini(&out);
    return text;
}

/* The end of a url such as …/download/fil_1; absent: it is none. */
static struct span id_of_url(struct span url)
{
    struct span path = front_path_of_link(url), id = front_id_of_link(url);
    static const char before[] = "/download/";
    size_t n = sizeof before - 1;

    if (!id.p || (size_t)(id.p - path.p) < n || memcmp(id.p - n, before, n) != 0)
        return SPAN_NONE;
    return id;
}

/* `url` is what Front tells to fetch; `id` is the same in all that was seen. */
static char *id_of(struct jval a)
{
    struct buf scratch;

    buf_init(&scratch, TEXT_MAX);
    char *id = span_strdup(id_of_url(json_span(json_get(a, "url"), &scratch)));
    if (!id) {
        struct span own = json_span(json_get(a, "id"), &scratch);
        id = front_is_id(own) ? span_strdup(own) : NULL;
    }
    buf_fini(&scratch);
    return id;
}

static void add(struct attachments *out, struct jval a)
{
    struct attachment *item = &out->item[out->n++];

    *item =
        (struct attachment){.id = id_of(a),
                            .filename = attachment_text(json_get(a, "filename"), filename_clean),
                            .content_type = attachment_text(json_get(a, "content_type"), media_type_clean),
                            .cid = attachment_text(json_path(a, "metadata.cid"), content_id_clean)};
    if (json_i64(json_get(a, "size"), &item->bytes) != OK || item->bytes < 0)
        item->bytes = -1;
    if (!item->id)
        snprintf(item->reason, sizeof item->reason,
                 "The file \"%s\" has no id by which Front would hand it out. Nothing was sent.",
                 item->filename);
}

static void spoil(struct attachments *out, const char *reason)
{
    for (unsigned i = 0; i < out->n; i++) {
        free(out->item[i].id);
        out->item[i].id = NULL;
        snprintf(out->item[i].reason, sizeof out->item[i].reason, "%s", reason);
    }
}

/* What is over a limit is found before anything is fetched. */
static void check_all(struct attachments *out, unsigned n, uint64_t max_bytes)
{
    char reason[ATTACHMENT_REASON_MAX], most[SIZE_TEXT_BYTES];
    uint64_t sum = 0;

    for (unsigned i = 0; i < out->n; i++)
        sum += out->item[i].bytes > 0 && sum <= max_bytes ? (uint64_t)out->item[i].bytes : 0;
    if (n > ATTACHMENTS_MAX) {
        snprintf(reason, sizeof reason,
                 "The message has %u files; more than %d cannot be passed on. Nothing was sent.", n,
                 ATTACHMENTS_MAX);
        spoil(out, reason);
    } else if (sum > max_bytes) {
        snprintf(reason, sizeof reason,
                 "The files of this message are larger than %s together, which is the most that is "
                 "passed on. "
                 "Nothing was sent.",
                 config_size_text(max_bytes, most));
        spoil(out, reason);
    }
}

void attachments_read(struct jval message, uint64_t max_bytes, struct attachments *out)
{
    struct jval list = json_get(message, "attachments");

    out->n = 0;
    for (struct jval a = json_first(list); a.doc && out->n < ATTACHMENTS_MAX; a = json_next(a))
        add(out, a);
    if (out->n > 0)
        check_all(out, json_len(list), max_bytes);
}

void attachments_fini(struct attachments *a)
{
    for (unsigned i = 0; i < a->n; i++) {
        free(a->item[i].id);
        free(a->item[i].filename);
        free(a->item[i].content_type);
        free(a->item[i].cid);
    }
    a->n = 0;
}

static void write_file(struct jout *j, const struct attached *f)
{
    jout_object(j);
    jout_kv_str(j, "filename", f->filename);
    jout_kv_str(j, "content_type", f->content_type);
    jout_kv_i64(j, "size", f->bytes);
    jout_kv_str(j, "url", f->url);
    if (f->cid)
        jout_kv_str(j, "cid", f->cid);
    jout_object_end(j);
}

enum err attachments_tell(struct span stored, const struct attached *file, unsigned n, struct buf *out)
{
    struct json doc;
    struct jout j;
    enum err e = json_parse(&doc, stored);
    struct span former = e == OK ? json_raw(json_get(json_root(&doc), "attachments")) : SPAN_NONE;

    if (!former.p) {
        json_fini(&doc);
        return ERR_INVALID;
    }
    const char *after = former.p + former.n;
    buf_add(out, stored.p, (size_t)(former.p - stored.p));
    jout_init(&j, out);
    jout_array(&j);
    for (unsigned i = 0; i < n; i++)
        write_file(&j, &file[i]);
    jout_array_end(&j);
    buf_add(out, after, (size_t)(stored.p + stored.n - after));
    json_fini(&doc);
    return OK;
}
