#include "broken.h"
static void lies(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
    raw_send(RAW_RECEIVE, 3, 1, NULL, 0);
}
MODULE(DELIVERS(lies));
