/*
 * The work of front-bridge import, in three steps: read the lines and send them (or only judge them), and then follow how
 * the bridge brings them into Front.
 *
 * Shape: one struct import for one run of the command; cmd_import.c makes it, import_send.c counts lines in it,
 * import_follow.c asks the bridge. What is said meanwhile goes to stderr, bad lines to stdout.
 */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "base/buf.h"
#include "base/config.h"
#include "base/json.h"
#include "cli/import_lines.h"
#include "cli/import_text.h"
#include <signal.h>

enum {
    IMPORT_BATCH_LINES = 500,
    IMPORT_BATCH_BYTES = 1 << 20,   /* unless one line alone is longer */
    IMPORT_PATIENCE_MS = 60 * 1000, /* with a bridge that does not answer */
    IMPORT_WHY_MAX = 16384,
};

struct import {
    const struct config *config;
    const struct config_channel *channel;
    const char *file; /* as people call it */
    bool is_json, is_terminal;
    struct import_lines lines;
    uint64_t file_bytes; /* 0: not known */
    struct buf body;     /* the lines that are to be sent */
    uint64_t number[IMPORT_BATCH_LINES];
    size_t end[IMPORT_BATCH_LINES]; /* of each in body */
    unsigned n;
    uint64_t line_n, stored_n, known_n, bad_n;
    mono_ms_t shown_at;
    struct import_pace pace;
    uint64_t done_before; /* of the history, when this began */
    uint64_t dead_before;
};

/* Ctrl-C was pressed, once. */
extern volatile sig_atomic_t import_is_stopped;
void import_pause(int64_t ms);

/* ---- import_show.c: what is said meanwhile ---- */

void import_clear_bar(const struct import *m);
/* import_show shows progress where it is time to, or as the last word. */
void import_show(struct import *m, const struct import_progress *p, bool is_last);
void import_show_reading(struct import *m);
/* import_say_bad counts a line that is of no use, and prints why. */
void import_say_bad(struct import *m, uint64_t number, struct span reason);

/* ---- import_send.c: to the store ---- */

/* Both give an exit status: fine, or whatever ended it. */
int import_send(struct import *m);
int import_check(struct import *m);

/* ---- import_follow.c: from there to Front ---- */

struct import_figures {
    uint64_t waiting, done, dead;
    int64_t per_minute;
    bool is_running; /* a bridge answered */
};

/* import_read_figures is false if no bridge answers. */
bool import_read_figures(const struct import *m, struct import_figures *f);
/* import_follow shows what waits until nothing does. */
int import_follow(struct import *m);

/* ---- What the bridge is asked ---- */

/* import_target_init makes what is asked for about the history of channel; end it with buf_fini. */
void import_target_init(struct buf *target, const char *channel);
/* import_number: 0 for what is not there, or no number. */
uint64_t import_number(struct jval object, const char *key);

#endif
