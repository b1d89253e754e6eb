/*
 * What happened lately, for tests and people: every API call and every callback with its answer, and counts
 * since the start.
 *
 * Shape: a ring of JSON texts, numbered from 1. Owns its texts.
 */
#ifndef SIM_JOURNAL_H
#define SIM_JOURNAL_H

#include "base/clock.h"
#include "base/json.h"

enum { SIM_JOURNAL_MAX = 4096, SIM_JOURNAL_COUNTS_MAX = 128 };

struct sim_journal_count {
    char name[48];
    int status;
    uint64_t n;
};

struct sim_journal {
    struct span entry[SIM_JOURNAL_MAX];
    uint64_t n; /* entries ever written */
    struct sim_journal_count count[SIM_JOURNAL_COUNTS_MAX];
    unsigned count_n;
};

/* sim_journal_open begins an entry with seq and at; write more members with j, then sim_journal_close. */
void sim_journal_open(struct sim_journal *journal, struct jout *j, struct buf *text, wall_ms_t now);
void sim_journal_close(struct sim_journal *journal, struct jout *j);
void sim_journal_count(struct sim_journal *journal, const char *name, int status);
/* {"last":N,"counts":{name:{status:n}},"entries":[…]} with the entries after seq. */
void sim_journal_write(const struct sim_journal *journal, struct jout *j, uint64_t after);
void sim_journal_clear(struct sim_journal *journal); /* numbers go on */

#endif
