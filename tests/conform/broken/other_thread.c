/* Completes from a thread of its own instead of posting. */
#include "broken.h"
static void *in_thread(void *arg)
{
    fine_deliver(NULL, *(fb_token *)arg, NULL);
    free(arg);
    return NULL;
}
static void elsewhere(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)d;
    pthread_t t;
    fb_token *copy = malloc(sizeof *copy);
    *copy = token;
    if (pthread_create(&t, NULL, in_thread, copy) == 0)
        pthread_join(t, NULL);
}
MODULE(DELIVERS(elsewhere));
