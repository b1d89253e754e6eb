#include "broken.h"
static void deliver_hangs(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
    for (;;)
        pause();
}
MODULE(DELIVERS(deliver_hangs));
