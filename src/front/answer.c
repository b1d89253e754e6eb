/*
 * Front's seven errors and the statuses that stand for them: one table, read in both directions.
 * It knows nothing of why something failed; whoever decides that passes the sentence.
 * Invariant: the status of an answer and the type in its body always come from the same row.
 */
#include "front/answer.h"
#include "base/json.h"
#include "base/mem.h"

static const struct {
    int status;
    const char *type;
} errors[] = {
    [FRONT_OK] = {200, "success"},
    [FRONT_BAD_REQUEST] = {400, "bad_request"},
    [FRONT_AUTHENTICATION_REQUIRED] = {401, "authentication_required"},
    [FRONT_FORBIDDEN] = {403, "forbidden"},
    [FRONT_NOT_FOUND] = {404, "not_found"},
    [FRONT_REQUEST_TIMEOUT] = {408, "request_timeout"},
    [FRONT_TOO_MANY_REQUESTS] = {429, "too_many_requests"},
    [FRONT_INTERNAL_ERROR] = {500, "internal_error"},
};

int front_error_status(enum front_error e)
{
    return errors[e].status;
}

const char *front_error_type(enum front_error e)
{
    return errors[e].type;
}

enum front_error front_error_of_status(int status)
{
    for (size_t e = FRONT_BAD_REQUEST; e < ARRAY_LEN(errors); e++)
        if (errors[e].status == status)
            return (enum front_error)e;
    if (status >= 200 && status < 300)
        return FRONT_OK;
    return status >= 400 && status < 500 ? FRONT_BAD_REQUEST : FRONT_INTERNAL_ERROR;
}

enum front_error front_error_of_backend(int code)
{
    switch (code) {
    case 0:
        return FRONT_BAD_REQUEST;
    case 401: /* the bridge's own credentials, not the agent's: asking the agent to sign in would mislead */
    case 407:
        return FRONT_FORBIDDEN;
    case 410:
        return FRONT_NOT_FOUND;
    case 504:
        return FRONT_REQUEST_TIMEOUT;
    default:
        return code >= 200 && code < 300 ? FRONT_BAD_REQUEST : front_error_of_status(code);
    }
}

void front_answer_error(struct buf *out, enum front_error e, struct span message)
{
    struct jout j;

    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "type", front_error_type(e));
    jout_kv_span(&j, "message", message.p ? message : SPAN_LIT(""));
    jout_object_end(&j);
}

void front_answer_success(struct buf *out, struct span external_id, struct span external_conversation_id)
{
    struct jout j;

    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "type", front_error_type(FRONT_OK));
    if (external_id.p)
        jout_kv_span(&j, "external_id", external_id);
    if (external_conversation_id.p)
        jout_kv_span(&j, "external_conversation_id", external_conversation_id);
    jout_object_end(&j);
}
