/*
 * A load generator of one thread: N keep-alive connections, each with one callback under way. It sends as
 * fast as the answers come, or at a given rate, and says in JSON what came back, how long it took, and how
 * much of a CPU it needed itself. Everything that costs (signing) is done before the clock starts.
 */
#include "base/mem.h"
#include "messages.h"
#include "track.h"
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, ANSWER_MAX = 2048, STATUS_MAX = 600, ARRIVAL_WAIT_MS = 10000 };
#define NS_PER_S   INT64_C(1000000000)
#define SILENCE_NS (30 * NS_PER_S) /* without one answer: what is still under way is given up */

struct options {
    struct sockaddr_in to;
    struct messages_options messages;
    const char *track;
    unsigned connection_n;
    double seconds, warmup_s, rate; /* rate 0: as fast as answers come */
};

struct conn {
    int fd;
    bool is_busy;
    uint64_t number; /* of the message under way */
    size_t sent_n, answer_n;
    char answer[ANSWER_MAX];
};

struct load {
    const struct options *o;
    struct messages *messages;
    struct track *track;
    int epoll;
    struct conn *conn;
    struct conn **idle;
    unsigned idle_n;
    uint64_t issued_n, answered_n, broken_n, counted_n;
    int64_t start_ns, counted_from_ns, end_ns, last_ns;
    int64_t *due_ns;      /* by message: when it left, or should have left at the given rate */
    uint32_t *latency_us; /* of those that count, in the order of their answers */
    uint64_t status_n[STATUS_MAX];
    uint64_t at_start_n; /* answers before counted_from_ns */
};

/* ---- Connections ---- */

static void conn_open(struct load *l, struct conn *c)
{
    int one = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&l->o->to, sizeof l->o->to) != 0)
        err(1, "cannot connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
        err(1, "epoll_ctl");
    c->is_busy = false;
    l->idle[l->idle_n++] = c;
}

static void conn_broke(struct load *l, struct conn *c)
{
    if (c->is_busy)
        l->broken_n++;
    else /* an idle one that the server closed: it is somewhere in the list */
        for (unsigned i = 0; i < l->idle_n; i++)
            if (l->idle[i] == c) {
                l->idle[i] = l->idle[--l->idle_n];
                break;
            }
    close(c->fd);
    conn_open(l, c);
}

static void conn_write(struct load *l, struct conn *c)
{
    struct span request = messages_get(l->messages, c->number);

    while (c->sent_n < request.n) {
        ssize_t n = send(c->fd, request.p + c->sent_n, request.n - c->sent_n, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN)
                conn_broke(l, c);
            return;
        }
        c->sent_n += (size_t)n;
    }
}

static void conn_start(struct load *l, int64_t due)
{
    struct conn *c = l->idle[--l->idle_n];

    c->is_busy = true;
    c->number = l->issued_n++;
    c->sent_n = c->answer_n = 0;
    l->due_ns[c->number] = due;
    if (l->track)
        l->track->at[c->number].sent_ns = due;
    conn_write(l, c);
}

/* ---- Answers ---- */

static const char *header(const char *head, const char *name)
{
    size_t n = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':')
            return line + 2 + n + 1 + strspn(line + 2 + n + 1, " ");
    return NULL;
}

/* The status of a whole answer; 0: not whole yet; -1: not an answer. */
static int answer_status(struct conn *c)
{
    c->answer[c->answer_n] = '\0';
    const char *end = strstr(c->answer, "\r\n\r\n");
    if (!end)
        return c->answer_n + 1 < sizeof c->answer ? 0 : -1;
    const char *length = header(c->answer, "content-length");
    size_t have = c->answer_n - (size_t)(end + 4 - c->answer);
    bool is_whole = length ? have >= strtoul(length, NULL, 10) : have >= 5 && strstr(end, "0\r\n\r\n");
    if (!is_whole)
        return c->answer_n + 1 < sizeof c->answer ? 0 : -1;
    int status = strncmp(c->answer, "HTTP/1.1 ", 9) == 0 ? atoi(c->answer + 9) : -1;
    return status > 0 && status < STATUS_MAX ? status : -1;
}

