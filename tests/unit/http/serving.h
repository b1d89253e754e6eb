/*
 * A server in a child process, so that it has descriptors, limits and a leak check of its own, and blocking
 * sockets to talk to it. What fails fails the test.
 *
 * Paths: /echo /json /hold /release /big /file?at=&n=&size= /stats /stop /events /publish /end /sub/…
 */
#ifndef TEST_SERVING_H
#define TEST_SERVING_H

#include "http/server.h"
#include <sys/types.h>

extern const struct http_limits small_limits; /* deadlines of a few hundred ms */

struct served {
    pid_t pid;
    unsigned port;
    const char *address; /* unix socket's path, or NULL */
};

struct serve_options {
    struct http_limits limits;
    const char *listen; /* NULL: 127.0.0.1:0 */
    const char *cert, *key;
    unsigned descriptors; /* RLIMIT_NOFILE of the child; 0: as it is */
};

struct served serve(const struct serve_options *o);
/* Ends the child, which must have nothing left. */
void served_end(const struct served *s);

int dial(const struct served *s);
void say(int fd, const char *text);
void say_bytes(int fd, const void *p, size_t n);
/* hear reads until text has arrived (within 5 s) and gives all that was read; text NULL: until the end. */
const char *hear(int fd, const char *text);
bool is_open(int fd, int wait_ms); /* no end and no byte within wait_ms */
/* One number of /stats, on a connection of its own. */
long stat_of(const struct served *s, const char *name);
/* Waits until stat_of gives what is wanted. */
void stat_becomes(const struct served *s, const char *name, long wanted);
void pause_ms(int ms);

/* What /file holds at a place. */
static inline char file_byte(size_t at)
{
    return (char)('a' + (at ^ at >> 8 ^ at >> 16) % 26);
}

#define HOST      "Host: a\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

#endif
