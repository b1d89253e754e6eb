/*
 * What Front, or anyone who found the address, sends: whatever is accepted makes deliveries that are JSON,
 * and whatever is refused gets one clean sentence.
 */
#include "base/mem.h"
#include "front/app_call.h"
#include "front/callback.h"
#include <stdlib.h>
#include <string.h>

static void check_app_call(const struct callback *c)
{
    struct app_call call;
    struct buf why;

    buf_init(&why, 1024);
    if (app_call_read(&call, json_root(&c->doc), &why) == OK) {
        must(why.n == 0 && strlen(call.channel_id) <= APP_CALL_ID_MAX &&
             strlen(call.address) <= APP_CALL_TEXT_MAX);
        must(strpbrk(call.page_token, "\r\n\t") == NULL);
    } else {
        must(why.n > 0 && why.p[why.n - 1] == '.');
    }
    buf_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_name(const char *s, size_t max)
{
    if (!s)
        return;
    must(*s && strlen(s) <= max);
    for (; *s; s++)
        must((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void check_json(struct span text)
{
    struct json doc;

    must(json_parse(&doc, text) == OK);
    json_fini(&doc);
}

static void check_delivery(const struct callback *c, unsigned recipient, size_t n)
{
    const struct delivery_head h = {.id = "fb1", .channel = "support", .attempt = 1};
    struct buf stored, whole;

    buf_init(&stored, 16 * n + 4096);
    buf_init(&whole, 16 * n + 8192);
    callback_delivery(c, recipient, 1700000000000, &stored);
    must(!stored.is_over);
    check_json(buf_span(&stored));
    delivery_complete(&h, buf_span(&stored), &whole);
    check_json(buf_span(&whole));
    buf_fini(&stored);
    buf_fini(&whole);
}

static void check_merged(struct span id, void *arg)
{
    (void)arg;
    must(id.n > 4 && id.n <= EVENT_ID_MAX && span_starts(id, "cnv_"));
}

static void check_event(const struct front_event *e)
{
    check_name(e->id, EVENT_ID_MAX);
    check_name(e->type_name, EVENT_TYPE_MAX);
    check_name(e->target.id, EVENT_ID_MAX);
    check_name(e->conversation.id, EVENT_ID_MAX);
    must(e->type == EVENT_UNKNOWN || e->fault || e->target.form == EVENT_ABSENT ||
         event_type_fits(e->type, e->target.kind));
    front_event_merged(e, check_merged, NULL);
}

static void check_callback(const struct callback *c, size_t n)
{
    bool has_message = c->shape == CALLBACK_MESSAGE || c->shape == CALLBACK_APP_MESSAGE ||
                       c->shape == CALLBACK_APP_AUTO_REPLY;

    must(c->shape != CALLBACK_NONE);
    must(!has_message || (c->message_id && c->to_n > 0));
    check_name(c->message_id, CALLBACK_ID_MAX);
    check_event(&c->what);
    check_name(c->conversation_id, CALLBACK_ID_MAX);
    check_name(c->from_handle, CALLBACK_HANDLE_MAX);
    check_name(c->in_reply_to, CALLBACK_HANDLE_MAX);
    for (unsigned i = 0; i < c->external_conversation_n; i++)
        check_name(c->external_conversation[i], CALLBACK_ID_MAX);
    for (unsigned i = 0; i < c->to_n; i++) {
        check_name(c->to[i].handle, CALLBACK_HANDLE_MAX);
        check_name(c->to[i].name, CALLBACK_HANDLE_MAX);
        if (i == 0 || i == c->to_n - 1)
            check_delivery(c, i, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct callback c;
    struct buf why;

    buf_init(&why, 1024);
    if (callback_decode(&c, (struct span){(const char *)data, n}, &why) == OK) {
        must(why.n == 0);
        check_callback(&c, n);
        check_app_call(&c);
    } else {
        must(why.n > 0 && why.p[why.n - 1] == '.' && !memchr(why.p, '\n', why.n));
    }
    callback_fini(&c);
    buf_fini(&why);
    return 0;
}
