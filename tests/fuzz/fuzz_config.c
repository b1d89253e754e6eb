/*
 * Any text as a configuration: it is right and has no mistakes, or wrong and has some; nothing in between,
 * and each mistake is one printable line.
 */
#include "base/config.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_mistakes(const struct config_mistakes *m)
{
    struct buf out;
    size_t lines = 0;
    buf_init(&out, 4 << 20);
    config_print(m, "fuzz.yaml", &out);
    for (size_t i = 0; i < out.n; i++) {
        lines += out.p[i] == '\n';
        must((unsigned char)out.p[i] >= 0x20 || out.p[i] == '\n');
    }
    must(!out.is_over && lines == m->n);
    buf_fini(&out);
}

static void check_config(const struct config *c)
{
    must(c->listen && c->admin_listen && c->store);
    for (size_t i = 0; i < c->channel_n; i++) {
        const struct config_channel *channel = &c->channel[i];
        must(channel->account && channel->adapter && channel->secrets.n > 0);
        must(channel->front_channel || channel->kind == CHANNEL_APPLICATION);
        must(channel->adapter_line > 0);
        must(channel->answer_wait_ms >= 0 && channel->answer_wait_ms <= 6000);
        must(config_channel_find(c, span_of(channel->name)) == channel);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c = NULL;
    struct config_mistakes m = {0};
    enum err e = config_parse((struct span){(const char *)data, size}, "fuzz.yaml", &c, &m);
    must((e == OK) == (m.n == 0) && (e == OK) == (c != NULL));
    if (c)
        check_config(c);
    check_mistakes(&m);
    config_free(c);
    config_mistakes_fini(&m);
    return 0;
}
