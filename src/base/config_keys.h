/*
 * The keys of the configuration, one row each. Parsing, defaults, limits, errors, suggestions and the
 * reference in the README all come from these rows; to add a key, add a row and its field.
 */
#ifndef BASE_CONFIG_KEYS_H
#define BASE_CONFIG_KEYS_H

#include "base/config.h"
#include <stddef.h>

enum key_kind {
    KEY_TEXT,
    KEY_ADDRESS,
    KEY_URL,    /* http or https, perhaps with a path */
    KEY_ORIGIN, /* scheme and host; https unless on loopback */
    KEY_FRONT_ID,
    KEY_ADAPTER,
    KEY_BOOL,
    KEY_CHOICE,
    KEY_THREAD,
    KEY_COUNT,
    KEY_FACTOR,
    KEY_PERCENT,
    KEY_RATE,
    KEY_DURATION,
    KEY_SIZE,
    /* These need more than one scalar, and are read by config.c itself. */
    KEY_SECRET,
    KEY_SECRETS,
    KEY_HANDLES,
    KEY_URLS,
    KEY_ACCOUNT,
    KEY_SETTINGS,
};

enum key_scope { SCOPE_BRIDGE, SCOPE_ACCOUNT, SCOPE_CHANNEL };

struct config_key {
    const char *path; /* "channels.*.retry.first"; * is a name of the user's */
    enum key_kind kind;
    size_t at;            /* offset of the field in the struct of its scope */
    const char *fallback; /* as people would write it; NULL: none */
    const char *least, *most;
    const char *const *choices; /* KEY_CHOICE: the values of its enum in order, then NULL */
    bool is_required;
    size_t line_at; /* offset of an unsigned that takes the key's line; 0: nobody asks for it */
    const char *help;
};

extern const struct config_key config_keys[];
extern const size_t config_key_n;

enum { KEY_PATH_MAX = 64, KEY_SIBLINGS_MAX = 32 };

enum key_scope config_key_scope(const struct config_key *k);
/* config_key_find gives the row of a pattern, or NULL. A secret is also found as NAME_file: is_file says so.
 */
const struct config_key *config_key_find(const char *pattern, bool *is_file);
bool config_key_is_group(const char *pattern);
/* For references: "`accounts.ACCOUNT.token`" and "duration, 1s to 30d", with backticks around what people
 * write. */
void config_key_write_path(const struct config_key *k, struct buf *out);
void config_key_write_values(const struct config_key *k, struct buf *out);
/* config_key_siblings lists the names that may stand directly below group ("" is the top); at most
 * KEY_SIBLINGS_MAX. The strings live in scratch. */
size_t config_key_siblings(const char *group, const char **names,
                           char scratch[KEY_SIBLINGS_MAX][KEY_PATH_MAX]);

#endif
