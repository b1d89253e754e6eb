/*
 * Decides how files get onto the disk and off it. It refuses to know whose they are. Invariant: no descriptor of ours stays
 * open after its job; a file that could not be completed is removed at once.
 */
#include "store/files.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/point.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 2, CHUNK = 64 << 10, RUN_CHARS = 12 };

enum verb { KEEP, COPY, REMOVE };

struct job_list {
    struct file_job *first, *last;
};

struct files {
    char *store_dir;
    char run[RUN_CHARS + 1];
    uint64_t made_n; /* under lock */
    struct event *event;
    int event_fd;
    pthread_t thread[THREADS];
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job_list todo, done;
    bool is_stopping;
};

static void push(struct job_list *l, struct file_job *j)
{
    j->next = NULL;
    *(l->last ? &l->last->next : &l->first) = j;
    l->last = j;
}

static struct file_job *pop(struct job_list *l)
{
    struct file_job *j = l->first;
    if (j && !(l->first = j->next))
        l->last = NULL;
    return j;
}

/* ---- The directory ---- */

static int open_dir(const struct files *f)
{
    int store = open(f->store_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store < 0)
        return -1;
    int dir = openat(store, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 && errno == ENOENT && (mkdirat(store, "files", 0700) == 0 || errno == EEXIST) &&
        fsync(store) == 0)
        dir = openat(store, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    close(store);
    return dir;
}

static int open_file(const struct files *f, const char *name, int flags)
{
    int dir = open_dir(f);
    if (dir < 0)
        return -1;
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = errno;
    close(dir);
    errno = error;
    return fd;
}

static void remove_file(const struct files *f, const char *name)
{
    int dir = open_dir(f);
    if (dir < 0)
        return;
    (void)unlinkat(dir, name, 0);
    close(dir);
}

static enum err sync_dir(const struct files *f)
{
    int dir = open_dir(f);
    enum err e = dir >= 0 && fsync(dir) == 0 ? OK : ERR_IO;
    if (dir >= 0)
        close(dir);
    return e;
}

static enum err failure(void)
{
    return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
}

int files_create(struct files *f, char name[FILE_NAME_BYTES])
{
    pthread_mutex_lock(&f->lock);
    uint64_t n = ++f->made_n;
    pthread_mutex_unlock(&f->lock);
    snprintf(name, FILE_NAME_BYTES, "%s-%llx", f->run, (unsigned long long)n);
    return open_file(f, name, O_WRONLY | O_CREAT | O_EXCL);
}

int files_read(struct files *f, const char *name)
{
    return open_file(f, name, O_RDONLY);
}

/* ---- Jobs ---- */

static enum err write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return failure();
        p += done;
        n -= (size_t)done;
    }
    return OK;
}

