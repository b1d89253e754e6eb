/* Rejects without a sentence for the agent. */
#include "broken.h"
static void mumbles(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)d;
    struct fb_outcome o = {.size = sizeof o, .kind = FB_REJECTED, .reason = "err 42"};
    broken_host->complete(broken_host, token, &o);
}
MODULE(DELIVERS(mumbles));
