/*
 * Judges a channel's answer as Front does: by its JSON `type`. Refuses to know how it came here.
 * Invariant: either is_sent, or type and message are both set.
 */
#include "sim/verdict.h"
#include "base/json.h"
#include "base/mem.h"
#include "front/answer.h"
#include <stdlib.h>

static void unresponsive(struct sim_verdict *v, const char *hint)
{
    v->type = mem_strdup("internal_error");
    v->message = mem_strdup("Channel servers are unresponsive.");
    v->hint = mem_strdup(hint);
}

static enum front_error error_named(struct jval type)
{
    for (enum front_error e = FRONT_BAD_REQUEST; e <= FRONT_INTERNAL_ERROR; e++)
        if (json_is(type, front_error_type(e)))
            return e;
    return FRONT_OK;
}

static void judge_error(struct sim_verdict *v, struct jval answer, int status)
{
    enum front_error e = error_named(json_get(answer, "type"));
    if (!e) {
        unresponsive(v, "The answer's type is neither success nor one of Front's error types");
        return;
    }
    char *message = json_dup(json_get(answer, "message"), 4096);
    if (!message || !*message)
        unresponsive(v, "The answer has no message");
    else if (status != front_error_status(e))
        unresponsive(v, "The answer's HTTP status does not fit its type");
    else {
        v->type = mem_strdup(front_error_type(e));
        v->message = mem_strdup(message);
    }
    free(message);
}

static char *external(struct jval answer, const char *key)
{
    char *id = json_dup(json_get(answer, key), SIM_EXTERNAL_ID_MAX);
    if (id && !*id) {
        free(id);
        return NULL;
    }
    return id;
}

static void judge_success(struct sim_verdict *v, enum channel_kind kind, struct jval answer, int status)
{
    if (status < 200 || status > 299) {
        unresponsive(v, "The answer says success under an HTTP status that does not");
        return;
    }
    v->external_id = external(answer, "external_id");
    v->external_conversation_id = external(answer, "external_conversation_id");
    if (kind == CHANNEL_APPLICATION && (!v->external_id || !v->external_conversation_id))
        unresponsive(
            v,
            "An application channel must answer external_id and external_conversation_id, each of 1 to 200 "
            "characters");
    else
        v->is_sent = true;
}

static void judge_body(struct sim_verdict *v, enum channel_kind kind, int status, struct span body)
{
    struct json doc;
    if (json_parse(&doc, body) != OK || json_type(json_root(&doc)) != JSON_OBJECT)
        unresponsive(v, "The answer is not a JSON object");
    else if (json_is(json_get(json_root(&doc), "type"), "success"))
        judge_success(v, kind, json_root(&doc), status);
    else
        judge_error(v, json_root(&doc), status);
    json_fini(&doc);
}

void sim_verdict_judge(struct sim_verdict *v, enum channel_kind kind, enum http_fail fail, int status,
                       struct span body)
{
    *v = (struct sim_verdict){0};
    if (fail == HTTP_FAIL_TIMEOUT) {
        v->type = mem_strdup("request_timeout");
        v->message = mem_strdup("The channel did not answer within 7 seconds.");
    } else if (fail != HTTP_FAIL_NONE) {
        unresponsive(v, http_fail_text(fail));
    } else {
        judge_body(v, kind, status, body);
    }
}

void sim_verdict_fini(struct sim_verdict *v)
{
    free(v->type);
    free(v->message);
    free(v->hint);
    free(v->external_id);
    free(v->external_conversation_id);
    *v = (struct sim_verdict){0};
}
