/*
 * The tokens of /files/TOKEN: which file, until when, and a signature. Pure; fuzzed.
 *
 * A token cannot be guessed or made without the key, and says nothing but the number of a file. It is told apart by its
 * signature alone, compared in constant time, before anything in it is believed.
 */
#ifndef BRIDGE_FILE_LINK_H
#define BRIDGE_FILE_LINK_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

enum {
    FILE_LINK_KEY_BYTES = 32,
    FILE_LINK_LIFE_MS = 3600 * 1000, /* of a link; each attempt makes new ones */
};

void file_link_write(const uint8_t key[FILE_LINK_KEY_BYTES], int64_t id, wall_ms_t expires_at,
                     struct buf *out);
/* ERR_NOT_FOUND: no token of ours. ERR_DENIED: it was one. */
MUST_CHECK enum err file_link_read(const uint8_t key[FILE_LINK_KEY_BYTES], struct span token, wall_ms_t now,
                                   int64_t *id);

#endif
