/*
 * Decides which files of a message Front gets. It refuses to know the call that they go with. Invariant: what is left out has
 * a sentence.
 */
#include "bridge/upload.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/stored_file.h"
#include "front/enclosure.h"
#include <stdlib.h>
#include <unistd.h>

enum {
    CALL_MS = 60 * 1000,  /* for Front to answer, once it has the files */
    BYTES_PER_S = 100000, /* 25 MB in 4 minutes */
    STALL_MS = 60 * 1000, /* with hardly a byte: Front may think before it answers */
};

#define LOST SPAN_LIT("A file of this message was lost.")

struct upload {
    struct queue *queue;
    struct store_file *file; /* all of the message */
    unsigned file_n;
    unsigned goes[ATTACHMENTS_MAX], goes_n; /* which of these are posted */
    struct span note[ATTACHMENTS_MAX];
    unsigned note_n;
    char too_much[ATTACHMENTS_MAX][ATTACHMENT_REASON_MAX];
    int64_t bytes; /* of those that are posted */
    struct front_form form;
};

static uint64_t max_of(const struct upload *u)
{
    return enclosures_max(u->queue->channel->bridge->config->attachments_bytes);
}

static void leave_out(struct upload *u, const struct store_file *f)
{
    const struct channel *ch = u->queue->channel;
    char *why = u->too_much[u->note_n];

    enclosure_too_much(f->filename, max_of(u), why);
    u->note[u->note_n++] = span_of(why);
    u->queue->channel->stats.files[MESSAGE_IN].n[FILE_GONE]++;
    log_warn("file_left_out", LOG_STR("channel", ch->config->name), LOG_I64("bytes", f->bytes),
             LOG_STR("reason", "the files of the message are larger together than what Front takes"));
}

static void sort(struct upload *u)
{
    int64_t max = (int64_t)max_of(u);

    for (unsigned i = 0; i < u->file_n && i < ATTACHMENTS_MAX; i++) {
        const struct store_file *f = &u->file[i];
        if (f->state != FILE_READY || !f->name) {
            u->note[u->note_n++] = f->reason ? span_of(f->reason) : LOST;
        } else if (f->bytes > max - u->bytes) {
            leave_out(u, f);
        } else {
            u->goes[u->goes_n++] = i;
            u->bytes += f->bytes;
        }
    }
}

struct upload *upload_new(struct queue *q, struct store_message *m)
{
    if (m->file_n == 0)
        return NULL;
    struct upload *u = mem_zalloc(sizeof *u);
    u->queue = q;
    u->file = m->file;
    u->file_n = m->file_n;
    m->file = NULL;
    m->file_n = 0;
    sort(u);
    return u;
}

void upload_free(struct upload *u)
{
    if (!u)
        return;
    for (unsigned i = 0; i < u->file_n; i++)
        store_file_fini(&u->file[i]);
    free(u->file);
    free(u);
}

const struct span *upload_notes(const struct upload *u, unsigned *n)
{
    *n = u ? u->note_n : 0;
    return u ? u->note : NULL;
}

bool upload_has_files(const struct upload *u)
{
    return u && u->goes_n > 0;
}

static bool add_files(struct upload *u, struct outcome *instead)
{
    for (unsigned i = 0; i < u->goes_n; i++) {
        const struct store_file *f = &u->file[u->goes[i]];
        int fd = stored_file_open(u->queue, f, instead);
        if (fd < 0)
            return false;
        front_form_add_file(&u->form, &(struct http_part){.fd = fd,
                                                          .bytes = (uint64_t)f->bytes,
                                                          .filename = f->filename,
                                                          .content_type = f->content_type,
                                                          .cid = f->cid});
    }
    return true;
}

bool upload_pack(struct upload *u, struct front_request *r, struct outcome *instead)
{
    if (front_form_read(&u->form, r->body) != OK) {
        *instead = (struct outcome){
            .kind = OUTCOME_REJECTED, .is_unsent = true, .reason = SPAN_LIT("The message has no form")};
        upload_unpack(u);
        return false;
    }
    if (!add_files(u, instead)) {
        upload_unpack(u);
        return false;
    }
    r->body = SPAN_NONE;
    r->part = u->form.part;
    r->part_n = u->form.part_n;
    r->timeout_ms = CALL_MS + u->bytes * 1000 / BYTES_PER_S;
    r->stall_ms = STALL_MS;
    return true;
}

void upload_unpack(struct upload *u)
{
    for (size_t i = 0; i < u->form.part_n; i++)
        if (u->form.part[i].fd >= 0)
            close(u->form.part[i].fd);
    front_form_fini(&u->form);
}
