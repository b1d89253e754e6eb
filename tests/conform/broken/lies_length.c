#include "broken.h"
static void lies(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
    raw_send(RAW_OUTCOME, 0, token, NULL, 0x7fffffff);
}
MODULE(DELIVERS(lies));
