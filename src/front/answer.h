/*
 * What Front is told: success, or one of seven errors with a sentence that the agent reads. Pure.
 * Source: Front, "Custom channels", error response types; the same body is used for everything that Front
 * calls.
 */
#ifndef FRONT_ANSWER_H
#define FRONT_ANSWER_H

#include "base/buf.h"

enum front_error {
    FRONT_OK = 0,
    FRONT_BAD_REQUEST,             /* 400 */
    FRONT_AUTHENTICATION_REQUIRED, /* 401 */
    FRONT_FORBIDDEN,               /* 403 */
    FRONT_NOT_FOUND,               /* 404 */
    FRONT_REQUEST_TIMEOUT,         /* 408 */
    FRONT_TOO_MANY_REQUESTS,       /* 429 */
    FRONT_INTERNAL_ERROR,          /* 500 */
};

int front_error_status(enum front_error e);       /* 200, 400, … */
const char *front_error_type(enum front_error e); /* "success", "bad_request", … */
/* The error whose type suits an HTTP status that our server answers by itself (405, 413, 431, … →
 * bad_request). */
enum front_error front_error_of_status(int status);
/* The error that fits a backend's refusal with this status code (0: none): what the agent should see. */
enum front_error front_error_of_backend(int code);

/* {"type":T,"message":M} */
void front_answer_error(struct buf *out, enum front_error e, struct span message);
/* {"type":"success","external_id":…,"external_conversation_id":…}; absent ids are left out. */
void front_answer_success(struct buf *out, struct span external_id, struct span external_conversation_id);

#endif
