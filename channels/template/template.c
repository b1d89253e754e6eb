/*
 * template: the adapter to copy. It connects Front to the simplest chat system there is: a text file.
 *
 *     cc -shared -fPIC -I include channels/template/template.c -o template.so
 *
 * What an agent writes is appended to the file as "handle<TAB>text". A customer "writes" by a request:
 *
 *     curl -H "Authorization: Bearer $TOKEN" -H 'X-From: alice' -H 'X-Id: 17' -d Hello $BRIDGE/hooks/support
 *
 * Everything a real adapter does is here once: settings and their check, an instance, a delivery that ends
 * later, a webhook that is acknowledged when its message is safe, and cleaning up. The rules are in
 * <front_bridge/channel.h>; read it first. It is C11 and, by gcc and clang, C++17 alike, needs nothing but
 * libc, and keeps all state in the instance.
 */
#include <front_bridge/channel.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX 65536

/* One call that is not over yet. The list is there for close: whatever is open then must be freed. */
struct job {
    struct chat *chat;
    fb_token token;
    const struct fb_delivery *delivery; /* borrowed from the host, which keeps it until complete() */
    struct job *next;
};

/* The instance: one configured channel. A process may have several, so there are no globals. */
struct chat {
    const struct fb_host *host;
    const char *path, *token; /* settings live as long as the instance */
    int64_t delay_ms;
    struct job *jobs;
};

static struct job *job_new(struct chat *chat, fb_token token, const struct fb_delivery *delivery)
{
    struct job *job = (struct job *)calloc(1, sizeof *job);
    if (!job)
        abort(); /* the host starts the adapter again, and no message is lost */
    job->chat = chat;
    job->token = token;
    job->delivery = delivery;
    job->next = chat->jobs;
    chat->jobs = job;
    return job;
}

static void job_free(struct job *job)
{
    struct job **at = &job->chat->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    free(job);
}

/* ---- From Front to the chat system ---- */

/* Says how an attempt ended, exactly once for each token. Anything but FB_DELIVERED needs a plain sentence:
 * for FB_REJECTED the agent reads it in Front, else operators do. */
static void finish(struct chat *chat, fb_token token, enum fb_outcome_kind kind, const char *reason,
                   const char *id)
{
    /* external_id is what the chat system calls the message; answers to it may name it. What is left out is
     * zero. */
    struct fb_outcome outcome = {
        .size = sizeof outcome, .kind = (uint32_t)kind, .reason = reason, .external_id = id};
    chat->host->complete(chat->host, token, &outcome);
}

/* Appends one line. 0, or the errno of what failed. */
static int append(const char *path, const struct fb_delivery *d)
{
    FILE *file = fopen(path, "a");
    if (!file)
        return errno;
    fprintf(file, "%s\t", d->recipient->handle);
    for (const char *p = d->text; p && *p; p++)
        fputc(*p == '\n' ? ' ' : *p, file);
    fputc('\n', file);
    int failed = ferror(file);
    return fclose(file) || failed ? EIO : 0; /* "delivered" is said only of what really is */
}

static void send_now(struct chat *chat, fb_token token, const struct fb_delivery *d)
{
    int error = append(chat->path, d);
    if (error) {
        char reason[200];
        snprintf(reason, sizeof reason, "The chat file cannot be written: %.150s.", strerror(error));
        finish(chat, token, FB_RETRY, reason, NULL); /* the host knows when to try again */
    } else {
        finish(chat, token, FB_DELIVERED, NULL, d->id);
    }
}

static void on_delay_over(void *arg)
{
    struct job *job = (struct job *)arg;
    send_now(job->chat, job->token, job->delivery);
    job_free(job);
}

static void deliver(void *self, fb_token token, const struct fb_delivery *d)
{
    struct chat *chat = (struct chat *)self;
    if (strpbrk(d->recipient->handle, "\t\n")) { /* trying again would not help: tell the agent */
        finish(chat, token, FB_REJECTED, "Names in this chat cannot hold tabs or line breaks.", NULL);
    } else if (!chat->delay_ms) {
        send_now(chat, token, d);
    } else { /* most chat systems answer later: come back from a timer, host->http(), host->watch() or
                host->post() */
        struct job *job = job_new(chat, token, d);
        if (!chat->host->timer(chat->host, chat->delay_ms, on_delay_over, job)) {
            job_free(job);
            finish(chat, token, FB_RETRY, "Too much is under way.", NULL);
        }
    }
}

/* ---- From the chat system to Front ---- */

static void answer(struct chat *chat, fb_token token, int status, const char *text)
{
    struct fb_reply reply = {.size = sizeof reply,
                             .status = status,
                             .content_type = "text/plain; charset=utf-8",
                             .body = text,
                             .body_n = strlen(text)};
    chat->host->reply(chat->host, token, &reply);
}

/* The message is on disk now, or will never be: only here may the chat system be told that we have it. */
static void on_stored(void *arg, const struct fb_stored *stored)
{
    struct job *job = (struct job *)arg;
    if (stored->status == FB_OK)
        answer(job->chat, job->token, stored->is_duplicate ? 200 : 202, stored->id);
    else
        answer(job->chat, job->token, stored->status == FB_ERR_INVALID ? 422 : 503, stored->message);
    job_free(job);
}

