/* Completes when the deadline has long passed, and reads what it borrowed until then. */
#include "broken.h"
struct late {
    fb_token token;
    const struct fb_delivery *delivery;
};
static void on_timer(void *arg)
{
    struct late *l = arg;
    struct fb_outcome o = {.size = sizeof o, .kind = FB_DELIVERED, .external_id = l->delivery->id};
    if (strlen(l->delivery->json) != l->delivery->json_n ||
        broken_host->complete(broken_host, l->token, &o) != FB_ERR_TOKEN)
        abort();
    free(l);
}
static void late(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self;
    struct late *l = malloc(sizeof *l);
    *l = (struct late){token, d};
    broken_host->timer(broken_host, 500, on_timer, l);
}
MODULE(DELIVERS(late));
