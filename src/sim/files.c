/*
 * Keeps bytes within a limit. Refuses to know how files come and go. Invariant: kept_bytes is the sum of what
 * is in kept, and at most kept_max.
 */
#include "sim/files.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

void sim_files_init(struct sim_files *s)
{
    *s = (struct sim_files){.kept_max = SIM_FILES_KEPT};
    TAILQ_INIT(&s->kept);
}

void sim_files_fini(struct sim_files *s)
{
    must(TAILQ_EMPTY(&s->kept));
    sim_index_fini(&s->by_id);
}

static void forget(struct sim_file *f)
{
    if (!f->bytes)
        return;
    TAILQ_REMOVE(&f->store->kept, f, link);
    f->store->kept_bytes -= f->size;
    free(f->bytes);
    f->bytes = NULL;
}

void sim_files_limit(struct sim_files *s, size_t kept_max)
{
    s->kept_max = kept_max;
    while (s->kept_bytes > s->kept_max)
        forget(TAILQ_FIRST(&s->kept));
}

struct sim_file *sim_files_find(const struct sim_files *s, struct span id)
{
    return sim_index_get(&s->by_id, id);
}

static uint64_t splitmix64(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void generate(char *out, size_t size, uint64_t seed)
{
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = splitmix64(seed + at / 8);
        for (size_t k = 0; k < 8 && at + k < size; k++)
            out[at + k] = (char)(unsigned char)(word >> (8 * k));
    }
}

static void fill(struct sim_file *f, const struct sim_file_spec *spec)
{
    f->size = spec->data.p ? spec->data.n : spec->size;
    f->bytes = mem_zalloc(f->size + 1);
    if (!spec->data.p)
        generate(f->bytes, f->size, spec->seed);
    else if (f->size)
        memcpy(f->bytes, spec->data.p, f->size);
}

static void hash(struct sim_file *f)
{
    uint8_t digest[SHA256_BYTES];
    struct buf hex;
    sha256((struct span){f->bytes, f->size}, digest);
    buf_init(&hex, sizeof f->sha256);
    hex_encode(&hex, (struct span){(const char *)digest, sizeof digest});
    memcpy(f->sha256, hex.p, sizeof f->sha256);
    buf_fini(&hex);
}

struct sim_file *sim_file_new(struct sim_files *s, const char *id, const struct sim_file_spec *spec)
{
    struct sim_file *f = mem_zalloc(sizeof *f);
    must(strlen(id) < sizeof f->id);
    memcpy(f->id, id, strlen(id) + 1);
    f->store = s;
    f->filename = mem_strdup(spec->filename);
    f->content_type = mem_strdup(spec->content_type ? spec->content_type : "application/octet-stream");
    f->cid = spec->cid ? mem_strdup(spec->cid) : NULL;
    f->claimed_type = spec->claimed_type ? mem_strdup(spec->claimed_type) : NULL;
    fill(f, spec);
    f->claimed_size = spec->claimed_size < 0 ? (int64_t)f->size : spec->claimed_size;
    hash(f);
    TAILQ_INSERT_TAIL(&s->kept, f, link);
    s->kept_bytes += f->size;
    sim_index_put(&s->by_id, span_of(f->id), f);
    sim_files_limit(s, s->kept_max);
    return f;
}

void sim_file_free(struct sim_file *f)
{
    if (!f)
        return;
    forget(f);
    sim_index_remove(&f->store->by_id, span_of(f->id));
    free(f->filename);
    free(f->content_type);
    free(f->cid);
    free(f->claimed_type);
    free(f);
}
