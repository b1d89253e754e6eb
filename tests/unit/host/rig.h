/*
 * A bridge side for tests: starts a host with an adapter of the tests and remembers all that it says.
 */
#ifndef RIG_H
#define RIG_H

#include "base/json.h"
#include "base/mem.h"
#include "host/host.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct rig_outcome {
    uint64_t token;
    struct outcome o;
    char reason[600], external_id[600];
};

struct rig {
    struct event_base *base;
    struct host *host;
    struct rig_outcome outcome[256];
    unsigned outcome_n, credit_n, up_n, down_n, failed_n, receive_n, kv_n, reply_n;
    char reason[4096]; /* of the last status that had one */
    char json[4096];   /* of the last receive */
    unsigned fd_n;
    char file[16]; /* the beginning of its first file */
    bool answers;  /* receives and keys at once */
    uint64_t ticket;
    char value[256];
    int reply_status;
    char reply_body[4096], reply_headers[1000];
};

void rig_open(struct rig *r, const char *adapter, const struct host_options *o);
void rig_close(struct rig *r);
/* Runs the loop until *counter is at least n; false after timeout_ms. */
bool rig_wait(struct rig *r, const unsigned *counter, unsigned n, int timeout_ms);
void rig_run(struct rig *r, int ms);
void rig_up(struct rig *r); /* starts it and waits until it is up */
/* One delivery with this text; gives its outcome. */
const struct rig_outcome *rig_say(struct rig *r, const char *text, const char *subject);
void rig_deliver(struct rig *r, uint64_t token, const char *text, const char *subject);
void rig_stop(struct rig *r);
/* The first thing in main. In a child it is the channel host and does not return: the test program knows the
 * command channel-host as the bridge does. */
void rig_fixture(int argc, char **argv);
extern char rig_channels[]; /* where the adapters of the tests are */

#endif
