/*
 * Decides whether a message may leave with its files. An agent's message goes out whole or not at all: what is missing for
 * good refuses it, what the disk has lost is fetched again.
 */
#include "bridge/parcel.h"
#include "bridge/links.h"
#include "bridge/stored_file.h"
#include "front/attachment.h"
#include <unistd.h>

enum { BODY_MAX = 16 << 20, URL_MAX = 4096 };

#define TOO_LARGE "The files of this message are larger together than what is passed on. Nothing was sent."
#define REST      "The files of this message, which go with its last part, can no longer be passed on."
#define MISSING   "A file of this message could not be fetched. Nothing was sent."

void parcel_fini(struct parcel *p)
{
    for (unsigned i = 0; i < p->fd_n; i++)
        close(p->fd[i]);
    buf_fini(&p->text);
    p->fd_n = 0;
}

/* The first reason why the message can never go out as it is; absent: there is none. */
static struct span fault_of(const struct channel *ch, const struct store_message *m)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < m->file_n; i++) {
        const struct store_file *f = &m->file[i];
        if (f->state != FILE_READY || !f->name)
            return f->reason ? span_of(f->reason) : SPAN_LIT(MISSING);
        sum += (uint64_t)f->bytes;
    }
    bool is_over = m->file_n > HOST_FILES_MAX || sum > ch->bridge->config->attachments_bytes;
    return is_over ? SPAN_LIT(TOO_LARGE) : SPAN_NONE;
}

/* ---- Packing ---- */

static bool open_files(struct parcel *p, struct channel *ch, const struct store_message *m,
                       struct outcome *instead)
{
    for (unsigned i = 0; i < m->file_n; i++) {
        int fd = stored_file_open(&ch->out, &m->file[i], instead);
        if (fd < 0)
            return false;
        p->fd[p->fd_n++] = fd;
    }
    return true;
}

static enum err tell(struct parcel *p, const struct channel *ch, const struct store_message *m)
{
    struct attached told[HOST_FILES_MAX];
    struct buf url[HOST_FILES_MAX];
    wall_ms_t now = clock_wall_ms();

    for (unsigned i = 0; i < m->file_n; i++) {
        const struct store_file *f = &m->file[i];
        buf_init(&url[i], URL_MAX);
        links_write(ch->bridge->links, f->id, now, &url[i]);
        told[i] = (struct attached){.filename = f->filename,
                                    .content_type = f->content_type,
                                    .cid = f->cid,
                                    .url = url[i].p,
                                    .bytes = f->bytes};
    }
    enum err e = attachments_tell((struct span){m->body, m->body_n}, told, m->file_n, &p->text);
    for (unsigned i = 0; i < m->file_n; i++)
        buf_fini(&url[i]);
    p->body = buf_span(&p->text);
    return e == OK && p->text.is_over ? ERR_LIMIT : e;
}

/* Parts come before it and after it: the files are only named, they go with the last. Before the first was delivered the
 * text may yet be cut anew. */
static bool is_amid(const struct store_message *m)
{
    return m->parts.sent > 0 && m->parts.sent + 1 < m->parts.n;
}

bool parcel_pack(struct parcel *p, struct channel *ch, const struct store_message *m, struct outcome *instead)
{
    *p = (struct parcel){.body = {m->body, m->body_n}};
    buf_init(&p->text, BODY_MAX);
    if (m->file_n == 0)
        return true;
    struct span fault = fault_of(ch, m);
    if (fault.p && m->parts.sent > 0)
        fault = SPAN_LIT(REST); /* something was sent */
    *instead = (struct outcome){.kind = OUTCOME_REJECTED, .is_unsent = true, .reason = fault};
    if (!fault.p && (is_amid(m) || open_files(p, ch, m, instead))) {
        if (tell(p, ch, m) == OK)
            return true;
        *instead = (struct outcome){
            .kind = OUTCOME_REJECTED, .is_unsent = true, .reason = SPAN_LIT("The message is too large")};
    }
    parcel_fini(p);
    return false;
}
