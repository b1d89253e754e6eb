#include "broken.h"
static void lies(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
    static const char json[] = "\x10\0\0\0{\"text\":\"hello\"}";
    raw_send(RAW_RECEIVE, 0, 1, json, sizeof json - 1);
}
MODULE(DELIVERS(lies));