/* What comes from outside is not what the ABI calls a string: end it with a NUL and drop its control
 * characters. The host checks that it is UTF-8. */
static void text_copy(char *out, const char *body, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)body[i] >= ' ' ? body[i] != 0x7f : body[i] == '\n' || body[i] == '\t')
            *out++ = body[i];
    *out = '\0';
}

static void receive(struct chat *chat, fb_token token, const struct fb_request *r)
{
    char text[BODY_MAX + 1];
    text_copy(text, r->body, (size_t)r->body_n);
    struct fb_person sender = {.size = sizeof sender,
                               .handle = fb_header_get(r->headers, r->header_n, "x-from")};
    struct fb_inbound inbound = {
        .size = sizeof inbound,
        .id = fb_header_get(r->headers, r->header_n, "x-id"), /* stored once for each id */
        .sender = &sender,
        .text = text};
    if (!sender.handle || !*text) {
        answer(chat, token, 422, "Say who wrote (X-From) and what (the body).");
        return;
    }
    struct job *job = job_new(chat, token, NULL);
    int result = chat->host->receive(chat->host, &inbound, on_stored, job); /* copies what it was given */
    if (result != FB_OK) { /* refused at once: on_stored will not be called */
        job_free(job);
        answer(chat, token, result == FB_ERR_INVALID ? 422 : 503, "The message was not taken.");
    }
}

/* Anyone can call a webhook, so an adapter must know its backend. Compare secrets only like this: == tells
 * too much. */
static int may_speak(const struct chat *chat, const struct fb_request *r)
{
    const char *given = fb_header_get(r->headers, r->header_n, "authorization");
    return given && !strncmp(given, "Bearer ", 7) && fb_secret_equal(given + 7, chat->token);
}

static void request(void *self, fb_token token, const struct fb_request *r)
{
    struct chat *chat = (struct chat *)self;
    if (!may_speak(chat, r))
        answer(chat, token, 401, "The token is missing or wrong.");
    else if (strcmp(r->method, "POST"))
        answer(chat, token, 405, "POST a message.");
    else if (!r->body || r->body_n > BODY_MAX) /* large bodies come as a file in r->fd: this toy takes none */
        answer(chat, token, r->body_n ? 413 : 422, "The message is too large, or empty.");
    else
        receive(chat, token, r);
}

/* ---- Settings and life ---- */

/* What may be written under `settings:`. The host checks kinds and required ones, reads `token_file:`, and
 * hides secrets. */
static const struct fb_setting settings[] = {
    {sizeof(struct fb_setting), FB_SETTING_STRING, FB_SETTING_REQUIRED, "path", NULL,
     "the file that plays the chat"},
    {sizeof(struct fb_setting), FB_SETTING_STRING, FB_SETTING_REQUIRED | FB_SETTING_SECRET, "token", NULL,
     "demanded on the webhook as Authorization: Bearer"},
    {sizeof(struct fb_setting), FB_SETTING_DURATION, 0, "delay", "0",
     "how long a delivery takes, to play with"},
};

/* Called by `front-bridge check` too, so it touches nothing. Say what to write instead. */
static int validate(const struct fb_host *host, char *why, size_t why_n)
{
    const char *path = host->setting(host, "path"), *token = host->setting(host, "token");
    if (!path || *path != '/')
        snprintf(why, why_n, "`path` must be absolute, as in /var/lib/chat/messages.txt.");
    else if (!token || strlen(token) < 8)
        snprintf(why, why_n, "`token` must have 8 characters or more.");
    else
        return FB_OK;
    return FB_ERR_INVALID;
}

static int open_chat(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    struct chat *chat = (struct chat *)calloc(1, sizeof *chat);
    if (!chat) {
        snprintf(why, why_n, "There is no memory left.");
        return FB_ERR_FAILED;
    }
    chat->host = host;
    chat->path = host->setting(host, "path");
    chat->token = host->setting(host, "token");
    chat->delay_ms = atoll(host->setting(host, "delay")); /* durations come as milliseconds */
    *self = chat;
    host->log(host, FB_LOG_INFO, "the chat file is ready");
    return FB_OK;
}

/* After it the host calls nothing any more: timers are gone, and the open tokens settle as unknown. */
static void close_chat(void *self)
{
    struct chat *chat = (struct chat *)self;
    while (chat->jobs)
        job_free(chat->jobs);
    free(chat);
}

static const struct fb_module module = {
    FB_MODULE_HEAD,
    .capabilities = FB_CAN_PARALLEL,
    .name = "template",
    .version = "1.0",
    .summary = "the adapter to copy: a text file plays the chat system",
    .formats = FB_FORMAT_PLAIN,
    .settings = settings,
    .setting_n = sizeof settings / sizeof *settings,
    .validate = validate,
    .open = open_chat,
    .deliver = deliver,
    .request = request,
    .close = close_chat,
};

/* The one symbol that the host looks for. */
FB_EXPORT const struct fb_module *fb_channel_module(void)
{
    return &module;
}
