#include "broken.h"
MODULE(.name = "broken", CALLS);
