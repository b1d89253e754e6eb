/*
 * The body of a webhook request, whether it came in memory or as a file: that is looked at where it is, since
 * a copy of each of several large ones would be too much.
 */
#include "wire.h"
#include <sys/mman.h>
#include <sys/stat.h>

/* Danger: beyond the end of a file a mapping faults, so that a file shorter than announced is not touched. The
 * host has sealed it: it cannot shrink later. */
static void *map(int fd, size_t size)
{
    struct stat st;
    if (fstat(fd, &st) || (uint64_t)st.st_size < size)
        return NULL;
    void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

enum err wire_body_load(const struct fb_request *r, size_t max, struct wire_body *out)
{
    *out = (struct wire_body){{"", 0}, NULL};
    if (r->body_n > max)
        return ERR_LIMIT;
    size_t size = (size_t)r->body_n;
    if (r->body)
        out->bytes = (struct span){r->body, size};
    if (r->body || r->fd < 0 || !size)
        return OK;
    out->mapped = map(r->fd, size);
    if (!out->mapped)
        return ERR_IO;
    out->bytes = (struct span){out->mapped, size};
    return OK;
}

void wire_body_fini(struct wire_body *body)
{
    if (body->mapped)
        munmap(body->mapped, body->bytes.n);
}
