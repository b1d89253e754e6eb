#include "broken.h"
static void flood(void *arg)
{
    static char text[100000];
    memset(text, 'f', sizeof text - 1);
    struct fb_person sender = {.size = sizeof sender, .handle = "flood"};
    struct fb_inbound in = {.size = sizeof in, .sender = &sender, .text = text};
    for (int i = 0; i < 500; i++)
        broken_host->receive(broken_host, &in, NULL, NULL);
    broken_host->timer(broken_host, 1, flood, arg);
}
static int open_floods(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    int r = fine_open(host, self, why, why_n);
    flood(NULL);
    return r;
}
MODULE(OPENS(open_floods));
