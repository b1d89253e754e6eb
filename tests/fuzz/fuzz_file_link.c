/*
 * A token of /files/TOKEN: whatever is read was written by us, for that file and that time, letter by letter. The first byte
 * says whether what follows is a token as it stands, or changes to one of ours.
 */
#include "base/mem.h"
#include "bridge/file_link.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { NOW = 1700000000, LATER = NOW + 1000, ID = 77 };

static const uint8_t key[FILE_LINK_KEY_BYTES] = "the key of the links, 32 letters";

static void check(struct span token, const struct buf *ours)
{
    int64_t id = -1;
    enum err e = file_link_read(key, token, NOW, &id);

    must(e == OK || e == ERR_NOT_FOUND || e == ERR_DENIED);
    must((e == OK) == span_eq(token, buf_span(ours)));
    must(e == OK ? id == ID : id == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf ours, changed;

    if (n == 0)
        return 0;
    buf_init(&ours, 1000);
    buf_init(&changed, 1000);
    file_link_write(key, ID, LATER, &ours);
    if (data[0] & 1) {
        check((struct span){(const char *)data + 1, n - 1}, &ours);
    } else { /* pairs of a place and a difference */
        buf_add_span(&changed, buf_span(&ours));
        for (size_t i = 1; i + 1 < n; i += 2)
            changed.p[data[i] % changed.n] ^= (char)data[i + 1];
        check(buf_span(&changed), &ours);
    }
    buf_fini(&ours);
    buf_fini(&changed);
    return 0;
}
