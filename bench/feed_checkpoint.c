/* SPDX-License-Identifier: Apache-2.0 */
/* feed_checkpoint - from handing one entry over to a signed checkpoint that covers it.
 *
 *   feed_checkpoint SOCKET LEDGER-DIR ROUNDS   prints {"rounds":...,"p50_ms":...,"p99_ms":...}
 *
 * SIGTERM ends it early, with the figures so far. */
#include "base/text.h"
#include "ledger/feed/feed.h"
#include "sys/io.h"
#include "sys/sysclock.h"
#include "wire/note.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAIT_MS = 120000 }; /* behind a full load it may take long */

static uint64_t last_index;
static volatile sig_atomic_t ended;

static void on_term(int signo)
{
        ended = 1;
}

static void on_ack(void *ctx, uint64_t seq, uint64_t index)
{
        last_index = index;
}

static uint64_t checkpoint_size(int dir)
{
        struct checkpoint c = { .size = 0 };
        struct note note;
        uint8_t *bytes;
        size_t n;

        if (io_read_file(&io_kernel, dir, "checkpoint", NOTE_MAX, &bytes, &n, NULL) < 0)
                return 0;
        if (note_parse(span_of(bytes, n), &note, NULL) < 0 ||
            checkpoint_parse(note.text, &c, NULL) < 0)
                c.size = 0;
        free(bytes);
        return c.size;
}

static int compare_double(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* Until a checkpoint covers it, in milliseconds; negative: it failed. */
static double one(struct feed *f, int dir, int i, struct err *err)
{
        int64_t begun = clock_mono(&sysclock);
        char text[512], t[TEXT_TIME_LEN + 1];
        uint64_t seq;
        int n;

        text_time(clock_wall(&sysclock), t);
        n = snprintf(text, sizeof text,
                     "{\"k\":\"integrity.change\",\"t\":\"%s\",\"v\":1,\"what\":{\"change\":"
                     "\"modified\",\"path\":\"/srv/%d\",\"seen\":\"live\"},\"why\":{\"state\":"
                     "\"volatile\"}}",
                     t, i);
        if (feed_put(f, span_of(text, (size_t)n), NULL, 0, &seq, err) < 0 ||
            feed_flush(f, WAIT_MS, err) < 0)
                return -1;
        while (checkpoint_size(dir) <= last_index)
                usleep(500);
        return (double)(clock_mono(&sysclock) - begun) / 1e6;
}

int main(int argc, char **argv)
{
        struct feed_options o = { .proc = "sensor", .on_ack = on_ack };
        struct sigaction term = { .sa_handler = on_term };
        struct feed *f = NULL;
        struct err err = { 0 };
        int rounds, done, dir;
        double *ms;

        if (argc != 4) {
                fputs("usage: feed_checkpoint SOCKET LEDGER-DIR ROUNDS\n", stderr);
                return 2;
        }
        o.socket = argv[1];
        rounds = (int)strtol(argv[3], NULL, 10);
        ms = calloc((size_t)(rounds > 0 ? rounds : 1), sizeof *ms);
        dir = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (!ms || dir < 0 || feed_new(&o, &f, &err) < 0 || feed_connect(f, 0, 5000, &err) < 0) {
                fprintf(stderr, "feed_checkpoint: %s\n", err_text(&err));
                return 1;
        }
        sigaction(SIGTERM, &term, NULL);
        for (done = 0; done < rounds && !ended; done++) {
                ms[done] = one(f, dir, done, &err);
                if (ms[done] < 0) {
                        fprintf(stderr, "feed_checkpoint: %s\n", err_text(&err));
                        return 1;
                }
                usleep(20000 + (unsigned)done % 7 * 5000);
        }
        if (done == 0)
                return 1;
        qsort(ms, (size_t)done, sizeof *ms, compare_double);
        printf("{\"rounds\":%d,\"p50_ms\":%.1f,\"p99_ms\":%.1f}\n", done, ms[done / 2],
               ms[done * 99 / 100]);
        feed_free(f);
        return 0;
}
