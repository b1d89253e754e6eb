/* Fails and does not say why. */
#include "broken.h"
static int open_is_mute(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    (void)host, (void)self, (void)why, (void)why_n;
    return FB_ERR_FAILED;
}
MODULE(OPENS(open_is_mute));
