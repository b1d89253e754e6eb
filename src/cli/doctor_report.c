/*
 * The list and its two forms. Knows nothing of what is checked.
 */
#include "cli/doctor_report.h"
#include "base/mem.h"
#include "cli/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_MAX = 5 };

static const char *const level_name[FINDING_LEVELS] = {
    [FINDING_OPEN] = "open",       [FINDING_OK] = "ok",           [FINDING_NOTE] = "note",
    [FINDING_WARNING] = "warning", [FINDING_PROBLEM] = "problem",
};

static char *format(const char *fmt, va_list args)
{
    char *text;

    must(vasprintf(&text, fmt, args) >= 0);
    return text;
}

struct finding *findings_add(struct findings *list, const char *check, const char *subject, ...)
{
    struct finding *f = mem_zalloc(sizeof *f);
    va_list args;

    va_start(args, subject);
    f->subject = format(subject, args);
    va_end(args);
    f->check = mem_strdup(check);
    list->item = mem_realloc(list->item, (list->n + 1) * sizeof(struct finding *));
    list->item[list->n++] = f;
    return f;
}

void findings_fini(struct findings *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->item[i]->subject);
        free(list->item[i]->check);
        free(list->item[i]->text);
        free(list->item[i]->cure);
        free(list->item[i]);
    }
    free(list->item);
    *list = (struct findings){0};
}

void finding_say(struct finding *f, enum finding_level level, const char *fmt, ...)
{
    va_list args;

    f->level = level;
    free(f->text);
    free(f->cure);
    f->cure = NULL;
    va_start(args, fmt);
    f->text = format(fmt, args);
    va_end(args);
}

void finding_cure(struct finding *f, const char *fmt, ...)
{
    va_list args;

    free(f->cure);
    va_start(args, fmt);
    f->cure = format(fmt, args);
    va_end(args);
}

unsigned findings_count(const struct findings *list, enum finding_level level)
{
    unsigned n = 0;

    for (size_t i = 0; i < list->n; i++)
        n += list->item[i]->level == level;
    return n;
}

static bool is_skipped(const struct finding *f)
{
    return f->level == FINDING_NOTE && !f->cure &&
           strncmp(f->text, FINDING_SKIPPED, strlen(FINDING_SKIPPED)) == 0;
}

/* alike gives the number of checks that were skipped for the reason of item i, or 0 if one before it says so. */
static size_t alike(const struct findings *list, size_t i)
{
    size_t n = 0;

    for (size_t k = 0; k < list->n; k++) {
        const struct finding *f = list->item[k];
        if (!is_skipped(f) || strcmp(f->text, list->item[i]->text) != 0)
            continue;
        if (k < i)
            return 0;
        n++;
    }
    return n;
}

/* "note     7 checks not looked at: Front was not reached (account main, token; …)" */
static void write_skipped(const struct findings *list, size_t i, size_t n, struct buf *out)
{
    size_t named = 0;

    buf_addf(out, "%-8s %zu checks ", level_name[FINDING_NOTE], n);
    text_add_safe(out, span_of(list->item[i]->text));
    for (size_t k = i; k < list->n && named < NAMED_MAX; k++) {
        const struct finding *f = list->item[k];
        if (!is_skipped(f) || strcmp(f->text, list->item[i]->text) != 0)
            continue;
        buf_add_str(out, named++ ? "; " : " (");
        text_add_safe(out, span_of(f->subject));
        buf_addf(out, ", %s", f->check);
    }
    if (n > named)
        buf_addf(out, "; and %zu more", n - named);
    buf_add_str(out, ")\n");
}

/* "problem  account main, token: Front does not know it; make one …" */
void findings_write_text(const struct findings *list, struct buf *out)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct finding *f = list->item[i];
        size_t n = is_skipped(f) ? alike(list, i) : 1;
        if (n > 1)
            write_skipped(list, i, n, out);
        if (n != 1)
            continue;
        buf_addf(out, "%-8s ", level_name[f->level]);
        text_add_safe(out, span_of(f->subject));
        buf_addf(out, ", %s: ", f->check);
        text_add_safe(out, span_of(f->text));
        if (f->cure) {
            buf_add_str(out, "; ");
            text_add_safe(out, span_of(f->cure));
        }
        buf_add_char(out, '\n');
    }
}

void findings_write_json(const struct findings *list, struct jout *j)
{
    jout_array(j);
    for (size_t i = 0; i < list->n; i++) {
        const struct finding *f = list->item[i];
        jout_object(j);
        jout_kv_str(j, "level", level_name[f->level]);
        jout_kv_str(j, "subject", f->subject);
        jout_kv_str(j, "check", f->check);
        jout_kv_str(j, "text", f->text);
        jout_kv_str(j, "cure", f->cure);
        jout_object_end(j);
    }
    jout_array_end(j);
}
