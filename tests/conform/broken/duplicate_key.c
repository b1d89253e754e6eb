#include "broken.h"
static const struct fb_setting settings[] = {
    {.size = sizeof settings[0], .kind = FB_SETTING_URL, .key = "url", .help = "Where."},
    {.size = sizeof settings[0], .kind = FB_SETTING_URL, .key = "url", .help = "Where again."},
};
MODULE(FINE, .settings = settings, .setting_n = 2, CALLS);
