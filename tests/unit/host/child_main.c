/* The smallest channel-host: what tests start instead of the whole program. */
#include "host/host.h"

int main(void)
{
    return host_child_main();
}
