/*
 * Starting and burying the processes of channel hosts.
 *
 * Shape: spawn_start gives a process and our end of its socket pair; on_exit is called once, from the loop,
 * when it has been reaped. Its whole process group is killed before that, so that no descendant outlives it.
 * Invariant: only processes started here are waited for, each by its own pid; other parts may have children
 * of their own. Thread: the main one: the parent-death signal follows the thread that forked.
 */
#ifndef HOST_SPAWN_H
#define HOST_SPAWN_H

#include "base/buf.h"
#include "base/err.h"
#include <event2/event.h>
#include <sys/types.h>

/* Told to every child, which forgets it in host_child_main. Danger: a program that links this but is no
 * front-bridge runs *itself* as its child, which would do the same again without end and take the machine
 * with it. With this one still in the environment spawn_start refuses. */
#define SPAWN_IS_CHILD "FRONT_BRIDGE_CHANNEL_HOST"

struct spawn;
typedef void spawn_exit_fn(struct spawn *s, int wait_status, void *arg);

/* Takes nothing; *socket is the caller's. ERR_IO with one sentence in why. */
MUST_CHECK enum err spawn_start(struct event_base *base, spawn_exit_fn *on_exit, void *arg,
                                struct spawn **out, int *socket, struct buf *why);
pid_t spawn_pid(const struct spawn *s);
void spawn_signal(struct spawn *s, int sig); /* to the whole group */
/* spawn_free buries s; if it still runs it is killed and waited for. Not from its own on_exit's stack but at
 * its end. */
void spawn_free(struct spawn *s);

#endif
