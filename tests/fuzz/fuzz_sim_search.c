/*
 * The query of a search for events. What is accepted has its limits, finds what is there, and writes a next
 * page that is accepted too and leads to the place it was made for.
 */
#include "base/mem.h"
#include "sim/account.h"
#include "sim/search.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct sim_event_log log_of_some;

static void fill(void)
{
    sim_event_log_init(&log_of_some, 1);
    for (wall_ms_t i = 1; i <= 40; i++) {
        const struct sim_event draft = {.type = mem_strdup(i % 3 ? "inbound" : "tag"),
                                        .emitted_at = INT64_C(1453770984000) + i,
                                        .created_at = INT64_C(1453770984000) + (i * 7) % 40};
        must(sim_event_log_add(&log_of_some, &draft));
    }
}

static void check_page(const struct sim_search *q, const struct sim_page *page)
{
    must(page->n <= q->limit && q->limit <= SIM_SEARCH_LIMIT);
    must(page->is_last || page->next == q->from + q->limit);
    for (unsigned i = 0; i < page->n; i++) {
        const struct sim_event *e = page->event[i];
        must(!q->before || e->emitted_at < q->before);
        must(!q->after || e->emitted_at > q->after);
        must(!i || (q->is_ascending ? page->event[i - 1]->created_at <= e->created_at
                                    : page->event[i - 1]->created_at >= e->created_at));
    }
}

static void check_next(struct span query, uint64_t place)
{
    struct sim_search q;
    struct buf next, why;
    buf_init(&next, 1 << 20);
    buf_init(&why, 16384);
    sim_search_next(query, place, &next);
    must(sim_search_read(&q, buf_span(&next), &why) == OK && q.from == place);
    sim_search_fini(&q);
    buf_fini(&next);
    buf_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span query = {(const char *)data, n};
    struct sim_search q;
    struct buf why;

    if (n > 65536)
        return 0;
    if (!log_of_some.n)
        fill();
    buf_init(&why, 16384);
    if (sim_search_read(&q, query, &why) == OK) {
        struct sim_page page;
        sim_search_page(&log_of_some, &q, 0, &page);
        check_page(&q, &page);
        check_next(query, page.next);
    } else {
        must(why.n);
    }
    sim_search_fini(&q);
    buf_fini(&why);
    return 0;
}
