/* SPDX-License-Identifier: Apache-2.0 */
/* crash_feed - a writer that never gives up, and says what it was promised.
 *
 *   crash_feed SOCKET NAME [RESUME-RUN]
 *
 * Puts entries whose path is NAME/<number>, one in eight with a sensitive field, in bursts; when
 * the recorder goes away it comes again with its run.  Standard output, a line each:
 *   R run held            welcomed
 *   S code                stopped, or going on (0)
 *   A run seq index n     NAME/<n> is durably at that index
 *   E n                   the last line: 0..n-1 were put, and all are acknowledged
 * SIGTERM: put no more, wait until everything is acknowledged, end. */
#include "ledger/feed/feed.h"
#include "sys/sysclock.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* On a busy machine no faster than the publisher: its lag is not what is tested here. */
enum { BURST_MAX = 24, PAUSE_US_MAX = 8000, RETRY_US = 5000, CONNECT_MS = 2000 };

struct writer {
        struct feed *feed;
        const char *name;
        uint64_t put, acked;
        int stopped;
};

static volatile sig_atomic_t ending;

static void on_term(int signo)
{
        ending = signo;
}

static void on_ack(void *ctx, uint64_t seq, uint64_t index)
{
        struct writer *w = ctx;

        printf("A %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", feed_run(w->feed), seq, index,
               w->acked++);
}

static void on_nak(void *ctx, uint64_t seq, int code, struct span text)
{
        fprintf(stderr, "crash_feed: %" PRIu64 " was refused: %.*s\n", seq, (int)text.n,
                (const char *)text.p);
        exit(1);
}

static void connect_again(struct writer *w, uint64_t run)
{
        struct err err = { 0 };

        while (feed_connect(w->feed, run, CONNECT_MS, &err) < 0)
                usleep(RETRY_US);
        w->stopped = 0;
        printf("R %" PRIu64 " %" PRIu64 "\n", feed_run(w->feed), feed_held(w->feed));
        fflush(stdout);
}

static void put_some(struct writer *w)
{
        static const struct feed_field user = { .subject = SPAN_INIT("uid:1000"),
                                                .name = SPAN_INIT("who.user"),
                                                .value = SPAN_INIT("\"crash-marker\"") };
        struct err err = { 0 };
        uint64_t seq;
        char text[512];

        for (int i = rand() % BURST_MAX; i >= 0; i--) {
                int n = snprintf(text, sizeof text,
                                 "{\"k\":\"integrity.change\",\"t\":\"2026-01-02T03:04:05."
                                 "000000006Z\",\"v\":1,\"what\":{\"change\":\"created\",\"path\":"
                                 "\"%s/%" PRIu64 "\",\"seen\":\"live\"},\"why\":{\"state\":"
                                 "\"unexplained\"}}",
                                 w->name, w->put);
                int rc = feed_put(w->feed, span_of(text, (size_t)n), &user, w->put % 8 == 7, &seq,
                                  &err);

                if (rc == -EAGAIN)
                        return;
                if (rc < 0) {
                        fprintf(stderr, "crash_feed: put: %s\n", err_text(&err));
                        exit(1);
                }
                w->put++;
        }
}

static void work(struct writer *w)
{
        struct err err = { 0 };
        int rc;

        usleep((unsigned)(rand() % PAUSE_US_MAX));
        rc = feed_work(w->feed, &err);
        if (rc == -EPROTO || rc == -EBADMSG) {
                fprintf(stderr, "crash_feed: %s\n", err_text(&err));
                exit(1);
        }
        if (rc < 0)
                connect_again(w, feed_run(w->feed));
        if (feed_stopped(w->feed) != w->stopped) {
                w->stopped = feed_stopped(w->feed);
                printf("S %d\n", w->stopped);
        }
        fflush(stdout);
}

int main(int argc, char **argv)
{
        struct feed_options o = { .proc = "sensor", .on_ack = on_ack, .on_nak = on_nak };
        struct writer w = { 0 };
        struct err err = { 0 };

        if (argc < 3 || argc > 4) {
                fputs("usage: crash_feed SOCKET NAME [RESUME-RUN]\n", stderr);
                return 2;
        }
        o.socket = argv[1];
        o.ctx = &w;
        w.name = argv[2];
        srand((unsigned)getpid());
        signal(SIGTERM, on_term);
        if (feed_new(&o, &w.feed, &err) < 0) {
                fprintf(stderr, "crash_feed: %s\n", err_text(&err));
                return 1;
        }
        connect_again(&w, argc == 4 ? strtoull(argv[3], NULL, 10) : 0);
        while (!ending || feed_pending(w.feed) > 0) {
                if (!ending)
                        put_some(&w);
                work(&w);
        }
        printf("E %" PRIu64 "\n", w.put);
        feed_free(w.feed);
        return w.put == w.acked ? 0 : 1;
}
