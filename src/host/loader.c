/*
 * dlopen and a hard look. Decides whether an adapter may be called at all, and says in one sentence why not.
 * Reads major and size before anything else, since the layout of the rest depends on them.
 */
#include "host/loader.h"
#include "base/config.h"
#include "base/mem.h"
#include "text/parts.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 32, SETTINGS_MAX = 200, KEY_MAX_BYTES = 64 };

/* What every module of major 1 has: the struct of 1.0, which ends with close. */
#define MODULE_MIN_BYTES  (offsetof(struct fb_module, close) + sizeof(((struct fb_module *)0)->close))
#define SETTING_MIN_BYTES (offsetof(struct fb_setting, help) + sizeof(const char *))

struct adapter {
    void *library;
    const struct fb_module *module;
};

#define REFUSE(why, ...) (buf_addf(why, __VA_ARGS__), ERR_INVALID)

static bool is_word(const char *s, size_t max, const char *extra)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++) {
        bool is_plain = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9');
        if (!is_plain && !strchr(extra, s[i]))
            return false;
    }
    return n > 0 && n <= max;
}

static bool is_line(const char *s, size_t max)
{
    size_t n = strnlen(s, max + 1);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return false;
    }
    return n > 0 && n <= max;
}

static enum err check_layout(const char *path, const struct fb_module *m, struct buf *why)
{
    if (m->abi_major != FB_ABI_MAJOR)
        return REFUSE(why,
                      "%s is built for version %u of the adapter interface and this bridge has version %u: "
                      "build it again.",
                      path, m->abi_major, FB_ABI_MAJOR);
    if (m->size < MODULE_MIN_BYTES)
        return REFUSE(why,
                      "%s says that its module has %u bytes, and the smallest of version 1 has %zu: begin it "
                      "with FB_MODULE_HEAD.",
                      path, m->size, MODULE_MIN_BYTES);
    return OK;
}

static enum err check_names(const char *path, const struct fb_module *m, struct buf *why)
{
    if (!m->name || !is_word(m->name, NAME_MAX_BYTES, "_-"))
        return REFUSE(why, "%s has no good name: write 1 to %d characters of a-z, 0-9, _ and - into .name.",
                      path, NAME_MAX_BYTES);
    if (!m->version || !is_line(m->version, NAME_MAX_BYTES))
        return REFUSE(why, "%s (%s) has no good version: write 1 to %d characters into .version.", path,
                      m->name, NAME_MAX_BYTES);
    if (m->summary && !is_line(m->summary, 200))
        return REFUSE(why, "%s (%s): .summary must be one line of at most 200 characters.", path, m->name);
    return OK;
}

static enum err check_calls(const char *path, const struct fb_module *m, struct buf *why)
{
    const struct {
        const char *name;
        bool is_there;
    } required[] = {{"open", m->open != NULL}, {"deliver", m->deliver != NULL}, {"close", m->close != NULL}};
    for (size_t i = 0; i < ARRAY_LEN(required); i++) {
        if (!required[i].is_there)
            return REFUSE(why, "%s (%s) lacks the required call .%s: set it in the module.", path, m->name,
                          required[i].name);
    }
    return OK;
}

static enum err check_promises(const char *path, const struct fb_module *m, struct buf *why)
{
    if (m->formats & ~(uint32_t)(FB_FORMAT_PLAIN | FB_FORMAT_MARKDOWN | FB_FORMAT_HTML))
        return REFUSE(why, "%s (%s): .formats has bits that enum fb_format does not know.", path, m->name);
    if (m->abi_minor >= 2 && m->max_text > 0 && m->max_text < TEXT_CHARACTERS_MIN)
        return REFUSE(why, "%s (%s): .max_text is %u: write 0 for no limit, or at least %d characters.", path,
                      m->name, m->max_text, TEXT_CHARACTERS_MIN);
    if (m->in_flight > 1024)
        return REFUSE(why, "%s (%s): .in_flight is %u and may be at most 1024.", path, m->name, m->in_flight);
    return OK;
}

const struct fb_setting *adapter_setting(const struct fb_module *m, uint32_t i)
{
    return FB_AT(m->settings, i);
}

static bool is_key_taken(const struct fb_module *m, uint32_t before, const char *key)
{
    for (uint32_t i = 0; i < before; i++) {
        if (strcmp(adapter_setting(m, i)->key, key) == 0)
            return true;
    }
    return false;
}

