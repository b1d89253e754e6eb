/*
 * The configuration: one immutable value, read from YAML by one table of keys.
 *
 * Every key is a row (path, kind, default, help) in config_keys.c; the parser, the errors, `front-bridge
 * check` and the reference in the README all come from those rows. All mistakes are reported, each with file,
 * line, key and a suggestion. `${ENV}` is replaced in any value ($$ is a plain $); `KEY_file:` reads any
 * secret from a file. Owns: config_free frees everything, and wipes secrets. Thread: load before the loop
 * runs; read-only after.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include <stdbool.h>
#include <stdint.h>

struct config_mistake {
    unsigned line; /* 0: the file as a whole */
    char *key;     /* "channels.support.retry.first" */
    char *text;    /* one sentence: what is wrong and what to write */
};

struct config_mistakes {
    struct config_mistake *item;
    size_t n;
    bool are_warnings; /* each is printed as one */
};

enum channel_kind { CHANNEL_CUSTOM, CHANNEL_APPLICATION };
enum channel_source { SOURCE_AUTO, SOURCE_CALLBACKS, SOURCE_EVENTS };
enum on_timeout { ON_TIMEOUT_ACCEPT, ON_TIMEOUT_ERROR };
enum handle_kind { HANDLES_ANY, HANDLES_PHONE };
enum when_unsure { UNSURE_AUTO, UNSURE_RESEND, UNSURE_HOLD };
enum late_failure { LATE_AUTO, LATE_STATUS, LATE_COMMENT, LATE_NONE };
enum thread_mode { THREAD_CONTACT, THREAD_CONVERSATION, THREAD_ROLLING };

struct config_secrets {
    char **item;
    size_t n;
};

struct config_texts {
    char **item;
    size_t n;
};

struct config_account {
    char *name;  /* [a-z0-9_-]{1,63} */
    char *api;   /* "https://api2.frontapp.com", no slash at the end */
    char *token; /* NULL: none */
    struct config_secrets secrets;
    char *app_uid, *app_secret;                  /* both or neither */
    char *oauth_client_id, *oauth_client_secret; /* both and a URL, or nothing: no sign-in */
    struct config_texts oauth_redirect_uris;
    unsigned rate_reserve_percent;
    unsigned rate_per_resource; /* per second */
    bool catch_up_enabled;
    int64_t catch_up_overlap_ms, catch_up_every_ms;
    unsigned line;
};

struct config_setting { /* of an adapter: checked later against what the module declares */
    char *key;
    struct span json; /* owned: the YAML value as JSON text, scalars as strings, ${ENV} replaced */
    bool is_broken;   /* a mistake of its own is known already: its value means nothing */
    unsigned line;
};

struct config_channel {
    char *name; /* [a-z0-9_-]{1,63} */
    const struct config_account *account;
    enum channel_kind kind;
    char *
        front_channel; /* cha_…; NULL: not registered yet, or an application channel's, learnt at authorization */
    char *address; /* its handle in Front; NULL: not given */
    char *api_key; /* names this channel at authorization; NULL: none */
    struct config_secrets secrets;
    char *adapter;
    enum channel_source source;
    int64_t answer_wait_ms;
    enum on_timeout answer_on_timeout;
    int64_t retry_first_ms, retry_max_ms, retry_give_up_ms;
    double retry_factor;
    int64_t too_old_ms;
    enum when_unsure when_unsure;
    enum late_failure late_failure;
    char *late_failure_text; /* with {recipient} and {reason} */
    enum thread_mode thread;
    int64_t thread_roll_ms; /* THREAD_ROLLING */
    bool dry_run;           /* nothing leaves: see bridge/staging.h */
    enum handle_kind handles;
    struct config_texts
        only_to; /* handles, or patterns with a * at the start, the end or both; none: everyone */
    struct config_setting *setting;
    size_t setting_n;
    unsigned line, adapter_line, settings_line; /* 0: the key is not there */
};

struct config {
    char *file;
    char *listen, *listen_cert, *listen_key; /* cert and key NULL: plain HTTP */
    char *admin_listen, *admin_token;        /* token NULL: none; only on loopback */
    unsigned listen_cert_line, listen_key_line, public_url_line;
    char *public_url; /* NULL: unknown */
    char *store;
    enum log_format log_format;
    enum log_level log_level;
    uint64_t callback_body_bytes, hook_body_bytes, head_bytes, channel_quota_bytes, attachments_bytes;
    unsigned connections, held;
    int64_t lock_wait_ms;
    int64_t retention_bodies_ms, retention_keys_ms, retention_files_ms;
    struct config_account *account;
    size_t account_n;
    struct config_channel *channel;
    size_t channel_n;
};

/* config_path gives the file to read: given (or NULL), else $FRONT_BRIDGE_CONFIG, else
 * /etc/front-bridge.yaml. */
const char *config_path(const char *given);
/* config_load reads and checks file. On ERR_INVALID mistakes holds at least one. */
MUST_CHECK enum err config_load(const char *file, struct config **out, struct config_mistakes *mistakes);
/* The same from text, with file as the name in messages. Fuzzed. */
MUST_CHECK enum err config_parse(struct span text, const char *file, struct config **out,
                                 struct config_mistakes *mistakes);
/* config_setting_json writes what a setting of an adapter means that stands in the configuration as this YAML; false, and
 * nothing said or written, if it is none. */
bool config_setting_json(struct span yaml, struct buf *json);
/* config_draft gives what could be read of file in spite of mistakes, for checks that look for more of them:
 * strings and accounts may be NULL. NULL if it is no YAML. */
struct config *config_draft(const char *file, struct config_mistakes *mistakes);
/* config_warnings adds what is no mistake, but seldom what people want for long. */
void config_warnings(const struct config *c, struct config_mistakes *warnings);
void config_free(struct config *c);
void config_mistakes_fini(struct config_mistakes *m);
/* config_mistake adds one more, for checks that live elsewhere (adapters). */
void config_mistake(struct config_mistakes *m, unsigned line, const char *key, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* config_mistake_unknown adds that there is no key called name, with the nearest of names, or all of them. */
void config_mistake_unknown(struct config_mistakes *m, unsigned line, const char *key, const char *name,
                            const char *const *names, size_t n);
/* config_print writes "FILE:LINE: KEY: text" lines. */
void config_print(const struct config_mistakes *m, const char *file, struct buf *out);
const struct config_channel *config_channel_find(const struct config *c, struct span name);
const struct config_account *config_account_find(const struct config *c, struct span name);
/* config_reference writes the table of keys as Markdown, for the README. */
void config_reference(struct buf *out);

/* The units that people write. */
MUST_CHECK enum err config_duration(struct span text, int64_t *ms); /* 0 250ms 5s 10m 24h 30d */
MUST_CHECK enum err config_size(struct span text, uint64_t *bytes); /* 0 512 1KiB 1MiB 1GiB 10MB */
/* config_size_text gives about so much in words, "25 MB" or "800 bytes", for the sentences that name a limit. */
enum { SIZE_TEXT_BYTES = 32 };
const char *config_size_text(uint64_t bytes, char out[SIZE_TEXT_BYTES]);
/* config_nearest gives the candidate that looks most like word, or NULL if none is near. */
const char *config_nearest(const char *word, const char *const *candidates, size_t n);

/* config_authority gives user, host and port of an http(s) URL, absent unless it has a host, and a port of 1 to
 * 65535 if any. */
struct span config_authority(struct span url);

#endif
