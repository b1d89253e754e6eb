#include "broken.h"
static void deliver_crashes(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}
MODULE(DELIVERS(deliver_crashes));
