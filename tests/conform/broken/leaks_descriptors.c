/* Opens a file for each message and forgets it. */
#include "broken.h"
#include <fcntl.h>
static void leaks(void *self, fb_token token, const struct fb_delivery *d)
{
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
        abort();
    fine_deliver(self, token, d);
}
MODULE(DELIVERS(leaks));
