/*
 * Keeps the last entries and all counts. Refuses to know what they mean. Invariant: entry i stands in slot i
 * % MAX.
 */
#include "sim/journal.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY_MAX = 128 << 10 };

void sim_journal_open(struct sim_journal *journal, struct jout *j, struct buf *text, wall_ms_t now)
{
    buf_init(text, ENTRY_MAX);
    jout_init(j, text);
    jout_object(j);
    jout_kv_i64(j, "seq", (int64_t)journal->n + 1);
    jout_kv_seconds(j, "at", now);
}

void sim_journal_close(struct sim_journal *journal, struct jout *j)
{
    jout_object_end(j);
    if (j->out->is_over) { /* half an entry is no JSON */
        buf_clear(j->out);
        buf_addf(j->out, "{\"seq\":%llu,\"kind\":\"too large to keep\"}", (unsigned long long)journal->n + 1);
    }
    struct span *slot = &journal->entry[journal->n++ % SIM_JOURNAL_MAX];
    free((char *)(uintptr_t)slot->p);
    slot->p = buf_take(j->out, &slot->n);
}

void sim_journal_count(struct sim_journal *journal, const char *name, int status)
{
    unsigned i = 0;
    while (i < journal->count_n &&
           (journal->count[i].status != status || strcmp(journal->count[i].name, name)))
        i++;
    if (i == SIM_JOURNAL_COUNTS_MAX)
        return;
    if (i == journal->count_n) {
        journal->count[i] = (struct sim_journal_count){.status = status};
        snprintf(journal->count[i].name, sizeof journal->count[i].name, "%s", name);
        journal->count_n++;
    }
    journal->count[i].n++;
}

static bool is_first_of_name(const struct sim_journal *journal, unsigned at)
{
    for (unsigned i = 0; i < at; i++)
        if (!strcmp(journal->count[i].name, journal->count[at].name))
            return false;
    return true;
}

static void write_counts(const struct sim_journal *journal, struct jout *j)
{
    jout_key(j, "counts");
    jout_object(j);
    for (unsigned i = 0; i < journal->count_n; i++) {
        if (!is_first_of_name(journal, i))
            continue;
        jout_key(j, journal->count[i].name);
        jout_object(j);
        for (unsigned k = i; k < journal->count_n; k++) {
            char status[16];
            snprintf(status, sizeof status, "%d", journal->count[k].status);
            if (!strcmp(journal->count[i].name, journal->count[k].name))
                jout_kv_i64(j, status, (int64_t)journal->count[k].n);
        }
        jout_object_end(j);
    }
    jout_object_end(j);
}

void sim_journal_write(const struct sim_journal *journal, struct jout *j, uint64_t after)
{
    uint64_t first = journal->n > SIM_JOURNAL_MAX ? journal->n - SIM_JOURNAL_MAX : 0;
    jout_object(j);
    jout_kv_i64(j, "last", (int64_t)journal->n);
    write_counts(journal, j);
    jout_key(j, "entries");
    jout_array(j);
    for (uint64_t i = after > first ? after : first; i < journal->n; i++)
        if (journal->entry[i % SIM_JOURNAL_MAX].p)
            jout_raw(j, journal->entry[i % SIM_JOURNAL_MAX]);
    jout_array_end(j);
    jout_object_end(j);
}

void sim_journal_clear(struct sim_journal *journal)
{
    for (size_t i = 0; i < SIM_JOURNAL_MAX; i++) {
        free((char *)(uintptr_t)journal->entry[i].p);
        journal->entry[i] = SPAN_NONE;
    }
    journal->count_n = 0;
}
