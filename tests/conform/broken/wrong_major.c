#include "broken.h"
static const struct fb_module module = {.abi_major = 9, .abi_minor = 0, .size = sizeof module, FINE, CALLS};
FB_EXPORT const struct fb_module *fb_channel_module(void)
{
    return &module;
}
