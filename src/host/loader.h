/*
 * Loads an adapter and looks at it before anything of it is believed. The one place with dlfcn.h.
 */
#ifndef HOST_LOADER_H
#define HOST_LOADER_H

#include "base/buf.h"
#include "base/err.h"
#include <front_bridge/channel.h>

struct adapter; /* a loaded shared object */

/* adapter_load opens path and checks symbol, version, size, names, required calls and settings. On error why
 * holds one sentence that names the file and says what to do. */
MUST_CHECK enum err adapter_load(const char *path, struct adapter **out, struct buf *why);
void adapter_unload(struct adapter *a);
const struct fb_module *adapter_module(const struct adapter *a);
/* Setting i of a module; steps by the size that the module was built with. */
const struct fb_setting *adapter_setting(const struct fb_module *m, uint32_t i);

/* adapter_find gives the path of `adapter: NAME` (searched in $FRONT_BRIDGE_CHANNELS, channels/ beside the
 * binary, the installed directory) or of a path ending in .so. ERR_NOT_FOUND lists in why where it looked,
 * and names the adapter there that looks most like it. */
MUST_CHECK enum err adapter_find(const char *name, struct buf *path, struct buf *why);

#endif
