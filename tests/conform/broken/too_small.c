#include "broken.h"
static const struct fb_module module = {.abi_major = FB_ABI_MAJOR, .size = 40, FINE, CALLS};
FB_EXPORT const struct fb_module *fb_channel_module(void)
{
    return &module;
}
