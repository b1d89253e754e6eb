/*
 * Of accounts and channels: what Front answered. It believes a status only of an answer that Front made.
 */
#include "cli/doctor_judge.h"
#include "base/mem.h"
#include "front/link.h"
#include <front_bridge/channel.h>
#include <inttypes.h>
#include <string.h>

enum { SKEW_WARNING_MS = 60 * 1000, SKEW_PROBLEM_MS = 5 * 60 * 1000, TEXT_MAX = 512, ANSWER_MAX = 200 };

static struct jval root_of(const struct front_result *r)
{
    return r->json ? json_root(r->json) : (struct jval){0};
}

/* Front's own words, or what the client made of their absence, without the full stop. */
static struct span reason_of(const struct front_result *r)
{
    struct span s = r->reason;

    if (r->class == FRONT_CALL_CANCELLED)
        return SPAN_LIT("the time was over: Front is slow, or its rate limit is used up");
    while (s.n > 0 && s.p[s.n - 1] == '.')
        s.n--;
    return s;
}

/* ---- The account ---- */

static bool is_fronts(const struct front_result *r)
{
    struct jval root = root_of(r);

    return json_has(json_get(root, "_error")) || json_has(json_get(root, "_links"));
}

bool judge_api(struct finding *f, const char *api, const struct front_result *r)
{
    bool is_https = strncmp(api, "https:", 6) == 0;

    if (is_fronts(r)) {
        finding_say(f, FINDING_OK, "%s is Front%s", api,
                    is_https ? ", and its certificate is good" : ", or plays it");
        return true;
    }
    if (r->status > 0)
        finding_say(f, FINDING_PROBLEM, "something answers at %s (%d), but not as Front does", api,
                    r->status);
    else
        finding_say(f, FINDING_PROBLEM, "%s: %.*s", api, SPAN_FMT(reason_of(r)));
    finding_cure(f, r->status > 0
                        ? "set the account's api to https://api2.frontapp.com, or to your company's host"
                        : "see whether this machine may reach it, and whether the account's api is right");
    return false;
}

bool judge_token(struct finding *f, const struct front_result *r)
{
    struct buf name;

    if (r->class == FRONT_CALL_OK) {
        buf_init(&name, TEXT_MAX);
        finding_say(f, FINDING_OK, "Front takes it, as a token of %.*s",
                    SPAN_FMT(json_span(json_get(root_of(r), "name"), &name)));
        if (!json_has(json_get(root_of(r), "name")))
            finding_say(f, FINDING_OK, "Front takes it");
        buf_fini(&name);
        return true;
    }
    finding_say(f, r->status == 429 ? FINDING_WARNING : FINDING_PROBLEM, "%.*s", SPAN_FMT(reason_of(r)));
    if (r->status == 401 || r->status == 403)
        finding_cure(f,
                     "make a token in Front (Settings, Developers, API tokens), and give it to the account");
    else
        finding_cure(f, "try again in a minute");
    return false;
}

void judge_clock(struct finding *f, int64_t date_s, wall_ms_t now)
{
    if (date_s < 0) {
        finding_say(f, FINDING_NOTE, "Front did not say what time it is");
        return;
    }
    int64_t skew = now - date_s * 1000 - 500, by = skew < 0 ? -skew : skew; /* a Date is cut to its second */
    if (by <= SKEW_WARNING_MS) {
        finding_say(f, FINDING_OK, "it is right, within %" PRId64 " s", by / 1000 + 1);
        return;
    }
    finding_say(f, by > SKEW_PROBLEM_MS ? FINDING_PROBLEM : FINDING_WARNING,
                "this machine's clock is %" PRId64 " s %s Front's%s", by / 1000,
                skew < 0 ? "behind" : "ahead of",
                by > SKEW_PROBLEM_MS ? "; signatures that carry a time are refused" : "");
    finding_cure(f, "let the clock be set by NTP");
}

static const char *plan_of(int64_t limit)
{
    static const struct {
        int64_t limit;
        const char *plan;
    } plans[] = {{50, "Starter"}, {100, "Professional"}, {200, "Enterprise"}};

    for (size_t i = 0; i < ARRAY_LEN(plans); i++)
        if (plans[i].limit == limit)
            return plans[i].plan;
    return NULL;
}

void judge_rate(struct finding *f, struct rate_view rate)
{
    const char *plan = plan_of(rate.limit);

    if (rate.limit <= 0) {
        finding_say(
            f, FINDING_NOTE,
            "Front did not say how many requests it allows: %d a minute are assumed, and what is more waits",
            RATE_ASSUMED);
        return;
    }
    bool is_low = rate.remaining * 10 < rate.limit || rate.refused_n > 0;
    finding_say(f, is_low ? FINDING_WARNING : FINDING_OK,
                "%" PRId64 " requests a minute%s%s%s, %" PRId64 " left in this one", rate.limit,
                plan ? " (" : "", plan ? plan : "", plan ? ")" : "", rate.remaining);
    if (is_low)
        finding_cure(
            f, "see which other tools of the company use them up; rate.reserve says how many are theirs");
}

