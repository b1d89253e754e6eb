#include "broken.h"
static const struct fb_setting settings[] = {
    {.size = sizeof settings[0], .kind = 77, .key = "url", .help = "Where."}};
MODULE(FINE, .settings = settings, .setting_n = 1, CALLS);
