/*
 * The body of a webhook request, whether it came in memory or as a file.
 */
#include "base/mem.h"
#include "wire.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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
    out->owned = mem_zalloc(size);
    for (size_t n = 0; n < size;) {
        ssize_t got = pread(r->fd, out->owned + n, size - n, (off_t)n);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return ERR_IO;
        n += got > 0 ? (size_t)got : 0;
    }
    out->bytes = (struct span){out->owned, size};
    return OK;
}

void wire_body_fini(struct wire_body *body)
{
    free(body->owned);
}
