/* What every broken adapter has in common: all is right but the one thing that its file is named after. */
#ifndef BROKEN_H
#define BROKEN_H

#include <front_bridge/channel.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((unused)) static const struct fb_host *broken_host;

__attribute__((unused)) static int fine_open(const struct fb_host *host, void **self, char *why, size_t why_n)
{
    static int instance;
    (void)why, (void)why_n;
    broken_host = host;
    *self = &instance;
    return FB_OK;
}

__attribute__((unused)) static void fine_deliver(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)d;
    struct fb_outcome o = {.size = sizeof o, .kind = FB_DELIVERED};
    broken_host->complete(broken_host, token, &o);
}

__attribute__((unused)) static void fine_close(void *self)
{
    (void)self;
}

#define MODULE(...)                                                                                          \
    static const struct fb_module module = {FB_MODULE_HEAD, __VA_ARGS__};                                    \
    FB_EXPORT const struct fb_module *fb_channel_module(void)                                                \
    {                                                                                                        \
        return &module;                                                                                      \
    }                                                                                                        \
    _Static_assert(sizeof(struct fb_module) > 0, "ends the macro with a semicolon")

#define FINE         .name = "broken", .version = "1.0"
#define CALLS        .open = fine_open, .deliver = fine_deliver, .close = fine_close
#define DELIVERS(fn) FINE, .open = fine_open, .deliver = fn, .close = fine_close
#define OPENS(fn)    FINE, .open = fn, .deliver = fine_deliver, .close = fine_close

/* Bytes on the host's own socket, as no adapter should write them. */
struct raw_head {
    uint32_t body_n;
    uint8_t type, fd_n, reserved[2];
    uint64_t token;
};
enum { RAW_OUTCOME = 66, RAW_RECEIVE = 69, RAW_LOG = 73, RAW_PONG = 74, RAW_SOCKET = 3 };

__attribute__((unused)) static void raw_send(uint8_t type, uint8_t fd_n, uint64_t token, const void *body,
                                             uint32_t body_n)
{
    char frame[4096];
    struct raw_head h = {.body_n = body_n, .type = type, .fd_n = fd_n, .token = token};
    memcpy(frame, &h, sizeof h);
    if (body)
        memcpy(frame + sizeof h, body, body_n);
    while (write(RAW_SOCKET, frame, sizeof h + (body ? body_n : 0)) < 0)
        usleep(1000); /* the bridge is behind, or is about to end us */
}

#endif
