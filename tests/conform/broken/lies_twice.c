#include "broken.h"
static void lies(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
    uint32_t outcome[11] = {FB_DELIVERED, 0, 0, 0, 0, UINT32_MAX, UINT32_MAX, UINT32_MAX, 1};
    raw_send(RAW_OUTCOME, 0, token, outcome, sizeof outcome);
    raw_send(RAW_OUTCOME, 0, token, outcome, sizeof outcome);
}
MODULE(DELIVERS(lies));
