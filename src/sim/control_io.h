/*
 * Requests and answers of the control API: JSON objects in, JSON out.
 */
#ifndef SIM_CONTROL_IO_H
#define SIM_CONTROL_IO_H

#include "base/json.h"
#include "http/server.h"

enum { CONTROL_BODY_MAX = 1 << 20 };

/* control_read parses the request's body, an object; false if it was refused. json_fini is due if it is true.
 */
bool control_read(struct http_exchange *x, struct json *doc);
void control_open(struct buf *out, struct jout *j);
void control_reply(struct http_exchange *x, int status, struct buf *out);  /* takes out */
void control_refuse(struct http_exchange *x, int status, struct buf *why); /* takes why */

#endif
