/* SPDX-License-Identifier: Apache-2.0 */
/* scan_ways - looking at and reading every file of a tree, by system calls and by io_uring.
 *
 *   scan_ways calls DIR WORKERS       statx, openat, read, close of one file after another
 *   scan_ways ring DIR WORKERS        the same four as requests, those of 64 files together
 *   scan_ways ring-read DIR WORKERS   openat, read and close as requests, statx as a call
 *   scan_ways ring-chain DIR WORKERS  the same, linked to each other, one submission for 64 files
 *
 * The names are collected first and not measured.  Each worker has a ring of its own; what does not
 * fit into its buffer is read by calls in every way.  Nothing is hashed: it is the same in all.
 * Prints {"files":...,"bytes":...,"seconds":...,"cpu_seconds":...}. */
#define _XOPEN_SOURCE 700
#include "../tests/ring.h"
#include "samples.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 64, WORKERS_MAX = 16, ROOM = 1 << 16, FILES_MAX = 1 << 21, REQUESTS = 4 * BATCH };

struct file {
        int dir;
        char *name;
};

static struct file *files;
static size_t n_files;
static atomic_size_t next_file, n_bytes, n_read;

static void die(const char *what)
{
        fprintf(stderr, "scan_ways: %s: %s\n", what, strerror(errno));
        exit(1);
}

/* ---- the names ---- */

static void collect(int parent, const char *name)
{
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;

        if (!d)
                die(name);
        while ((e = readdir(d))) {
                if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 &&
                    strcmp(e->d_name, "..") != 0)
                        collect(fd, e->d_name);
                if (e->d_type != DT_REG || n_files == FILES_MAX)
                        continue;
                files[n_files].dir = fd;
                files[n_files].name = strdup(e->d_name);
                if (!files[n_files++].name)
                        die("memory");
        }
        /* the directory stays open: its files are named relative to it */
}

/* ---- a worker ---- */

struct worker {
        pthread_t thread;
        struct ring ring;
        unsigned waiting;        /* requests that the kernel was not told of */
        const struct file *file; /* the batch */
        size_t n;
        int fd[BATCH];
        int got[BATCH];
        struct statx st[BATCH];
        uint8_t content[BATCH][ROOM];
};

static int (*way)(struct worker *w);

static void open_ring(struct ring *r)
{
        struct io_uring_params p = { .flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN };
        const char *failed = ring_open(r, REQUESTS, &p);
        int none[BATCH];

        if (failed)
                die(failed);
        memset(none, 0xff, sizeof none); /* places for descriptors of the ring's own */
        if (syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_FILES, none, BATCH) < 0)
                die("io_uring_register");
}

/* What the answer to a request is of: its file, and where its result goes. */
enum { ANSWER_NONE, ANSWER_FD, ANSWER_GOT };

static void add_request(struct worker *w, struct io_uring_sqe sqe, size_t file, unsigned answer)
{
        struct ring *r = &w->ring;
        unsigned at = (*r->sq_tail + w->waiting++) & *r->sq_mask;

        sqe.user_data = file << 2 | answer;
        r->sqes[at] = sqe;
        r->sq_array[at] = at;
}

