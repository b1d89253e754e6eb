/*
 * The bytes of attachments: files of their own in STORE/files, beside the database that names them.
 *
 * Shape: what waits for a disk (syncing, copying, removing) is a job, done by a few threads of its own, so that neither
 * the loop nor a commit waits for 25 MB; each job carries its own completion. Names are ours alone, and begin with a word
 * that is new in each process.
 * Invariant: after a job with OK the file and its place in the directory survive power loss: only then may the database
 * name it. What the database does not name is removed at the next start.
 * Thread: the loop's; on_done runs on the loop.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "base/buf.h"
#include "base/err.h"
#include <event2/event.h>

struct files;

enum { FILE_NAME_BYTES = 40, FILE_SHA256_BYTES = 65 };

/* The directory is made when it is first needed: a disk that cannot be written to is no error here. */
struct files *files_open(struct event_base *base, const char *store_dir);
/* Jobs that are under way are completed from inside this call. */
void files_close(struct files *f);

/* A job that the caller owns until on_done. */
struct file_job {
    void (*on_done)(struct file_job *j); /* may free it */
    enum err result; /* ERR_FULL: no space left; ERR_LIMIT: larger than max_bytes; ERR_INVALID: no
                                            regular file, or it changed meanwhile; ERR_IO */
    int fd;
    uint64_t max_bytes;
    char name[FILE_NAME_BYTES];
    uint64_t bytes;                 /* files_copy: result */
    char sha256[FILE_SHA256_BYTES]; /* files_copy: result, in hex */
    int verb;                       /* the rest is ours */
    struct files *files;
    struct file_job *next;
};

/* files_create opens a new file for writing; -1, and errno says why. files_keep, files_copy or files_remove end it. */
int files_create(struct files *f, char name[FILE_NAME_BYTES]);
/* files_keep syncs and closes j->fd, which files_create gave for j->name. */
void files_keep(struct files *f, struct file_job *j);
/* files_copy makes a file of what the regular file j->fd holds, up to max_bytes; fd stays the caller's. */
void files_copy(struct files *f, struct file_job *j);
/* files_read opens a file for reading; -1 if it is not there. */
int files_read(struct files *f, const char *name);
void files_remove(struct files *f, const char *name);

/* files_left_over lists the names that earlier processes made: an array and names to be freed. Blocks for a moment. */
unsigned files_left_over(struct files *f, char ***name);

#endif
