/*
 * probe: an adapter whose backend is the text of the message: it says what to do with it. For tests of the
 * host.
 */
#include <errno.h>
#include <fcntl.h>
#include <front_bridge/channel.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct probe {
    const struct fb_host *host;
};

struct later {
    struct probe *p;
    fb_token token;
    char text[200];
};

static void done(struct probe *p, fb_token token, const char *id)
{
    struct fb_outcome o = {.size = sizeof o, .kind = FB_DELIVERED, .external_id = id};
    p->host->complete(p->host, token, &o);
}

static void on_timer(void *arg)
{
    struct later *l = arg;
    done(l->p, l->token, "later");
    free(l);
}

static struct later *later(struct probe *p, fb_token token, const char *text)
{
    struct later *l = calloc(1, sizeof *l);
    l->p = p;
    l->token = token;
    snprintf(l->text, sizeof l->text, "%s", text);
    return l;
}

static void *in_thread(void *arg)
{
    struct later *l = arg;
    l->p->host->log(l->p->host, FB_LOG_INFO, "from a thread");
    l->p->host->post(l->p->host, on_timer, l);
    return NULL;
}

static void on_stored(void *arg, const struct fb_stored *s)
{
    struct later *l = arg;
    char line[300];
    snprintf(line, sizeof line, "%d %u %s %s", s->status, s->is_duplicate, s->id ? s->id : "-",
             s->message ? s->message : "-");
    done(l->p, l->token, line);
    free(l);
}

static void on_read(void *arg, int status, const char *value, size_t n)
{
    struct later *l = arg;
    char line[300];
    snprintf(line, sizeof line, "%d %.*s", status, (int)n, value ? value : "");
    done(l->p, l->token, line);
    free(l);
}

static void on_written(void *arg, int status, const char *value, size_t n)
{
    (void)status, (void)value, (void)n;
    struct later *l = arg;
    l->p->host->kv_get(l->p->host, "key", on_read, l);
}

static void on_pipe(void *arg, int fd, uint32_t ready)
{
    (void)ready;
    struct later *l = arg;
    char c;
    if (read(fd, &c, 1) == 1) {
        l->p->host->watch(l->p->host, fd, 0, NULL, NULL);
        close(fd);
        on_timer(l);
    }
}

static void do_deliver(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    (void)d;
    done(p, t, d->id);
}

static void do_reject(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    (void)d;
    struct fb_outcome o = {.size = sizeof o,
                           .kind = FB_REJECTED,
                           .code = 404,
                           .reason = "The backend\nknows no such \x01person."};
    p->host->complete(p->host, t, &o);
}

static void do_retry(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    (void)d;
    struct fb_outcome o = {
        .size = sizeof o, .kind = FB_RETRY, .flags = FB_OUTCOME_UNREACHABLE, .retry_after_ms = 1234};
    p->host->complete(p->host, t, &o);
}

static void do_twice(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    struct fb_outcome o = {.size = sizeof o, .kind = FB_REJECTED, .reason = "Never."};
    done(p, t, d->id);
    if (p->host->complete(p->host, t, &o) != FB_ERR_TOKEN)
        abort();
}

static void do_timer(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    p->host->timer_cancel(p->host, p->host->timer(p->host, 1, on_timer, NULL));
    p->host->timer(p->host, 20, on_timer, later(p, t, d->text));
}

static void do_thread(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    pthread_t id;
    if (pthread_create(&id, NULL, in_thread, later(p, t, d->text)) == 0)
        pthread_detach(id);
}

static void do_pipe(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    int fd[2];
    if (pipe(fd) != 0)
        return;
    p->host->watch(p->host, fd[0], FB_WATCH_READ, on_pipe, later(p, t, d->text));
    if (write(fd[1], "x", 1) != 1)
        abort();
    close(fd[1]);
}

static void do_receive(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    struct fb_person sender = {.size = sizeof sender, .handle = "+331", .name = "Ada \xf0\x9f\x98\x80"};
    struct fb_attachment files[] = {
        {.size = sizeof files[0],
         .fd = -1,
         .url = "https://example.com/a.png",
         .filename = "a.png",
         .content_type = "image/png"},
        {.size = sizeof files[0], .fd = fd, .filename = "b.txt", .content_type = "text/plain", .bytes = 7},
    };
    struct fb_inbound in = {.size = sizeof in,
                            .id = "m1",
                            .sender = &sender,
                            .text = d->subject,
                            .attachments = files,
                            .attachment_n = 2,
                            .sent_at_ms = 1700000000123};
    int r = p->host->receive(p->host, &in, on_stored, later(p, t, d->text));
    close(fd);
    if (r != FB_OK)
        abort();
}

