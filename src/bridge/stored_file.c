/* Decides whether a file on the disk is the one that was stored. It refuses to know where it goes. */
#include "bridge/stored_file.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/fetch.h"
#include "store/files.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct loss {
    struct queue *queue;
    struct store_file_lost op;
};

static void on_lost(struct store_op *op)
{
    struct loss *l = container_of(op, struct loss, op.op);

    if (op->result == OK)
        fetcher_soon(l->queue->channel->fetch[l->queue->way]);
    free(l);
}

/* Posted before the settle of the attempt, and done before it. */
static void report_lost(struct queue *q, const struct store_file *f)
{
    struct loss *l = mem_zalloc(sizeof *l);

    log_error("file_lost", LOG_STR("channel", q->channel->config->name), LOG_STR("file", f->name));
    l->queue = q;
    l->op = (struct store_file_lost){.op.on_done = on_lost, .id = f->id, .now = clock_wall_ms()};
    store_post_file_lost(q->channel->bridge->store, &l->op);
}

static bool is_whole(int fd, const struct store_file *f)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_size == f->bytes;
}

int stored_file_open(struct queue *q, const struct store_file *f, struct outcome *instead)
{
    int fd = files_read(q->channel->bridge->files, f->name), error = errno;
    bool is_lost = fd < 0 ? error == ENOENT : !is_whole(fd, f);

    if (fd >= 0 && !is_lost)
        return fd;
    if (fd >= 0)
        close(fd);
    if (is_lost)
        report_lost(q, f);
    *instead = (struct outcome){
        .kind = OUTCOME_RETRY,
        .is_unsent = is_lost,
        .reason = is_lost ? SPAN_LIT("A file of this message is missing on the bridge's disk.")
                          : span_of(strerror(error))};
    return -1;
}
