/*
 * JSON in and out.
 *
 * Reader: jsmn tokenises; we add what it leaves out: the whole grammar, one root, no duplicate keys, UTF-8,
 * depth and size limits, so that a document is either right or refused with the byte where it goes wrong.
 * Shape: a value is a token index into its document; nothing is copied or decoded until it is asked for.
 * Escaped lone surrogates read as U+FFFD and \u0000 as nothing: Front's users can type anything, and no
 * message is refused for it. A raw NUL or invalid UTF-8 is refused.
 * Owns: struct json owns its tokens and borrows the text, which must outlive it.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum json_type { JSON_ABSENT = 0, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_DEPTH_MAX = 64, JSON_TOKENS_MAX = 1 << 20 };

struct json {
    struct span text;
    struct json_token *token; /* opaque */
    uint32_t token_n;
    bool has_escaped_keys;
    /* Set when json_parse refuses: the byte offset and a plain reason, such as "a comma is missing". */
    size_t error_at;
    const char *error;
};

/* A value of a document. A zeroed jval is absent; every getter accepts it. */
struct jval {
    const struct json *doc;
    uint32_t token;
};

/*
 * json_parse reads text, which must be one JSON value. On ERR_INVALID and ERR_LIMIT doc->error says why.
 * Always call json_fini after it. Cost: about 2 ns a byte, one allocation; an object of many keys sorts them.
 */
MUST_CHECK enum err json_parse(struct json *doc, struct span text);
void json_fini(struct json *doc);
struct jval json_root(const struct json *doc);

enum json_type json_type(struct jval v);
struct jval json_get(struct jval object, const char *key); /* absent if it is no object or has no such key */
/* json_path gets through several objects: json_path(v, "a.b.c"). */
struct jval json_path(struct jval object, const char *dotted);
uint32_t json_len(struct jval v); /* elements of an array, members of an object, else 0 */

/* Iteration: for (struct jval e = json_first(v); e.doc; e = json_next(e)); for objects, json_key names e. */
struct jval json_first(struct jval container);
struct jval json_next(struct jval element);
struct span json_key(struct jval member, struct buf *scratch); /* as json_span; absent for elements */

bool json_is(struct jval v, const char *literal); /* a string equal to literal, after decoding */
bool json_has(struct jval v);                     /* present and not null */
/* json_str appends a decoded string to out; ERR_INVALID if v is none; ERR_LIMIT, and nothing added, if too long. */
MUST_CHECK enum err json_str(struct jval v, struct buf *out);
/* json_dup decodes a string of at most max bytes into a new C string; NULL if v is no string or longer. */
char *json_dup(struct jval v, size_t max_bytes);
/*
 * json_span borrows a string's raw bytes if it has no escapes, else decodes into scratch, replacing what is there.
 * Absent if v is no string or does not fit.
 */
struct span json_span(struct jval v, struct buf *scratch);
bool json_bool(struct jval v, bool fallback);
MUST_CHECK enum err json_i64(struct jval v, int64_t *out); /* a whole number; ERR_LIMIT: does not fit */
/* json_i64_within reads a whole number from min to max; true, and out as it was, if v is absent or null. */
MUST_CHECK bool json_i64_within(struct jval v, int64_t min, int64_t max, int64_t *out);
MUST_CHECK enum err json_millis(struct jval v, int64_t *out); /* seconds with up to three decimals, exactly */
struct span json_raw(struct jval v); /* the bytes of the value as they stand in the text */

/*
 * Writer: sticky on the buffer's limit; commas and escapes are its business, nesting is the caller's.
 * Keys are literals of ours or untrusted: both are escaped. Invalid UTF-8 in values becomes U+FFFD.
 */
struct jout {
    struct buf *out;
    bool needs_comma;
};

void jout_init(struct jout *j, struct buf *out);
void jout_object(struct jout *j); /* { */
void jout_object_end(struct jout *j);
void jout_array(struct jout *j); /* [ */
void jout_array_end(struct jout *j);
void jout_key(struct jout *j, const char *key);
void jout_key_span(struct jout *j, struct span key);
void jout_str(struct jout *j, const char *s);  /* NULL writes null */
void jout_span(struct jout *j, struct span s); /* absent writes null */
void jout_i64(struct jout *j, int64_t v);
void jout_bool(struct jout *j, bool v);
void jout_null(struct jout *j);
void jout_seconds(struct jout *j, int64_t ms);   /* as Front writes times: 1453770984.123 */
void jout_raw(struct jout *j, struct span json); /* text that is JSON already */

/* Key and value in one. */
void jout_kv_str(struct jout *j, const char *key, const char *s);
void jout_kv_span(struct jout *j, const char *key, struct span s);
void jout_kv_i64(struct jout *j, const char *key, int64_t v);
void jout_kv_bool(struct jout *j, const char *key, bool v);
void jout_kv_seconds(struct jout *j, const char *key, int64_t ms);
void jout_kv_raw(struct jout *j, const char *key, struct span json);

#endif