static int submit(struct worker *w)
{
        struct ring *r = &w->ring;
        unsigned n = w->waiting, head = *r->cq_head;

        __atomic_store_n(r->sq_tail, *r->sq_tail + n, __ATOMIC_RELEASE);
        w->waiting = 0;
        if (n && syscall(SYS_io_uring_enter, r->fd, n, n, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
                return -errno;
        for (; n > 0; n--, head++) {
                const struct io_uring_cqe *c = &r->cqes[head & *r->cq_mask];

                if ((c->user_data & 3) == ANSWER_FD)
                        w->fd[c->user_data >> 2] = c->res;
                else if ((c->user_data & 3) == ANSWER_GOT)
                        w->got[c->user_data >> 2] = c->res;
        }
        __atomic_store_n(r->cq_head, head, __ATOMIC_RELEASE);
        return 0;
}

/* ---- what is done to a file ---- */

#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOATIME)

static struct io_uring_sqe ask_stat(struct worker *w, size_t i)
{
        return (struct io_uring_sqe){ .opcode = IORING_OP_STATX,
                                      .fd = w->file[i].dir,
                                      .addr = (uintptr_t)w->file[i].name,
                                      .len = STATX_BASIC_STATS,
                                      .off = (uintptr_t)&w->st[i],
                                      .statx_flags = AT_SYMLINK_NOFOLLOW };
}

static struct io_uring_sqe ask_open(struct worker *w, size_t i)
{
        return (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
                                      .fd = w->file[i].dir,
                                      .addr = (uintptr_t)w->file[i].name,
                                      .open_flags = OPEN_FLAGS };
}

static struct io_uring_sqe ask_read(struct worker *w, size_t i, int fd)
{
        return (struct io_uring_sqe){
                .opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)w->content[i], .len = ROOM
        };
}

static void stat_one(struct worker *w, size_t i)
{
        if (statx(w->file[i].dir, w->file[i].name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
                  &w->st[i]) < 0)
                die(w->file[i].name);
}

/* More than one buffer: by calls. */
static void read_rest(struct worker *w, size_t i, int fd)
{
        off_t at = w->got[i];
        ssize_t n = w->got[i];

        while (n == ROOM) {
                n = pread(fd, w->content[i], ROOM, at);
                at += n > 0 ? n : 0;
        }
        n_bytes += (size_t)MAX_OF(at, (off_t)0);
        n_read += w->got[i] >= 0;
}

static int by_calls(struct worker *w)
{
        for (size_t i = 0; i < w->n; i++) {
                int fd;

                stat_one(w, i);
                fd = openat(w->file[i].dir, w->file[i].name, OPEN_FLAGS);
                if (fd < 0)
                        continue;
                w->got[i] = (int)pread(fd, w->content[i], ROOM, 0);
                read_rest(w, i, fd);
                close(fd);
        }
        return 0;
}

static int in_rounds(struct worker *w, bool stat_too)
{
        int rc;

        for (size_t i = 0; i < w->n; i++) {
                if (stat_too)
                        add_request(w, ask_stat(w, i), i, ANSWER_NONE);
                else
                        stat_one(w, i);
                add_request(w, ask_open(w, i), i, ANSWER_FD);
        }
        rc = submit(w);
        for (size_t i = 0; i < w->n && rc == 0; i++)
                if (w->fd[i] >= 0)
                        add_request(w, ask_read(w, i, w->fd[i]), i, ANSWER_GOT);
        if (rc == 0)
                rc = submit(w);
        for (size_t i = 0; i < w->n && rc == 0; i++) {
                const struct io_uring_sqe end = { .opcode = IORING_OP_CLOSE, .fd = w->fd[i] };

                if (w->fd[i] < 0)
                        continue;
                read_rest(w, i, w->fd[i]);
                add_request(w, end, i, ANSWER_NONE);
        }
        return rc < 0 ? rc : submit(w);
}

static int by_ring(struct worker *w)
{
        return in_rounds(w, true);
}

static int by_ring_read(struct worker *w)
{
        return in_rounds(w, false);
}

/* The descriptor is the ring's own (place i), so that the read can name it before it is there. */
static int by_ring_chain(struct worker *w)
{
        int rc;

        for (size_t i = 0; i < w->n; i++) {
                struct io_uring_sqe opening = ask_open(w, i), reading = ask_read(w, i, (int)i);
                const struct io_uring_sqe closing = { .opcode = IORING_OP_CLOSE,
                                                      .file_index = (unsigned)i + 1 };

                stat_one(w, i);
                opening.open_flags &= ~(unsigned)O_CLOEXEC; /* which such a descriptor has not */
                opening.file_index = (unsigned)i + 1;
                opening.flags = IOSQE_IO_LINK;
                reading.flags = IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK;
                w->got[i] = -1;
                add_request(w, opening, i, ANSWER_NONE);
                add_request(w, reading, i, ANSWER_GOT);
                add_request(w, closing, i, ANSWER_NONE);
        }
        rc = submit(w);
        for (size_t i = 0; i < w->n && rc == 0; i++) {
                int fd = w->got[i] == ROOM ? openat(w->file[i].dir, w->file[i].name, OPEN_FLAGS)
                                           : -1;

                read_rest(w, i, fd);
                if (fd >= 0)
                        close(fd);
        }
        return rc;
}

/* ---- all ---- */

static const struct {
        const char *name;
        int (*fn)(struct worker *w);
} ways[] = {
        { "calls", by_calls },
        { "ring", by_ring },
        { "ring-read", by_ring_read },
        { "ring-chain", by_ring_chain },
};

static void *work(void *arg)
{
        struct worker *w = arg;
        size_t i;

        if (way != by_calls)
                open_ring(&w->ring);
        while ((i = atomic_fetch_add(&next_file, BATCH)) < n_files) {
                w->file = files + i;
                w->n = MIN_OF(n_files - i, (size_t)BATCH);
                errno = -way(w);
                if (errno)
                        die("io_uring_enter");
        }
        return NULL;
}

static double cpu_seconds(void)
{
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void run(unsigned workers)
{
        struct worker *w = calloc(workers, sizeof *w);
        double cpu = cpu_seconds();
        int64_t from = bench_now();

        if (!w)
                die("memory");
        for (unsigned i = 0; i < workers; i++)
                if ((errno = pthread_create(&w[i].thread, NULL, work, &w[i])))
                        die("pthread_create");
        for (unsigned i = 0; i < workers; i++)
                pthread_join(w[i].thread, NULL);
        printf("{\"files\":%zu,\"bytes\":%zu,\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n",
               (size_t)n_read, (size_t)n_bytes, (double)(bench_now() - from) / 1e9,
               cpu_seconds() - cpu);
        free(w);
}

int main(int argc, char **argv)
{
        unsigned workers = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
        struct rlimit limit;

        for (size_t i = 0; argc == 4 && i < ARRAY_LEN(ways); i++)
                if (strcmp(argv[1], ways[i].name) == 0)
                        way = ways[i].fn;
        if (!way || workers == 0 || workers > WORKERS_MAX) {
                fprintf(stderr, "scan_ways WAY DIR WORKERS\n");
                return 2;
        }
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max; /* a descriptor for each directory */
        setrlimit(RLIMIT_NOFILE, &limit);
        files = calloc(FILES_MAX, sizeof *files);
        if (!files)
                die("memory");
        collect(AT_FDCWD, argv[2]);
        run(workers);
        return 0;
}
