/*
 * Of the bridge's own URL, of backends and of the store.
 */
#include "base/mem.h"
#include "cli/doctor_judge.h"
#include <errno.h>
#include <string.h>

enum { ORIGIN_MAX = 512 };

void url_origin(struct buf *out, const char *url)
{
    struct span authority = config_authority(span_of(url));
    const char *at = authority.n ? memrchr(authority.p, '@', authority.n) : NULL;
    const char *host = at ? at + 1 : authority.p;

    if (!authority.p) {
        buf_add_str(out, "(no URL)");
        return;
    }
    buf_add_str(out, strncmp(url, "https:", 6) == 0 ? "https://" : "http://");
    buf_add(out, host, authority.n - (size_t)(host - authority.p));
}

/* ---- The public URL ---- */

static bool say_fail(struct finding *f, const struct heard *h, const char *url)
{
    if (h->fail == HTTP_FAIL_NONE)
        return false;
    finding_say(f, FINDING_PROBLEM, "%s cannot be reached from here: %s", url,
                h->fail == HTTP_FAIL_CANCELLED ? "no answer in time" : http_fail_text(h->fail));
    finding_cure(f, h->fail == HTTP_FAIL_TLS
                        ? "give it a certificate that this machine trusts, as Front demands"
                        : "start the bridge, then look at the name, the proxy and the firewall");
    return true;
}

bool judge_public_url(struct finding *f, const char *url, const struct heard *h)
{
    if (say_fail(f, h, url))
        return false;
    if (h->status == 200 && span_starts(h->body, "ok")) {
        finding_say(f, FINDING_OK, "%s answers, seen from here", url);
        return true;
    }
    finding_say(f, FINDING_PROBLEM, "%s/healthz is answered with %d by something that is not the bridge", url,
                h->status);
    finding_cure(f, "let the proxy pass all paths of public_url to the bridge's listen address unchanged");
    return false;
}

static bool is_refusal(const struct heard *h, int status, const char *type)
{
    struct json doc;

    if (h->fail != HTTP_FAIL_NONE || h->status != status)
        return false;
    bool is_so = json_parse(&doc, h->body) == OK && json_is(json_get(json_root(&doc), "type"), type);
    json_fini(&doc);
    return is_so;
}

bool judge_signature(struct finding *f, const struct config_channel *c, unsigned n, const struct heard *h)
{
    if (is_refusal(h, 400, "bad_request")) {
        finding_say(f, FINDING_OK,
                    "what is signed with the secrets of this file is let in, what is not is refused; that "
                    "Front has the same "
                    "shows when it calls");
        return true;
    }
    if (say_fail(f, h, "the channel's URL"))
        return false;
    if (is_refusal(h, 401, "authentication_required")) {
        finding_say(f, FINDING_PROBLEM, "the bridge that answers does not know secret %u of this file", n);
        finding_cure(f, "start it again with this configuration");
    } else if (is_refusal(h, 404, "not_found")) {
        finding_say(f, FINDING_PROBLEM, "the bridge that answers has no channel \"%s\"", c->name);
        finding_cure(f, "start it again with this configuration, or correct public_url");
    } else {
        finding_say(f, FINDING_PROBLEM, "the channel's URL answers %d, as no bridge does", h->status);
        finding_cure(f, "see what answers there: a proxy that asks for a login, or another program");
    }
    return false;
}

bool judge_forgery(struct finding *f, const struct heard *h)
{
    if (is_refusal(h, 401, "authentication_required"))
        return true;
    if (say_fail(f, h, "the channel's URL"))
        return false;
    finding_say(f, FINDING_PROBLEM, "a wrong signature is answered with %d and not with 401", h->status);
    finding_cure(f, "see what answers there: it is not this bridge, or something changes what is sent to it");
    return false;
}

/* ---- The other side ---- */

void judge_backend(struct finding *f, const char *url, enum http_fail fail)
{
    struct buf origin;

    buf_init(&origin, ORIGIN_MAX);
    url_origin(&origin, url);
    if (fail == HTTP_FAIL_NONE) {
        finding_say(f, FINDING_OK, "%s takes connections", origin.p);
    } else {
        finding_say(f, FINDING_PROBLEM, "%s: %s", origin.p,
                    fail == HTTP_FAIL_CANCELLED ? "no answer in time" : http_fail_text(fail));
        finding_cure(f, "start the chat system, or correct the channel's settings");
    }
    buf_fini(&origin);
}

void judge_status(struct finding *f, struct jval channel)
{
    struct buf status;

    buf_init(&status, ORIGIN_MAX);
    struct span s = json_span(json_get(channel, "status"), &status);
    if (s.n == 0) {
        finding_say(f, FINDING_WARNING, "the running bridge does not know this channel");
        finding_cure(f, "start it again with this configuration");
    } else if (!span_is(s, "up")) {
        finding_say(f, FINDING_PROBLEM, "the running bridge says that it is %.*s", SPAN_FMT(s));
        finding_cure(f, "the bridge's log says why, and `channel list --help` what it means");
    } else if (json_bool(json_get(channel, "paused"), false)) {
        finding_say(f, FINDING_WARNING,
                    "its adapter is up, and paused because the backend cannot be reached");
    } else {
        finding_say(f, FINDING_OK, "its adapter is up");
    }
    buf_fini(&status);
}

/* ---- The store ---- */

static const uint64_t mib = 1 << 20;

static void judge_room(struct finding *f, const struct store_facts *s)
{
    static const uint64_t least_bytes = 64 << 20;
    bool is_problem = s->free_bytes < least_bytes, is_warning = s->free_bytes < s->quota_bytes;

    finding_say(f,
                is_problem   ? FINDING_PROBLEM
                : is_warning ? FINDING_WARNING
                             : FINDING_OK,
                "%s is writable, with %llu MiB free", s->path, (unsigned long long)(s->free_bytes / mib));
    if (is_problem)
        finding_cure(f, "make room: without any, messages are refused");
    else if (is_warning)
        finding_cure(f, "make room: one channel alone may take %llu MiB (limits.channel_quota)",
                     (unsigned long long)(s->quota_bytes / mib));
}

void judge_store(struct finding *f, const struct store_facts *s)
{
    if (s->error == ENOENT) {
        finding_say(f, FINDING_NOTE, "%s is not there yet; front-bridge run makes it", s->path);
    } else if (s->error) {
        finding_say(f, FINDING_PROBLEM, "%s cannot be looked at: %s", s->path, strerror(s->error));
        finding_cure(f, "run this as the bridge's user");
    } else if (!s->is_directory) {
        finding_say(f, FINDING_PROBLEM, "%s is no directory", s->path);
        finding_cure(f, "name a directory of the bridge's own");
    } else if (s->owner != s->user) {
        finding_say(f, s->is_writable ? FINDING_WARNING : FINDING_PROBLEM,
                    "%s belongs to user %u, and this is user %u", s->path, s->owner, s->user);
        finding_cure(f, "run this as the bridge's user, and give it the directory");
    } else if (!s->is_writable) {
        finding_say(f, FINDING_PROBLEM, "%s cannot be written to", s->path);
        finding_cure(f, "chmod u+rwx it, and see that its file system is mounted for writing");
    } else if (s->is_open_to_others) {
        finding_say(f, FINDING_WARNING, "%s is open to other users of this machine", s->path);
        finding_cure(f, "chmod 0700 it");
    } else {
        judge_room(f, s);
    }
}
