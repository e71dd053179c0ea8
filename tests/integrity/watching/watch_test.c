/* SPDX-License-Identifier: Apache-2.0 */
/* Against the real kernel, on a filesystem of its own; needs root (skipped by name otherwise). */
#include "integrity/watching/watch.h"

#include "integrity/trusted/observe.h"
#include "integrity/who/procsource.h"
#include "integrity/who/who.h"
#include "sys/io.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { NAMES = 64 };

struct seen {
        char name[TABLE_NAME_MAX + 1], to[TABLE_NAME_MAX + 1];
        uint64_t mask;
        bool has_child;
};

struct fixture {
        char path[64], inside[80];
        int dirfd, in, out;
        struct table *table;
        struct watchset set;
        struct procsource *source;
        struct who_cache *who;
        struct watch *watch;
        struct seen seen[NAMES];
        size_t n_seen, touched, overflows;
        bool unsettled;
};

static struct fixture fixture;

static void text(char out[TABLE_NAME_MAX + 1], struct span s)
{
        memcpy(out, s.p, s.n);
        out[s.n] = '\0';
}

static int touched(void *ctx, const struct table_handle *dir, struct span name, uint64_t mask,
                   const struct table_handle *child, struct who *who)
{
        struct fixture *f = ctx;
        struct seen *s = &f->seen[f->n_seen];

        (void)dir;
        (void)who;
        f->touched++;
        if (f->n_seen == NAMES)
                return 0;
        text(s->name, name);
        s->mask = mask;
        s->has_child = child != NULL;
        f->n_seen++;
        return 0;
}

static int renamed(void *ctx, const struct table_handle *from_dir, struct span from,
                   const struct table_handle *to_dir, struct span to, struct who *who)
{
        struct fixture *f = ctx;

        (void)touched(ctx, from_dir ? from_dir : to_dir, from, FAN_RENAME, NULL, who);
        text(f->seen[f->n_seen - 1].to, to);
        return 0;
}

static bool settled(void *ctx, const struct table_handle *dir, struct span name)
{
        struct fixture *f = ctx;

        (void)dir;
        (void)name;
        return !f->unsettled;
}

static bool complete(void *ctx)
{
        (void)ctx;
        return true;
}

static int overflow(void *ctx)
{
        struct fixture *f = ctx;

        f->overflows++;
        return 0;
}

static const struct watch_ops ops = { .touched = touched,
                                      .renamed = renamed,
                                      .settled = settled,
                                      .complete = complete,
                                      .overflow = overflow };

static void know(struct fixture *f, struct span path, int dirfd)
{
        struct table_node *n = table_make(f->table, path);
        struct table_handle h;

        assert_non_null(n);
        n->mark |= TABLE_ABOVE; /* needs no record */
        assert_int_equal(observe_handle(dirfd, &h), 0);
        assert_int_equal(table_set_handle(f->table, n, &h), 0);
        assert_int_equal(watch_directory(f->watch, &h, dirfd), 0);
}

