/* SPDX-License-Identifier: Apache-2.0 */
/* feed_load - W writers over the recorder's socket, each keeping up to D entries in flight, N
 * entries in all; F sensitive fields each.  Prints one JSON object: rate and acknowledgement
 * latencies.
 *
 *   feed_load SOCKET WRITERS DEPTH ENTRIES FIELDS PROCESSES [RATE]
 *
 * With RATE all writers together hand over so many a second, each in small bursts; otherwise as
 * many as there is room for in flight.
 *
 * A writer is a connection with a run of its own; PROCESSES processes drive them, in the way a
 * server's workers do.  Each is a sensor as far as the recorder is concerned, so run it as a user
 * that may be one.  A latency is from handing an entry to the feed until its acknowledgement is
 * heard. */
#include "base/text.h"
#include "ledger/feed/feed.h"
#include "ledger/writer/ledger.h"
#include "sys/sysclock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WRITERS_MAX = 64, LATENCIES_MAX = 1 << 22 };

struct shared {
        int64_t start_ns, end_ns;
        uint64_t rate; /* of one writer, a second; 0: as it can */
        unsigned ready, go;
        unsigned n; /* latencies so far */
        uint32_t us[LATENCIES_MAX];
};

struct writer {
        struct shared *s;
        unsigned id;
        struct feed *feed;
        uint64_t put, done;
        int64_t sent_ns[LEDGER_WINDOW];
        char subject[32];
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

static void die(const struct err *err)
{
        fprintf(stderr, "feed_load: %s\n", err_text(err));
        exit(1);
}

static void open_writer(struct writer *w, struct shared *s, const char *socket, unsigned id)
{
        struct feed_options o = {
                .socket = socket, .proc = "sensor", .on_ack = on_ack, .on_nak = on_nak, .ctx = w
        };
        struct err err = { 0 };

        w->s = s;
        w->id = id;
        snprintf(w->subject, sizeof w->subject, "uid:%u", 1000 + id);
        if (feed_new(&o, &w->feed, &err) < 0 || feed_connect(w->feed, 0, 5000, &err) < 0)
                die(&err);
        __atomic_fetch_add(&s->ready, 1, __ATOMIC_SEQ_CST);
}

/* How many are due by now. */
static uint64_t due(const struct writer *w, uint64_t entries)
{
        uint64_t us = (uint64_t)((clock_mono(&sysclock) - w->s->start_ns) / NS_PER_US);

        return w->s->rate ? MIN_OF(entries, us * w->s->rate / 1000000) : entries;
}

/* Top it up to `depth` in flight, send and hear. */
static void work(struct writer *w, unsigned depth, uint64_t entries, unsigned fields)
{
        uint64_t until = due(w, entries);
        struct feed_field field[2] = {
                { .subject = span_str(w->subject),
                  .name = SPAN("who.cmdline"),
                  .value = SPAN("\"/usr/bin/example --with arguments\"") },
                { .subject = span_str(w->subject),
                  .name = SPAN("who.user"),
                  .value = SPAN("\"example\"") },
        };
        struct err err = { 0 };
        char text[512];
        uint64_t seq;

        if (feed_work(w->feed, &err) < 0)
                die(&err);
        while (w->put < until && w->put - w->done < depth) {
                size_t n = skeleton(text, sizeof text, w->id, w->put);

                if (feed_put(w->feed, span_of(text, n), field, fields, &seq, &err) < 0)
                        break;
                w->sent_ns[seq % LEDGER_WINDOW] = clock_mono(&sysclock);
                w->put++;
        }
        if (feed_work(w->feed, &err) < 0)
                die(&err);
}

/* Writers first, first + step, ... below `writers`. */
static void run_process(struct shared *s, const char *socket, unsigned first, unsigned step,
                        unsigned writers, unsigned depth, uint64_t entries, unsigned fields)
{
        static struct writer w[WRITERS_MAX];
        static struct pollfd p[WRITERS_MAX];
        unsigned n = 0, left;

        for (unsigned id = first; id < writers; id += step)
                open_writer(&w[n++], s, socket, id);
        while (!__atomic_load_n(&s->go, __ATOMIC_SEQ_CST))
                usleep(200);
        for (unsigned i = 0; i < n; i++)
                p[i] = (struct pollfd){ .fd = feed_fd(w[i].feed), .revents = POLLIN };
        do {
                left = 0;
                for (unsigned i = 0; i < n; i++) {
                        if (p[i].revents || s->rate)
                                work(&w[i], depth, entries, fields);
                        p[i].events = POLLIN;
                        if (feed_wants_write(w[i].feed))
                                p[i].events |= POLLOUT;
                        left += w[i].done < entries;
                }
        } while (left && poll(p, n, s->rate ? 1 : 1000) >= 0);
        for (unsigned i = 0; i < n; i++)
                feed_free(w[i].feed);
        exit(0);
}

static int compare_u32(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
        unsigned writers, depth, fields, processes, failed = 0, n;
        struct shared *s;
        uint64_t each;
        double seconds;

        if (argc != 7 && argc != 8) {
                fputs("usage: feed_load SOCKET WRITERS DEPTH ENTRIES FIELDS PROCESSES [RATE]\n",
                      stderr);
                return 2;
        }
        writers = (unsigned)strtoul(argv[2], NULL, 10);
        depth = (unsigned)strtoul(argv[3], NULL, 10);
        each = strtoull(argv[4], NULL, 10) / (writers ? writers : 1);
        fields = (unsigned)strtoul(argv[5], NULL, 10);
        processes = (unsigned)strtoul(argv[6], NULL, 10);
        if (writers == 0 || writers > WRITERS_MAX || depth == 0 || depth > LEDGER_WINDOW ||
            fields > 2 || processes == 0 || processes > writers) {
                fputs("feed_load: 1 to 64 WRITERS, DEPTH 1 to 512, FIELDS 0 to 2, PROCESSES 1 to "
                      "WRITERS\n",
                      stderr);
                return 2;
        }
        s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (s == MAP_FAILED)
                return 1;
        s->rate = argc == 8 ? strtoull(argv[7], NULL, 10) / writers : 0;
        for (unsigned i = 0; i < processes; i++)
                if (fork() == 0)
                        run_process(s, argv[1], i, processes, writers, depth, each, fields);
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
