#include "broken.h"
static int open_exits(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    (void)host, (void)self, (void)why, (void)why_n;
    _exit(3);
}
MODULE(OPENS(open_exits));
