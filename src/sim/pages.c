/*
 * Serves the embedded pages. Their bytes are made by CMakeLists.txt: sim_page_NAME, each with its size.
 */
#include "sim/pages.h"
#include "base/mem.h"

extern const char sim_page_agent[], sim_page_agent_end[], sim_page_chat[], sim_page_chat_end[];

static void serve(struct http_exchange *x, const char *begin, const char *end)
{
    http_reply(
        x, 200, "text/html; charset=utf-8", (struct span){begin, (size_t)(end - begin)},
        "Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src "
        "'none'; "
        "script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; frame-src "
        "'self'; frame-ancestors 'self'\r\n");
}

static void on_agent(struct http_exchange *x, void *arg)
{
    (void)arg;
    serve(x, sim_page_agent, sim_page_agent_end);
}

static void on_chat(struct http_exchange *x, void *arg)
{
    (void)arg;
    serve(x, sim_page_chat, sim_page_chat_end);
}

const struct http_route sim_page_routes[] = {
    {.methods = "GET", .path = "/", .match = HTTP_EXACT, .handler = on_agent},
    {.methods = "GET", .path = "/chat", .match = HTTP_EXACT, .handler = on_chat},
};
const size_t sim_page_route_n = ARRAY_LEN(sim_page_routes);
