/* Says that a message may have less text than leaves room for a number. */
#include "broken.h"
MODULE(FINE, .max_text = 39, CALLS);
