/* The scripted host: see fake_host.h. Loading is the only thing it does as the real one. */
#include "fake_host.h"
#include "base/mem.h"
#include "cmocka_all.h"
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

struct fake_timer {
    uint64_t id;
    int64_t at_ms;
    fb_timer_fn *fn;
    void *arg;
};

struct fake_watch {
    int fd;
    uint32_t events;
    fb_watch_fn *fn;
    void *arg;
};

struct fake_posted {
    fb_post_fn *fn;
    void *arg;
};

/* What a call borrows: freed when its token ends, so that later use is found. */
struct bag {
    void *p[48];
    unsigned n;
};

struct fake_private {
    struct bag outcome_bag[FAKE_MAX], reply_bag[FAKE_MAX]; /* by token */
    char *key[32], *value[32];
    unsigned setting_n;
    bool is_validating, is_closed;
    struct fake_timer timer[FAKE_MAX];
    struct fake_watch watch[16];
    struct fake_posted posted[FAKE_MAX];
    unsigned timer_n, watch_n, posted_n;
    uint64_t last_id;
};

static struct fake *of(const struct fb_host *host)
{
    struct fake *f = (struct fake *)(uintptr_t)host;
    assert_false(f->private->is_closed);
    return f;
}

static char *copy(const char *s)
{
    return s ? mem_strdup(s) : NULL;
}

static void *bag_keep(struct bag *bag, void *p)
{
    assert_in_range(bag->n, 0, ARRAY_LEN(bag->p) - 1);
    return bag->p[bag->n++] = p;
}

static char *bag_copy(struct bag *bag, const char *s)
{
    return s ? bag_keep(bag, mem_strdup(s)) : NULL;
}

static void bag_drop(struct bag *bag)
{
    while (bag->n)
        free(bag->p[--bag->n]);
}

static bool is_clean(const char *s)
{
    for (; s && *s; s++)
        if (((unsigned char)*s < ' ' && *s != '\n' && *s != '\t') || *s == 0x7f)
            return false;
    return true;
}

static int64_t wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- Services ---- */

static const char *on_setting(const struct fb_host *host, const char *key)
{
    struct fake_private *p = of(host)->private;
    for (unsigned i = 0; i < p->setting_n; i++)
        if (!strcmp(p->key[i], key))
            return p->value[i];
    fail_msg("the setting %s is not declared", key);
    return NULL;
}

static void on_log(const struct fb_host *host, int level, const char *text)
{
    struct fake *f = of(host);
    assert_in_range(level, FB_LOG_DEBUG, FB_LOG_ERROR);
    assert_null(strchr(text, '\n'));
    assert_true(is_clean(text));
    size_t n = f->log ? strlen(f->log) : 0;
    f->log = mem_realloc(f->log, n + strlen(text) + 8);
    sprintf(f->log + n, "%c %s\n", "DIWE"[level], text);
}

static int64_t on_now(const struct fb_host *host)
{
    return wall_ms() + of(host)->skew_ms;
}

static int on_complete(const struct fb_host *host, fb_token token, const struct fb_outcome *o)
{
    struct fake *f = of(host);
    struct fake_outcome *to = &f->outcome[token];
    assert_in_range(token, 1, FAKE_MAX - 1);
    assert_int_equal(o->size, sizeof *o);
    assert_in_range(o->kind, FB_DELIVERED, FB_UNKNOWN);
    assert_true(is_clean(o->reason) && is_clean(o->external_id) && is_clean(o->conversation_id));
    if (o->kind != FB_DELIVERED)
        assert_non_null(o->reason);
    if (to->is_done)
        return FB_ERR_TOKEN;
    *to = (struct fake_outcome){true,
                                o->kind,
                                o->flags,
                                o->code,
                                o->retry_after_ms,
                                copy(o->reason),
                                copy(o->external_id),
                                copy(o->conversation_id)};
    bag_drop(&f->private->outcome_bag[token]);
    return FB_OK;
}

