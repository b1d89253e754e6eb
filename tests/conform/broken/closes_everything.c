/* Closes descriptors that are not its own. */
#include "broken.h"
static void closes(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
    for (int fd = 0; fd < 64; fd++)
        close(fd);
}
MODULE(DELIVERS(closes));
