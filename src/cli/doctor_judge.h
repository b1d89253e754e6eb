/*
 * What answers mean: from what Front, the bridge and the backends said to findings. Pure.
 */
#ifndef CLI_DOCTOR_JUDGE_H
#define CLI_DOCTOR_JUDGE_H

#include "base/clock.h"
#include "bridge/preflight.h"
#include "cli/doctor_report.h"
#include "front/client.h"

/* ---- An account ---- */

/* judge_api: is it Front that answers at api? False: then nothing else that it says means anything. */
bool judge_api(struct finding *f, const char *api, const struct front_result *r);
/* judge_token: of GET /me. */
bool judge_token(struct finding *f, const struct front_result *r);
void judge_clock(struct finding *f, int64_t date_s, wall_ms_t now);
void judge_rate(struct finding *f, struct rate_view rate);
/* judge_app: of any GET with an app's token for a channel. */
void judge_app(struct finding *f, const struct front_result *r);

/*
 * A scope is looked for by a call that changes nothing: of something that does not exist, and where it would
 * write, without what Front demands. 403 is a refusal; 400 and 404 come after the scope was looked at.
 */
struct scope {
    const char *name;
    const char *call, *method, *path, *body; /* call: its name in the metrics */
    const char *purpose;                     /* completes "it is needed to …" */
    bool is_needed;                          /* by what is configured; else missing it is a warning */
};

enum { SCOPES_MAX = 12 };

/* scopes_of writes what the channels of an account need, with the adapters as preflight saw them, and gives how many. */
unsigned scopes_of(const struct config *c, const struct preflight *seen, const struct config_account *a,
                   struct scope out[SCOPES_MAX]);
void judge_scope(struct finding *f, const struct scope *s, const struct front_result *r);

/* ---- A channel ---- */

/* judge_channel: of GET /channels/{id}; id is the configuration's, or what the bridge has learnt. */
void judge_channel(struct finding *f, const struct config_channel *c, const char *id,
                   const struct front_result *r);

/* What an HTTP call to the bridge's own public URL or to a backend gave. */
struct heard {
    enum http_fail fail;
    int status; /* 0: none */
    struct span body;
};

bool judge_public_url(struct finding *f, const char *url, const struct heard *h);
/* judge_signature: of an empty object, signed by secret number n (from 1) of several; h is the answer. */
bool judge_signature(struct finding *f, const struct config_channel *c, unsigned n, const struct heard *h);
/* judge_forgery: of the same with a signature that is wrong. */
bool judge_forgery(struct finding *f, const struct heard *h);
void judge_backend(struct finding *f, const char *url, enum http_fail fail);
/* judge_status: what the running bridge says of the channel, an element of /api/v1/channels. */
void judge_status(struct finding *f, struct jval channel);

/* ---- The store ---- */

struct store_facts {
    const char *path;
    int error; /* errno of looking at it; 0: it is there */
    bool is_directory, is_writable, is_open_to_others;
    unsigned owner, user; /* user: who runs doctor */
    uint64_t free_bytes, quota_bytes;
};
void judge_store(struct finding *f, const struct store_facts *s);

/* url_origin appends scheme, host and port of a URL, and nothing of the rest, which may be secret. */
void url_origin(struct buf *out, const char *url);

#endif
