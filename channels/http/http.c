/*
 * The module: what it declares, and the life of an instance. The work is in deliver.c (to the backend) and
 * hook.c (from it).
 */
#include "http.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define SETTING(key, kind, flags, fallback, help)                                                            \
    {                                                                                                        \
        sizeof(struct fb_setting), kind, flags, key, fallback, help                                          \
    }

static const struct fb_setting settings[] = {
    SETTING("url", FB_SETTING_URL, FB_SETTING_REQUIRED, NULL, "where deliveries and notices are POSTed"),
    SETTING("secret", FB_SETTING_STRING, FB_SETTING_SECRET, NULL,
            "whsec_…: signs deliveries, demanded on the webhook; several, separated by spaces, while one is "
            "changed"),
    SETTING("token", FB_SETTING_STRING, FB_SETTING_SECRET, NULL,
            "sent as Authorization: Bearer, demanded on the webhook"),
    SETTING("unauthenticated", FB_SETTING_BOOL, 0, "false", "true: allow neither secret nor token"),
    SETTING("timeout", FB_SETTING_DURATION, 0, "10s", "how long the backend may take to answer"),
    SETTING("headers", FB_SETTING_MAP, FB_SETTING_SECRET, NULL, "more headers for every POST"),
    WIRE_TEXT_SETTINGS,
    SETTING("events", FB_SETTING_LIST, 0, NULL, "types of Front's events to POST too, or [\"*\"]"),
    SETTING("allow_private", FB_SETTING_LIST, 0, NULL,
            "networks such as 10.0.0.0/8 that attachment URLs of the backend may reach"),
};

static enum err to_why(struct buf *sentence, enum err e, char *why, size_t why_n)
{
    snprintf(why, why_n, "%.*s", SPAN_FMT(buf_span(sentence)));
    buf_fini(sentence);
    return e;
}

static int validate(const struct fb_host *host, char *why, size_t why_n)
{
    struct buf sentence;
    buf_init(&sentence, WIRE_SENTENCE_MAX);
    enum err e = settings_check(host, &sentence);
    return to_why(&sentence, e, why, why_n) ? FB_ERR_INVALID : FB_OK;
}

static void shut(void *self)
{
    struct channel *ch = self;
    deliver_fini(ch);
    hook_fini(ch);
    settings_fini(ch);
    free(ch);
}

static int open_channel(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    struct buf sentence;
    struct channel *ch = mem_zalloc(sizeof *ch);
    ch->host = host;
    LIST_INIT(&ch->posts);
    LIST_INIT(&ch->hooks);
    buf_init(&sentence, WIRE_SENTENCE_MAX);
    enum err e = settings_read(ch, &sentence);
    if (to_why(&sentence, e, why, why_n)) {
        shut(ch);
        return FB_ERR_INVALID;
    }
    *self = ch;
    return FB_OK;
}

static const struct fb_module module = {
    FB_MODULE_HEAD,
    .capabilities = FB_CAN_IDEMPOTENT | FB_CAN_ATTACHMENTS | FB_CAN_RECEIPTS | FB_CAN_EDITS | FB_CAN_TYPING |
                    FB_CAN_PARALLEL,
    .name = "http",
    .version = FB_VERSION,
    .summary = "JSON over HTTP with any service; Standard Webhooks signatures",
    .formats = FB_FORMAT_PLAIN | FB_FORMAT_HTML,
    .settings = settings,
    .setting_n = ARRAY_LEN(settings),
    .validate = validate,
    .open = open_channel,
    .deliver = deliver_message,
    .failed = deliver_notice,
    .event = deliver_notice,
    .request = hook_request,
    .close = shut,
};

FB_EXPORT const struct fb_module *fb_channel_module(void)
{
    return &module;
}
