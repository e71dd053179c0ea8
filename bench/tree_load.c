/* SPDX-License-Identifier: Apache-2.0 */
/* tree_load - makes, changes and deletes files as fast as C can, without a sync.
 *
 *   tree_load make DIR FILES BYTES     BYTES of content each; "small": 1 to 4096, 2 KiB on average
 *   tree_load modify DIR FILES         overwrites the first bytes of each with others
 *   tree_load delete DIR FILES
 *
 * Files are DIR/d0000/f0000000 and so on, 200 in a directory.  Prints {"seconds":...}. */
#include "samples.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PER_DIRECTORY = 200, SMALL_MAX = 4096, BYTES_MAX = 1 << 20 };

static uint8_t content[BYTES_MAX];

static void die(const char *what)
{
        fprintf(stderr, "tree_load: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void path_of(char *path, size_t n, const char *dir, unsigned i)
{
        snprintf(path, n, "%s/d%04u/f%07u", dir, i / PER_DIRECTORY, i);
}

/* Sizes look random and are the same in each run; so does the content, which differs by file. */
static size_t prepare(unsigned i, const char *bytes)
{
        memcpy(content, &i, sizeof i);
        if (strcmp(bytes, "small") == 0)
                return i * 2654435761u % SMALL_MAX + 1;
        return (size_t)strtoul(bytes, NULL, 10);
}

static void make(const char *dir, unsigned i, const char *bytes)
{
        size_t n = prepare(i, bytes);
        char path[4096];
        int fd;

        if (i % PER_DIRECTORY == 0) {
                snprintf(path, sizeof path, "%s/d%04u", dir, i / PER_DIRECTORY);
                if (mkdir(path, 0755) < 0)
                        die(path);
        }
        path_of(path, sizeof path, dir, i);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 || (n > 0 && write(fd, content, n) != (ssize_t)n))
                die(path);
        close(fd);
}

static void modify(const char *dir, unsigned i, uint32_t salt)
{
        char path[4096];
        int fd;

        path_of(path, sizeof path, dir, i);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || pwrite(fd, &salt, sizeof salt, 0) != sizeof salt)
                die(path);
        close(fd);
}

static void delete (const char *dir, unsigned i)
{
        char path[4096];

        path_of(path, sizeof path, dir, i);
        if (unlink(path) < 0)
                die(path);
}

int main(int argc, char **argv)
{
        const char *what = argc > 1 ? argv[1] : "";
        bool makes = strcmp(what, "make") == 0, modifies = strcmp(what, "modify") == 0;
        int64_t begun;
        unsigned n;

        if (argc != 4 + makes || (!makes && !modifies && strcmp(what, "delete") != 0)) {
                fputs("usage: tree_load make DIR FILES BYTES | modify DIR FILES | delete DIR FILES\n",
                      stderr);
                return 2;
        }
        n = (unsigned)strtoul(argv[3], NULL, 10);
        if (makes && strtoul(argv[4], NULL, 10) > BYTES_MAX) {
                fprintf(stderr, "tree_load: at most %d bytes\n", BYTES_MAX);
                return 2;
        }
        begun = bench_now();
        for (unsigned i = 0; i < n; i++)
                if (makes)
                        make(argv[2], i, argv[4]);
                else if (modifies)
                        modify(argv[2], i, (uint32_t)begun);
                else
                        delete (argv[2], i);
        printf("{\"seconds\":%.4f}\n", (double)(bench_now() - begun) / 1e9);
        return 0;
}
