/* Keeps its state in a static: the second instance ends the first. */
#include "broken.h"
static int *state;
static int open_static(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    free(state);
    state = calloc(1, sizeof *state);
    return fine_open(host, self, why, why_n);
}
static void deliver_static(void *self, fb_token token, const struct fb_delivery *d)
{
    if (!state)
        _exit(7);
    fine_deliver(self, token, d);
}
static void close_static(void *self)
{
    (void)self;
    free(state);
    state = NULL;
}
MODULE(FINE, .open = open_static, .deliver = deliver_static, .close = close_static);
