/* SPDX-License-Identifier: Apache-2.0 */
/* burst - as many changes as one process can make, and how long that took.
 *
 *   burst create|modify|delete DIRECTORY FILES [TIMES]
 *
 * Files are f0, f1, ... in DIRECTORY.  modify writes one byte to each in turn, TIMES over all.
 * Prints the microseconds it took. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int dirfd_;

static void die(const char *what)
{
        perror(what);
        exit(1);
}

static void name_of(char out[32], long i)
{
        snprintf(out, 32, "f%ld", i);
}

static void create(long i)
{
        char name[32];
        int fd;

        name_of(name, i);
        fd = openat(dirfd_, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        if (fd < 0 || close(fd) < 0)
                die(name);
}

static void modify(long i, long turn)
{
        char name[32], byte = (char)turn;
        int fd;

        name_of(name, i);
        fd = openat(dirfd_, name, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, &byte, 1) != 1 || close(fd) < 0)
                die(name);
}

static void delete (long i)
{
        char name[32];

        name_of(name, i);
        if (unlinkat(dirfd_, name, 0) < 0)
                die(name);
}

int main(int argc, char **argv)
{
        struct timespec a, b;
        long n, times;

        if (argc < 4)
                return 2;
        dirfd_ = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dirfd_ < 0)
                die(argv[2]);
        n = strtol(argv[3], NULL, 10);
        times = argc > 4 ? strtol(argv[4], NULL, 10) : 1;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (long t = 0; t < times; t++) {
                for (long i = 0; i < n; i++) {
                        if (strcmp(argv[1], "create") == 0)
                                create(i);
                        else if (strcmp(argv[1], "modify") == 0)
                                modify(i, t + 1);
                        else
                                delete (i);
                }
        }
        clock_gettime(CLOCK_MONOTONIC, &b);
        printf("%ld\n", (b.tv_sec - a.tv_sec) * 1000000L + (b.tv_nsec - a.tv_nsec) / 1000);
        return 0;
}
