#include "broken.h"
static void deliver_exits(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
    _exit(0);
}
MODULE(DELIVERS(deliver_exits));
