/*
 * courier: an adapter whose backend posts lines, and that hands over what they say, with files. For tests of files on their way
 * to Front.
 *
 *     id ID · sender HANDLE · text TEXT · html HTML · conversation ID · to HANDLE (an agent's message)
 *     file PATH<TAB>FILENAME<TAB>TYPE[<TAB>CID]
 *     url URL<TAB>FILENAME<TAB>TYPE[<TAB>CID<TAB>SIZE]
 *
 * The answer is 202 (200 for what is known) with our id, 422, or 503, each with the host's sentence.
 */
#include <fcntl.h>
#include <front_bridge/channel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 40, FIELDS_MAX = 5 };

struct letter {
    const struct fb_host *host;
    fb_token token;
    char *text; /* the lines; all strings point into it */
    struct fb_person sender, to;
    struct fb_attachment file[FILES_MAX];
    struct fb_inbound in;
};

static void letter_free(struct letter *l)
{
    for (uint32_t i = 0; i < l->in.attachment_n; i++)
        if (l->file[i].fd > 0)
            close(l->file[i].fd);
    free(l->text);
    free(l);
}

static void answer(struct letter *l, int status, const char *text)
{
    struct fb_reply reply = {.size = sizeof reply, .status = status, .content_type = "text/plain"};
    reply.body = text ? text : "";
    reply.body_n = strlen(reply.body);
    l->host->reply(l->host, l->token, &reply);
    letter_free(l);
}

static void on_stored(void *arg, const struct fb_stored *s)
{
    if (s->status == FB_OK)
        answer(arg, s->is_duplicate ? 200 : 202, s->id);
    else
        answer(arg, s->status == FB_ERR_INVALID ? 422 : 503, s->message);
}

static void add_file(struct letter *l, char *line, int is_url)
{
    char *field[FIELDS_MAX] = {NULL};
    struct fb_attachment *a = &l->file[l->in.attachment_n];
    for (int i = 0; i < FIELDS_MAX && line; i++)
        field[i] = strsep(&line, "\t");
    if (l->in.attachment_n == FILES_MAX || !field[2])
        return;
    l->in.attachment_n++;
    *a = (struct fb_attachment){.size = sizeof *a, .filename = field[1], .content_type = field[2], .fd = -1};
    a->cid = field[3] && *field[3] ? field[3] : NULL;
    if (is_url)
        a->url = field[0];
    else
        a->fd = open(field[0], O_RDONLY | O_CLOEXEC);
    if (field[4])
        a->bytes = strtoull(field[4], NULL, 10);
}

static void add_to(struct letter *l, const char *handle)
{
    l->to = (struct fb_person){.size = sizeof l->to, .handle = handle};
    l->in.direction = FB_FROM_AGENT;
    l->in.to = &l->to;
    l->in.to_n = 1;
}

static void read_line(struct letter *l, char *line)
{
    char *word = strsep(&line, " ");
    if (!line)
        return;
    if (!strcmp(word, "id"))
        l->in.id = line;
    else if (!strcmp(word, "sender"))
        l->sender.handle = line;
    else if (!strcmp(word, "text"))
        l->in.text = line;
    else if (!strcmp(word, "html"))
        l->in.html = line;
    else if (!strcmp(word, "conversation"))
        l->in.conversation_id = line;
    else if (!strcmp(word, "to"))
        add_to(l, line);
    else if (!strcmp(word, "file") || !strcmp(word, "url"))
        add_file(l, line, *word == 'u');
}

static void request(void *self, fb_token token, const struct fb_request *r)
{
    struct letter *l = calloc(1, sizeof *l);
    if (!l || !(l->text = calloc(1, (size_t)r->body_n + 1)))
        abort();
    l->host = *(const struct fb_host **)self;
    l->token = token;
    if (r->body)
        memcpy(l->text, r->body, (size_t)r->body_n);
    l->sender.size = sizeof l->sender;
    l->in = (struct fb_inbound){.size = sizeof l->in, .sender = &l->sender, .attachments = l->file};
    for (char *rest = l->text, *line; (line = strsep(&rest, "\n"));)
        read_line(l, line);
    int result = l->host->receive(l->host, &l->in, on_stored, l);
    if (result != FB_OK)
        answer(l, result == FB_ERR_INVALID ? 422 : 503, "not taken");
}

static int open_courier(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    const struct fb_host **courier = calloc(1, sizeof *courier);
    (void)why, (void)why_n;
    if (!courier)
        abort();
    *courier = host;
    *self = courier;
    return FB_OK;
}

static void deliver(void *self, fb_token token, const struct fb_delivery *d)
{
    const struct fb_host *host = *(const struct fb_host **)self;
    struct fb_outcome o = {.size = sizeof o, .kind = FB_DELIVERED, .external_id = d->id};
    host->complete(host, token, &o);
}

static const struct fb_setting settings[] = {
    {sizeof(struct fb_setting), FB_SETTING_LIST, 0, "allow_private", NULL,
     "networks that the URLs of files may reach"},
};

static const struct fb_module module = {
    FB_MODULE_HEAD,
    .capabilities = FB_CAN_PARALLEL | FB_CAN_ATTACHMENTS,
    .name = "courier",
    .version = "1.0",
    .summary = "hands over what it is posted, with files",
    .formats = FB_FORMAT_PLAIN,
    .settings = settings,
    .setting_n = sizeof settings / sizeof *settings,
    .open = open_courier,
    .deliver = deliver,
    .request = request,
    .close = free,
};

FB_EXPORT const struct fb_module *fb_channel_module(void)
{
    return &module;
}
