/* SPDX-License-Identifier: Apache-2.0 */
/* bare_fan - the least that a reader of fanotify with a hash can do: it finds the file of each
 * event and hashes it when it was written.  No state, no author, no record.  What the sensor costs
 * beyond this is its own doing.
 *
 *   bare_fan DIR             until SIGTERM; a line "ready", then counts
 *   bare_fan DIR CHANGES     from a change of a file to its hash: p50 and p99
 *
 * It speaks to the kernel itself, so that no fault of sys/fan can flatter the comparison. */
#include "crypto/sha256.h"
#include "samples.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHANGES_MAX = 100000, EVENTS = 1 << 16, FILE_MAX = 1 << 20 };
#define MASK                                                                                       \
        (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_MODIFY | FAN_CLOSE_WRITE |  \
         FAN_ATTRIB | FAN_ONDIR | FAN_EVENT_ON_CHILD)

struct counts {
        unsigned long events, deleted, hashed, overflows;
        volatile unsigned long told; /* files hashed, for the other process */
};

static volatile sig_atomic_t stopped;

static void on_signal(int signo)
{
        (void)signo;
        stopped = 1;
}

static void die(const char *what)
{
        fprintf(stderr, "bare_fan: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void hash_file(int dir, const char *name, struct counts *c)
{
        static uint8_t content[FILE_MAX], digest[SHA256_LEN];
        int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return; /* gone already */
        n = read(fd, content, sizeof content);
        if (n > 0) {
                sha256(span_of(content, (size_t)n), digest);
                c->hashed++;
        }
        close(fd);
}

/* The record holds the directory's handle and behind it the name. */
static void take_event(int mount, const struct fanotify_event_metadata *e, struct counts *c)
{
        const struct fanotify_event_info_fid *info = (const void *)(e + 1);
        struct file_handle *handle = (struct file_handle *)(uintptr_t)info->handle;
        const char *name = (const char *)handle->f_handle + handle->handle_bytes;
        int dir;

        c->events++;
        c->overflows += (e->mask & FAN_Q_OVERFLOW) != 0;
        if (e->event_len <= sizeof *e || info->hdr.info_type != FAN_EVENT_INFO_TYPE_DFID_NAME)
                return;
        c->deleted += (e->mask & FAN_DELETE) != 0;
        if (!(e->mask & FAN_CLOSE_WRITE))
                return;
        dir = open_by_handle_at(mount, handle, O_PATH | O_CLOEXEC);
        if (dir < 0)
                return;
        hash_file(dir, name, c);
        if (strncmp(name, "latency-", 8) == 0)
                c->told++;
        close(dir);
}

static void read_events(int fan, int mount, struct counts *c)
{
        static char buffer[EVENTS] __attribute__((aligned(8)));
        const struct fanotify_event_metadata *e = (const void *)buffer;
        ssize_t n;

        while (!stopped) {
                n = read(fan, buffer, sizeof buffer);
                if (n < 0 && errno != EINTR)
                        die("read");
                for (e = (const void *)buffer; n > 0 && FAN_EVENT_OK(e, n);
                     e = FAN_EVENT_NEXT(e, n))
                        take_event(mount, e, c);
        }
}

static void make_changes(const char *dir, size_t n, const struct counts *c)
{
        static int64_t ns[CHANGES_MAX];
        char path[4096];

        for (size_t i = 0; i < n; i++) {
                unsigned long told = c->told;
                int64_t begun;
                int fd;

                snprintf(path, sizeof path, "%s/latency-%zu", dir, i);
                usleep(2000 + (unsigned)(i * 2654435761u % 3000));
                begun = bench_now();
                fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                if (fd < 0 || write(fd, path, 64) < 0)
                        die(path);
                close(fd);
                while (c->told == told)
                        if (bench_now() - begun > 5 * NS_PER_S)
                                die("no event");
                ns[i] = bench_now() - begun;
        }
        samples_print(ns, n);
}

static struct counts *shared_counts(void)
{
        void *p = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                die("memory");
        return p;
}

int main(int argc, char **argv)
{
        size_t changes = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
        struct sigaction action = { .sa_handler = on_signal };
        struct counts *c;
        int fan, mount;
        pid_t reader;

        if (argc < 2 || argc > 3 || changes > CHANGES_MAX) {
                fprintf(stderr, "usage: bare_fan DIR [CHANGES] (at most %d)\n", CHANGES_MAX);
                return 2;
        }
        c = shared_counts();
        fan = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_REPORT_DFID_NAME |
                                    FAN_UNLIMITED_QUEUE,
                            O_RDONLY | O_CLOEXEC);
        mount = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fan < 0 || mount < 0 ||
            fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, MASK, mount, NULL) < 0)
                die(argv[1]);
        sigaction(SIGTERM, &action, NULL);
        if (changes == 0) {
                puts("ready");
                fflush(stdout);
                read_events(fan, mount, c);
                printf("{\"events\":%lu,\"deleted\":%lu,\"hashed\":%lu,\"overflows\":%lu}\n",
                       c->events, c->deleted, c->hashed, c->overflows);
                return 0;
        }
        reader = fork();
        if (reader == 0) {
                read_events(fan, mount, c);
                _exit(0);
        }
        make_changes(argv[1], changes, c);
        kill(reader, SIGTERM);
        waitpid(reader, NULL, 0);
        return 0;
}
