/*
 * A delivery as the adapter takes it: its text in the forms that the module declares, made of what the bridge
 * has stored of Front's. Pure.
 */
#ifndef HOST_LETTER_H
#define HOST_LETTER_H

#include "base/buf.h"
#include "base/err.h"
#include <front_bridge/channel.h>

/*
 * letter_write writes the wire form: `text` always, `html` and `markdown` as m declares them, and a line with the
 * names of the files if m takes none. ERR_INVALID: json is no object.
 */
MUST_CHECK enum err letter_write(struct span json, const struct fb_module *m, struct buf *out);

#endif
