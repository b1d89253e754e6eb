/*
 * Reads and answers the control API's requests. Refuses to know what they ask for.
 */
#include "sim/control_io.h"
#include "sim/shape.h"

void control_reply(struct http_exchange *x, int status, struct buf *out)
{
    http_reply(x, status, "application/json", buf_span(out), "Cache-Control: no-store\r\n");
    buf_fini(out);
}

void control_open(struct buf *out, struct jout *j)
{
    buf_init(out, SIM_SHAPE_MAX);
    jout_init(j, out);
}

bool control_read(struct http_exchange *x, struct json *doc)
{
    if (json_parse(doc, http_body(x)) == OK && json_type(json_root(doc)) == JSON_OBJECT)
        return true;
    json_fini(doc);
    http_refuse(x, 400, "The body is not a JSON object");
    return false;
}

void control_refuse(struct http_exchange *x, int status, struct buf *why)
{
    http_refuse(x, status, why->n ? why->p : "This cannot be done");
    buf_fini(why);
}
