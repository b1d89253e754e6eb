/*
 * The module: what it declares, its settings, and the life of an instance.
 */
#include "exec.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TIMEOUT_MIN_MS = 100,
    TIMEOUT_MAX_MS = 600000,
    RESTART_MIN_MS = 10,
    WORDS_MAX = 132,
    WORD_BYTES_MAX = 16384
};

#define SETTING(key, kind, flags, fallback, help)                                                            \
    {                                                                                                        \
        sizeof(struct fb_setting), kind, flags, key, fallback, help                                          \
    }
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const struct fb_setting settings[] = {
    SETTING("command", FB_SETTING_LIST, FB_SETTING_REQUIRED, NULL, "the program and its arguments"),
    SETTING("env", FB_SETTING_MAP, FB_SETTING_SECRET, NULL,
            "environment variables for it; it inherits only PATH"),
    SETTING("timeout", FB_SETTING_DURATION, 0, "20s", "how long it may take to answer"),
    SETTING("restart", FB_SETTING_DURATION, 0, "200ms", "how soon it is started again; doubles up to 30s"),
    SETTING("in_flight", FB_SETTING_INTEGER, 0, "1",
            "how many deliveries it gets before it has answered the first"),
    WIRE_TEXT_SETTINGS,
    SETTING("events", FB_SETTING_LIST, 0, NULL, "types of Front's events it wants, or [\"*\"]"),
    SETTING("allow_private", FB_SETTING_LIST, 0, NULL,
            "networks such as 10.0.0.0/8 that attachment URLs of the program may reach"),
};

static enum err refuse(struct buf *why, const char *sentence)
{
    buf_add_str(why, sentence);
    return ERR_INVALID;
}

static void words_free(char **words)
{
    for (char **w = words; w && *w; w++) {
        mem_wipe(*w, strlen(*w));
        free(*w);
    }
    free(words);
}

/* The place of a word: where the same variable stands already, else the end; NULL if there is no more room.
 */
static char **word_place(char **words, const char *key)
{
    size_t n = 0, key_n = key ? strlen(key) : 0;
    while (words[n] && !(key && !strncmp(words[n], key, key_n) && words[n][key_n] == '='))
        n++;
    return n < WORDS_MAX - 1 ? &words[n] : NULL;
}

/* For a list its items; for a map KEY=value. */
static bool word_add(void *arg, const char *key, const char *value)
{
    char **place = word_place(arg, key);
    struct buf text;
    if (!place || (key && (!*key || strchr(key, '='))))
        return false;
    buf_init(&text, WORD_BYTES_MAX);
    if (key)
        buf_addf(&text, "%s=", key);
    buf_add_str(&text, value);
    free(*place);
    *place = mem_strndup(buf_span(&text).p, text.n);
    buf_fini(&text);
    return true;
}

static enum err command_read(struct channel *ch, struct buf *why)
{
    ch->argv = mem_calloc(WORDS_MAX, sizeof *ch->argv);
    if (!wire_setting_each(ch->host, "command", JSON_ARRAY, word_add, ch->argv) || !ch->argv[0] ||
        !*ch->argv[0])
        return refuse(why, "`command` must be a list, as in [python3, /opt/chat/echo.py].");
    return OK;
}

static enum err env_read(struct channel *ch, struct buf *why)
{
    const char *path = getenv("PATH");
    ch->envp = mem_calloc(WORDS_MAX, sizeof *ch->envp);
    if (path)
        word_add(ch->envp, "PATH", path);
    else
        ch->envp[0] = mem_strdup(DEFAULT_PATH);
    word_add(ch->envp, "LANG", "C.UTF-8");
    word_add(ch->envp, "FRONT_BRIDGE_CHANNEL", ch->host->channel);
    if (!wire_setting_each(ch->host, "env", JSON_OBJECT, word_add, ch->envp))
        return refuse(why, "`env` must be a map of names and texts, as in {API_KEY: ${API_KEY}}.");
    return OK;
}

static enum err numbers_read(struct channel *ch, struct buf *why)
{
    int64_t in_flight = wire_setting_i64(ch->host, "in_flight", -1);
    ch->timeout_ms = wire_setting_i64(ch->host, "timeout", -1);
    ch->restart_ms = ch->backoff_ms = wire_setting_i64(ch->host, "restart", -1);
    if (ch->timeout_ms < TIMEOUT_MIN_MS || ch->timeout_ms > TIMEOUT_MAX_MS)
        return refuse(why, "`timeout` must be between 100ms and 10m.");
    if (ch->restart_ms < RESTART_MIN_MS || ch->restart_ms > RESTART_MAX_MS)
        return refuse(why, "`restart` must be between 10ms and 30s.");
    if (in_flight < 1 || in_flight > IN_FLIGHT_MAX)
        return refuse(why, "`in_flight` must be between 1 and 64.");
    ch->in_flight_max = (unsigned)in_flight;
    return OK;
}

