#include "broken.h"
static void close_crashes(void *self)
{
    (void)self;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}
MODULE(FINE, .open = fine_open, .deliver = fine_deliver, .close = close_crashes);
