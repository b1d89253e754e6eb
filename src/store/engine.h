/*
 * What an engine must do for the store. SQLite is one; a server shared by several bridges can be another.
 *
 * Shape: the store thread is an engine's only caller. It opens it, runs transactions (begin, run…, commit or
 * rollback), and reads between them. Several bridges on one engine are the engine's business (row locks,
 * leases).
 *
 * Semantics:
 *  - run() of an operation either does all of it and fills in its results (OK), or refuses it before anything
 * is written (ERR_NOT_FOUND, ERR_CONFLICT, ERR_FULL, ERR_LIMIT, ERR_INVALID). It resets results of an earlier
 * run by itself.
 *  - When a statement fails half-way for a reason that lies in this one operation, run() says ERR_IO and sets
 * is_spoilt. In a plain transaction the store then rolls back and runs the batch again, isolated; in an
 * isolated one the engine has already undone that operation alone. (A savepoint per operation costs a copy of
 * each page it touches, a third of a put: so it is paid only when one is bad.)
 *  - When the engine itself fails (disk, connection, corruption) any call says ERR_IO, sets is_broken and a
 * sentence in why. The store rolls back, closes it, and opens it again every second.
 *  - commit() with OK is durable. With ERR_IO it may or may not have happened: the store runs what must not
 * be lost again (so settle, cancel, orphans, learnt and kv must be idempotent), and hands what was refused to
 * undo().
 *  - open() proves by a real, durable write that the engine works, and must not rely on anything that an
 *    earlier failed commit left in a cache.
 * Cost: put, claim and settle do not grow with the number of messages kept.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/store.h"

enum { ENGINE_TAG_BYTES = 16 };

struct engine {
    const struct engine_type *type;
    bool is_spoilt;
    bool is_broken;
    struct buf why;             /* a sentence: what is wrong and what to do */
    char tag[ENGINE_TAG_BYTES]; /* [0-9a-z]: made with the database, different for each */
};

/* engine_id_parse reads the public form of a message's id, made with this tag; as store_id_parse. */
MUST_CHECK enum err engine_id_parse(const char *tag, struct span text, int64_t *id);

/* A message whose put or claim was answered with an error although its commit may have happened. */
struct engine_doubt {
    int64_t id;
    uint32_t attempt; /* claim: the attempt to take back; put: 0, cancel the message */
};

struct engine_type {
    const char *name;
    bool (*takes)(const char *url);
    enum err (*open)(struct engine **out, const char *url, struct buf *why);
    void (*close)(struct engine *e); /* rolls back what is open */
    enum err (*begin)(struct engine *e, bool is_isolated);
    enum err (*run)(struct engine *e, struct store_op *op);
    enum err (*commit)(struct engine *e);
    void (*rollback)(struct engine *e);
    enum err (*read)(struct engine *e, struct store_op *op); /* list, show, stats: outside of a transaction */
    enum err (*undo)(struct engine *e, const struct engine_doubt *d, size_t n); /* a transaction of its own */
    void (*rest)(struct engine *e); /* after a commit, once its operations are answered: house-keeping */
};

extern const struct engine_type engine_sqlite;

/* Verb and class of an operation, as the store sees them. */
struct op_class {
    const char *name;
    bool goes_first;                    /* frees resources */
    bool may_refuse;                    /* answered ERR_IO while the engine fails; the others wait */
    bool is_read;                       /* runs outside of the transaction */
    void (*reset)(struct store_op *op); /* forgets results, frees them */
    size_t (*bytes)(
        const struct store_op *op); /* new work, which is limited by number and by bytes; else NULL */
};
extern const struct op_class op_class[STORE_VERB_N];

#endif
