#include "broken.h"
static void on_timer(void *arg)
{
    (void)arg;
    for (;;)
        pause();
}
static int open_plans(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    host->timer(host, 10, on_timer, NULL);
    return fine_open(host, self, why, why_n);
}
MODULE(OPENS(open_plans));
