/* Writes messages past every limit into the host's own socket. */
#include "broken.h"
static void floods(void *self, fb_token token, const struct fb_delivery *d)
{
    static const char json[] = "\x28\0\0\0{\"sender\":{\"handle\":\"x\"},\"text\":\"hello\"}";
    (void)self, (void)token, (void)d;
    for (uint64_t i = 1; i < 100000; i++)
        raw_send(RAW_RECEIVE, 0, i, json, sizeof json - 1);
}
MODULE(DELIVERS(floods));
