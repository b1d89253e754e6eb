/*
 * Limits, privileges and Landlock. Decides what a channel host can still reach. A kernel that lacks a part is
 * no error: what the process border promises does not rest on it.
 *
 * Landlock only knows what is allowed, so hiding a path means to allow every sibling of each directory on the
 * way to it. What is made later in such a directory is out of reach too.
 */
#include "host/sandbox.h"
#include "base/mem.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13) /* ABI 2 */
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* ABI 3 */
#endif

enum { DESCRIPTORS_MAX = 4096 };
#define ADDRESS_SPACE_MAX (UINT64_C(4) << 30)

struct hiding {
    int ruleset;
    uint64_t file_rights, rights;
    char **path;
    size_t n;
};

static bool is_hidden(const struct hiding *h, const char *path)
{
    for (size_t i = 0; i < h->n; i++) {
        if (strcmp(h->path[i], path) == 0)
            return true;
    }
    return false;
}

static bool leads_to_hidden(const struct hiding *h, const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < h->n; i++) {
        if (strncmp(h->path[i], path, n) == 0 && h->path[i][n] == '/')
            return true;
    }
    return false;
}

static void allow(const struct hiding *h, const char *path)
{
    struct stat st;
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode)) { /* a link's target has its own entry elsewhere */
        struct landlock_path_beneath_attr rule = {
            .allowed_access = S_ISDIR(st.st_mode) ? h->rights : h->file_rights, .parent_fd = fd};
        syscall(SYS_landlock_add_rule, h->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    close(fd);
}

static void allow_all_but_hidden(const struct hiding *h, const char *dir)
{
    char path[PATH_MAX];
    struct dirent *e;
    DIR *d = opendir(*dir ? dir : "/");
    if (!d)
        return;
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= (int)sizeof path || is_hidden(h, path))
            continue;
        if (leads_to_hidden(h, path))
            allow_all_but_hidden(h, path);
        else
            allow(h, path);
    }
    closedir(d);
}

static void resolve(struct hiding *h, char *const *hide, size_t n)
{
    h->path = mem_calloc(n, sizeof *h->path);
    for (size_t i = 0; i < n; i++) {
        char *real = realpath(hide[i], NULL);
        if (real && strcmp(real, "/") != 0)
            h->path[h->n++] = real;
        else
            free(real);
    }
}

static bool open_ruleset(struct hiding *h)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return false;
    h->file_rights =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
    if (abi >= 3)
        h->file_rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    h->rights = h->file_rights | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE;
    if (abi >= 2) /* else moves between directories are refused anyhow */
        h->rights |= LANDLOCK_ACCESS_FS_REFER;
    struct landlock_ruleset_attr attr = {.handled_access_fs = h->rights};
    h->ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    return h->ruleset >= 0;
}

static void hide_paths(char *const *hide, size_t n)
{
    struct hiding h = {.ruleset = -1};
    resolve(&h, hide, n);
    if (h.n > 0 && open_ruleset(&h)) {
        allow_all_but_hidden(&h, "");
        syscall(SYS_landlock_restrict_self, h.ruleset, 0);
        close(h.ruleset);
    }
    for (size_t i = 0; i < h.n; i++)
        free(h.path[i]);
    free(h.path);
}

/* The hard limit stays: a program that an adapter starts may need more address space than an adapter does. */
static void limit(int resource, rlim_t most)
{
    struct rlimit r;
    if (getrlimit((__rlimit_resource_t)resource, &r) != 0)
        return;
    r.rlim_cur = r.rlim_max < most ? r.rlim_max : most;
    setrlimit((__rlimit_resource_t)resource, &r);
}

void sandbox_enter(char *const *hide, size_t n, bool stays_readable)
{
    (void)stays_readable;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, DESCRIPTORS_MAX);
#ifndef FB_SANITIZED /* sanitizers map terabytes, and their leak check traces its own process */
    limit(RLIMIT_AS, ADDRESS_SPACE_MAX);
    prctl(PR_SET_DUMPABLE, stays_readable);
#endif
    hide_paths(hide, n);
}