static int on_reply(const struct fb_host *host, fb_token token, const struct fb_reply *r)
{
    struct fake *f = of(host);
    struct fake_reply *to = &f->reply[token];
    assert_in_range(token, 1, FAKE_MAX - 1);
    assert_in_range(r->status, 200, 599);
    if (to->is_done)
        return FB_ERR_TOKEN;
    *to = (struct fake_reply){true, r->status, mem_strndup(r->body ? r->body : "", r->body_n),
                              copy(fb_header_get(r->headers, r->header_n, "retry-after")),
                              copy(fb_header_get(r->headers, r->header_n, "allow"))};
    bag_drop(&f->private->reply_bag[token]);
    return FB_OK;
}

static struct fake_received *received_add(struct fake *f, fb_stored_fn *done, void *arg)
{
    assert_in_range(f->received_n, 0, FAKE_MAX - 1);
    struct fake_received *r = &f->received[f->received_n++];
    *r = (struct fake_received){.is_open = true, .done = done, .arg = arg};
    return r;
}

/* The host takes the file over while it is called; the adapter may close its own descriptor after that. */
static void file_copy(const struct fb_attachment *a, struct fake_file *to)
{
    struct stat st;
    assert_int_equal(a->size, sizeof *a);
    assert_true(a->filename && *a->filename && !strchr(a->filename, '/') && is_clean(a->filename));
    assert_true(a->content_type && strchr(a->content_type, '/') && is_clean(a->content_type));
    assert_true(is_clean(a->url) && is_clean(a->cid));
    *to = (struct fake_file){copy(a->filename), copy(a->content_type), copy(a->url), copy(a->cid), NULL,
                             a->bytes};
    assert_true((a->fd > 0) != (a->url != NULL));
    if (a->url)
        return;
    assert_int_equal(fstat(a->fd, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_size, a->bytes);
    assert_int_equal(lseek(a->fd, 0, SEEK_CUR), 0);
    to->content = mem_zalloc(a->bytes + 1);
    assert_int_equal(pread(a->fd, to->content, a->bytes, 0), a->bytes);
}

static int on_receive(const struct fb_host *host, const struct fb_inbound *in, fb_stored_fn *done, void *arg)
{
    struct fake *f = of(host);
    const char *all[] = {in->id,
                         in->conversation_id,
                         in->text,
                         in->markdown,
                         in->html,
                         in->subject,
                         in->in_reply_to,
                         in->author_email,
                         in->sender->handle,
                         in->sender->name,
                         in->about,
                         in->about_delivery_id,
                         in->about_external_id,
                         in->emoji};
    assert_int_equal(in->size, sizeof *in);
    assert_non_null(in->sender->handle);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_true(is_clean(all[i]));
    if (f->receive_result)
        return f->receive_result;
    struct fake_received *r = received_add(f, done, arg);
    r->inbound = *in;
    r->inbound.id = copy(in->id);
    r->inbound.conversation_id = copy(in->conversation_id);
    r->inbound.text = copy(in->text);
    r->inbound.markdown = copy(in->markdown);
    r->inbound.html = copy(in->html);
    r->inbound.subject = copy(in->subject);
    r->inbound.in_reply_to = copy(in->in_reply_to);
    r->inbound.author_email = copy(in->author_email);
    r->inbound.about = copy(in->about);
    r->inbound.about_delivery_id = copy(in->about_delivery_id);
    r->inbound.about_external_id = copy(in->about_external_id);
    r->inbound.emoji = copy(in->emoji);
    r->sender_handle = copy(in->sender->handle);
    r->sender_name = copy(in->sender->name);
    r->to_handle = in->to_n ? copy(in->to[0].handle) : NULL;
    assert_in_range(in->attachment_n, 0, ARRAY_LEN(r->file));
    for (uint32_t i = 0; i < in->attachment_n; i++)
        file_copy(FB_AT(in->attachments, i), &r->file[i]);
    return FB_OK;
}

static int on_receipt(const struct fb_host *host, const struct fb_receipt *in, fb_stored_fn *done, void *arg)
{
    struct fake *f = of(host);
    assert_int_equal(in->size, sizeof *in);
    if (f->receive_result)
        return f->receive_result;
    struct fake_received *r = received_add(f, done, arg);
    r->is_receipt = true;
    r->receipt = *in;
    r->receipt.delivery_id = copy(in->delivery_id);
    r->receipt.external_id = copy(in->external_id);
    r->receipt.reason = copy(in->reason);
    return FB_OK;
}

static int on_want_events(const struct fb_host *host, const char *types)
{
    struct fake *f = of(host);
    free(f->wanted);
    f->wanted = copy(types);
    return FB_OK;
}

static int on_want_text(const struct fb_host *host, uint32_t formats, uint32_t max_text)
{
    of(host)->formats = formats;
    of(host)->max_text = max_text;
    return FB_OK;
}

static uint64_t on_timer(const struct fb_host *host, int64_t delay_ms, fb_timer_fn *fn, void *arg)
{
    struct fake *f = of(host);
    struct fake_private *p = f->private;
    assert_in_range(p->timer_n, 0, FAKE_MAX - 1);
    assert_true(delay_ms >= 0);
    p->timer[p->timer_n++] = (struct fake_timer){++p->last_id, wall_ms() + f->skew_ms + delay_ms, fn, arg};
    return p->last_id;
}

static void on_timer_cancel(const struct fb_host *host, uint64_t id)
{
    struct fake_private *p = of(host)->private;
    for (unsigned i = 0; i < p->timer_n; i++)
        if (p->timer[i].id == id)
            p->timer[i] = p->timer[--p->timer_n];
}

static int on_watch(const struct fb_host *host, int fd, uint32_t events, fb_watch_fn *fn, void *arg)
{
    struct fake_private *p = of(host)->private;
    unsigned i = 0;
    while (i < p->watch_n && p->watch[i].fd != fd)
        i++;
    if (!events) {
        if (i < p->watch_n)
            p->watch[i] = p->watch[--p->watch_n];
        return FB_OK;
    }
    assert_in_range(i, 0, ARRAY_LEN(p->watch) - 1);
    p->watch[i] = (struct fake_watch){fd, events, fn, arg};
    p->watch_n += i == p->watch_n;
    return FB_OK;
}

static int on_post(const struct fb_host *host, fb_post_fn *fn, void *arg)
{
    struct fake_private *p = of(host)->private;
    assert_in_range(p->posted_n, 0, FAKE_MAX - 1);
    p->posted[p->posted_n++] = (struct fake_posted){fn, arg};
    return FB_OK;
}

static uint64_t on_http(const struct fb_host *host, const struct fb_http_request *r, fb_http_fn *done,
                        void *arg)
{
    struct fake *f = of(host);
    if (f->is_http_full)
        return 0;
    assert_in_range(f->http_n, 0, FAKE_MAX - 1);
    assert_in_range(r->header_n, 0, ARRAY_LEN(f->http[0].headers));
    struct fake_http *h = &f->http[f->http_n++];
    *h = (struct fake_http){.is_open = true,
                            .method = copy(r->method),
                            .url = copy(r->url),
                            .timeout_ms = r->timeout_ms,
                            .body = mem_strndup(r->body, r->body_n),
                            .body_n = r->body_n,
                            .header_n = r->header_n,
                            .done = done,
                            .arg = arg};
    for (uint32_t i = 0; i < r->header_n; i++)
        h->headers[i] = (struct fb_header){copy(r->headers[i].name), copy(r->headers[i].value)};
    return f->http_n;
}

static void on_http_cancel(const struct fb_host *host, uint64_t id)
{
    struct fake *f = of(host);
    assert_in_range(id, 1, f->http_n);
    f->http[id - 1].is_open = false;
}

static int on_kv_get(const struct fb_host *host, const char *key, fb_kv_fn *done, void *arg)
{
    (void)host, (void)key, (void)done, (void)arg;
    return FB_ERR_FAILED;
}

static int on_kv_set(const struct fb_host *host, const char *key, const char *value, size_t n, fb_kv_fn *done,
                     void *arg)
{
    (void)host, (void)key, (void)value, (void)n, (void)done, (void)arg;
    return FB_ERR_FAILED;
}

static const void *on_extension(const struct fb_host *host, const char *name)
{
    (void)host, (void)name;
    return NULL;
}

/* ---- Life ---- */

/* What the configuration would make of a declared fallback. */
static char *fallback(const struct fb_setting *s)
{
    static const struct {
        const char *unit;
        long ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    char *unit, text[32];
    if (!s->fallback || s->kind != FB_SETTING_DURATION)
        return copy(s->fallback);
    long n = strtol(s->fallback, &unit, 10);
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (!strcmp(unit, units[i].unit))
            n *= units[i].ms;
    snprintf(text, sizeof text, "%ld", n);
    return copy(text);
}

struct fake *fake_new(const char *so)
{
    struct fake *f = mem_zalloc(sizeof *f);
    struct fake_private *p = f->private = mem_zalloc(sizeof *p);
    f->host = (struct fb_host){.size = sizeof f->host,
                               .abi_major = FB_ABI_MAJOR,
                               .abi_minor = FB_ABI_MINOR,
                               .channel = "support",
                               .setting = on_setting,
                               .log = on_log,
                               .now_ms = on_now,
                               .complete = on_complete,
                               .reply = on_reply,
                               .receive = on_receive,
                               .receipt = on_receipt,
                               .want_events = on_want_events,
                               .want_text = on_want_text,
                               .timer = on_timer,
                               .timer_cancel = on_timer_cancel,
                               .watch = on_watch,
                               .post = on_post,
                               .http = on_http,
                               .http_cancel = on_http_cancel,
                               .kv_get = on_kv_get,
                               .kv_set = on_kv_set,
                               .extension = on_extension};
    signal(SIGPIPE, SIG_IGN);
    void *handle = dlopen(so, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        fail_msg("%s", dlerror());
    fb_channel_module_fn *symbol = (fb_channel_module_fn *)dlsym(handle, FB_MODULE_SYMBOL);
    assert_non_null(symbol);
    f->module = symbol();
    dlclose(handle);
    assert_int_equal(f->module->abi_major, FB_ABI_MAJOR);
    assert_int_equal(f->module->size, sizeof *f->module);
    for (uint32_t i = 0; i < f->module->setting_n; i++, p->setting_n++) {
        const struct fb_setting *s = &f->module->settings[i];
        assert_int_equal(s->size, sizeof *s);
        assert_in_range(i, 0, ARRAY_LEN(p->key) - 1);
        p->key[i] = copy(s->key);
        p->value[i] = fallback(s);
    }
    return f;
}

void fake_set(struct fake *f, const char *key, const char *value)
{
    struct fake_private *p = f->private;
    for (unsigned i = 0; i < p->setting_n; i++)
        if (!strcmp(p->key[i], key)) {
            free(p->value[i]);
            p->value[i] = copy(value);
            return;
        }
    fail_msg("the setting %s is not declared", key);
}

int fake_validate(struct fake *f)
{
    struct fb_host all = f->host;
    *f->why = '\0';
    f->host = (struct fb_host){.size = sizeof f->host,
                               .abi_major = FB_ABI_MAJOR,
                               .channel = all.channel,
                               .setting = all.setting,
                               .log = all.log};
    int result = f->module->validate ? f->module->validate(&f->host, f->why, sizeof f->why) : FB_OK;
    f->host = all;
    assert_int_equal(result == FB_OK, *f->why == '\0');
    return result;
}

int fake_open(struct fake *f)
{
    *f->why = '\0';
    int result = f->module->open(&f->host, &f->self, f->why, sizeof f->why);
    assert_int_equal(result == FB_OK, *f->why == '\0');
    return result;
}

void fake_stop(struct fake *f)
{
    if (f->module->stop)
        f->module->stop(f->self);
}

void fake_close(struct fake *f)
{
    f->module->close(f->self);
    f->self = NULL;
    assert_int_equal(f->private->watch_n, 0); /* of descriptors that are closed by now */
    f->private->timer_n = f->private->posted_n = 0;
}

static void http_free(struct fake_http *h)
{
    free(h->method);
    free(h->url);
    free(h->body);
    for (uint32_t k = 0; k < h->header_n; k++) {
        free((char *)(uintptr_t)h->headers[k].name);
        free((char *)(uintptr_t)h->headers[k].value);
    }
}

static void received_free(struct fake_received *r)
{
    const char *const all[] = {r->inbound.id,
                               r->inbound.conversation_id,
                               r->inbound.text,
                               r->inbound.markdown,
                               r->inbound.html,
                               r->inbound.subject,
                               r->inbound.in_reply_to,
                               r->inbound.author_email,
                               r->receipt.delivery_id,
                               r->receipt.external_id,
                               r->receipt.reason,
                               r->sender_handle,
                               r->sender_name,
                               r->to_handle,
                               r->inbound.about,
                               r->inbound.about_delivery_id,
                               r->inbound.about_external_id,
                               r->inbound.emoji};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free((char *)(uintptr_t)all[i]);
    for (uint32_t i = 0; i < r->inbound.attachment_n; i++) {
        const struct fake_file *file = &r->file[i];
        char *const strings[] = {file->filename, file->content_type, file->url, file->cid, file->content};
        for (size_t k = 0; k < ARRAY_LEN(strings); k++)
            free(strings[k]);
    }
}

void fake_free(struct fake *f)
{
    if (f->self)
        fake_close(f);
    for (unsigned i = 0; i < FAKE_MAX; i++) {
        bag_drop(&f->private->outcome_bag[i]);
        bag_drop(&f->private->reply_bag[i]);
        free(f->outcome[i].reason);
        free(f->outcome[i].external_id);
        free(f->outcome[i].conversation_id);
        free(f->reply[i].body);
        free(f->reply[i].retry_after);
        free(f->reply[i].allow);
    }
    for (unsigned i = 0; i < f->http_n; i++)
        http_free(&f->http[i]);
    for (unsigned i = 0; i < f->received_n; i++)
        received_free(&f->received[i]);
    for (unsigned i = 0; i < f->private->setting_n; i++) {
        free(f->private->key[i]);
        free(f->private->value[i]);
    }
    free(f->wanted);
    free(f->log);
    free(f->private);
    free(f);
}

/* ---- Calls of the adapter ---- */

void fake_deliver_to(struct fake *f, fb_token token, const struct fb_delivery *given)
{
    struct bag *bag = &f->private->outcome_bag[token];
    struct fb_delivery *d = bag_keep(bag, mem_dup(given, sizeof *given));
    struct fb_person *recipient = bag_keep(bag, mem_zalloc(sizeof *recipient));
    *recipient = (struct fb_person){.size = sizeof *recipient, .handle = "alice", .name = "Alice"};
    d->size = sizeof *d;
    d->attempt = 1;
    d->channel = "support";
    d->recipient = given->recipient ? given->recipient : recipient;
    d->deadline_ms = given->deadline_ms ? given->deadline_ms : wall_ms() + f->skew_ms + 30000;
    d->id = bag_copy(bag, given->id);
    d->text = bag_copy(bag, given->text);
    d->json = bag_copy(bag, given->json);
    d->json_n = given->json ? strlen(given->json) : 0;
    f->module->deliver(f->self, token, d);
}

void fake_deliver(struct fake *f, fb_token token, const char *id, const char *text, const char *json)
{
    char made[512];
    snprintf(made, sizeof made, "{\"type\":\"message\",\"id\":\"%s\",\"attempt\":1,\"text\":\"%s\"}", id,
             text);
    fake_deliver_to(f, token, &(struct fb_delivery){.id = id, .text = text, .json = json ? json : made});
}

void fake_notice(struct fake *f, fb_token token, bool is_failure, const char *id, const char *json)
{
    struct bag *bag = &f->private->outcome_bag[token];
    struct fb_notice *n = bag_keep(bag, mem_zalloc(sizeof *n));
    *n = (struct fb_notice){.size = sizeof *n,
                            .type = is_failure ? "sending_error" : "archive",
                            .id = bag_copy(bag, id),
                            .json = bag_copy(bag, json),
                            .json_n = strlen(json),
                            .deadline_ms = wall_ms() + f->skew_ms + 30000};
    (is_failure ? f->module->failed : f->module->event)(f->self, token, n);
}

/* headers_cut fills h from "name: value\n…" in text, which it cuts up. */
static uint32_t headers_cut(char *text, struct fb_header *h, uint32_t max)
{
    uint32_t n = 0;
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line && n < max; line = strtok_r(NULL, "\n", &save)) {
        char *colon = strstr(line, ": ");
        assert_non_null(colon);
        *colon = '\0';
        h[n++] = (struct fb_header){line, colon + 2};
    }
    return n;
}

void fake_request(struct fake *f, fb_token token, const char *method, const char *path, const char *headers,
                  const char *body, int fd)
{
    struct bag *bag = &f->private->reply_bag[token];
    const char *query = strchrnul(path, '?');
    struct fb_header *h = bag_keep(bag, mem_calloc(32, sizeof *h));
    struct fb_request *r = bag_keep(bag, mem_zalloc(sizeof *r));
    *r = (struct fb_request){.size = sizeof *r,
                             .method = method,
                             .path = bag_keep(bag, mem_strndup(path, (size_t)(query - path))),
                             .query = *query ? bag_copy(bag, query + 1) : NULL,
                             .peer = "127.0.0.1",
                             .headers = h,
                             .header_n = headers_cut(bag_copy(bag, headers), h, 32),
                             .body = fd < 0 && body ? bag_keep(bag, mem_dup(body, strlen(body))) : NULL,
                             .body_n = body ? strlen(body) : 0,
                             .fd = fd,
                             .deadline_ms = wall_ms() + f->skew_ms + 20000};
    f->module->request(f->self, token, r);
}

void fake_http_answer(struct fake *f, unsigned i, int status, const char *headers, const char *body)
{
    struct fb_header h[32];
    char *cut = mem_strdup(headers);
    const struct fb_http_answer a = {.size = sizeof a,
                                     .status = status,
                                     .headers = h,
                                     .header_n = headers_cut(cut, h, ARRAY_LEN(h)),
                                     .body = body,
                                     .body_n = strlen(body)};
    assert_true(i < f->http_n && f->http[i].is_open);
    f->http[i].is_open = false;
    f->http[i].done(f->http[i].arg, &a);
    free(cut);
}

void fake_http_fail(struct fake *f, unsigned i, uint32_t fail, const char *message)
{
    const struct fb_http_answer a = {.size = sizeof a, .fail = fail, .message = message};
    assert_true(i < f->http_n && f->http[i].is_open);
    f->http[i].is_open = false;
    f->http[i].done(f->http[i].arg, &a);
}

void fake_stored(struct fake *f, unsigned i, int status, bool is_duplicate, const char *id,
                 const char *message)
{
    const struct fb_stored s = {
        .size = sizeof s, .status = status, .is_duplicate = is_duplicate, .id = id, .message = message};
    assert_true(i < f->received_n && f->received[i].is_open);
    f->received[i].is_open = false;
    f->received[i].done(f->received[i].arg, &s);
}

const char *fake_http_header(const struct fake_http *h, const char *name)
{
    return fb_header_get(h->headers, h->header_n, name);
}

/* ---- The loop ---- */

static int64_t timers_run(struct fake *f)
{
    struct fake_private *p = f->private;
    int64_t now = wall_ms() + f->skew_ms, next = 50;
    for (unsigned i = 0; i < p->timer_n; i++) {
        if (p->timer[i].at_ms <= now) {
            struct fake_timer due = p->timer[i];
            p->timer[i] = p->timer[--p->timer_n];
            due.fn(due.arg);
            return 0;
        }
        next = p->timer[i].at_ms - now < next ? p->timer[i].at_ms - now : next;
    }
    return next;
}

static void posts_run(struct fake *f)
{
    struct fake_private *p = f->private;
    for (unsigned i = 0; i < p->posted_n; i++)
        p->posted[i].fn(p->posted[i].arg);
    p->posted_n = 0;
}

static void watches_run(struct fake *f, int64_t wait_ms)
{
    struct fake_private *p = f->private;
    struct pollfd fds[ARRAY_LEN(p->watch)];
    unsigned n = p->watch_n;
    for (unsigned i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = p->watch[i].fd,
                                 .events = (short)((p->watch[i].events & FB_WATCH_READ ? POLLIN : 0) |
                                                   (p->watch[i].events & FB_WATCH_WRITE ? POLLOUT : 0))};
    poll(fds, n, (int)wait_ms);
    for (unsigned k = 0; k < n; k++)
        for (unsigned i = 0; fds[k].revents && i < p->watch_n; i++) {
            struct fake_watch w = p->watch[i];
            assert_false(fds[k].revents & POLLNVAL);
            if (w.fd != fds[k].fd)
                continue;
            uint32_t ready = (fds[k].revents & (POLLIN | POLLHUP | POLLERR) ? FB_WATCH_READ : 0u) |
                             (fds[k].revents & (POLLOUT | POLLERR) ? FB_WATCH_WRITE : 0u);
            if (ready & w.events)
                w.fn(w.arg, w.fd, ready & w.events);
            break;
        }
}

bool fake_run(struct fake *f, int ms, bool (*until)(struct fake *f, void *arg), void *arg)
{
    int64_t end = wall_ms() + ms;
    do {
        if (until && until(f, arg))
            return true;
        int64_t wait_ms = timers_run(f), left = end - wall_ms();
        posts_run(f);
        watches_run(f, wait_ms < left ? wait_ms : left > 0 ? left : 0);
    } while (wall_ms() < end);
    return until && until(f, arg);
}

void fake_advance(struct fake *f, int64_t ms)
{
    f->skew_ms += ms;
    while (timers_run(f) == 0)
        continue;
}

static bool has_outcome(struct fake *f, void *arg)
{
    return f->outcome[*(fb_token *)arg].is_done;
}

static bool has_reply(struct fake *f, void *arg)
{
    return f->reply[*(fb_token *)arg].is_done;
}

static bool has_received(struct fake *f, void *arg)
{
    return f->received_n >= *(unsigned *)arg;
}

static bool has_log(struct fake *f, void *arg)
{
    return f->log && strstr(f->log, arg);
}

bool fake_run_outcome(struct fake *f, fb_token token)
{
    return fake_run(f, 10000, has_outcome, &token);
}

bool fake_run_reply(struct fake *f, fb_token token)
{
    return fake_run(f, 10000, has_reply, &token);
}

bool fake_run_received(struct fake *f, unsigned n)
{
    return fake_run(f, 10000, has_received, &n);
}

bool fake_run_log(struct fake *f, const char *text)
{
    return fake_run(f, 10000, has_log, (char *)(uintptr_t)text);
}

unsigned fake_timers(const struct fake *f)
{
    return f->private->timer_n;
}

unsigned fake_watches(const struct fake *f)
{
    return f->private->watch_n;
}