static enum err check_setting(const char *path, const struct fb_module *m, uint32_t i, struct buf *why)
{
    const struct fb_setting *s = adapter_setting(m, i);
    if (s->size != m->settings->size)
        return REFUSE(
            why, "%s (%s): setting %u has another .size than the first: give all sizeof(struct fb_setting).",
            path, m->name, i + 1);
    if (!s->key || !is_word(s->key, KEY_MAX_BYTES, "_"))
        return REFUSE(why, "%s (%s): setting %u has no good key: write 1 to %d characters of a-z, 0-9 and _.",
                      path, m->name, i + 1, KEY_MAX_BYTES);
    if (s->kind < FB_SETTING_STRING || s->kind > FB_SETTING_MAP)
        return REFUSE(why, "%s (%s): setting %s has a kind that enum fb_setting_kind does not know.", path,
                      m->name, s->key);
    if (s->flags & ~(uint32_t)(FB_SETTING_REQUIRED | FB_SETTING_SECRET))
        return REFUSE(why, "%s (%s): setting %s has unknown flags.", path, m->name, s->key);
    if (!s->help || !is_line(s->help, 300))
        return REFUSE(why, "%s (%s): setting %s has no help: write one line that says what it is.", path,
                      m->name, s->key);
    if (is_key_taken(m, i, s->key))
        return REFUSE(why, "%s (%s) declares the setting %s twice: remove one.", path, m->name, s->key);
    return OK;
}

static enum err check_settings(const char *path, const struct fb_module *m, struct buf *why)
{
    if (m->setting_n == 0)
        return OK;
    if (m->setting_n > SETTINGS_MAX)
        return REFUSE(why, "%s (%s) declares %u settings and may have at most %d.", path, m->name,
                      m->setting_n, SETTINGS_MAX);
    if (!m->settings || m->settings->size < SETTING_MIN_BYTES)
        return REFUSE(
            why, "%s (%s): .settings is missing or its .size is too small: give sizeof(struct fb_setting).",
            path, m->name);
    for (uint32_t i = 0; i < m->setting_n; i++) {
        enum err e = check_setting(path, m, i, why);
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err check_module(const char *path, const struct fb_module *m, struct buf *why)
{
    static enum err (*const check[])(const char *, const struct fb_module *, struct buf *) = {
        check_layout, check_names, check_calls, check_promises, check_settings};
    for (size_t i = 0; i < ARRAY_LEN(check); i++) {
        enum err e = check[i](path, m, why);
        if (e != OK)
            return e;
    }
    return OK;
}

/* dlopen would wait for ever at a FIFO, and search the system's libraries for a path without a slash. */
static enum err check_file(const char *path, struct buf *why)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        buf_addf(why, "The adapter %s cannot be read: %s.", path, strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    if (!S_ISREG(st.st_mode))
        return REFUSE(why, "The adapter %s is no file.", path);
    return OK;
}

static enum err open_library(const char *path, void **library, struct buf *why)
{
    struct buf name;
    buf_init(&name, 4200);
    buf_addf(&name, "%s%s", strchr(path, '/') ? "" : "./", path);
    *library = name.is_over ? NULL : dlopen(name.p, RTLD_NOW | RTLD_LOCAL);
    buf_fini(&name);
    if (!*library)
        return REFUSE(why, "%s cannot be loaded as a shared object: %s.", path, dlerror());
    return OK;
}

static enum err look_at(const char *path, void *library, const struct fb_module **out, struct buf *why)
{
    fb_channel_module_fn *entry = NULL;
    *(void **)(void *)&entry = dlsym(library, FB_MODULE_SYMBOL);
    if (!entry)
        return REFUSE(why, "%s is no channel adapter: it does not export the function %s.", path,
                      FB_MODULE_SYMBOL);
    const struct fb_module *m = entry();
    if (!m)
        return REFUSE(why, "%s is no channel adapter: its %s returns NULL.", path, FB_MODULE_SYMBOL);
    enum err e = check_module(path, m, why);
    if (e == OK)
        *out = m;
    return e;
}

enum err adapter_load(const char *path, struct adapter **out, struct buf *why)
{
    void *library = NULL;
    const struct fb_module *module = NULL;
    enum err e = check_file(path, why);
    if (e == OK)
        e = open_library(path, &library, why);
    if (e != OK)
        return e;
    e = look_at(path, library, &module, why);
    if (e != OK) {
        dlclose(library);
        return e;
    }
    *out = mem_zalloc(sizeof **out);
    **out = (struct adapter){.library = library, .module = module};
    return OK;
}

void adapter_unload(struct adapter *a)
{
    if (!a)
        return;
    dlclose(a->library);
    free(a);
}

const struct fb_module *adapter_module(const struct adapter *a)
{
    return a->module;
}

/* ---- Where adapters are ---- */

/* A directory so many levels above the binary: an installed tree works wherever it is put. Empty if there is
 * none. */
static void near_binary(unsigned levels, const char *dir, struct buf *out)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0)
        return;
    exe[n] = 0;
    for (char *slash; levels > 0 && (slash = strrchr(exe, '/')) != NULL; levels--)
        *slash = 0;
    if (levels == 0)
        buf_addf(out, "%s/%s", exe, dir);
}

