/*
 * References are chosen by the configuration alone and never change for a thread: what Front was told once
 * must be found again by the next message.
 */
#include "front/thread.h"
#include "base/crypto.h"

enum { DATE_MAX = 24 };

void front_ref(struct span id, struct buf *out)
{
    uint8_t digest[SHA256_BYTES];

    if (id.n <= FRONT_REF_MAX) {
        buf_add_span(out, id);
        return;
    }
    sha256(id, digest);
    buf_add_str(out, "fb:");
    base64url_encode(out, (struct span){(const char *)digest, sizeof digest});
}

void thread_ref(enum thread_mode mode, struct span handle, struct span conversation, wall_ms_t now,
                struct buf *out)
{
    struct buf dated;

    if (mode != THREAD_ROLLING) {
        front_ref(mode == THREAD_CONVERSATION && conversation.n > 0 ? conversation : handle, out);
        return;
    }
    buf_init(&dated, handle.n + DATE_MAX);
    buf_add_span(&dated, handle);
    buf_addf(&dated, "@%lld", (long long)now);
    front_ref(buf_span(&dated), out);
    buf_fini(&dated);
}
