/*
 * Reads how an event is to be altered and where it goes. Refuses to know how it is sent (notify.c).
 * Invariant: nothing is sent before everything was understood.
 */
#include "sim/resend.h"
#include "base/mem.h"
#include "sim/notify.h"
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096 };

struct resend {
    struct sim *sim;
    struct jval spec;
    const struct sim_event *event;
    const struct sim_hook *hook; /* NULL: url, or all that want it */
    enum sim_hook_kind kind;     /* of url */
    char *url, *secret, *links;
    enum sim_signing signing;
    int64_t times;
};

static bool read_form(struct jval name, enum sim_form *out)
{
    return !json_has(name) || sim_form_named(name, out);
}

/* read_view begins with what the place likes; false if a form has no such name. */
static bool read_view(struct jval spec, enum sim_form liked, struct sim_event_view *view)
{
    struct jval replace = json_get(spec, "replace");
    if (!read_form(json_get(spec, "form"), &liked))
        return false;
    *view = sim_event_view(liked);
    view->raw.id = json_get(replace, "id");
    view->raw.type = json_get(replace, "type");
    view->raw.emitted_at = json_get(replace, "emitted_at");
    view->raw.source = json_get(replace, "source");
    view->raw.target = json_get(replace, "target");
    view->raw.conversation = json_get(replace, "conversation");
    return read_form(json_get(spec, "source"), &view->source) &&
           read_form(json_get(spec, "target"), &view->target) &&
           read_form(json_get(spec, "conversation"), &view->conversation);
}

static bool read_signing(struct jval name, enum sim_signing *out)
{
    static const char *const names[] = {"right", "wrong", "none", "stale"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (json_is(name, names[i])) {
            *out = (enum sim_signing)i;
            return true;
        }
    return !json_has(name);
}

static const struct sim_event *find_event(const struct sim_event_log *log, struct jval id)
{
    char *named = json_dup(id, SIM_EVENT_ID_BYTES);
    const struct sim_event *e = named ? sim_event_find(log, span_of(named)) : NULL;
    free(named);
    return json_has(id) || !log->n ? e : log->item[log->n - 1];
}

static const char *read_aim(struct resend *r)
{
    char *id = json_dup(json_get(r->spec, "hook"), TEXT_MAX);
    r->hook = id ? sim_hook_find(&r->sim->hooks, span_of(id)) : NULL;
    bool is_lost = id && !r->hook;
    free(id);
    r->url = json_dup(json_get(r->spec, "url"), TEXT_MAX);
    r->secret = json_dup(json_get(r->spec, "secret"), TEXT_MAX);
    if (is_lost)
        return "There is no such webhook";
    return r->url && !sim_hook_kind_named(json_get(r->spec, "kind"), &r->kind)
               ? "url needs a kind: channel, rule or application"
               : NULL;
}

static const char *read_rest(struct resend *r)
{
    struct sim_event_view view;
    struct jval times = json_get(r->spec, "times");
    r->times = 1;
    r->links = json_dup(json_get(r->spec, "links"), TEXT_MAX);
    if (json_has(times) &&
        (json_i64(times, &r->times) != OK || r->times < 1 || r->times > SIM_RESEND_TIMES_MAX))
        return "times is 1 to 1000";
    if (r->links && strpbrk(r->links, "\"\\\n\r\t")) /* they are put into JSON as they are */
        return "links has no quotes, backslashes or control characters";
    if (!read_view(r->spec, SIM_FORM_FULL, &view))
        return "A form is full, preview, slim, null, meta or absent";
    return read_signing(json_get(r->spec, "signature"), &r->signing)
               ? NULL
               : "signature is right, wrong, none or stale";
}

static const char *read_all(struct resend *r)
{
    r->event = find_event(&r->sim->account.events, json_get(r->spec, "event"));
    const char *why = r->event ? read_aim(r) : "There is no such event";
    return why ? why : read_rest(r);
}

static void send_to(const struct resend *r, struct sim_notice_spec *to, enum sim_form liked,
                    struct sim_gather *g)
{
    must(read_view(r->spec, liked, &to->view)); /* it was read before */
    to->event = r->event;
    to->links = r->links;
    to->signing = r->signing;
    if (r->secret)
        to->secret = r->secret;
    sim_notify(r->sim, to, g);
}

static void send_to_hook(const struct resend *r, const struct sim_hook *hook, struct sim_gather *g)
{
    struct sim_notice_spec to = sim_notice_to(hook);
    send_to(r, &to, hook->form, g);
}

static void send_once(const struct resend *r, struct sim_gather *g)
{
    const struct sim_hooks *hooks = &r->sim->hooks;
    if (r->hook) {
        send_to_hook(r, r->hook, g);
    } else if (r->url) {
        struct sim_notice_spec to = {.kind = r->kind, .url = r->url};
        send_to(r, &to, r->kind == SIM_HOOK_APPLICATION ? SIM_FORM_FULL : SIM_FORM_PREVIEW, g);
    } else {
        for (unsigned i = 0; i < hooks->n; i++)
            if (sim_hook_wants(hooks->item[i], r->event))
                send_to_hook(r, hooks->item[i], g);
    }
}

struct sim_gather *sim_resend_event(struct sim *s, struct jval spec, struct http_exchange *x,
                                    const char **why)
{
    struct resend r = {.sim = s, .spec = spec};
    struct sim_gather *g = NULL;
    *why = read_all(&r);
    if (!*why) {
        g = sim_gather_new(x, 200);
        jout_kv_str(&g->j, "event", r.event->id);
        sim_gather_open(g);
        for (int64_t i = 0; i < r.times; i++)
            send_once(&r, g);
    }
    free(r.url);
    free(r.secret);
    free(r.links);
    return g;
}