enum { ADAPTERS_MAX = 200 };

struct search {
    const char *name;
    struct buf *path;          /* what is looked for */
    struct buf looked;         /* where it was not */
    char *other[ADAPTERS_MAX]; /* the adapters that are there instead */
    size_t other_n;
};

static void note_others(struct search *s, const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && s->other_n < ADAPTERS_MAX && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n > 3 && strcmp(e->d_name + n - 3, ".so") == 0)
            s->other[s->other_n++] = mem_strndup(e->d_name, n - 3);
    }
    if (d)
        closedir(d);
}

static bool try_directory(struct search *s, struct span dir)
{
    struct buf candidate;
    buf_init(&candidate, 4096);
    buf_addf(&candidate, "%.*s/%s.so", SPAN_FMT(dir), s->name);
    bool is_there = !candidate.is_over && access(candidate.p, R_OK) == 0;
    if (is_there) {
        buf_add_span(s->path, buf_span(&candidate));
    } else {
        buf_addf(&s->looked, "%s%.*s", s->looked.n ? ", " : "", SPAN_FMT(dir));
        buf_clear(&candidate);
        buf_add_span(&candidate, dir);
        note_others(s, buf_span(&candidate).p);
    }
    buf_fini(&candidate);
    return is_there;
}

static bool try_list(struct search *s, const char *list)
{
    while (list && *list) {
        size_t n = strcspn(list, ":");
        if (n > 0 && try_directory(s, (struct span){list, n}))
            return true;
        list += n + (list[n] == ':');
    }
    return false;
}

static bool try_near_binary(struct search *s, unsigned levels, const char *dir)
{
    struct buf path;
    buf_init(&path, 4096);
    near_binary(levels, dir, &path);
    bool is_found = path.n && try_directory(s, buf_span(&path));
    buf_fini(&path);
    return is_found;
}

static void say_where(struct search *s, struct buf *why)
{
    const char *near = config_nearest(s->name, (const char *const *)s->other, s->other_n);
    buf_addf(why, "There is no adapter %s.so in %s: ", s->name, buf_span(&s->looked).p);
    if (near)
        buf_addf(why, "did you mean \"%.64s\"? Otherwise ", near);
    buf_add_str(why, "install it, set FRONT_BRIDGE_CHANNELS, or write a path ending in .so.");
}

static enum err find_by_name(const char *name, struct buf *path, struct buf *why)
{
    struct search s = {.name = name, .path = path};
    buf_init(&s.looked, 4096);
    bool is_found = try_list(&s, getenv("FRONT_BRIDGE_CHANNELS")) || try_near_binary(&s, 1, "channels") ||
                    try_near_binary(&s, 2, FB_CHANNELS_DIR);
    if (!is_found)
        say_where(&s, why);
    for (size_t i = 0; i < s.other_n; i++)
        free(s.other[i]);
    buf_fini(&s.looked);
    return is_found ? OK : ERR_NOT_FOUND;
}

enum err adapter_find(const char *name, struct buf *path, struct buf *why)
{
    size_t n = strlen(name);
    if (n > 3 && strcmp(name + n - 3, ".so") == 0) {
        if (access(name, R_OK) != 0) {
            buf_addf(why, "The adapter %s cannot be read: %s.", name, strerror(errno));
            return ERR_NOT_FOUND;
        }
        buf_add_str(path, name);
        return OK;
    }
    if (!is_word(name, NAME_MAX_BYTES, "_-")) {
        buf_addf(why, "%s is neither the name of an adapter (a-z, 0-9, _ and -) nor a path ending in .so.",
                 name);
        return ERR_NOT_FOUND;
    }
    return find_by_name(name, path, why);
}
