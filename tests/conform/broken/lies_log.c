#include "broken.h"
static void lies(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
    for (int i = 0; i < 5000; i++)
        raw_send(RAW_LOG, 0, 0, "\1\0\0\0\2\0\0\0hi", 10);
}
MODULE(DELIVERS(lies));
