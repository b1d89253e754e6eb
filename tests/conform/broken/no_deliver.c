#include "broken.h"
MODULE(FINE, .open = fine_open, .close = fine_close);