static void on_answer(struct load *l, struct conn *c, int status, int64_t now)
{
    int64_t due = l->due_ns[c->number];

    l->answered_n++;
    l->status_n[status]++;
    l->last_ns = now;
    if (now < l->counted_from_ns)
        l->at_start_n++;
    if (due >= l->counted_from_ns && status == 200)
        l->latency_us[l->counted_n++] = (uint32_t)((now - due) / 1000);
    const char *connection = header(c->answer, "connection");
    if (connection && strncasecmp(connection, "close", 5) == 0) {
        close(c->fd);
        conn_open(l, c);
        return;
    }
    c->is_busy = false;
    l->idle[l->idle_n++] = c;
}

static void conn_read(struct load *l, struct conn *c, int64_t now)
{
    for (;;) {
        ssize_t n = recv(c->fd, c->answer + c->answer_n, sizeof c->answer - 1 - c->answer_n, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0 || !c->is_busy) {
            conn_broke(l, c);
            return;
        }
        c->answer_n += (size_t)n;
        int status = answer_status(c);
        if (status < 0)
            conn_broke(l, c);
        else if (status > 0)
            on_answer(l, c, status, now);
        if (status != 0)
            return;
    }
}

/* ---- The run ---- */

static int64_t due_of_next(const struct load *l, int64_t now)
{
    return l->o->rate > 0 ? l->start_ns + (int64_t)((double)l->issued_n / l->o->rate * 1e9) : now;
}

static bool may_issue(const struct load *l, int64_t now)
{
    return l->issued_n < l->o->messages.n && now < l->end_ns;
}

/* Sends what is due; how long to wait for events then, in ns. */
static int64_t issue(struct load *l, int64_t now)
{
    while (l->idle_n > 0 && may_issue(l, now)) {
        int64_t due = due_of_next(l, now);
        if (due > now)
            return due - now;
        conn_start(l, due);
    }
    return NS_PER_S;
}

static bool is_over(const struct load *l, int64_t now)
{
    int64_t heard = l->last_ns ? l->last_ns : l->start_ns;

    return (!may_issue(l, now) && l->idle_n == l->o->connection_n) || now - heard > SILENCE_NS;
}

static void run(struct load *l)
{
    struct epoll_event event[EVENTS_MAX];

    for (int64_t now = now_ns(); !is_over(l, now); now = now_ns()) {
        int64_t wait = issue(l, now);
        struct timespec t = {wait / NS_PER_S, wait % NS_PER_S};
        int n = epoll_pwait2(l->epoll, event, EVENTS_MAX, &t, NULL);
        now = now_ns();
        for (int i = 0; i < n; i++) {
            struct conn *c = event[i].data.ptr;
            if (c->is_busy && event[i].events & EPOLLOUT)
                conn_write(l, c);
            if (event[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                conn_read(l, c, now);
        }
    }
}

static void load_init(struct load *l, const struct options *o)
{
    *l = (struct load){.o = o, .messages = messages_new(&o->messages), .epoll = epoll_create1(EPOLL_CLOEXEC)};
    l->track = o->track ? track_open(o->track) : NULL;
    if (l->track && l->track->n < o->messages.n)
        errx(2, "--track: the file is too small for --count");
    if (l->track)
        l->track->first = o->messages.first;
    l->conn = mem_calloc(o->connection_n, sizeof *l->conn);
    l->idle = mem_calloc(o->connection_n, sizeof(struct conn *));
    l->due_ns = mem_calloc(o->messages.n, sizeof *l->due_ns);
    l->latency_us = mem_calloc(o->messages.n, sizeof *l->latency_us);
    for (unsigned i = 0; i < o->connection_n; i++)
        conn_open(l, &l->conn[i]);
}

static void load_fini(struct load *l)
{
    for (unsigned i = 0; i < l->o->connection_n; i++)
        close(l->conn[i].fd);
    close(l->epoll);
    messages_free(l->messages);
    free(l->conn);
    free(l->idle);
    free(l->due_ns);
    free(l->latency_us);
}

/* ---- The report ---- */

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void print_times(const char *name, uint32_t *us, uint64_t n)
{
    qsort(us, n, sizeof *us, compare);
    printf(",\"%s_ms\":{\"n\":%lu", name, n);
    if (n > 0)
        printf(",\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f", us[n / 2] / 1e3, us[n - 1 - n / 100] / 1e3,
               us[n - 1] / 1e3);
    printf("}");
}

/* Waits for what is still on its way to the backend, then says how long all of it took. */
static void print_arrivals(struct load *l)
{
    uint64_t i = 0, n = 0;

    for (int ms = 0; ms < ARRIVAL_WAIT_MS && i < l->issued_n; ms++, usleep(1000))
        while (i < l->issued_n && __atomic_load_n(&l->track->at[i].arrived_ns, __ATOMIC_ACQUIRE) != 0)
            i++;
    for (i = 0; i < l->issued_n; i++) {
        const struct track_times *t = &l->track->at[i];
        if (t->arrived_ns && t->sent_ns >= l->counted_from_ns)
            l->latency_us[n++] = (uint32_t)((t->arrived_ns - t->sent_ns) / 1000);
    }
    print_times("arrival", l->latency_us, n);
}

static double cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void print_report(struct load *l, double cpu)
{
    int64_t end = l->last_ns > l->start_ns ? l->last_ns : now_ns();
    double counted_s = (double)(end - l->counted_from_ns) / 1e9;

    printf("{\"sent\":%lu,\"answered\":%lu,\"broken\":%lu,\"body_bytes\":%zu,\"seconds\":%.4f,"
           "\"per_second\":%.1f,\"cpu_share\":%.3f,\"status\":{",
           l->issued_n, l->answered_n, l->broken_n, messages_body_bytes(l->messages),
           (double)(end - l->start_ns) / 1e9, (double)(l->answered_n - l->at_start_n) / counted_s,
           cpu / ((double)(end - l->start_ns) / 1e9));
    const char *comma = "";
    for (int s = 0; s < STATUS_MAX; s++)
        if (l->status_n[s] > 0) {
            printf("%s\"%d\":%lu", comma, s, l->status_n[s]);
            comma = ",";
        }
    printf("}");
    print_times("answer", l->latency_us, l->counted_n);
    if (l->track)
        print_arrivals(l);
    printf("}\n");
}

static struct sockaddr_in address(const char *text)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    char host[64];
    unsigned port;

    if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 || inet_pton(AF_INET, host, &a.sin_addr) != 1 ||
        port > 65535)
        errx(2, "--to must be like 127.0.0.1:8080");
    a.sin_port = htons((uint16_t)port);
    return a;
}

