/*
 * How many deliveries a second go bridge -> child -> adapter -> outcome, and what a host weighs. Usage:
 * bench_host [N]
 */
#include "../unit/host/rig.h"
#include <stdio.h>
#include <unistd.h>

struct bench {
    struct rig rig;
    struct span json;
    uint64_t sent, settled, wanted;
};

static struct bench b;

static void pump(struct host *h)
{
    while (b.sent < b.wanted && host_credits(h) > 0) {
        if (host_deliver(h, ++b.sent, b.json, NULL, 0, NULL) != OK)
            abort();
    }
}

static void on_outcome(struct host *h, uint64_t token, const struct outcome *o, void *arg)
{
    (void)h, (void)token, (void)arg;
    if (o->kind != OUTCOME_DELIVERED)
        abort();
    if (++b.settled == b.wanted)
        event_base_loopbreak(b.rig.base);
}

static void on_credit(struct host *h, void *arg)
{
    (void)arg;
    pump(h);
}

static const struct host_events events = {.on_outcome = on_outcome, .on_credit = on_credit};

static long pss_kib(int pid)
{
    char path[64], line[200];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "Pss: %ld kB", &kib);
    if (f)
        fclose(f);
    return kib;
}

int main(int argc, char **argv)
{
    char text[1200], json[4000];
    b.wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    rig_fixture(argc, argv);
    rig_open(&b.rig, "probe", NULL);
    rig_up(&b.rig);
    rig_stop(&b.rig);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    b.json.n = (size_t)snprintf(
        json, sizeof json,
        "{\"type\":\"message\",\"id\":\"d1\",\"attempt\":1,\"channel\":\"support\",\"front\":{\"message_id\":"
        "\"msg_1\",\"conversation_id\":\"cnv_1\",\"event_id\":null},\"conversation_id\":\"c1\","
        "\"recipient\":{\"handle\":\"+331\",\"name\":\"Ada\"},\"author\":{\"name\":\"Bob\",\"email\":"
        "\"b@example.com\"},\"subject\":null,\"text\":\"%s\",\"html\":null,\"attachments\":[],"
        "\"in_reply_to\":null,\"created_at\":1700000000.123}",
        text);
    b.json.p = json;
    char path[4200];
    snprintf(path, sizeof path, "%.4000s/probe.so", rig_channels);
    struct host_options o = {.channel = "bench", .adapter_path = path, .settings = SPAN_LIT("{}")};
    struct host *h = host_new(b.rig.base, &o, &events, NULL);
    host_start(h);
    mono_ms_t from = 0;
    while (host_status(h) != HOST_UP)
        event_base_loop(b.rig.base, EVLOOP_ONCE);
    long idle = pss_kib(host_pid(h));
    from = clock_mono_ms();
    pump(h);
    while (b.settled < b.wanted)
        event_base_loop(b.rig.base, EVLOOP_ONCE);
    mono_ms_t took = clock_mono_ms() - from;
    printf("%llu round trips of %zu bytes in %lld ms: %.0f/s; host Pss %ld KiB idle, %ld KiB after; bridge "
           "%ld KiB\n",
           (unsigned long long)b.settled, b.json.n, (long long)took, (double)b.settled * 1000 / (double)took,
           idle, pss_kib(host_pid(h)), pss_kib(getpid()));
    host_free(h);
    rig_close(&b.rig);
    return 0;
}