static enum err settings_read(struct channel *ch, bool is_opening, struct buf *why)
{
    enum err e = command_read(ch, why);
    e = e ? e : env_read(ch, why);
    e = e ? e : numbers_read(ch, why);
    e = e ? e : wire_setting_networks(ch->host, why);
    e = e ? e : wire_setting_text(ch->host, is_opening, why);
    return e ? e : wire_setting_events(ch->host, is_opening, why);
}

static void settings_fini(struct channel *ch)
{
    words_free(ch->argv);
    words_free(ch->envp);
}

static int to_why(struct buf *sentence, enum err e, char *why, size_t why_n)
{
    snprintf(why, why_n, "%.*s", SPAN_FMT(buf_span(sentence)));
    buf_fini(sentence);
    return e == OK ? FB_OK : e == ERR_INVALID ? FB_ERR_INVALID : FB_ERR_FAILED;
}

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Looks where execvpe() would. */
static bool is_on_path(const char *name)
{
    const char *list = getenv("PATH");
    struct buf path;
    bool is_there = false;
    buf_init(&path, WORD_BYTES_MAX);
    for (list = list ? list : &DEFAULT_PATH[sizeof "PATH=" - 1]; list && !is_there;) {
        const char *colon = strchrnul(list, ':');
        buf_clear(&path);
        buf_addf(&path, "%.*s%s%s", (int)(colon - list), list, colon > list ? "/" : "", name);
        is_there = !path.is_over && is_program(buf_span(&path).p);
        list = *colon ? colon + 1 : NULL;
    }
    buf_fini(&path);
    return is_there;
}

static enum err program_look(const struct channel *ch, struct buf *why)
{
    const char *name = ch->argv[0];
    if (strchr(name, '/') ? is_program(name) : is_on_path(name))
        return OK;
    buf_addf(why, "`command` begins with %.200s, and there is no such program to be run%s.", name,
             strchr(name, '/') ? ": write its whole path, and chmod +x it"
                               : " in PATH: write its whole path");
    return ERR_INVALID;
}

static int validate(const struct fb_host *host, char *why, size_t why_n)
{
    struct channel ch = {.host = host};
    struct buf sentence;
    buf_init(&sentence, WIRE_SENTENCE_MAX);
    enum err e = settings_read(&ch, false, &sentence);
    e = e ? e : program_look(&ch, &sentence);
    settings_fini(&ch);
    return to_why(&sentence, e, why, why_n);
}

static void shut(void *self)
{
    struct channel *ch = self;
    program_close(ch);
    calls_fini(ch);
    talk_fini(ch);
    settings_fini(ch);
    lines_fini(&ch->said);
    lines_fini(&ch->noise);
    buf_fini(&ch->out);
    free(ch);
}

static int open_channel(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    struct channel *ch = mem_zalloc(sizeof *ch);
    struct buf sentence;
    *ch = (struct channel){.host = host, .child = {0, -1, -1, -1, -1}};
    lines_init(&ch->said, LINE_MAX_BYTES);
    lines_init(&ch->noise, NOISE_MAX_BYTES);
    buf_init(&ch->out, OUT_MAX_BYTES);
    TAILQ_INIT(&ch->calls);
    LIST_INIT(&ch->receivings);
    buf_init(&sentence, WIRE_SENTENCE_MAX);
    enum err e = settings_read(ch, true, &sentence);
    e = e ? e : program_start(ch, &sentence);
    if (e)
        shut(ch);
    else
        *self = ch;
    return to_why(&sentence, e, why, why_n);
}

static void stop(void *self)
{
    program_stop(self);
}

static const struct fb_module module = {
    FB_MODULE_HEAD,
    .capabilities = FB_CAN_ATTACHMENTS | FB_CAN_RECEIPTS | FB_CAN_EDITS | FB_CAN_TYPING | FB_CAN_PARALLEL,
    .name = "exec",
    .version = FB_VERSION,
    .summary = "JSON lines with a program in any language",
    .formats = FB_FORMAT_PLAIN | FB_FORMAT_HTML,
    .settings = settings,
    .setting_n = ARRAY_LEN(settings),
    .in_flight = IN_FLIGHT_MAX,
    .validate = validate,
    .open = open_channel,
    .deliver = calls_deliver,
    .failed = calls_failed,
    .event = calls_event,
    .request = calls_request,
    .stop = stop,
    .close = shut,
};

FB_EXPORT const struct fb_module *fb_channel_module(void)
{
    return &module;
}