/* As the sensor knows the directories on the way, where only the way counts. */
static void know_above(struct fixture *f)
{
        const char *const above[] = { "/", "/tmp", f->path };

        for (size_t i = 0; i < ARRAY_LEN(above); i++) {
                CLEANUP_FD int fd = open(above[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                know(f, span_str(above[i]), fd);
        }
}

static int setup(void **state)
{
        struct fixture *f = &fixture;
        struct err err = { 0 };

        memset(f, 0, sizeof *f);
        *state = f;
        snprintf(f->path, sizeof f->path, "/tmp/assay-watch-XXXXXX");
        if (!mkdtemp(f->path))
                return -1;
        if (geteuid() != 0 || mount("none", f->path, "tmpfs", 0, "size=64m") < 0)
                return 0;
        f->dirfd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        mkdirat(f->dirfd, "in", 0755);
        mkdirat(f->dirfd, "out", 0755);
        snprintf(f->inside, sizeof f->inside, "%.60s/in", f->path);
        assert_int_equal(table_new(&f->table, &err), 0);
        assert_int_equal(watchset_add(&f->set, span_str(f->inside), false, &err), 0);
        assert_int_equal(procsource_open(PROCSOURCE_PROC, &sysclock, &f->source, &err), 0);
        assert_int_equal(who_cache_new(f->source, &f->who, &err), 0);
        assert_int_equal(watch_new(f->table, &f->set, f->who, &ops, f, &f->watch, &err), 0);
        assert_int_equal(watch_filesystem(f->watch, f->dirfd, span_str(f->path), &err), 1);
        f->in = openat(f->dirfd, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        f->out = openat(f->dirfd, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        know_above(f);
        know(f, span_str(f->inside), f->in);
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        if (f->watch) {
                watch_free(f->watch);
                who_cache_free(f->who);
                procsource_free(f->source);
                watchset_done(&f->set);
                table_free(f->table);
                close(f->in);
                close(f->out);
                close(f->dirfd);
                umount(f->path);
        }
        return rmdir(f->path);
}

/* In another process: what this one does is its own. */
static void in_child(void (*act)(struct fixture *f, long n), struct fixture *f, long n)
{
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                act(f, n);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void read_all(struct fixture *f)
{
        struct pollfd p = { .fd = watch_fd(f->watch), .events = POLLIN };

        while (watch_waits(f->watch) || poll(&p, 1, 100) > 0)
                assert_true(watch_read(f->watch, 4) >= 0);
}

static const struct seen *find(const struct fixture *f, const char *name)
{
        for (size_t i = 0; i < f->n_seen; i++)
                if (strcmp(f->seen[i].name, name) == 0)
                        return &f->seen[i];
        return NULL;
}

static void make(int dirfd, const char *name)
{
        int fd = openat(dirfd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

        if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) < 0)
                _exit(1);
}

static void act_some(struct fixture *f, long n)
{
        (void)n;
        make(f->in, "file");
        make(f->out, "outside");
        if (mkdirat(f->in, "dir", 0700) < 0 || renameat(f->in, "file", f->in, "new") < 0 ||
            renameat(f->out, "outside", f->in, "came") < 0 ||
            renameat(f->in, "new", f->out, "left") < 0)
                _exit(1);
}

static void test_events_become_places(void **state)
{
        struct fixture *f = *state;
        const struct seen *s;

        if (!f->watch)
                skip();
        in_child(act_some, f, 0);
        read_all(f);
        s = find(f, "dir");
        assert_non_null(s);
        assert_true(s->mask & FAN_CREATE && s->mask & FAN_ONDIR && s->has_child);
        s = find(f, "file");
        assert_non_null(s);
        assert_true(s->mask & FAN_CREATE);
        assert_null(find(f, "left"));
        for (size_t i = 0, found = 0; i < f->n_seen; i++) {
                found += strcmp(f->seen[i].to, "new") == 0;
                found += strcmp(f->seen[i].to, "came") == 0;
                found += strcmp(f->seen[i].to, "left") == 0;
                if (i + 1 == f->n_seen)
                        assert_int_equal(found, 3);
        }
        assert_int_equal(f->overflows, 0);
}

/* A file that the table knows under the name as, whatever it is on the disk. */
static void know_file(struct fixture *f, const char *name, const char *as)
{
        struct table_handle h, none;
        struct table_node *dir, *n;
        struct record r;
        struct buf encoded = BUF_INIT(RECORD_MAX);

        assert_int_equal(observe_stat(f->in, name, &r, &none), 0);
        assert_int_equal(observe_handle(f->in, &h), 0);
        dir = table_by_handle(f->table, &h, NULL);
        assert_non_null(dir);
        n = table_make_child(f->table, dir, span_str(as));
        assert_non_null(n);
        record_encode(&r, &encoded);
        assert_int_equal(table_set_record(f->table, n, buf_span(&encoded)), 0);
        buf_done(&encoded);
}

/* Before the next case. */
static void forget_all(struct fixture *f)
{
        static const char *const names[] = { "gone", "else", "other" };
        struct table_handle h;
        struct table_node *dir, *n;

        assert_int_equal(observe_handle(f->in, &h), 0);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                unlinkat(f->in, names[i], 0);
                dir = table_by_handle(f->table, &h, NULL);
                n = table_child(f->table, dir, span_str(names[i]));
                if (n)
                        table_drop_record(f->table, n);
        }
        read_all(f);
}

static void act_unlink(struct fixture *f, long n)
{
        (void)n;
        if (unlinkat(f->in, "gone", 0) < 0)
                _exit(1);
}

/* A file loses a name: that is two notices, and its other names are looked at, which the table
 * knows, or where something is yet to be looked at the filesystem. */
static void test_one_name_less(void **state)
{
        static const struct {
                const char *name;
                bool other, unsettled;
                const char *as; /* what the table takes it for; NULL: it does not know it */
                bool found;
        } cases[] = {
                { "its only name", false, false, "gone", false },
                { "it has another", true, false, "gone", true },
                { "it was another file until lately", true, true, "else", true },
                { "it was never looked at", true, false, NULL, true },
                { "nor was the only name", false, true, NULL, false },
        };
        struct fixture *f = *state;

        if (!f->watch)
                skip();
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct seen *s;

                print_message("%s\n", cases[i].name);
                make(f->in, "gone");
                make(f->in, "else");
                know_file(f, "else", "else");
                if (cases[i].other) {
                        assert_int_equal(linkat(f->in, "gone", f->in, "other", 0), 0);
                        know_file(f, "other", "other");
                }
                if (cases[i].as)
                        know_file(f, cases[i].as, "gone");
                read_all(f);
                f->unsettled = cases[i].unsettled;
                f->n_seen = 0;
                in_child(act_unlink, f, 0);
                read_all(f);
                s = find(f, "gone");
                assert_non_null(s);
                assert_int_equal(s->mask, FAN_DELETE);
                assert_null(find(f, "else"));
                s = find(f, "other");
                assert_int_equal(s != NULL, cases[i].found);
                if (s)
                        assert_int_equal(s->mask, FAN_ATTRIB);
                forget_all(f);
        }
}

/* What the kernel told of lives, so each notice comes with a descriptor of it. */
static pid_t begin_living(struct fixture *f, int *ret_end)
{
        int done[2], end[2];
        pid_t pid;
        char c;

        assert_int_equal(pipe2(done, O_CLOEXEC), 0);
        assert_int_equal(pipe2(end, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(end[1]);
                act_some(f, 0);
                if (write(done[1], "d", 1) != 1 || read(end[0], &c, 1) != 0)
                        _exit(1);
                _exit(0);
        }
        close(done[1]);
        close(end[0]);
        assert_int_equal(read(done[0], &c, 1), 1);
        close(done[0]);
        *ret_end = end[1];
        return pid;
}

enum { FDS = 256 };

static void list_open(bool ret[FDS])
{
        for (int fd = 0; fd < FDS; fd++)
                ret[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* The descriptors of processes that come with notices are closed: all of them, and none of anybody
 * else's that stand between them. */
static void test_descriptors_of_processes(void **state)
{
        struct fixture *f = *state;
        bool before[FDS], after[FDS];
        int fd[6], end = -1, status;
        pid_t pid;

        if (!f->watch)
                skip();
        pid = begin_living(f, &end);
        for (size_t i = 0; i < ARRAY_LEN(fd); i++)
                fd[i] = fcntl(f->in, F_DUPFD_CLOEXEC, 3);
        for (size_t i = 0; i < ARRAY_LEN(fd); i += 2) /* holes */
                close(fd[i]);
        list_open(before);
        read_all(f);
        list_open(after);
        assert_true(f->n_seen > ARRAY_LEN(fd) / 2);
        assert_memory_equal(before, after, sizeof before);
        for (size_t i = 1; i < ARRAY_LEN(fd); i += 2)
                close(fd[i]);
        close(end);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void test_own_writes_are_dropped(void **state)
{
        struct fixture *f = *state;

        if (!f->watch)
                skip();
        make(f->in, "by-me");
        read_all(f);
        assert_null(find(f, "by-me"));
        assert_true(watch_counts(f->watch).own > 0);
}

static void act_many(struct fixture *f, long n)
{
        char name[32];

        for (long i = 0; i < n; i++) {
                snprintf(name, sizeof name, "f%ld", i);
                make(f->out, name);
        }
}

/* A noisy directory is ignored by the kernel, until it becomes a watched one. */
static void test_noise_is_ignored(void **state)
{
        struct fixture *f = *state;
        struct watch_counts before;
        struct table_handle h;

        if (!f->watch)
                skip();
        for (int i = 0; i < 8; i++) {
                in_child(act_many, f, 200);
                read_all(f);
        }
        before = watch_counts(f->watch);
        assert_true(before.ignored >= 1);
        in_child(act_many, f, 3000);
        read_all(f);
        assert_true(watch_counts(f->watch).events < before.events + 3000);
        assert_int_equal(f->touched, 0);

        assert_int_equal(observe_handle(f->out, &h), 0);
        assert_true(watch_wants(f->watch, &h));
        assert_int_equal(watch_directory(f->watch, &h, f->out), 0);
        assert_int_equal(watch_counts(f->watch).ignored, before.ignored - 1);
        before = watch_counts(f->watch);
        in_child(act_many, f, 10);
        read_all(f);
        assert_true(watch_counts(f->watch).outside >= before.outside + 10);
}

static void act_flood(struct fixture *f, long n)
{
        char name[32];

        for (long i = 0; i < n; i++) {
                snprintf(name, sizeof name, "f%ld", i);
                if (mknodat(f->in, name, S_IFREG | 0600, 0) < 0)
                        _exit(1);
                if (i % 100 == 0) /* not faster than a busy machine lets anybody read */
                        usleep(3000);
        }
}

static void act_flood_again(struct fixture *f, long n)
{
        char name[32];

        for (long i = 0; i < n; i++) {
                snprintf(name, sizeof name, "f%ld", i);
                if (unlinkat(f->in, name, 0) < 0)
                        _exit(1);
        }
}

static long queue_limit(void)
{
        FILE *file = fopen("/proc/sys/fs/fanotify/max_queued_events", "re");
        long n = 1 << 30;

        if (file && fscanf(file, "%ld", &n) != 1)
                n = 1 << 30;
        if (file)
                fclose(file);
        return n;
}

/* More than the kernel keeps comes while the owner is away: with relief nothing is lost, without it
 * the loss is said. */
static void test_relief(void **state)
{
        struct fixture *f = *state;
        long n = queue_limit() + 3000;

        if (!f->watch || n > 60000)
                skip();
        watch_relieve(f->watch, true);
        in_child(act_flood, f, n);
        watch_relieve(f->watch, false);
        assert_true(watch_waits(f->watch));
        read_all(f);
        assert_int_equal(f->overflows, 0);
        assert_int_equal(f->touched, n);

        in_child(act_flood_again, f, n);
        read_all(f);
        assert_int_equal(f->overflows, 1);
        /* Parked and woken at once, many times. */
        for (int i = 0; i < 200; i++) {
                watch_relieve(f->watch, true);
                watch_relieve(f->watch, false);
        }
        read_all(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_events_become_places, setup, teardown),
                cmocka_unit_test_setup_teardown(test_one_name_less, setup, teardown),
                cmocka_unit_test_setup_teardown(test_descriptors_of_processes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_own_writes_are_dropped, setup, teardown),
                cmocka_unit_test_setup_teardown(test_noise_is_ignored, setup, teardown),
                cmocka_unit_test_setup_teardown(test_relief, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
