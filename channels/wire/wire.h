/*
 * The wire form that channels/http and channels/exec share: what a backend says in JSON, read into the
 * structs of the ABI, and the small habits both have (clean sentences, settings).
 *
 * Shape: a wire_item owns the strings that its inbound or receipt points to.
 * Errors: a sentence for whoever wrote the JSON, in why.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include <front_bridge/channel.h>

enum {
    /* The host's own limits or less, so that who sends more hears which field it was. */
    WIRE_ID_MAX = 512,                       /* bytes of an id or a handle */
    WIRE_LINE_MAX = 1000,                    /* bytes of a name, subject or reason */
    WIRE_TEXT_MAX = 512 * 1024,              /* bytes of a text */
    WIRE_TO_MAX = 50,                        /* recipients of one message */
    WIRE_EMOJI_MAX = 128,                    /* bytes of a reaction */
    WIRE_SENTENCE_MAX = 300,                 /* bytes of what a backend says to the agent, and the NUL */
    WIRE_FILES_MAX = 32,                     /* files of one message */
    WIRE_FILES_BYTES_MAX = 25 * 1000 * 1000, /* of all of them, decoded: what Front takes */
    WIRE_OWN_MAX = 20 + 3 * WIRE_TO_MAX + 4 * WIRE_FILES_MAX,
};

/* A message, what happened to one, or what became of a delivery. */
struct wire_item {
    bool is_receipt;
    struct fb_inbound inbound;
    struct fb_receipt receipt;
    struct fb_person sender;
    struct fb_person to[WIRE_TO_MAX];
    struct fb_attachment file[WIRE_FILES_MAX]; /* their descriptors are its own */
    uint64_t file_bytes;
    char *own[WIRE_OWN_MAX];
    size_t own_n;
};

/* A file that came as part of a form. */
struct wire_part {
    const char *filename, *content_type, *cid; /* cid may be NULL */
    struct span bytes;                         /* copied */
};

/* What a message may have beside its JSON. */
struct wire_also {
    bool takes_paths; /* a file may be named by its path on this machine: whoever speaks is trusted */
    const struct wire_part *part;
    unsigned part_n;
};

/*
 * wire_read_message and wire_read_receipt read an object. Errors, each with one sentence in why: ERR_INVALID;
 * of files also ERR_LIMIT (too large in all) and ERR_IO (they cannot be kept now).
 * Call wire_item_fini after either, whatever it returned; it closes the files.
 */
MUST_CHECK enum err wire_read_message(struct jval v, const struct wire_also *also, struct wire_item *out,
                                      struct buf *why);
MUST_CHECK enum err wire_read_receipt(struct jval v, struct wire_item *out, struct buf *why);
/* What is neither: an edit, delete, reaction or typing, by its `type`. wire_read_sign takes only what wire_is_sign. */
bool wire_is_sign(struct jval v);
MUST_CHECK enum err wire_read_sign(struct jval v, struct wire_item *out, struct buf *why);
void wire_item_fini(struct wire_item *item);
/* files.c, for inbound.c: the list `attachments`, then the parts. */
MUST_CHECK enum err wire_read_files(struct jval list, const struct wire_also *also, struct wire_item *item,
                                    struct buf *why);
void wire_files_close(struct wire_item *item);

/* wire_id reads an id: a string, or a whole number as its digits. False if v is neither, or too long, or
 * empty. */
bool wire_id(struct jval v, char out[WIRE_ID_MAX + 1]);
/* wire_line makes one line of anything: control characters and runs of white space become one space, bytes
 * that are no UTF-8 a question mark; what does not fit into out_n bytes is cut before a whole character.
 * Returns its length. */
size_t wire_line(struct span raw, char *out, size_t out_n);
bool wire_is_utf8(struct span text);

/* A setting that holds a number, or fallback. */
int64_t wire_setting_i64(const struct fb_host *host, const char *key, int64_t fallback);
bool wire_setting_bool(const struct fb_host *host, const char *key);
/* The text of a setting, absent if it is not set or empty. */
struct span wire_setting(const struct fb_host *host, const char *key);

/* Every item of a list (key NULL) or member of a map, until fn says false. False then, and if the setting is
 * no such thing. */
typedef bool wire_each_fn(void *arg, const char *key, const char *value);
bool wire_setting_each(const struct fb_host *host, const char *key, enum json_type type, wire_each_fn *fn,
                       void *arg);
/* The setting `events`, checked, and asked for if wants_them. */
MUST_CHECK enum err wire_setting_events(const struct fb_host *host, bool wants_them, struct buf *why);
/* The setting `allow_private`, checked; the bridge reads it when it fetches files. */
MUST_CHECK enum err wire_setting_networks(const struct fb_host *host, struct buf *why);
/* The settings `format` and `max_text`, declared by WIRE_TEXT_SETTINGS, checked, and asked for if wants_it. */
MUST_CHECK enum err wire_setting_text(const struct fb_host *host, bool wants_it, struct buf *why);
#define WIRE_TEXT_SETTINGS                                                                                   \
    SETTING("format", FB_SETTING_STRING, 0, "plain html",                                                    \
            "which forms of text it gets: plain, markdown, html, or several with spaces between"),           \
        SETTING("max_text", FB_SETTING_INTEGER, 0, "0",                                                      \
                "characters that one message may have, at least 40: longer texts go in parts; 0: no limit")

/* The body of a request; ERR_LIMIT and ERR_IO. wire_body_fini whatever was returned. */
struct wire_body {
    struct span bytes; /* never absent */
    void *mapped;      /* NULL: borrowed from the request */
};
MUST_CHECK enum err wire_body_load(const struct fb_request *r, size_t max, struct wire_body *out);
void wire_body_fini(struct wire_body *body);

#endif
