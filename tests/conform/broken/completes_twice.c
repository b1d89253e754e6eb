#include "broken.h"
static void twice(void *self, fb_token token, const struct fb_delivery *d)
{
    struct fb_outcome o = {.size = sizeof o, .kind = FB_REJECTED, .reason = "No."};
    fine_deliver(self, token, d);
    broken_host->complete(broken_host, token, &o);
    broken_host->complete(broken_host, token + 65536, &o);
}
MODULE(DELIVERS(twice));
