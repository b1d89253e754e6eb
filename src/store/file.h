/*
 * Files of messages, both ways: what they are called, whose they are, and whether they are here.
 *
 * The bytes lie in files of their own (store/files.h); here is what they are called and whose they are. A file is named
 * here only once it is complete and synced. A message whose files are not all here waits outside of the schedule, and is
 * due when the last of them is ready or gone. Deliveries that name the same origin share one file. The bytes of files
 * count in the channel's quota like bodies.
 *
 * Errors: ERR_NOT_FOUND: there is no such file, or nobody wants it any more. Semantics, units, thread and ownership as in
 * store.h.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "store/store.h"

struct store_file_put { /* one file of a message */
    struct span filename, content_type;
    struct span cid;    /* may be absent */
    struct span origin; /* where it is to be fetched from; absent: it came with the message */
    int64_t bytes;      /* how large it is, or is said to be; -1: not known */
    const char *name;   /* its file in the store's directory; NULL: it is still to be fetched */
    const char *sha256; /* of it, in hex */
    struct span reason; /* why it is gone from the beginning; absent: it is not */
};

enum file_state {              /* stored as these numbers */
                  FILE_WANTED, /* to be fetched from its origin */
                  FILE_READY,
                  FILE_GONE, /* cannot be had; reason says why. A new life of its message wants it again */
                  FILE_STATE_N
};

struct store_file {
    int64_t id;
    int64_t message_id; /* 0: of no message any more */
    enum message_direction direction;
    enum file_state state;
    int64_t bytes;  /* FILE_READY: its size; else what it is said to be, -1: not known */
    int64_t beside; /* bytes of its message's files that are here; files_due only */
    unsigned tries;
    char *origin, *filename, *content_type, *cid, *name, *sha256,
        *reason;     /* as put; NULL where there is none */
    char *source_id; /* of its message; files_due only */
    void *block;     /* all strings live in it */
};
void store_file_fini(struct store_file *f);

/* ---- Fetching them ---- */

enum { STORE_FILES_MAX = 16 };

/* What is to be fetched now; each is put off by retry_ms, and handed out once for all who want it. */
struct store_files_due {
    struct store_op op;
    enum message_direction direction;
    const char *channel;
    wall_ms_t now;
    int64_t retry_ms;
    unsigned max;                            /* at most STORE_FILES_MAX */
    struct store_file file[STORE_FILES_MAX]; /* store_files_due_fini */
    unsigned file_n;
    wall_ms_t next_at; /* INT64_MAX: none */
};
void store_post_files_due(struct store *s, struct store_files_due *p);
void store_files_due_fini(struct store_files_due *p);

/* ERR_NOT_FOUND: nobody wants it any more. ERR_FULL: it is over the channel's quota. ERR_LIMIT: with what is here of its
 * message, it is over message_bytes. */
struct store_file_end {
    struct store_op op;
    int64_t id;
    enum file_state state; /* FILE_WANTED: try again at due_at */
    wall_ms_t now, due_at;
    struct span reason;        /* not for FILE_READY */
    const char *name, *sha256; /* FILE_READY */
    int64_t bytes;
    uint64_t quota_bytes;   /* of the channel; 0: none */
    uint64_t message_bytes; /* of all files of the message; 0: none */
    unsigned message_n;     /* result: messages that are due now */
};
void store_post_file_end(struct store *s, struct store_file_end *p);

/* ---- Finding them ---- */

struct store_file_get {
    struct store_op op;
    int64_t id;
    struct store_file file; /* store_file_fini */
};
void store_post_file_get(struct store *s, struct store_file_get *p);

/* The bytes of a file are not on the disk any more: it is wanted again, or gone if nobody has it, in every message. Runs
 * before a settle that is posted after it. */
struct store_file_lost {
    struct store_op op;
    int64_t id;
    wall_ms_t now;
};
void store_post_file_lost(struct store *s, struct store_file_lost *p);

/* Which of these names belong to files of messages? */
struct store_files_known {
    struct store_op op;
    const char *const *name;
    bool *is_known; /* results */
    unsigned name_n;
};
void store_post_files_known(struct store *s, struct store_files_known *p);

#endif
