/* What client.c keeps of a call for answer.c to read. */
#ifndef HTTP_CALL_H
#define HTTP_CALL_H

#include "http/client.h"

struct span call_head(const struct http_call *call); /* header lines without the status line */

#endif