static void parse(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {
        {"to", 1, NULL, 't'},          {"path", 1, NULL, 'p'},    {"secret", 1, NULL, 's'},
        {"connections", 1, NULL, 'c'}, {"seconds", 1, NULL, 'd'}, {"warmup", 1, NULL, 'w'},
        {"count", 1, NULL, 'n'},       {"rate", 1, NULL, 'r'},    {"first", 1, NULL, 'f'},
        {"lanes", 1, NULL, 'l'},       {"track", 1, NULL, 'k'},   {NULL, 0, NULL, 0}};
    int opt;

    while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1)
        switch (opt) {
        case 't':
            o->to = address(optarg);
            o->messages.host = optarg;
            break;
        case 'p':
            o->messages.path = optarg;
            break;
        case 's':
            o->messages.secret = optarg;
            break;
        case 'c':
            o->connection_n = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'd':
            o->seconds = atof(optarg);
            break;
        case 'w':
            o->warmup_s = atof(optarg);
            break;
        case 'n':
            o->messages.n = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            o->rate = atof(optarg);
            break;
        case 'f':
            o->messages.first = strtoull(optarg, NULL, 10);
            break;
        case 'l':
            o->messages.lane_n = strtoull(optarg, NULL, 10);
            break;
        case 'k':
            o->track = optarg;
            break;
        default:
            exit(2);
        }
    if (!o->messages.host || !o->messages.path || !o->messages.secret || o->connection_n == 0)
        errx(2, "--to, --path and --secret are needed");
}

int main(int argc, char **argv)
{
    struct options o = {.connection_n = 256, .seconds = 3600, .messages.n = 100000};
    struct load l;

    parse(&o, argc, argv);
    load_init(&l, &o);
    double cpu = cpu_s();
    l.start_ns = now_ns();
    l.counted_from_ns = l.start_ns + (int64_t)(o.warmup_s * 1e9);
    l.end_ns = l.counted_from_ns + (int64_t)(o.seconds * 1e9);
    run(&l);
    print_report(&l, cpu_s() - cpu);
    load_fini(&l);
    return 0;
}
