/*
 * One call to Front after another, for commands that are a short talk with it: through the bridge's own
 * client, on a loop of the command's own.
 */
#ifndef CLI_FRONT_ONCE_H
#define CLI_FRONT_ONCE_H

#include "base/json.h"
#include "front/client.h"

struct front_once {
    struct event_base *base;
    struct http_client *http;
    struct front_client *client;
};

struct front_answer {
    enum front_class class;
    int status;
    char *reason; /* one sentence; "" where Front took the call */
    struct span body;
    struct json doc;
    bool has_json;
};

void front_once_init(struct front_once *o, const struct config_account *account);
void front_once_fini(struct front_once *o);
/* front_once_call makes one call and waits for its end, 30 s at most; true if Front took it. Always call
 * front_answer_fini after it. */
bool front_once_call(struct front_once *o, const char *method, const char *path, struct span body,
                     struct front_answer *a);
/* front_once_list GETs path and all pages that follow: a has {"_results":[…]} of all of them, or the answer that
 * was no success. Links are followed by their path alone, at the account's own host. */
bool front_once_list(struct front_once *o, const char *path, struct front_answer *a);
void front_answer_fini(struct front_answer *a);
struct jval front_answer_root(const struct front_answer *a); /* absent if it is no JSON */

#endif