void judge_app(struct finding *f, const struct front_result *r)
{
    if (r->status == 401) {
        finding_say(f, FINDING_PROBLEM, "Front does not take the app's token: %.*s", SPAN_FMT(reason_of(r)));
        finding_cure(f, "compare app.uid and app.secret with the app's page in Front, and the clock");
    } else if (r->status == 403) {
        finding_say(f, FINDING_WARNING, "Front takes the app's token, but not for this channel: %.*s",
                    SPAN_FMT(reason_of(r)));
        finding_cure(f, "see whether the channel belongs to this app");
    } else if (is_fronts(r) && r->status < 429) {
        finding_say(f, FINDING_OK, "Front takes the app's token");
    } else {
        finding_say(f, FINDING_NOTE, "not seen: %.*s", SPAN_FMT(reason_of(r)));
    }
}

/* ---- Scopes ---- */

enum need { NEED_ANY, NEED_CUSTOM, NEED_LATE_FAILURE, NEED_CATCH_UP, NEED_FILES, NEED_NONE };

static const struct {
    struct scope scope;
    enum need need;
} scopes[] = {
    {{.name = "messages:read",
      .call = "message",
      .method = "GET",
      .path = "/messages/msg_0",
      .purpose = "learn which conversation a customer's message made"},
     NEED_CUSTOM},
    {{.name = "messages:write",
      .call = "incoming_messages",
      .method = "POST",
      .path = "/channels/cha_0/incoming_messages",
      .body = "{}",
      .purpose = "post what customers write"},
     NEED_CUSTOM},
    {{.name = "conversations:read",
      .call = "conversation",
      .method = "GET",
      .path = "/conversations/cnv_0",
      .purpose = "find the conversation of a message"},
     NEED_CUSTOM},
    {{.name = "conversations:write",
      .call = "conversation",
      .method = "PATCH",
      .path = "/conversations/cnv_0",
      .body = "{}",
      .purpose = "reopen a conversation whose message failed late"},
     NEED_LATE_FAILURE},
    {{.name = "comments:write",
      .call = "comments",
      .method = "POST",
      .path = "/conversations/cnv_0/comments",
      .body = "{}",
      .purpose = "tell agents of reactions, and of a message that failed late"},
     NEED_ANY},
    {{.name = "comments:read",
      .call = "conversation_comments",
      .method = "GET",
      .path = "/conversations/cnv_0/comments",
      .purpose = "see whether a comment is there whose answer was lost"},
     NEED_NONE},
    {{.name = "channels:read",
      .call = "channel",
      .method = "GET",
      .path = "/channels/cha_0",
      .purpose = "see a channel's inbox and address"},
     NEED_CUSTOM},
    {{.name = "channels:write",
      .call = "channel",
      .method = "PATCH",
      .path = "/channels/cha_0",
      .body = "{}",
      .purpose = "run `front-bridge channel register`"},
     NEED_NONE},
    {{.name = "inboxes:read",
      .call = "other",
      .method = "GET",
      .path = "/inboxes/inb_0",
      .purpose = "look into an inbox"},
     NEED_NONE},
    {{.name = "teammates:read",
      .call = "other",
      .method = "GET",
      .path = "/teammates/tea_0",
      .purpose = "name the authors of what agents write in the backend"},
     NEED_NONE},
    {{.name = "attachments:read",
      .call = "download",
      .method = "GET",
      .path = "/download/fil_0",
      .purpose = "fetch the files of agents"},
     NEED_FILES},
    {{.name = "events:*:read",
      .call = "events",
      .method = "GET",
      .path = "/events?limit=1",
      .purpose = "catch up with what was missed (catch_up)"},
     NEED_CATCH_UP},
};
_Static_assert(ARRAY_LEN(scopes) <= SCOPES_MAX, "scopes_of writes them all");

/* An application channel fetches files with its own token. */
static bool is_wanted(enum need need, const struct config_channel *c, uint32_t capabilities)
{
    if (need == NEED_ANY)
        return true;
    if (need == NEED_CATCH_UP)
        return c->account->catch_up_enabled;
    if (c->kind != CHANNEL_CUSTOM || need == NEED_NONE)
        return false;
    if (need == NEED_FILES)
        return capabilities & FB_CAN_ATTACHMENTS;
    return need == NEED_CUSTOM || c->late_failure == LATE_AUTO || c->late_failure == LATE_COMMENT;
}

