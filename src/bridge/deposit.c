/*
 * Decides which files may come with a message, and whose copies they become. It refuses to know what the message is.
 * Invariant: a descriptor that was taken is closed when its copy has ended.
 */
#include "bridge/deposit.h"
#include "base/mem.h"
#include "base/point.h"
#include "store/files.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHY_MAX = 300 };

/* What may be on its way onto the disk at a time, of all channels: it counts in no quota yet. */
enum { DESCRIPTORS_MAX = 512, BYTES_MAX = 256 << 20 };

struct copy {
    struct file_job job;
    struct deposit *deposit;
    unsigned at; /* of its file in the list */
};

struct deposit {
    struct channel *channel;
    struct enclosures list;
    struct store_file_put put[ATTACHMENTS_MAX];
    struct copy copy[ATTACHMENTS_MAX];
    unsigned copy_n, open_n;
    enum err result;
    char why[WHY_MAX];
    struct event *soon; /* where nothing is to be copied */
    deposit_done_fn *on_done;
    void *arg;
};

static void fail(struct deposit *d, enum err e, const char *why)
{
    if (d->result != OK)
        return;
    d->result = e;
    snprintf(d->why, sizeof d->why, "%s", why);
}

static void tell(struct deposit *d)
{
    d->on_done(d->result, d->why, d->arg);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    tell(arg);
}

/* ---- Copies ---- */

static void hold(struct bridge *b, uint64_t bytes)
{
    b->deposit_fd_n++;
    b->deposit_bytes += bytes;
}

static void release(struct bridge *b, uint64_t bytes)
{
    b->deposit_fd_n--;
    b->deposit_bytes -= bytes;
}

static void on_copied(struct file_job *j)
{
    static const struct {
        enum err e;
        const char *why;
    } ends[] = {
        {ERR_INVALID, "A file changed while it was read; send the message again when it is complete"},
        {ERR_LIMIT, "A file grew while it was read; send the message again when it is complete"},
        {ERR_FULL, "There is no room on the bridge's disk; send it again later"},
    };
    struct copy *c = container_of(j, struct copy, job);
    struct deposit *d = c->deposit;

    close(j->fd);
    release(d->channel->bridge, j->max_bytes);
    if (j->result != OK) {
        const char *why = "A file could not be read, or not be stored; send it again later";
        for (size_t i = 0; i < ARRAY_LEN(ends); i++)
            why = ends[i].e == j->result ? ends[i].why : why;
        j->name[0] = '\0'; /* removed already */
        fail(d, j->result, why);
    } else {
        d->put[c->at].name = j->name;
        d->put[c->at].sha256 = j->sha256;
    }
    if (--d->open_n > 0)
        return;
    POINT("after_copy");
    tell(d);
}

/* ---- What came ---- */

static uint64_t max_of(const struct channel *ch)
{
    return enclosures_max(ch->bridge->config->attachments_bytes);
}

/* How large each is; all together may be what Front takes of a message. */
static void measure(struct deposit *d, const int *fd, unsigned fd_n, uint64_t bytes[])
{
    const struct bridge *b = d->channel->bridge;
    uint64_t max = max_of(d->channel), sum = 0;
    struct stat st;

    for (unsigned i = 0; i < fd_n; i++) {
        bytes[i] = 0;
        if (fstat(fd[i], &st) != 0 || !S_ISREG(st.st_mode)) {
            fail(d, ERR_INVALID, "An attachment's descriptor is no regular file");
            continue;
        }
        bytes[i] = (uint64_t)st.st_size;
        sum = bytes[i] > max || sum > max - bytes[i] ? max + 1 : sum + bytes[i];
    }
    if (sum > max) {
        char why[WHY_MAX], most[SIZE_TEXT_BYTES];
        snprintf(why, sizeof why,
                 "The attachments are larger than %s together, which is the most that Front takes",
                 config_size_text(max, most));
        fail(d, ERR_LIMIT, why);
    }
    if (b->deposit_fd_n + fd_n > DESCRIPTORS_MAX || b->deposit_bytes + sum > BYTES_MAX)
        fail(d, ERR_FULL, "Too many files are on their way into the store; send it again later");
}

void deposit_rows(const struct enclosures *e, struct store_file_put put[ATTACHMENTS_MAX])
{
    for (unsigned i = 0; i < e->n; i++) {
        const struct enclosure *f = &e->item[i];
        put[i] = (struct store_file_put){.filename = span_of(f->filename),
                                         .content_type = span_of(f->content_type),
                                         .cid = span_of(f->cid),
                                         .origin = span_of(f->url),
                                         .bytes = f->bytes,
                                         .reason = f->reason[0] ? span_of(f->reason) : SPAN_NONE};
    }
}

static void copy_all(struct deposit *d, int *fd)
{
    struct bridge *b = d->channel->bridge;

    for (unsigned i = 0; i < d->list.n; i++) {
        if (d->list.item[i].url)
            continue;
        struct copy *c = &d->copy[d->copy_n];
        *c = (struct copy){
            .deposit = d,
            .at = i,
            .job = {.on_done = on_copied, .fd = fd[d->copy_n], .max_bytes = (uint64_t)d->list.item[i].bytes}};
        fd[d->copy_n++] = -1;
        hold(b, c->job.max_bytes);
        d->open_n++;
    }
    for (unsigned i = 0; i < d->copy_n; i++)
        files_copy(b->files, &d->copy[i].job);
}

struct deposit *deposit_new(struct channel *ch, struct jval list, int *fd, unsigned fd_n,
                            deposit_done_fn *on_done, void *arg)
{
    struct deposit *d = mem_zalloc(sizeof *d);
    uint64_t bytes[ATTACHMENTS_MAX] = {0};

    must(fd_n <= ATTACHMENTS_MAX);
    d->channel = ch;
    d->on_done = on_done;
    d->arg = arg;
    measure(d, fd, fd_n, bytes);
    enclosures_read(list, bytes, max_of(ch), &d->list);
    must(d->list.fd_n <= fd_n);
    deposit_rows(&d->list, d->put);
    if (d->result == OK)
        copy_all(d, fd);
    if (d->copy_n == 0) {
        d->soon = evtimer_new(ch->bridge->base, on_soon, d);
        must(d->soon && event_add(d->soon, &(struct timeval){0}) == 0);
    }
    return d;
}

const struct store_file_put *deposit_files(const struct deposit *d, unsigned *n)
{
    *n = d->list.n;
    return d->put;
}

bool deposit_wants(const struct deposit *d)
{
    for (unsigned i = 0; i < d->list.n; i++)
        if (!d->put[i].name && !d->put[i].reason.p)
            return true;
    return false;
}

static void count(const struct deposit *d)
{
    struct file_stats *s = &d->channel->stats.files[MESSAGE_IN];

    for (unsigned i = 0; i < d->list.n; i++) {
        s->n[FILE_READY] += d->put[i].name != NULL;
        s->n[FILE_GONE] += d->put[i].reason.p != NULL;
        s->bytes += d->put[i].name ? (uint64_t)d->put[i].bytes : 0;
    }
}

void deposit_free(struct deposit *d, bool is_stored)
{
    if (!d)
        return;
    must(d->open_n == 0);
    if (is_stored)
        count(d);
    for (unsigned i = 0; i < d->copy_n; i++)
        if (!is_stored && d->copy[i].job.name[0] && d->channel->bridge->files)
            files_remove(d->channel->bridge->files, d->copy[i].job.name);
    if (d->soon)
        event_free(d->soon);
    enclosures_fini(&d->list);
    free(d);
}
