/*
 * A form with the boundary "b", as the http adapter reads it: what it makes of that is JSON and files inside the
 * body, or a refusal with a status and a sentence.
 */
#include "base/mem.h"
#include "http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_files(const struct form *f, struct span body)
{
    must(f->file_n <= WIRE_FILES_MAX);
    for (unsigned i = 0; i < f->file_n; i++) {
        const struct wire_part *p = &f->file[i];
        must(p->filename && p->content_type);
        must(p->bytes.p >= body.p && p->bytes.p + p->bytes.n <= body.p + body.n);
    }
}

static void read_message(const struct form *f)
{
    const struct wire_also also = {.part = f->file, .part_n = f->file_n};
    struct json doc;
    struct wire_item item;
    struct buf why;
    bool is_json = json_parse(&doc, f->json) == OK;
    must(is_json || !f->made.n); /* what was made of fields is sound */
    if (is_json) {
        buf_init(&why, 600);
        enum err e = wire_read_message(json_root(&doc), &also, &item, &why);
        must((e == OK) == (why.n == 0) && !why.is_over);
        must(e != OK || item.inbound.attachment_n >= f->file_n);
        wire_item_fini(&item);
        buf_fini(&why);
    }
    json_fini(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span body = {(const char *)data, size};
    struct form f;
    struct buf why;
    buf_init(&why, 600);
    int status = form_read(&f, SPAN_LIT("multipart/form-data; boundary=b"), body, &why);
    must((status == 0) == (why.n == 0) && !why.is_over && (!status || (status >= 400 && status < 500)));
    if (!status) {
        check_files(&f, body);
        read_message(&f);
    }
    form_fini(&f);
    buf_fini(&why);
    return 0;
}