unsigned scopes_of(const struct config *c, const struct preflight *seen, const struct config_account *a,
                   struct scope out[SCOPES_MAX])
{
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        out[i] = scopes[i].scope;
        for (size_t k = 0; k < c->channel_n; k++)
            if (c->channel[k].account == a &&
                is_wanted(scopes[i].need, &c->channel[k], seen->channel[k].capabilities))
                out[i].is_needed = true;
    }
    return ARRAY_LEN(scopes);
}

void judge_scope(struct finding *f, const struct scope *s, const struct front_result *r)
{
    bool is_answered = r->class == FRONT_CALL_OK || r->class == FRONT_CALL_REFUSED;

    if (r->status == 403) {
        finding_say(f, s->is_needed ? FINDING_PROBLEM : FINDING_WARNING,
                    "the token lacks it; it is needed to %s", s->purpose);
        finding_cure(f, "add it to the token in Front (Settings, Developers, API tokens)");
    } else if (!is_answered || r->status == 401 || r->status == 0) {
        finding_say(f, FINDING_NOTE, "not seen: %.*s", SPAN_FMT(reason_of(r)));
    } else {
        finding_say(f, FINDING_OK,
                    s->body ? "not refused (%d; more cannot be seen without writing)" : "not refused (%d)",
                    r->status);
    }
}

/* ---- A channel in Front ---- */

/* Front's built-in types: a channel of these is made neither by an API call of ours nor by an app. */
static bool is_built_in(struct span type)
{
    static const char *const names[] = {
        "facebook",        "gmail",      "google_play", "imap",     "intercom",   "form",
        "office365",       "layer_anon", "smtp",        "talkdesk", "truly",      "twilio",
        "twilio_whatsapp", "twitter",    "twitter_dm",  "yalo_wha", "front_chat", "front_mail",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_is(type, names[i]))
            return true;
    return false;
}

static bool fits(const struct config_channel *c, struct span type)
{
    return c->kind == CHANNEL_CUSTOM ? span_is(type, "custom") : !is_built_in(type);
}

static const char *kind_name(const struct config_channel *c)
{
    return c->kind == CHANNEL_CUSTOM ? "custom" : "application";
}

struct view { /* of a channel; spans in buffers of their own */
    struct span type, address, inbox;
};

static void judge_view(struct finding *f, const struct config_channel *c, const char *id,
                       const struct view *v, bool is_valid)
{
    if (!fits(c, v->type)) {
        finding_say(f, FINDING_PROBLEM, "%s is a channel of type %.*s in Front, and no %s one", id,
                    SPAN_FMT(v->type), kind_name(c));
        finding_cure(
            f, "look for the right id: `front-bridge channel register --help`, or the address bar of the "
               "channel's settings in Front");
    } else if (!is_valid) {
        finding_say(f, FINDING_PROBLEM, "Front says that %s is not valid: it sends nothing there", id);
        finding_cure(f, "open the channel's settings in Front, where it says why");
    } else {
        finding_say(f, FINDING_OK, "%s is there, of type %.*s, address %.*s, in inbox %.*s", id,
                    SPAN_FMT(v->type), SPAN_FMT(v->address), SPAN_FMT(v->inbox));
    }
}

static struct span or_none(struct span s)
{
    return s.n > 0 ? s : SPAN_LIT("(none)");
}

static void judge_resource(struct finding *f, const struct config_channel *c, const char *id,
                           struct jval channel)
{
    struct buf type, address, inbox;

    buf_init(&type, TEXT_MAX);
    buf_init(&address, TEXT_MAX);
    buf_init(&inbox, TEXT_MAX);
    const struct view v = {
        .type = or_none(json_span(json_get(channel, "type"), &type)),
        .address = or_none(json_span(json_get(channel, "address"), &address)),
        .inbox = or_none(front_id_of_link(json_span(json_path(channel, "_links.related.inbox"), &inbox))),
    };
    judge_view(f, c, id, &v, json_bool(json_get(channel, "is_valid"), true));
    buf_fini(&type);
    buf_fini(&address);
    buf_fini(&inbox);
}

void judge_channel(struct finding *f, const struct config_channel *c, const char *id,
                   const struct front_result *r)
{
    if (r->class == FRONT_CALL_OK && r->json) {
        judge_resource(f, c, id, json_root(r->json));
    } else if (r->status == 404) {
        finding_say(f, FINDING_PROBLEM, "Front knows no channel %s, or does not show it to this token", id);
        finding_cure(f, "compare front_channel with the address bar of the channel's settings in Front");
    } else {
        finding_say(f, FINDING_NOTE, "not seen: %.*s", SPAN_FMT(reason_of(r)));
    }
}
