/*
 * Where events go: to a custom channel's own URL, to rules' webhooks, to application webhooks. Pure.
 *
 * Source: Front, "Webhooks": a channel's and a rule's are signed SHA1 and sent once; an application's are in
 * an envelope, signed SHA256 with their time, and retried. A preview is what Front sends where nothing else
 * was chosen, but for application webhooks.
 */
#ifndef SIM_HOOK_H
#define SIM_HOOK_H

#include "base/json.h"
#include "sim/account.h"
#include "sim/event_shape.h"

enum { SIM_HOOKS_MAX = 64, SIM_HOOK_NAMES_MAX = 64 };

enum sim_hook_kind { SIM_HOOK_CHANNEL, SIM_HOOK_RULE, SIM_HOOK_APPLICATION };

struct sim_names {
    char *item[SIM_HOOK_NAMES_MAX];
    unsigned n;
};

struct sim_hook {
    char id[SIM_ID_BYTES];
    enum sim_hook_kind kind;
    struct sim_channel *channel;     /* SIM_HOOK_CHANNEL: it goes to its webhook_url */
    char *url, *secret;              /* secret NULL: the company's, or the app's */
    struct sim_names types, inboxes; /* none: all */
    enum sim_form form;
    unsigned disable_after, failed_n; /* so many failures in a row disable it; 0: never */
    bool is_disabled;
};

struct sim_hooks {
    struct sim_hook *item[SIM_HOOKS_MAX];
    unsigned n, sequence;
};

/*
 * sim_hook_add reads {"kind":"channel","rule" or "application","channel" or "url","types"?,"inboxes"?,
 * "form"?,"secret"?,"disable_after"?}; NULL: why holds one sentence.
 */
struct sim_hook *sim_hook_add(struct sim_hooks *h, const struct sim_account *a, struct jval spec,
                              struct buf *why);
struct sim_hook *sim_hook_find(const struct sim_hooks *h, struct span id);
void sim_hook_remove(struct sim_hooks *h, struct sim_hook *hook);
void sim_hooks_fini(struct sim_hooks *h);
bool sim_hook_wants(const struct sim_hook *hook, const struct sim_event *e);
const char *sim_hook_kind_name(enum sim_hook_kind k);
bool sim_hook_kind_named(struct jval name, enum sim_hook_kind *out);
void sim_hook_view(struct jout *j, const struct sim_hook *hook);

#endif
