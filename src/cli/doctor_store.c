/*
 * Looks at the store's directory, at who holds it, and at what waits in it for people. Makes nothing, and opens no
 * database: of messages the running bridge is asked.
 */
#include "cli/doctor.h"
#include "base/mem.h"
#include "cli/ops_call.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 4096 };

static void look_at_directory(const char *path, struct store_facts *s)
{
    struct stat st;
    struct statvfs fs;

    if (stat(path, &st) != 0) {
        s->error = errno;
        return;
    }
    s->is_directory = S_ISDIR(st.st_mode);
    s->owner = st.st_uid;
    s->is_open_to_others = (st.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    s->is_writable = access(path, W_OK | X_OK) == 0;
    if (statvfs(path, &fs) == 0)
        s->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* The lock is taken for a moment, and shared: a bridge that starts just then waits for it. */
static long holder_of(const char *store)
{
    char path[PATH_MAX_BYTES], text[24] = "";

    if (snprintf(path, sizeof path, "%s/lock", store) >= (int)sizeof path)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    bool is_held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ssize_t n = is_held ? pread(fd, text, sizeof text - 1, 0) : 0;
    close(fd);
    return !is_held ? 0 : n > 0 && strtol(text, NULL, 10) > 0 ? strtol(text, NULL, 10) : -1;
}

/* States that messages leave by a person's word alone. */
static const struct {
    const char *state, *cure;
} set_aside[] = {
    {"unknown",
     "see `front-bridge queue list --state unknown`; where they have not arrived, `queue retry` sends them "
     "again, else `queue drop`"},
    {"dead", "see `front-bridge dead list`; when the cause is mended, `dead retry` sends them again, else "
             "`dead drop`"},
    {"held", "see `front-bridge queue list --state held`; `queue release` lets them go"},
};

static bool has_any(const struct doctor *d, const char *state)
{
    struct ops_answer a;
    struct json doc = {0};
    char target[64];

    snprintf(target, sizeof target, "/api/v1/messages?state=%s&limit=1", state);
    ops_answer_init(&a);
    bool is_any = ops_ask_bridge(d->config, target, &a) && json_parse(&doc, buf_span(&a.json)) == OK &&
                  json_first(json_get(json_root(&doc), "messages")).doc;
    json_fini(&doc);
    ops_answer_fini(&a);
    return is_any;
}

static void look_at_waiting(struct doctor *d)
{
    bool is_any = false;

    for (size_t i = 0; i < ARRAY_LEN(set_aside); i++) {
        if (!has_any(d, set_aside[i].state))
            continue;
        struct finding *f = findings_add(&d->findings, "messages", "bridge");
        finding_say(f, FINDING_WARNING, "some are %s, and wait for a person", set_aside[i].state);
        finding_cure(f, "%s", set_aside[i].cure);
        is_any = true;
    }
    if (!is_any)
        finding_say(findings_add(&d->findings, "messages", "bridge"), FINDING_OK, "none waits for a person");
}

void store_look(struct doctor *d)
{
    const struct config *c = d->config;
    struct finding *store = findings_add(&d->findings, "directory", "store");
    struct finding *bridge = findings_add(&d->findings, "running", "bridge");
    struct store_facts s = {.path = c->store, .user = geteuid(), .quota_bytes = c->channel_quota_bytes};
    long pid = holder_of(c->store);

    look_at_directory(c->store, &s);
    judge_store(store, &s);
    if (pid == 0) {
        finding_say(bridge, FINDING_NOTE, "none runs with this store");
    } else if (!d->bridge.doc) {
        finding_say(bridge, FINDING_WARNING, "process %ld holds the store, but says nothing at admin.sock",
                    pid);
        finding_cure(bridge, "run this as the bridge's user; if it is just starting, try again");
    } else {
        finding_say(bridge, FINDING_OK, "process %ld runs with this store", pid);
        look_at_waiting(d);
    }
}
