/* Tries outcomes that break the rules, then a good one. */
#include "broken.h"
static void odd(void *self, fb_token token, const struct fb_delivery *d)
{
    struct fb_outcome bad[] = {
        {.size = sizeof bad[0], .kind = 99}, {.size = 4, .kind = FB_DELIVERED}, {.kind = FB_DELIVERED}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (broken_host->complete(broken_host, token, &bad[i]) != FB_ERR_INVALID)
            abort();
    }
    if (broken_host->complete(broken_host, token, NULL) != FB_ERR_INVALID)
        abort();
    fine_deliver(self, token, d);
}
MODULE(DELIVERS(odd));
