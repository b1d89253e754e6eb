/*
 * References are chosen by the configuration alone and never change for a thread: what Front was told once
 * must be found again by the next message.
 */
#include "front/thread.h"
#include "base/crypto.h"

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

void thread_ref(enum thread_mode mode, struct span handle, struct span conversation, struct buf *out)
{
    front_ref(mode == THREAD_CONVERSATION && conversation.n > 0 ? conversation : handle, out);
}
