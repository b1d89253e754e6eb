#include "broken.h"
static void never(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
}
MODULE(DELIVERS(never));
