/* SPDX-License-Identifier: Apache-2.0 */
/* feed_load - W writers over the recorder's socket, each keeping up to D entries in flight, N
 * entries in all; F sensitive fields each.  Prints one JSON object: rate and acknowledgement
 * latencies.
 *
 *   feed_load SOCKET WRITERS DEPTH ENTRIES FIELDS
 *
 * Writers are processes, spread over nothing but the scheduler; each is a sensor as far as the
 * recorder is concerned, so run it as a user that may be one. */
#include "base/text.h"
#include "ledger/feed.h"
#include "ledger/ledger.h"
#include "sys/sysclock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENTRY_BYTES = 256, LATENCIES_MAX = 1 << 22 };

struct shared {
        int64_t start_ns, end_ns;
        unsigned ready, go;
        unsigned n; /* latencies so far */
        uint32_t us[LATENCIES_MAX];
};

struct writer {
        struct shared *s;
        int64_t sent_ns[LEDGER_WINDOW];
        uint64_t done;
};

static void on_ack(void *ctx, uint64_t seq, uint64_t index)
{
        struct writer *w = ctx;
        int64_t us = (clock_mono(&sysclock) - w->sent_ns[seq % LEDGER_WINDOW]) / NS_PER_US;
        unsigned at = __atomic_fetch_add(&w->s->n, 1, __ATOMIC_RELAXED);

        if (at < LATENCIES_MAX)
                w->s->us[at] = (uint32_t)us;
        w->done++;
}

static void on_nak(void *ctx, uint64_t seq, int code, struct span text)
{
        fprintf(stderr, "refused: %.*s\n", (int)text.n, (const char *)text.p);
        exit(1);
}

/* A change of about 256 bytes as it will stand in the log. */
static size_t skeleton(char *out, size_t room, unsigned writer, uint64_t n)
{
        char t[TEXT_TIME_LEN + 1];

        text_time(clock_wall(&sysclock), t);
        return (size_t)snprintf(
                out, room,
                "{\"k\":\"integrity.change\",\"t\":\"%s\",\"v\":1,\"what\":{\"change\":"
                "\"modified\",\"path\":\"/srv/w%02u/%06llu\",\"seen\":\"live\"},"
                "\"why\":{\"state\":\"volatile\"}}",
                t, writer, (unsigned long long)n % 1000000);
}

static void run_writer(struct shared *s, const char *socket, unsigned id, unsigned depth,
                       uint64_t entries, unsigned fields)
{
        static struct writer w;
        struct feed_options o = {
                .socket = socket, .proc = "sensor", .on_ack = on_ack, .on_nak = on_nak, .ctx = &w
        };
        char subject[32];
        struct feed_field field[2] = {
                { .name = SPAN("who.cmdline"),
                  .value = SPAN("\"/usr/bin/example --with arguments\"") },
                { .name = SPAN("who.user"), .value = SPAN("\"example\"") },
        };
        struct feed *f = NULL;
        struct err err = { 0 };
        uint64_t put = 0, seq;
        char text[512];

        w.s = s;
        snprintf(subject, sizeof subject, "uid:%u", 1000 + id);
        field[0].subject = field[1].subject = span_str(subject);
        if (feed_new(&o, &f, &err) < 0 || feed_connect(f, 0, 5000, &err) < 0) {
                fprintf(stderr, "feed_load: %s\n", err_text(&err));
                exit(1);
        }
        __atomic_fetch_add(&s->ready, 1, __ATOMIC_SEQ_CST);
        while (!__atomic_load_n(&s->go, __ATOMIC_SEQ_CST))
                usleep(200);
        while (w.done < entries) {
                while (put < entries && put - w.done < depth) {
                        size_t n = skeleton(text, sizeof text, id, put);

                        if (feed_put(f, span_of(text, n), field, fields, &seq, &err) < 0)
                                break;
                        w.sent_ns[seq % LEDGER_WINDOW] = clock_mono(&sysclock);
                        put++;
                }
                if (feed_work(f, &err) < 0) {
                        fprintf(stderr, "feed_load: %s\n", err_text(&err));
                        exit(1);
                }
                if (w.done < entries && (put - w.done >= depth || put == entries)) {
                        struct pollfd p = { .fd = feed_fd(f), .events = POLLIN };

                        if (feed_wants_write(f))
                                p.events |= POLLOUT;
                        poll(&p, 1, 1000);
                }
        }
        feed_free(f);
        exit(0);
}

static int compare_u32(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
        unsigned writers, depth, fields, failed = 0, n;
        struct shared *s;
        uint64_t each;
        double seconds;

        if (argc != 6) {
                fputs("usage: feed_load SOCKET WRITERS DEPTH ENTRIES FIELDS\n", stderr);
                return 2;
        }
        writers = (unsigned)strtoul(argv[2], NULL, 10);
        depth = (unsigned)strtoul(argv[3], NULL, 10);
        each = strtoull(argv[4], NULL, 10) / (writers ? writers : 1);
        fields = (unsigned)strtoul(argv[5], NULL, 10);
        if (writers == 0 || depth == 0 || depth > LEDGER_WINDOW || fields > 2) {
                fputs("feed_load: WRITERS and DEPTH from 1, DEPTH to 512, FIELDS to 2\n", stderr);
                return 2;
        }
        s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (s == MAP_FAILED)
                return 1;
        for (unsigned i = 0; i < writers; i++)
                if (fork() == 0)
                        run_writer(s, argv[1], i, depth, each, fields);
        while (__atomic_load_n(&s->ready, __ATOMIC_SEQ_CST) < writers &&
               waitpid(-1, NULL, WNOHANG) == 0)
                usleep(1000);
        s->start_ns = clock_mono(&sysclock);
        __atomic_store_n(&s->go, 1, __ATOMIC_SEQ_CST);
        for (int status; wait(&status) > 0;)
                failed += status != 0;
        s->end_ns = clock_mono(&sysclock);
        n = s->n < LATENCIES_MAX ? s->n : LATENCIES_MAX;
        if (failed || n == 0)
                return 1;
        qsort(s->us, n, sizeof *s->us, compare_u32);
        seconds = (double)(s->end_ns - s->start_ns) / 1e9;
        printf("{\"entries\":%u,\"per_second\":%.0f,\"p50_us\":%u,\"p99_us\":%u,\"seconds\":%.3f}\n",
               s->n, s->n / seconds, s->us[n / 2], s->us[(size_t)n * 99 / 100], seconds);
        return 0;
}
