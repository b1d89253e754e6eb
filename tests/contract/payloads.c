/*
 * One inbound object of the wire per line in; per line out {"custom":BODY,"application":BODY}, the bodies of
 * the two calls, or {"refused":"why"}. Where it is a line of history too, also "history_custom" and
 * "history_application".
 */
#include "base/json.h"
#include "front/history.h"
#include "front/incoming.h"
#include "front/thread.h"
#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX = 16 << 20 };

static void put_body(struct jout *j, const char *key, const struct incoming *in,
                     enum err build(const struct incoming *, struct buf *, struct buf *))
{
    struct buf body, why;

    buf_init(&body, BODY_MAX);
    buf_init(&why, 1024);
    must(build(in, &body, &why) == OK && !body.is_over);
    jout_kv_raw(j, key, buf_span(&body));
    buf_fini(&body);
    buf_fini(&why);
}

static void put_history(struct jout *j, enum channel_kind kind, const struct incoming *in)
{
    struct history h;
    struct buf why;

    buf_init(&why, 1024);
    if (history_read(&h, in->wire, kind, INT64_C(1700000000000), &why) == OK) {
        if (kind == CHANNEL_CUSTOM)
            put_body(j, "history_custom", in, history_custom);
        else
            put_body(j, "history_application", in, history_application);
    }
    history_fini(&h);
    buf_fini(&why);
}

/* The thread of a long conversation id, which is where a reference could grow too long. */
static void put_bodies(struct jout *j, struct span wire)
{
    struct buf conversation, thread;
    struct json doc;

    buf_init(&conversation, 4096);
    buf_init(&thread, 4096);
    must(json_parse(&doc, wire) == OK);
    if (json_str(json_get(json_root(&doc), "conversation_id"), &conversation) != OK)
        buf_add_str(&conversation, "conversation-1");
    thread_ref(THREAD_CONVERSATION, SPAN_LIT("handle"), buf_span(&conversation), 1700000000123, &thread);
    const struct incoming in = {.wire = wire, .id = "fb3k9x2m-1z", .thread_ref = thread.p};
    put_body(j, "custom", &in, incoming_custom);
    put_body(j, "application", &in, incoming_application);
    put_body(j, "comment", &in, incoming_comment);
    put_history(j, CHANNEL_CUSTOM, &in);
    put_history(j, CHANNEL_APPLICATION, &in);
    json_fini(&doc);
    buf_fini(&conversation);
    buf_fini(&thread);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    while ((n = getline(&line, &cap, stdin)) > 0) {
        struct span wire = {line, (size_t)n - (line[n - 1] == '\n')};
        struct buf out, why;
        struct jout j;
        buf_init(&out, 4 * BODY_MAX);
        buf_init(&why, 1024);
        jout_init(&j, &out);
        jout_object(&j);
        if (incoming_check(wire, &why) == OK)
            put_bodies(&j, wire);
        else
            jout_kv_span(&j, "refused", buf_span(&why));
        jout_object_end(&j);
        puts(out.p);
        buf_fini(&out);
        buf_fini(&why);
    }
    free(line);
    return 0;
}
