/* Starts a program that wants to outlive everyone. Its process number goes out as the external id. */
#include "broken.h"
static void spawns(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)d;
    char id[20];
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    snprintf(id, sizeof id, "%d", (int)pid);
    struct fb_outcome o = {.size = sizeof o, .kind = FB_DELIVERED, .external_id = id};
    broken_host->complete(broken_host, token, &o);
}
MODULE(DELIVERS(spawns));
