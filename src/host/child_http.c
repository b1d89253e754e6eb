#include "host/child.h"
uint64_t child_http(const struct fb_host *host, const struct fb_http_request *request, fb_http_fn *done,
                    void *arg)
{
    (void)host, (void)request, (void)done, (void)arg;
    return 0;
}
void child_http_cancel(const struct fb_host *host, uint64_t id)
{
    (void)host, (void)id;
}
void child_http_fini(struct child *c)
{
    (void)c;
}
