/* Wants more in flight than anyone may. */
#include "broken.h"
MODULE(FINE, .in_flight = 100000, CALLS);
