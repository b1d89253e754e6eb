#include "broken.h"
static int open_crashes(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    (void)host, (void)self, (void)why, (void)why_n;
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would say it in its own way */
    raise(SIGSEGV);
    return FB_OK;
}
MODULE(OPENS(open_crashes));
