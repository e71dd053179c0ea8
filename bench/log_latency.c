/* SPDX-License-Identifier: Apache-2.0 */
/* log_latency - from a change of a file to the line in another program's log that names it.
 *
 *   log_latency LOG DIR CHANGES       makes DIR/latency-<i>; prints p50 and p99
 *
 * The log is read in a loop without a pause: the time is the other program's, not ours. */
#include "samples.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { CHANGES_MAX = 10000, CHUNK = 1 << 16 };
#define PATIENCE_NS (20 * NS_PER_S)

static void die(const char *what)
{
        fprintf(stderr, "log_latency: %s: %s\n", what, strerror(errno));
        exit(1);
}

/* Wait until name is in what the log gained since the last call. */
static void await(int log, const char *name, int64_t since)
{
        static char text[CHUNK + 256];
        static size_t kept;
        ssize_t n;

        for (;;) {
                if (bench_now() - since > PATIENCE_NS) {
                        errno = ETIMEDOUT;
                        die(name);
                }
                n = read(log, text + kept, CHUNK);
                if (n < 0)
                        die("log");
                kept += (size_t)n;
                if (n > 0 && memmem(text, kept, name, strlen(name)))
                        return;
                if (kept > 256) { /* a name may be cut by the end of what there is */
                        memmove(text, text + kept - 256, 256);
                        kept = 256;
                }
        }
}

int main(int argc, char **argv)
{
        static int64_t ns[CHANGES_MAX];
        char path[4096], name[64];
        size_t n;
        int log, fd;

        if (argc != 4 || (n = strtoul(argv[3], NULL, 10)) == 0 || n > CHANGES_MAX) {
                fprintf(stderr, "usage: log_latency LOG DIR CHANGES (at most %d)\n", CHANGES_MAX);
                return 2;
        }
        log = open(argv[1], O_RDONLY | O_CLOEXEC);
        if (log < 0 || lseek(log, 0, SEEK_END) < 0)
                die(argv[1]);
        for (size_t i = 0; i < n; i++) {
                int64_t begun;

                snprintf(name, sizeof name, "latency-%zu-%zu-", i, n);
                snprintf(path, sizeof path, "%s/%s", argv[2], name);
                usleep(2000 + (unsigned)(i * 2654435761u % 3000));
                begun = bench_now();
                fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                if (fd < 0 || write(fd, name, sizeof name) < 0)
                        die(path);
                close(fd);
                await(log, name, begun);
                ns[i] = bench_now() - begun;
        }
        samples_print(ns, n);
        return 0;
}