static void do_receipt(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    struct fb_receipt r = {.size = sizeof r, .status = FB_RECEIPT_READ, .external_id = "x1"};
    if (p->host->receipt(p->host, &r, on_stored, later(p, t, d->text)) != FB_OK)
        abort();
}

/* With a file of each kind that the bridge could not take. */
static bool are_bad_files_refused(struct probe *p, const struct fb_person *sender)
{
    enum { MANY = 33, CLOSED = 3999 };
    int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fine = memfd_create("fine", MFD_CLOEXEC), pipe_fd[2];
    if (fine < 0 || pipe(pipe_fd) != 0)
        abort();
    const struct {
        int fd;
        uint32_t n;
        const char *filename, *type, *url;
    } bad[] = {
        {0, 1, "a", "t/t", NULL},
        {-1, 1, "a", "t/t", NULL},
        {-1, 1, "a", "t/t", ""},
        {CLOSED, 1, "a", "t/t", NULL},
        {dir, 1, "a", "t/t", NULL},
        {null, 1, "a", "t/t", NULL},
        {pipe_fd[0], 1, "a", "t/t", NULL},
        {fine, MANY, "a", "t/t", NULL},
        {fine, 1, NULL, "t/t", NULL},
        {fine, 1, "a", "", NULL},
        {fine, 1, "a\n\x01", "t/t", NULL},
        {-1, 1, "a", "t/t", "no url"},
        {-1, 1, "a", "t/t", "file:///etc/passwd"},
        {-1, 1, "a", "t/t", "https://"},
    };
    bool are_refused = true;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fb_attachment files[MANY];
        for (uint32_t k = 0; k < bad[i].n; k++)
            files[k] = (struct fb_attachment){.size = sizeof files[k],
                                              .fd = bad[i].fd,
                                              .filename = bad[i].filename,
                                              .content_type = bad[i].type,
                                              .url = bad[i].url};
        struct fb_inbound in = {
            .size = sizeof in, .sender = sender, .attachments = files, .attachment_n = bad[i].n};
        are_refused &= p->host->receive(p->host, &in, on_stored, NULL) == FB_ERR_INVALID;
    }
    const int fds[] = {dir, null, fine, pipe_fd[0], pipe_fd[1]};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        close(fds[i]);
    return are_refused;
}

static void do_bad_receive(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    (void)d;
    struct fb_person sender = {.size = sizeof sender, .handle = "+331"};
    struct fb_inbound bad[] = {
        {.size = sizeof bad[0], .text = "no sender"},
        {.size = sizeof bad[0], .sender = &sender},
        {.size = sizeof bad[0], .sender = &sender, .text = "two", .html = "texts"},
        {.size = sizeof bad[0], .sender = &sender, .text = "bad \xff utf-8"},
        {.size = sizeof bad[0], .sender = &sender, .text = "control \x01"},
        {.size = sizeof bad[0], .sender = &sender, .text = "to nobody", .direction = FB_FROM_AGENT},
        {.sender = &sender, .text = "no size"},
    };
    if (!are_bad_files_refused(p, &sender))
        abort();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (p->host->receive(p->host, &bad[i], on_stored, NULL) != FB_ERR_INVALID)
            abort();
    }
    done(p, t, "all refused");
}

static void do_kv(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    p->host->kv_set(p->host, "key", d->subject, strlen(d->subject), on_written, later(p, t, d->text));
}

static void on_answer(void *arg, const struct fb_http_answer *a)
{
    struct later *l = arg;
    char line[300];
    const char *header = fb_header_get(a->headers, a->header_n, "x-answer");
    snprintf(line, sizeof line, "%u %d %s %s", a->fail, a->status, header ? header : "-", a->body);
    done(l->p, l->token, line);
    free(l);
}