static enum err copy_bytes(struct file_job *j, int to, struct sha256_sum *sum)
{
    static _Thread_local char chunk[CHUNK];
    j->bytes = 0;
    for (;;) {
        ssize_t n = pread(j->fd, chunk, sizeof chunk, (off_t)j->bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            return OK;
        POINT("mid_copy");
        j->bytes += (uint64_t)n;
        if (j->bytes > j->max_bytes)
            return ERR_LIMIT;
        sha256_add(sum, (struct span){chunk, (size_t)n});
        enum err e = write_all(to, chunk, (size_t)n);
        if (e)
            return e;
    }
}

static enum err sync_file(const struct files *f, int fd)
{
    if (fdatasync(fd) != 0)
        return failure();
    return sync_dir(f);
}

/* The source may be a file that somebody still writes to: what counts is what was copied, if that is all of it. */
static enum err copy_file(struct files *f, struct file_job *j, int to)
{
    struct stat st;
    if (fstat(j->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return ERR_INVALID;
    if ((uint64_t)st.st_size > j->max_bytes)
        return ERR_LIMIT;
    struct sha256_sum *sum = sha256_begin();
    enum err e = copy_bytes(j, to, sum);
    sha256_end_hex(sum, j->sha256);
    if (e == OK && j->bytes != (uint64_t)st.st_size)
        e = ERR_INVALID;
    return e ? e : sync_file(f, to);
}

static void run_copy(struct files *f, struct file_job *j)
{
    int to = files_create(f, j->name);
    j->result = to < 0 ? failure() : copy_file(f, j, to);
    if (to < 0)
        return;
    close(to);
    if (j->result != OK)
        remove_file(f, j->name);
}

static void run_keep(struct files *f, struct file_job *j)
{
    j->result = sync_file(f, j->fd);
    close(j->fd);
    if (j->result != OK)
        remove_file(f, j->name);
}

static void run_remove(struct files *f, struct file_job *j)
{
    remove_file(f, j->name);
    j->result = OK;
}

static void (*const run_of[])(struct files *f, struct file_job *j) = {
    [KEEP] = run_keep, [COPY] = run_copy, [REMOVE] = run_remove};

static void ring(struct files *f)
{
    uint64_t one = 1;
    ssize_t n = write(f->event_fd, &one, sizeof one);
    (void)n;
}

static void *thread_main(void *arg)
{
    struct files *f = arg;
    pthread_mutex_lock(&f->lock);
    for (;;) {
        struct file_job *j;
        while (!(j = pop(&f->todo)) && !f->is_stopping)
            pthread_cond_wait(&f->wake, &f->lock);
        if (!j)
            break;
        pthread_mutex_unlock(&f->lock);
        run_of[j->verb](f, j);
        pthread_mutex_lock(&f->lock);
        push(&f->done, j);
        ring(f);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static void post(struct files *f, struct file_job *j, enum verb verb)
{
    j->verb = (int)verb;
    j->files = f;
    pthread_mutex_lock(&f->lock);
    push(&f->todo, j);
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
}

void files_keep(struct files *f, struct file_job *j)
{
    post(f, j, KEEP);
}

void files_copy(struct files *f, struct file_job *j)
{
    post(f, j, COPY);
}

static void on_removed(struct file_job *j)
{
    free(j);
}

void files_remove(struct files *f, const char *name)
{
    struct file_job *j = mem_zalloc(sizeof *j);
    snprintf(j->name, sizeof j->name, "%s", name);
    j->on_done = on_removed;
    post(f, j, REMOVE);
}

static void deliver(struct files *f)
{
    for (;;) {
        pthread_mutex_lock(&f->lock);
        struct file_job *j = pop(&f->done);
        pthread_mutex_unlock(&f->lock);
        if (!j)
            return;
        j->on_done(j);
    }
}

static void on_ring(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n, (void)what;
    deliver(arg);
}

/* ---- What an earlier process left ---- */

/* Names of ours: a word, a dash, a number. What else lies there is left alone. */
static bool is_older(const struct files *f, const char *name)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    size_t n = strlen(name);
    return n > RUN_CHARS + 1 && n < FILE_NAME_BYTES && strspn(name, letters) == RUN_CHARS &&
           name[RUN_CHARS] == '-' &&
           name[RUN_CHARS + 1 + strspn(name + RUN_CHARS + 1, "0123456789abcdef")] == '\0' &&
           strncmp(name, f->run, RUN_CHARS) != 0;
}

unsigned files_left_over(struct files *f, char ***name)
{
    unsigned n = 0, cap = 0;
    int fd = open_dir(f);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *e;
    *name = NULL;
    while (dir && (e = readdir(dir))) {
        if (!is_older(f, e->d_name))
            continue;
        if (n == cap) {
            cap = cap ? 2 * cap : 64;
            *name = mem_realloc(*name, cap * sizeof **name);
        }
        (*name)[n++] = mem_strdup(e->d_name);
    }
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    return n;
}

/* ---- Life ---- */

static void start_threads(struct files *f)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    for (int i = 0; i < THREADS; i++) {
        must(pthread_create(&f->thread[i], NULL, thread_main, f) == 0);
        pthread_setname_np(f->thread[i], "files");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct files *files_open(struct event_base *base, const char *store_dir)
{
    struct files *f = mem_zalloc(sizeof *f);
    f->store_dir = mem_strdup(store_dir);
    crypto_random_id(f->run, RUN_CHARS);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->wake, NULL);
    f->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(f->event_fd >= 0);
    f->event = event_new(base, f->event_fd, EV_READ | EV_PERSIST, on_ring, f);
    must(f->event && event_add(f->event, NULL) == 0);
    start_threads(f);
    return f;
}

void files_close(struct files *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->is_stopping = true;
    pthread_cond_broadcast(&f->wake);
    pthread_mutex_unlock(&f->lock);
    for (int i = 0; i < THREADS; i++)
        pthread_join(f->thread[i], NULL);
    deliver(f);
    event_free(f->event);
    close(f->event_fd);
    pthread_cond_destroy(&f->wake);
    pthread_mutex_destroy(&f->lock);
    free(f->store_dir);
    free(f);
}
