#include "fault_vfs.h"
#include <sqlite3.h>
#include <pthread.h>
#include <stddef.h>

struct file {
    sqlite3_file base;
    sqlite3_file *real;
};

static sqlite3_vfs *under, vfs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned armed;
static int code, from, left, seen, hits;

void fault_arm(unsigned calls, int result, int nth, int times)
{
    pthread_mutex_lock(&lock);
    armed = calls;
    code = result;
    from = nth;
    left = times;
    seen = hits = 0;
    pthread_mutex_unlock(&lock);
}

void fault_disarm(void)
{
    pthread_mutex_lock(&lock);
    armed = 0;
    pthread_mutex_unlock(&lock);
}

int fault_hits(void)
{
    pthread_mutex_lock(&lock);
    int n = hits;
    pthread_mutex_unlock(&lock);
    return n;
}

int fault_seen(void)
{
    pthread_mutex_lock(&lock);
    int n = seen;
    pthread_mutex_unlock(&lock);
    return n;
}

static int verdict(unsigned call)
{
    int rc = SQLITE_OK;
    pthread_mutex_lock(&lock);
    if ((armed & call) && ++seen >= from && left > 0) {
        left--;
        hits++;
        rc = code;
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct file *)(void *)f)->real;
}

#define PASS(f, method, ...) real(f)->pMethods->method(real(f), ##__VA_ARGS__)

static int f_close(sqlite3_file *f)
{
    return PASS(f, xClose);
}
static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    int rc = verdict(FAULT_READ);
    return rc ? rc : PASS(f, xRead, p, n, at);
}
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int rc = verdict(FAULT_WRITE);
    return rc ? rc : PASS(f, xWrite, p, n, at);
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    int rc = verdict(FAULT_WRITE);
    return rc ? rc : PASS(f, xTruncate, n);
}
static int f_sync(sqlite3_file *f, int flags)
{
    int rc = verdict(FAULT_SYNC);
    return rc ? rc : PASS(f, xSync, flags);
}
static int f_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return PASS(f, xFileSize, n);
}
static int f_lock(sqlite3_file *f, int l)
{
    return PASS(f, xLock, l);
}
static int f_unlock(sqlite3_file *f, int l)
{
    return PASS(f, xUnlock, l);
}
static int f_reserved(sqlite3_file *f, int *out)
{
    return PASS(f, xCheckReservedLock, out);
}
static int f_control(sqlite3_file *f, int op, void *arg)
{
    return PASS(f, xFileControl, op, arg);
}
static int f_sector(sqlite3_file *f)
{
    return PASS(f, xSectorSize);
}
static int f_device(sqlite3_file *f)
{
    return PASS(f, xDeviceCharacteristics);
}
static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return PASS(f, xShmMap, page, size, extend, out);
}
static int f_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return PASS(f, xShmLock, at, n, flags);
}
static void f_shm_barrier(sqlite3_file *f)
{
    PASS(f, xShmBarrier);
}
static int f_shm_unmap(sqlite3_file *f, int del)
{
    return PASS(f, xShmUnmap, del);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_unlock,
    .xCheckReservedLock = f_reserved,
    .xFileControl = f_control,
    .xSectorSize = f_sector,
    .xDeviceCharacteristics = f_device,
    .xShmMap = f_shm_map,
    .xShmLock = f_shm_lock,
    .xShmBarrier = f_shm_barrier,
    .xShmUnmap = f_shm_unmap,
};

static int f_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    (void)v;
    struct file *file = (struct file *)(void *)f;
    file->base.pMethods = NULL;
    file->real = (sqlite3_file *)(void *)(file + 1);
    int rc = verdict(FAULT_OPEN);
    if (rc == SQLITE_OK)
        rc = under->xOpen(under, name, file->real, flags, out);
    if (rc == SQLITE_OK)
        file->base.pMethods = &methods;
    return rc;
}

void fault_install(void)
{
    under = sqlite3_vfs_find(NULL);
    vfs = *under;
    vfs.zName = "fault";
    vfs.szOsFile = (int)sizeof(struct file) + under->szOsFile;
    vfs.xOpen = f_open;
    sqlite3_vfs_register(&vfs, 1);
}
