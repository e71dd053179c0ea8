/* SPDX-License-Identifier: Apache-2.0 */
/* change_latency - from a change of a file until its entry is durable in the ledger.
 *
 *   change_latency STAMP DIR CHANGES
 *
 * STAMP is the file that a recorder with durable_stamp.so writes its times into; it is made, and
 * then "ready" is printed.  Once the sensor is live, a line on standard input says so.  Prints p50
 * and p99 of the whole, of the time until the recorder had the entry in its hands, and p50 of what
 * the change itself took, which is in both; and of the time from the end of the change on.
 *
 * The file's own making is a matter of its filesystem, which on a disk waits for its journal:
 * nobody can know of a change before it is made. */
#include "base/text.h"
#include "crypto/sha256.h"
#include "durable_stamp.h"
#include "samples.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { CHANGES_MAX = 10000, CONTENT = 512, LOOK_US = 1000 };
#define PATIENCE_NS (10 * NS_PER_S)

_Static_assert(STAMP_TEXT == 2 * SHA256_LEN, "an entry is known by the digest of the content");

static void die(const char *what, int code)
{
        fprintf(stderr, "change_latency: %s: %s\n", what, strerror(-code));
        exit(1);
}

static struct stamp *make_stamp(const char *path)
{
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        struct stamp *s = MAP_FAILED;

        if (fd >= 0 && ftruncate(fd, sizeof *s) == 0)
                s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (s == MAP_FAILED)
                die(path, -errno);
        close(fd);
        return s;
}

/* Makes the file, and says when it began to, and when it was done. */
static int64_t change(const char *dir, size_t i, const uint8_t content[CONTENT], int64_t *ret_done)
{
        char path[4096];
        int64_t begun;
        int fd;

        snprintf(path, sizeof path, "%s/latency-%zu", dir, i);
        begun = bench_now();
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, content, CONTENT) != CONTENT)
                die(path, -errno);
        close(fd);
        *ret_done = bench_now();
        return begun;
}

static int64_t change_and_wait(struct stamp *s, const char *dir, size_t i, int64_t *ret_done)
{
        uint8_t content[CONTENT], digest[SHA256_LEN];
        char hex[STAMP_TEXT + 1];
        int64_t begun;

        memset(content, 'x', CONTENT);
        memcpy(content, &i, sizeof i);
        sha256(span_of(content, CONTENT), digest);
        text_hex(span_of(digest, SHA256_LEN), hex);
        memcpy(s->text, hex, STAMP_TEXT);
        s->state = STAMP_WANTED;
        begun = change(dir, i, content, ret_done);
        while (s->state != STAMP_DURABLE) {
                if (bench_now() - begun > PATIENCE_NS)
                        die(s->state == STAMP_WANTED ? "no entry" : "no answer to the entry",
                            -ETIMEDOUT);
                usleep(LOOK_US);
        }
        return begun;
}

static void measure(struct stamp *s, const char *dir, size_t n)
{
        static int64_t ns[CHANGES_MAX], sent[CHANGES_MAX], act[CHANGES_MAX], after[CHANGES_MAX];

        for (size_t i = 0; i < n; i++) {
                int64_t begun, done;

                usleep((2 + (useconds_t)i % 4) * 1000);
                begun = change_and_wait(s, dir, i, &done);
                act[i] = done - begun;
                ns[i] = s->durable_ns - begun;
                sent[i] = s->heard_ns - begun;
                after[i] = s->durable_ns - done;
        }
        printf("{\"n\":%zu,\"act_p50_us\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
               "\"sent_p50_us\":%.1f,\"sent_p99_us\":%.1f,\"after_p50_us\":%.1f,"
               "\"after_p99_us\":%.1f}\n",
               n, samples_point(act, n, 50), samples_point(ns, n, 50), samples_point(ns, n, 99),
               samples_point(sent, n, 50), samples_point(sent, n, 99), samples_point(after, n, 50),
               samples_point(after, n, 99));
}

int main(int argc, char **argv)
{
        size_t n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
        struct stamp *stamp;

        if (n == 0 || n > CHANGES_MAX) {
                fprintf(stderr, "usage: change_latency STAMP DIR CHANGES (at most %d)\n",
                        CHANGES_MAX);
                return 2;
        }
        stamp = make_stamp(argv[1]);
        puts("ready");
        fflush(stdout);
        while (getchar() != '\n')
                if (feof(stdin))
                        return 1;
        measure(stamp, argv[2], n);
        return 0;
}
