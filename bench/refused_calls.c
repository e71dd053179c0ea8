/* SPDX-License-Identifier: Apache-2.0 */
/* refused_calls - what a system call costs that is refused, and one that succeeds at little cost.
 *
 *   refused_calls FILE COUNT     FILE may not be opened for writing; prints microseconds of each */
#include "base/text.h"
#include "samples.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static double refused_us(const char *file, uint64_t count)
{
        int64_t begun = bench_now();

        for (uint64_t i = 0; i < count; i++)
                if (open(file, O_WRONLY | O_CLOEXEC) >= 0 || errno != EPERM) {
                        fprintf(stderr, "refused_calls: %s was not refused: %s\n", file,
                                strerror(errno));
                        exit(1);
                }
        return (double)(bench_now() - begun) / 1e3 / (double)count;
}

/* The C library must not answer for the kernel. */
static double good_us(uint64_t count)
{
        int64_t begun = bench_now();

        for (uint64_t i = 0; i < count; i++)
                if (syscall(SYS_sched_getscheduler, 0) < 0)
                        exit(1);
        return (double)(bench_now() - begun) / 1e3 / (double)count;
}

int main(int argc, char **argv)
{
        uint64_t count;

        if (argc != 3 || text_to_u64(span_str(argv[2]), &count) < 0 || count == 0) {
                fputs("usage: refused_calls FILE COUNT\n", stderr);
                return 2;
        }
        printf("{\"refused_us\":%.4f,", refused_us(argv[1], count));
        printf("\"good_us\":%.4f}\n", good_us(count));
        return 0;
}
