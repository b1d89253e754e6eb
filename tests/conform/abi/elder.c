/*
 * elder: an adapter as it was built before its interface grew, against the frozen header beside it. It knows nothing of
 * what came later, and says so by what lies behind its structs: a host that reads on there finds nonsense.
 */
#include <front_bridge/channel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct elder {
    const struct fb_host *host;
};

/* The token that the one receive of a delivery ends. */
struct receiving {
    struct elder *e;
    fb_token token;
};

static void done(struct elder *e, fb_token token, const char *id)
{
    struct fb_outcome o = {.size = sizeof o, .kind = FB_DELIVERED, .external_id = id};
    e->host->complete(e->host, token, &o);
}

static int elder_open(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    if (host->abi_major != FB_ABI_MAJOR || !FB_HAS(host, extension)) {
        snprintf(why, why_n, "The host is another one.");
        return FB_ERR_FAILED;
    }
    struct elder *e = calloc(1, sizeof *e);
    if (!e)
        return FB_ERR_FAILED;
    e->host = host;
    *self = e;
    return FB_OK;
}

static void on_stored(void *arg, const struct fb_stored *s)
{
    struct receiving *r = arg;
    done(r->e, r->token, s->status == FB_OK ? s->id : s->message);
    free(r);
}

static void hand_over(struct elder *e, fb_token token)
{
    struct fb_person sender = {.size = sizeof sender, .handle = "+331", .name = "Ada"};
    struct fb_attachment file = {.size = sizeof file,
                                 .fd = -1,
                                 .filename = "a.png",
                                 .content_type = "image/png",
                                 .url = "https://example.com/a.png"};
    struct {
        struct fb_inbound m;
        unsigned char beyond[256];
    } here;
    memset(&here, 0xff, sizeof here);
    here.m = (struct fb_inbound){.size = sizeof here.m,
                                 .id = "m1",
                                 .sender = &sender,
                                 .text = "hello",
                                 .attachments = &file,
                                 .attachment_n = 1};
    struct receiving *r = malloc(sizeof *r);
    if (!r)
        abort();
    *r = (struct receiving){e, token};
    if (e->host->receive(e->host, &here.m, on_stored, r) == FB_OK)
        return;
    free(r);
    done(e, token, "not taken");
}

static void elder_deliver(void *self, fb_token token, const struct fb_delivery *d)
{
    struct elder *e = self;
    char line[200];
    if (strcmp(d->text, "receive") == 0) {
        hand_over(e, token);
        return;
    }
    int n = snprintf(line, sizeof line, "%s %s %zu", d->id, d->recipient->handle, strlen(d->text));
    for (uint32_t i = 0; i < d->attachment_n && n < (int)sizeof line; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, " %s", FB_AT(d->attachments, i)->filename);
    done(e, token, line);
}

static void elder_close(void *self)
{
    free(self);
}

static const struct fb_module module = {
    FB_MODULE_HEAD,     .name = "elder",          .version = "1.0",     .formats = FB_FORMAT_PLAIN,
    .max_text = 20, /* nobody looked at it */
    .open = elder_open, .deliver = elder_deliver, .close = elder_close,
};

FB_EXPORT const struct fb_module *fb_channel_module(void)
{
    return &module;
}
