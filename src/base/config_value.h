/*
 * One scalar of the configuration: what `${ENV}` and files make of its text, and its value in a field.
 */
#ifndef BASE_CONFIG_VALUE_H
#define BASE_CONFIG_VALUE_H

#include "base/config_keys.h"

enum { CONFIG_VALUE_MAX = 64 * 1024 };

/* config_expand appends text with ${NAME} replaced and $$ made $; false: why says what to do. */
bool config_expand(const char *text, struct buf *out, struct buf *why);
/* config_read_secret appends the one secret in file, without one newline at its end; false: why says what to
 * do. */
bool config_read_secret(const char *file, struct buf *out, struct buf *why);

/* config_set puts text into the field of k in base (the struct of k's scope); false: why says what to write.
 * Strings that were there are freed. shown stands for text in why. */
bool config_set(const struct config_key *k, const char *text, const char *shown, void *base, struct buf *why);
/* config_clear wipes and frees what config_set made. */
void config_clear(const struct config_key *k, void *base);
/* config_kind_noun is a few words for the reference, such as "duration". */
const char *config_kind_noun(enum key_kind kind);
/* config_kind_example says what to write, such as "a whole number"; only for kinds of one scalar. */
const char *config_kind_example(enum key_kind kind);

/* config_is_redirect: an https URL (http on loopback) in ASCII, without a fragment. */
enum { CONFIG_REDIRECT_MAX = 1024 };
bool config_is_redirect(const char *text);

/* config_is_pattern: a handle, or a part of one with a * before it, behind it or both. */
bool config_is_pattern(const char *text);

/* config_address_is_loopback looks at the host of "host:port", "[v6]:port" or "unix:/path". */
bool config_address_is_loopback(const char *address);

#endif
