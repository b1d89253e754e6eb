/*
 * Reads what an agent attaches. Refuses to know who sends it where. Invariant: each spec has a filename, and
 * either data or a size.
 */
#include "sim/attach.h"
#include "base/mem.h"
#include <stdlib.h>

enum { NAME_MAX_BYTES = 1024, BASE64_MAX = 40 << 20 };

static bool read_text(struct jval v, const char **out)
{
    *out = json_has(v) ? json_dup(v, NAME_MAX_BYTES) : NULL;
    return !json_has(v) || *out;
}

static bool read_data(struct sim_file_spec *spec, struct jval v)
{
    struct buf bytes, scratch;
    if (!json_has(v))
        return true;
    buf_init(&bytes, SIM_FILE_MAX);
    buf_init(&scratch, BASE64_MAX);
    struct span text = json_span(v, &scratch);
    bool is_read = text.p && (!text.n || base64_decode(&bytes, text) == OK) && !bytes.is_over;
    buf_fini(&scratch);
    size_t n = 0;
    if (is_read && bytes.n)
        spec->data.p = buf_take(&bytes, &n);
    else if (is_read)
        spec->data.p = mem_strdup("");
    spec->data.n = n;
    buf_fini(&bytes);
    return is_read;
}

static const char *read_one(struct sim_file_spec *spec, struct jval v)
{
    int64_t size = -1, seed = 0;
    spec->claimed_size = -1;
    if (!read_text(json_get(v, "filename"), &spec->filename) || !spec->filename ||
        !read_text(json_get(v, "content_type"), &spec->content_type) ||
        !read_text(json_get(v, "cid"), &spec->cid) ||
        !read_text(json_path(v, "claims.content_type"), &spec->claimed_type))
        return "An attachment has a filename, and texts of at most 1024 bytes";
    if (!json_i64_within(json_get(v, "size"), 0, SIM_FILE_MAX, &size) ||
        !json_i64_within(json_get(v, "seed"), 0, INT64_MAX, &seed) ||
        !json_i64_within(json_path(v, "claims.size"), 0, INT64_MAX, &spec->claimed_size))
        return "An attachment's size is at most 64 MiB; its seed and the claimed size are no less than 0";
    if (!read_data(spec, json_get(v, "data")) || (spec->data.p != NULL) == (size >= 0))
        return "An attachment has either data, in base64, or a size";
    spec->size = size < 0 ? 0 : (size_t)size;
    spec->seed = (uint64_t)seed;
    return NULL;
}

const char *sim_attachments_read(struct sim_attachments *a, struct jval list)
{
    *a = (struct sim_attachments){0};
    if (json_has(list) && (json_type(list) != JSON_ARRAY || json_len(list) > SIM_FILES_MAX))
        return "attachments is an array of at most 100 files";
    if (!json_len(list))
        return NULL;
    a->spec = mem_calloc(json_len(list), sizeof *a->spec);
    for (struct jval e = json_first(list); e.doc; e = json_next(e)) {
        const char *why = read_one(&a->spec[a->n++], e);
        if (why)
            return why;
    }
    return NULL;
}

void sim_attachments_fini(struct sim_attachments *a)
{
    for (unsigned i = 0; i < a->n; i++) {
        const char *owned[] = {a->spec[i].filename, a->spec[i].content_type, a->spec[i].cid,
                               a->spec[i].claimed_type, a->spec[i].data.p};
        for (size_t k = 0; k < ARRAY_LEN(owned); k++)
            free((char *)(uintptr_t)owned[k]);
    }
    free(a->spec);
    *a = (struct sim_attachments){0};
}
