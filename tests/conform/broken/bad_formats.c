#include "broken.h"
MODULE(FINE, .formats = 64, CALLS);