/* The subject is a URL; with a + before it only public addresses may be reached. */
static void do_http(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    struct fb_header header = {"X-Ask", "yes"};
    struct fb_http_request q = {.size = sizeof q,
                                .method = "POST",
                                .url = d->subject + (*d->subject == '+'),
                                .flags = *d->subject == '+' ? FB_HTTP_PUBLIC_ONLY : 0,
                                .headers = &header,
                                .header_n = 1,
                                .body = "question",
                                .body_n = 8};
    p->host->http_cancel(p->host, p->host->http(p->host, &q, on_answer, NULL));
    if (!p->host->http(p->host, &q, on_answer, later(p, t, d->text)))
        abort();
}

static void do_crash(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    (void)p, (void)t, (void)d;
    raise(SIGKILL);
}

static void do_setting(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    const char *value = p->host->setting(p->host, d->subject);
    done(p, t, value ? value : "none");
}

static void do_read_file(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    int fd = open(d->subject, O_RDONLY);
    done(p, t, fd >= 0 ? "readable" : strerror(errno));
    if (fd >= 0)
        close(fd);
}

static void do_environment(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    extern char **environ;
    char line[400];
    int n = 0, at = 0;
    for (int fd = 3; fd < 100; fd++)
        n += fcntl(fd, F_GETFD) >= 0 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    at = snprintf(line, sizeof line, "%d", n);
    for (char **e = environ; *e && at < (int)sizeof line; e++)
        at += snprintf(line + at, sizeof line - (size_t)at, " %.*s", (int)strcspn(*e, "="), *e);
    (void)d;
    done(p, t, line);
}

static void do_show(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    char line[500];
    snprintf(line, sizeof line, "%s|%u|%s|%s|%s|%s|%s|%u|%s|%llu|%lld", d->id, d->attempt,
             d->front_message_id, d->conversation_id ? d->conversation_id : "-",
             d->recipient ? d->recipient->handle : "-", d->author ? d->author->email : "-",
             d->html ? d->html : "-", d->attachment_n, d->attachment_n ? d->attachments[0].filename : "-",
             (unsigned long long)(d->attachment_n ? d->attachments[0].bytes : 0),
             (long long)d->created_at_ms);
    done(p, t, line);
}

/* Every file to its end, from the beginning: how long it is, and the sum of its bytes. With the setting `save` it is also
 * written there. */
static FILE *open_copy(const struct probe *p, const struct fb_delivery *d, uint32_t i)
{
    char path[500];
    const char *folder = p->host->setting(p->host, "save");
    snprintf(path, sizeof path, "%s/%s-%u", folder ? folder : "", d->front_message_id, i);
    FILE *f = folder ? fopen(path, "wbe") : NULL;
    if (folder && !f)
        abort();
    return f;
}

static void read_file(const struct fb_attachment *a, FILE *copy, unsigned long *n, unsigned long *sum)
{
    char chunk[65536];
    for (ssize_t got; (got = read(a->fd, chunk, sizeof chunk)) > 0; *n += (unsigned long)got) {
        if (copy && fwrite(chunk, 1, (size_t)got, copy) != (size_t)got)
            abort();
        for (ssize_t k = 0; k < got; k++)
            *sum += (unsigned char)chunk[k];
    }
}

static void do_files(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    char line[500] = "";
    size_t at = 0;
    for (uint32_t i = 0; i < d->attachment_n; i++) {
        const struct fb_attachment *a = FB_AT(d->attachments, i);
        unsigned long sum = 0, n = 0;
        FILE *copy = open_copy(p, d, i);
        read_file(a, copy, &n, &sum);
        if (copy)
            fclose(copy);
        if (at < sizeof line)
            at += (size_t)snprintf(line + at, sizeof line - at, "%s%s:%s:%s:%llu=%lu:%lu", i ? " " : "",
                                   a->filename, a->content_type, a->cid ? a->cid : "-",
                                   (unsigned long long)a->bytes, n, sum);
    }
    done(p, t, line[0] ? line : "none");
}

/* Too late: it is for open. */
static void do_want_text(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    (void)d;
    done(p, t, p->host->want_text(p->host, FB_FORMAT_PLAIN, 0) == FB_ERR_INVALID ? "refused" : "taken");
}

static void do_never(struct probe *p, fb_token t, const struct fb_delivery *d)
{
    (void)p, (void)t, (void)d;
}

