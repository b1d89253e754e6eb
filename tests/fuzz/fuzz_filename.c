/*
 * Names, types and Content-IDs of files, as anybody may write them: what is kept of them is one name, one type, one id, the
 * same when it is cleaned again, and a header of it is one line.
 */
#include "base/filename.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool is_text(struct span s)
{
    uint32_t c;

    for (size_t i = 0, width; i < s.n; i += width) {
        width = utf8_read(s.p + i, s.n - i, &c);
        if (!width || c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

static void check_again(struct span clean, void (*again)(struct span raw, struct buf *out))
{
    struct buf twice;

    buf_init(&twice, 4096);
    again(clean, &twice);
    must(span_eq(buf_span(&twice), clean));
    buf_fini(&twice);
}

static void check_name(struct span raw)
{
    struct buf name, header;

    buf_init(&name, 4096);
    buf_init(&header, 4096);
    filename_clean(raw, &name);
    must(name.n > 0 && name.n <= FILENAME_MAX_BYTES && strlen(name.p) == name.n && is_text(buf_span(&name)));
    must(!strpbrk(name.p, "/\\") && name.p[0] != '.' && strcmp(name.p, "..") != 0);
    check_again(buf_span(&name), filename_clean);
    filename_disposition(name.p, &header);
    must(!header.is_over && is_text(buf_span(&header)));
    for (size_t i = 0; i < header.n; i++)
        must((unsigned char)header.p[i] < 0x80);
    buf_fini(&name);
    buf_fini(&header);
}

static void check_type(struct span raw)
{
    struct buf type;

    buf_init(&type, 4096);
    media_type_clean(raw, &type);
    must(type.n >= 3 && type.n <= MEDIA_TYPE_MAX_BYTES && strchr(type.p, '/') &&
         !strpbrk(type.p, " ;\"\r\n"));
    check_again(buf_span(&type), media_type_clean);
    buf_fini(&type);
}

static void check_cid(struct span raw)
{
    struct buf cid;

    buf_init(&cid, 4096);
    content_id_clean(raw, &cid);
    must(cid.n <= CONTENT_ID_MAX_BYTES && (cid.n == 0 || !strpbrk(cid.p, " <>\"\\\r\n")));
    if (cid.n > 0)
        check_again(buf_span(&cid), content_id_clean);
    buf_fini(&cid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span raw = {(const char *)data, n};

    check_name(raw);
    check_type(raw);
    check_cid(raw);
    return 0;
}
