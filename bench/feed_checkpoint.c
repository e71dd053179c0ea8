/* SPDX-License-Identifier: Apache-2.0 */
/* feed_checkpoint - from handing one entry over to a signed checkpoint that covers it.
 *
 *   feed_checkpoint SOCKET LEDGER-DIR ROUNDS      prints {"p50_ms":...,"p99_ms":...} */
#include "base/text.h"
#include "ledger/feed.h"
#include "sys/io.h"
#include "sys/sysclock.h"
#include "wire/note.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t last_index;

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

int main(int argc, char **argv)
{
        struct feed_options o = { .proc = "sensor", .on_ack = on_ack };
        char text[512], t[TEXT_TIME_LEN + 1];
        struct feed *f = NULL;
        struct err err = { 0 };
        int rounds, dir, n;
        double *ms;
        uint64_t seq;

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
        for (int i = 0; i < rounds; i++) {
                int64_t begun = clock_mono(&sysclock);

                text_time(clock_wall(&sysclock), t);
                n = snprintf(
                        text, sizeof text,
                        "{\"k\":\"integrity.change\",\"t\":\"%s\",\"v\":1,\"what\":{\"change\":"
                        "\"modified\",\"path\":\"/srv/%d\",\"seen\":\"live\"},\"why\":{\"state\":"
                        "\"volatile\"}}",
                        t, i);
                if (feed_put(f, span_of(text, (size_t)n), NULL, 0, &seq, &err) < 0 ||
                    feed_flush(f, 5000, &err) < 0) {
                        fprintf(stderr, "feed_checkpoint: %s\n", err_text(&err));
                        return 1;
                }
                while (checkpoint_size(dir) <= last_index)
                        usleep(500);
                ms[i] = (double)(clock_mono(&sysclock) - begun) / 1e6;
                usleep(20000 + (unsigned)i % 7 * 5000);
        }
        qsort(ms, (size_t)rounds, sizeof *ms, compare_double);
        printf("{\"p50_ms\":%.1f,\"p99_ms\":%.1f}\n", ms[rounds / 2], ms[rounds * 99 / 100]);
        feed_free(f);
        return 0;
}
