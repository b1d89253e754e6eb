#include "broken.h"
MODULE(.name = "My Chat!", .version = "1.0", CALLS);
