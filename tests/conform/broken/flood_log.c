#include "broken.h"
static void flood(void *arg)
{
    for (int i = 0; i < 5000; i++)
        broken_host->log(broken_host, FB_LOG_ERROR, "again\nand \x1b[31magain");
    broken_host->timer(broken_host, 1, flood, arg);
}
static int open_floods(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    int r = fine_open(host, self, why, why_n);
    flood(NULL);
    return r;
}
MODULE(OPENS(open_floods));
