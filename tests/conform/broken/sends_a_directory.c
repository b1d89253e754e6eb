/* Hands over a file that is none: nobody could read it from its start. */
#include "broken.h"
#include <fcntl.h>
static void hand_over(void *self, fb_token token, const struct fb_request *q)
{
    (void)self, (void)q;
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct fb_person sender = {.size = sizeof sender, .handle = "someone"};
    struct fb_attachment file = {
        .size = sizeof file, .fd = fd, .filename = "a.png", .content_type = "image/png"};
    struct fb_inbound in = {.size = sizeof in, .sender = &sender, .attachments = &file, .attachment_n = 1};
    struct fb_reply reply = {.size = sizeof reply, .status = 503};
    if (broken_host->receive(broken_host, &in, NULL, NULL) == FB_ERR_INVALID)
        reply.status = 422;
    close(fd);
    broken_host->reply(broken_host, token, &reply);
}
MODULE(FINE, CALLS, .request = hand_over);
