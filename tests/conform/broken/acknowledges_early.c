/* Tells the backend that a message is safe before it is. */
#include "broken.h"
static void early(void *self, fb_token token, const struct fb_request *q)
{
    (void)self;
    struct fb_person sender = {.size = sizeof sender, .handle = "someone"};
    struct fb_inbound in = {.size = sizeof in, .sender = &sender, .text = "Hello"};
    struct fb_reply reply = {.size = sizeof reply, .status = 202};
    if (strcmp(q->method, "POST") != 0)
        reply.status = 405;
    else
        broken_host->receive(broken_host, &in, NULL, NULL);
    broken_host->reply(broken_host, token, &reply);
}
MODULE(FINE, CALLS, .request = early);
