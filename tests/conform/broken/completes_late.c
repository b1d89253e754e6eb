/* Completes when the deadline has long passed. */
#include "broken.h"
static void on_timer(void *arg)
{
    fine_deliver(NULL, *(fb_token *)arg, NULL);
    free(arg);
}
static void late(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)d;
    fb_token *copy = malloc(sizeof *copy);
    *copy = token;
    broken_host->timer(broken_host, 500, on_timer, copy);
}
MODULE(DELIVERS(late));