static const struct {
    const char *word;
    void (*fn)(struct probe *p, fb_token t, const struct fb_delivery *d);
} words[] = {
    {"deliver", do_deliver},
    {"reject", do_reject},
    {"retry", do_retry},
    {"twice", do_twice},
    {"timer", do_timer},
    {"thread", do_thread},
    {"pipe", do_pipe},
    {"receive", do_receive},
    {"receipt", do_receipt},
    {"bad receive", do_bad_receive},
    {"kv", do_kv},
    {"crash", do_crash},
    {"http", do_http},
    {"setting", do_setting},
    {"read file", do_read_file},
    {"environment", do_environment},
    {"show", do_show},
    {"files", do_files},
    {"want text", do_want_text},
    {"never", do_never},
};

static int probe_open(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    struct probe *p = calloc(1, sizeof *p);
    p->host = host;
    if (host->setting(host, "refuse")) {
        snprintf(why, why_n, "The setting refuse says %s.", host->setting(host, "refuse"));
        free(p);
        return FB_ERR_FAILED;
    }
    const char *max_text = host->setting(host, "max_text");
    if (max_text && host->want_text(host, FB_FORMAT_PLAIN, (uint32_t)atoi(max_text)) != FB_OK) {
        snprintf(why, why_n, "The host does not take max_text %s.", max_text);
        free(p);
        return FB_ERR_FAILED;
    }
    host->want_events(host, "comment archive");
    *self = p;
    return FB_OK;
}

static void probe_deliver(void *self, fb_token token, const struct fb_delivery *d)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (d->text && strcmp(d->text, words[i].word) == 0) {
            words[i].fn(self, token, d);
            return;
        }
    }
    done(self, token, d->id);
}

static void probe_failed(void *self, fb_token token, const struct fb_notice *n)
{
    done(self, token, n->reason);
}

static void probe_event(void *self, fb_token token, const struct fb_notice *n)
{
    done(self, token, n->type);
}

static void probe_request(void *self, fb_token token, const struct fb_request *q)
{
    struct probe *p = self;
    char body[2000];
    struct fb_header header = {"X-Probe", "yes"};
    struct fb_reply r = {.size = sizeof r,
                         .status = 202,
                         .content_type = "text/plain",
                         .body = body,
                         .headers = &header,
                         .header_n = 1};
    const char *type = fb_header_get(q->headers, q->header_n, "content-type");
    char first[8] = "";
    if (q->fd >= 0 && read(q->fd, first, 7) != 7)
        abort();
    if (strcmp(q->path, "/never") == 0)
        return;
    r.body_n =
        (size_t)snprintf(body, sizeof body, "%s %s?%s from %s: %s, %llu bytes%s %.20s", q->method, q->path,
                         q->query ? q->query : "", q->peer, type ? type : "-", (unsigned long long)q->body_n,
                         q->fd >= 0 ? " as a file" : "", q->fd >= 0 ? first : q->body);
    if (p->host->reply(p->host, token, &r) != FB_OK || p->host->reply(p->host, token, &r) != FB_ERR_TOKEN)
        abort();
}

static void probe_close(void *self)
{
    free(self);
}

static const struct fb_setting settings[] = {
    {.size = sizeof settings[0], .kind = FB_SETTING_STRING, .key = "refuse", .help = "Makes open fail."},
    {.size = sizeof settings[0], .kind = FB_SETTING_STRING, .key = "colour", .help = "Anything."},
    {.size = sizeof settings[0],
     .kind = FB_SETTING_INTEGER,
     .key = "max_text",
     .help = "Characters of a message."},
    {.size = sizeof settings[0],
     .kind = FB_SETTING_STRING,
     .key = "save",
     .help = "Where files are written."},
};

static const struct fb_module module = {
    FB_MODULE_HEAD,
    .name = "probe",
    .version = "1.0",
    .capabilities = FB_CAN_ATTACHMENTS | FB_CAN_PARALLEL,
    .formats = FB_FORMAT_PLAIN | FB_FORMAT_HTML,
    .settings = settings,
    .setting_n = sizeof settings / sizeof settings[0],
    .open = probe_open,
    .deliver = probe_deliver,
    .failed = probe_failed,
    .event = probe_event,
    .request = probe_request,
    .close = probe_close,
};

FB_EXPORT const struct fb_module *fb_channel_module(void)
{
    return &module;
}
