/* The small texts of HTTP, as pure functions: reasons, lists of methods, media types, encoded paths and
 * queries. */
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include "base/buf.h"

const char *http_reason(int status); /* "Not Found"; never NULL */
/* methods is "GET POST"; where there is GET there is HEAD. */
bool http_methods_have(const char *methods, struct span method);
void http_methods_list(const char *methods, struct buf *out); /* "GET, HEAD, POST" */
/* Whether a Content-Type names the media type, whatever its parameters. */
bool http_media_type_is(struct span content_type, const char *media_type);
/* http_wrong_type gives the sentence of a 415: what is wanted, and what came (absent: nothing), made safe. */
enum { HTTP_WRONG_TYPE_BYTES = 200 };
const char *http_wrong_type(struct span given, const char *wanted, char out[HTTP_WRONG_TYPE_BYTES]);
/* http_query_find gives a parameter as it stands in the query, still encoded; absent if it is not there. */
struct span http_query_find(struct span query, const char *key);

enum http_range { HTTP_RANGE_WHOLE, HTTP_RANGE_PART, HTTP_RANGE_OUTSIDE };
/* http_range reads a Range header for something of `size` bytes: one range, from *at on *n bytes. What is absent, malformed
 * or several ranges is the whole, as RFC 9110 14.2 allows. */
enum http_range http_range(struct span header, uint64_t size, uint64_t *at, uint64_t *n);

#endif
