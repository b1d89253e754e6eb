/* The text form of log values: one line whatever they hold, and no power over the reader's terminal. */
#ifndef BASE_LOG_TEXT_H
#define BASE_LOG_TEXT_H

#include "base/buf.h"

/* log_text_safe writes s with everything unprintable escaped: \n \xNN \u{NNNN}. */
void log_text_safe(struct buf *out, struct span s);
/* log_text_value is the same in quotes unless s is one plain word; an absent s is written as null. */
void log_text_value(struct buf *out, struct span s);

#endif
