/*
 * Named points at which a test may end or stall the process; they exist only in builds with FB_TEST_POINTS.
 *
 * FRONT_BRIDGE_POINT="name=kill" sends SIGKILL to the process when it gets there; "name=kill:3" the third time;
 * "name=sleep:2000" stalls for 2 s each time, "name=sleep:2000:3" the third time. Two may be set, with a
 * comma between them. The points, in the order in which a message meets them:
 * before_commit, after_commit, before_answer, mid_fetch, after_fetch, mid_copy, after_copy, mid_upload, after_send, before_settle,
 * after_relay. An event meets before_event_answer and at_event; a look for missed ones after_page and before_release; life_step is a step of a channel
 * that is stopped or opened again; before_fact is met when the store is about to keep one, first of all the key of the links.
 */
#ifndef BASE_POINT_H
#define BASE_POINT_H

#ifdef FB_TEST_POINTS
void point_reached(const char *name);
#define POINT(name) point_reached(name)
#else
#define POINT(name) ((void)0)
#endif

#endif
