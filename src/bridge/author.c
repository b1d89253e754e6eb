/* One GET for an address. What Front refuses is not asked again for a while: an author is a courtesy, not a
 * condition. */
#include "bridge/author.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/staging.h"
#include "front/link.h"
#include <stdlib.h>
#include <string.h>

enum {
    AUTHORS_MAX = 256,
    FOUND_MS = 60 * 60 * 1000,
    REFUSED_MS = 10 * 60 * 1000,
    AGAIN_MS = 5000,
    PATH_MAX_BYTES = 4096,
};

struct author {
    char *email, *id;
    bool is_asking, is_known;
    mono_ms_t until; /* what is known, or not to be asked, until then */
};

struct authors {
    struct author slot[AUTHORS_MAX];
};

struct authors *authors_new(void)
{
    return mem_zalloc(sizeof(struct authors));
}

static void author_fini(struct author *a)
{
    free(a->email);
    free(a->id);
}

void authors_free(struct authors *a)
{
    if (!a)
        return;
    for (unsigned i = 0; i < AUTHORS_MAX; i++)
        author_fini(&a->slot[i]);
    free(a);
}

static void on_answer(const struct front_result *r, void *arg)
{
    struct author *a = arg;
    mono_ms_t now = clock_mono_ms();

    a->is_asking = false;
    free(a->id);
    a->id = r->class == FRONT_CALL_OK && r->json ? json_dup(json_get(json_root(r->json), "id"), FRONT_ID_MAX)
                                                 : NULL;
    a->is_known = a->id || r->class == FRONT_CALL_OK || r->class == FRONT_CALL_REFUSED;
    a->until = now + (a->id ? FOUND_MS : a->is_known ? REFUSED_MS : AGAIN_MS);
    if (!a->id && r->class != FRONT_CALL_CANCELLED)
        log_info("author_unknown", LOG_I64("status", r->status), LOG_SPAN("reason", r->reason));
}

static void ask(struct channel *ch, struct author *a)
{
    struct buf path;

    a->is_asking = true;
    buf_init(&path, PATH_MAX_BYTES);
    front_path(&path, "/teammates/alt:email:%s", a->email);
    staging_call(ch,
                 &(struct front_request){.name = "teammate",
                                         .lane = RATE_RESOLVE,
                                         .auth = FRONT_AUTH_TOKEN,
                                         .method = "GET",
                                         .path = path.p},
                 on_answer, a);
    buf_fini(&path);
}

/* The slot of this address, or the one that is longest over; NULL: all are being asked. */
static struct author *slot_of(struct authors *all, const char *email)
{
    struct author *oldest = NULL;

    for (struct author *a = all->slot; a < all->slot + AUTHORS_MAX; a++) {
        if (a->email && strcmp(a->email, email) == 0)
            return a;
        if (!a->is_asking && (!oldest || a->until < oldest->until))
            oldest = a;
    }
    if (oldest) {
        author_fini(oldest);
        *oldest = (struct author){.email = mem_strdup(email)};
    }
    return oldest;
}

bool author_find(struct channel *ch, const char *email, const char **id)
{
    mono_ms_t now = clock_mono_ms();

    *id = NULL;
    if (!ch->account->config->token)
        return true;
    struct author *a = slot_of(ch->account->authors, email);
    if (!a)
        return false;
    if (a->is_known && now < a->until) {
        *id = a->id;
        return true;
    }
    if (!a->is_asking && now >= a->until && !ch->bridge->is_stopping)
        ask(ch, a);
    return false;
}
