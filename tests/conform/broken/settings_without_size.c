#include "broken.h"
static const struct fb_setting settings[] = {{.kind = FB_SETTING_URL, .key = "url", .help = "Where."}};
MODULE(FINE, .settings = settings, .setting_n = 1, CALLS);
