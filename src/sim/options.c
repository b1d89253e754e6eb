/*
 * Walks the options along the table of what is known. Refuses to know what a value means: numbers have their
 * limits where they are used (configure.c, hook.c, chat.c).
 */
#include "sim/options.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 128, SIBLINGS_MAX = 32 };

struct row {
    const char *path; /* "channels.id": a member of the object, or of each object of the list, "channels" */
    enum json_type type;
};

static const struct row rows[] = {
    {"token", JSON_STRING},
    {"tokens", JSON_ARRAY},
    {"tokens.token", JSON_STRING},
    {"tokens.scopes", JSON_ARRAY},
    {"company", JSON_STRING},
    {"secret", JSON_STRING},
    {"app", JSON_OBJECT},
    {"app.uid", JSON_STRING},
    {"app.secret", JSON_STRING},
    {"dedupe", JSON_BOOL},
    {"rate", JSON_OBJECT},
    {"rate.limit", JSON_NUMBER},
    {"rate.burst", JSON_NUMBER},
    {"rate.per_resource", JSON_NUMBER},
    {"attachments", JSON_OBJECT},
    {"attachments.max_bytes", JSON_NUMBER},
    {"attachments.kept_bytes", JSON_NUMBER},
    {"created_delay_ms", JSON_NUMBER},
    {"inboxes", JSON_ARRAY},
    {"inboxes.id", JSON_STRING},
    {"inboxes.name", JSON_STRING},
    {"channels", JSON_ARRAY},
    {"channels.id", JSON_STRING},
    {"channels.kind", JSON_STRING},
    {"channels.name", JSON_STRING},
    {"channels.address", JSON_STRING},
    {"channels.inbox", JSON_STRING},
    {"channels.webhook_url", JSON_STRING},
    {"channels.secret", JSON_STRING},
    {"channels.type", JSON_STRING},
    {"lag_ms", JSON_NUMBER},
    {"next_event", JSON_STRING},
    {"imported", JSON_BOOL},
    {"imported_delay_ms", JSON_NUMBER},
    {"echo_errors", JSON_BOOL},
    {"thin_pages", JSON_BOOL},
    {"webhook_timeout_ms", JSON_NUMBER},
    {"webhook_retry_ms", JSON_NUMBER},
    {"webhooks", JSON_ARRAY},
    {"webhooks.kind", JSON_STRING},
    {"webhooks.url", JSON_STRING},
    {"webhooks.channel", JSON_STRING},
    {"webhooks.types", JSON_ARRAY},
    {"webhooks.inboxes", JSON_ARRAY},
    {"webhooks.form", JSON_STRING},
    {"webhooks.secret", JSON_STRING},
    {"webhooks.disable_after", JSON_NUMBER},
    {"chat", JSON_OBJECT},
    {"chat.hook_url", JSON_STRING},
    {"chat.secret", JSON_STRING},
};

static const char *const kind_names[] = {[JSON_BOOL] = "true or false",
                                         [JSON_NUMBER] = "a number",
                                         [JSON_STRING] = "text in quotes",
                                         [JSON_ARRAY] = "a list: [...]",
                                         [JSON_OBJECT] = "an object: {...}"};

static const struct row *find(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].path, path) == 0)
            return &rows[i];
    return NULL;
}

/* below gives the part of path after "group.", or after nothing if group is ""; NULL if it stands elsewhere. */
static const char *below(const char *path, const char *group)
{
    size_t n = strlen(group);
    if (strncmp(path, group, n) != 0 || (n && path[n] != '.'))
        return NULL;
    const char *name = path + n + (n ? 1 : 0);
    return strchr(name, '.') ? NULL : name;
}

static void say_unknown(const char *name, const char *group, const char *path, unsigned line,
                        struct config_mistakes *mistakes)
{
    const char *names[SIBLINGS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows) && n < SIBLINGS_MAX; i++)
        if ((names[n] = below(rows[i].path, group)))
            n++;
    config_mistake_unknown(mistakes, line, path, name, names, n);
}

static unsigned line_of(struct jval v)
{
    unsigned line = 1;
    for (const char *p = v.doc->text.p, *end = json_raw(v).p; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        line++;
    return line;
}

static void check_object(struct jval object, const char *group, struct config_mistakes *mistakes);

static void check_member(struct jval member, const char *name, const char *group,
                         struct config_mistakes *mistakes)
{
    char path[PATH_BYTES];
    must(snprintf(path, sizeof path, "%s%s%s", group, *group ? "." : "", name) >= 0);
    const struct row *row = strchr(name, '.') ? NULL : find(path);
    if (!row)
        say_unknown(name, group, path, line_of(member), mistakes);
    else if (json_has(member) && json_type(member) != row->type)
        config_mistake(mistakes, line_of(member), path, "write %s", kind_names[row->type]);
    else if (row->type == JSON_OBJECT)
        check_object(member, path, mistakes);
    else if (row->type == JSON_ARRAY)
        for (struct jval e = json_first(member); e.doc; e = json_next(e))
            check_object(e, path, mistakes); /* a list of texts has nothing to check here */
}

static void check_object(struct jval object, const char *group, struct config_mistakes *mistakes)
{
    struct buf scratch;
    if (json_type(object) != JSON_OBJECT)
        return;
    for (struct jval m = json_first(object); m.doc; m = json_next(m)) {
        char name[PATH_BYTES];
        buf_init(&scratch, sizeof name);
        /* What is cut off is no row of the table: it is just unknown. */
        must(snprintf(name, sizeof name, "%.*s", SPAN_FMT(json_key(m, &scratch))) >= 0);
        buf_fini(&scratch);
        check_member(m, name, group, mistakes);
    }
}

void sim_options_check(struct jval options, struct config_mistakes *mistakes)
{
    check_object(options, "", mistakes);
}
