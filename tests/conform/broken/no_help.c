#include "broken.h"
static const struct fb_setting settings[] = {
    {.size = sizeof settings[0], .kind = FB_SETTING_URL, .key = "url"}};
MODULE(FINE, .settings = settings, .setting_n = 1, CALLS);
