/*
 * A form with the boundary "b" (the first line may say another Content-Type). What is accepted has parts with
 * names, whose data lies in the body and holds no delimiter; its fields become one JSON object or are
 * refused.
 */
#include "base/mem.h"
#include "sim/form.h"
#include "base/multipart.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_fields(const struct multipart *m)
{
    struct form f;
    struct buf out;
    struct jout j;
    enum err e = OK;

    form_init(&f);
    for (unsigned i = 0; i < m->n && e == OK; i++)
        e = form_add(&f, m->part[i].name, m->part[i].data);
    buf_init(&out, 64 << 20);
    jout_init(&j, &out);
    if (e == OK && form_write(&f, &j) == OK) {
        struct json doc;
        must(json_parse(&doc, buf_span(&out)) == OK && json_type(json_root(&doc)) == JSON_OBJECT);
        json_fini(&doc);
    }
    buf_fini(&out);
    form_fini(&f);
}

static void check_parts(const struct multipart *m, struct span body, bool is_b)
{
    for (unsigned i = 0; i < m->n; i++) {
        const struct multipart_part *part = &m->part[i];
        must(part->name && *part->name && strlen(part->name) <= MULTIPART_NAME_MAX);
        must(part->data.p >= body.p && part->data.p + part->data.n <= body.p + body.n);
        must(!is_b || !part->data.n || !memmem(part->data.p, part->data.n, "\r\n--b", 5));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span body = {(const char *)data, n}, type = SPAN_LIT("multipart/form-data; boundary=b");
    const char *why = NULL, *line = n && data[0] == 'm' ? memchr(data, '\n', n) : NULL;
    struct multipart m;

    if (line) {
        type = (struct span){body.p, (size_t)(line - body.p)};
        body = (struct span){line + 1, n - type.n - 1};
    }
    if (multipart_parse(&m, n % 2, type, body, &why) == OK) {
        check_parts(&m, body, !line);
        check_fields(&m);
    } else {
        must(why);
    }
    multipart_fini(&m);
    return 0;
}
