/* Sends a descriptor that no frame announces. */
#include "broken.h"
#include <sys/socket.h>
static void smuggles(void *self, fb_token token, const struct fb_delivery *d)
{
    (void)self, (void)token, (void)d;
    struct raw_head h = {.type = RAW_PONG};
    struct iovec iov = {&h, sizeof h};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    int fd = 0;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    h.type = RAW_LOG;
    h.body_n = 10;
    struct iovec two[] = {{&h, sizeof h}, {"\1\0\0\0\2\0\0\0hi", 10}};
    m.msg_iov = two;
    m.msg_iovlen = 2;
    if (sendmsg(RAW_SOCKET, &m, 0) < 0)
        abort();
}
MODULE(DELIVERS(smuggles));
