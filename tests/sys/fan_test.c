/* SPDX-License-Identifier: Apache-2.0 */
/* Against the real kernel, in a directory of its own with inode marks; needs root (skipped by name
 * otherwise). */
#include "sys/fan.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

struct fixture {
        char path[64];
        int dirfd;
        struct fan_group g;
        uint8_t buf[FAN_BUFFER];
        struct span events;
};

static struct fixture fixture;

static int setup(void **state)
{
        struct fixture *f = &fixture;
        struct err err = { 0 };

        *state = f;
        f->g.fd = -1;
        f->events = SPAN_NONE;
        snprintf(f->path, sizeof f->path, "/tmp/assay-fan-XXXXXX");
        if (!mkdtemp(f->path))
                return -1;
        f->dirfd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (geteuid() != 0)
                return 0;
        if (fan_open(FAN_HAS_PIDFD, &f->g, &err) < 0)
                print_error("%s\n", err.text);
        return f->g.fd < 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        unlinkat(f->dirfd, "new", 0);
        unlinkat(f->dirfd, "old", 0);
        unlinkat(f->dirfd, "sub/in", 0);
        unlinkat(f->dirfd, "sub", AT_REMOVEDIR);
        close(f->dirfd);
        fan_close(&f->g);
        return rmdir(f->path);
}

/* The next event within ten seconds, or fails. */
static struct fan_event next(struct fixture *f)
{
        struct pollfd p = { .fd = f->g.fd, .events = POLLIN };
        struct fan_event ev;
        struct err err = { 0 };
        ssize_t n;

        if (f->events.n == 0) {
                assert_int_equal(poll(&p, 1, 10000), 1);
                n = read(f->g.fd, f->buf, sizeof f->buf);
                assert_true(n > 0);
                f->events = span_of(f->buf, (size_t)n);
        }
        assert_int_equal(fan_next(&f->events, &ev, &err), 1);
        return ev;
}

static void touch(struct fixture *f, const char *name)
{
        int fd = openat(f->dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, "x", 1), 1);
        close(fd);
}

static bool same(const struct fs_handle *a, const struct fs_handle *b)
{
        return a->type == b->type && a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static void assert_at(struct fixture *f, const struct fan_name *at, const char *name)
{
        struct fs_handle want;
        struct fs_where where;

        assert_true(at->present);
        assert_true(span_eq_str(at->name, name));
        assert_int_equal(fs_handle_of(f->dirfd, "", &want, NULL), 0);
        assert_true(same(&at->dir, &want));
        assert_int_equal(fs_where(f->dirfd, &where), 0);
        assert_int_equal(at->fsid, where.fsid);
}

static void test_create_and_rename(void **state)
{
        const uint64_t mask = FAN_CREATE | FAN_RENAME | FAN_DELETE | FAN_EVENT_ON_CHILD | FAN_ONDIR;
        struct fixture *f = *state;
        struct fs_handle child;
        struct fan_event ev;
        struct err err = { 0 };

        if (f->g.fd < 0)
                skip();
        assert_int_equal(fan_mark(&f->g, FAN_SCOPE_INODE, mask, f->dirfd, NULL, &err), 0);
        touch(f, "old");
        ev = next(f);
        assert_true(ev.mask & FAN_CREATE);
        assert_int_equal(ev.pid, getpid());
        assert_at(f, &ev.at, "old");
        assert_int_equal(fs_handle_of(f->dirfd, "old", &child, NULL), 0);
        assert_true(ev.has_child == !!(f->g.features & FAN_HAS_TARGET));
        if (ev.has_child)
                assert_true(same(&ev.child, &child));
        if (f->g.features & FAN_HAS_PIDFD) {
                assert_int_equal(ev.pidfd_state, FAN_PIDFD_OPEN);
                close(ev.pidfd);
        } else {
                assert_int_equal(ev.pidfd_state, FAN_PIDFD_ABSENT);
        }
        assert_int_equal(renameat(f->dirfd, "old", f->dirfd, "new"), 0);
        ev = next(f);
        if (f->g.features & FAN_HAS_RENAME) {
                assert_true(ev.mask & FAN_RENAME);
                assert_at(f, &ev.old, "old");
                assert_at(f, &ev.new, "new");
                assert_false(ev.at.present);
        } else {
                assert_true(ev.mask & FAN_MOVED_FROM);
        }
        if (ev.pidfd >= 0)
                close(ev.pidfd);
}

/* A name is whatever bytes a hostile user likes. */
static void test_hostile_name(void **state)
{
        static const char name[] = "a\nb\x80\xff \\ ..";
        struct fixture *f = *state;
        struct fan_event ev;
        struct err err = { 0 };

        if (f->g.fd < 0)
                skip();
        assert_int_equal(fan_mark(&f->g, FAN_SCOPE_INODE, FAN_CREATE, f->dirfd, NULL, &err), 0);
        touch(f, name);
        assert_int_equal(unlinkat(f->dirfd, name, 0), 0);
        ev = next(f);
        assert_at(f, &ev.at, name);
        if (ev.pidfd >= 0)
                close(ev.pidfd);
}

static void test_process_that_exited(void **state)
{
        struct fixture *f = *state;
        struct fan_event ev;
        struct err err = { 0 };
        int status;
        pid_t pid;

        if (f->g.fd < 0)
                skip();
        assert_int_equal(fan_mark(&f->g, FAN_SCOPE_INODE, FAN_CREATE, f->dirfd, NULL, &err), 0);
        pid = fork();
        if (pid == 0)
                _exit(mkdirat(f->dirfd, "sub", 0700)); /* no FAN_ONDIR: no event */
        assert_int_equal(waitpid(pid, &status, 0), pid);
        pid = fork();
        if (pid == 0)
                _exit(openat(f->dirfd, "new", O_CREAT | O_WRONLY, 0600) < 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        ev = next(f);
        assert_int_equal(ev.pid, pid);
        assert_at(f, &ev.at, "new");
        assert_int_equal(ev.pidfd, -1);
        if (f->g.features & FAN_HAS_PIDFD)
                assert_int_equal(ev.pidfd_state, FAN_PIDFD_GONE);
}

/* A filesystem mark with one directory left out in the kernel: its children are silent, others not.
 */
static void test_ignore(void **state)
{
        const uint64_t mask = FAN_CREATE | FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD;
        struct fixture *f = *state;
        struct fan_event ev;
        struct err err = { 0 };
        int r;

        if (f->g.fd < 0)
                skip();
        assert_int_equal(mkdirat(f->dirfd, "sub", 0700), 0);
        r = fan_ignore(&f->g, mask | FAN_ONDIR, f->dirfd, "sub", &err);
        if (!(f->g.features & FAN_HAS_IGNORE)) {
                assert_int_equal(r, -EOPNOTSUPP);
                return;
        }
        assert_int_equal(r, 0);
        assert_int_equal(fan_mark(&f->g, FAN_SCOPE_FILESYSTEM, mask, f->dirfd, NULL, &err), 0);
        touch(f, "sub/in");
        touch(f, "new");
        do { /* others use this filesystem too */
                ev = next(f);
                if (ev.pidfd >= 0)
                        close(ev.pidfd);
                assert_false(ev.at.present && span_eq_str(ev.at.name, "in"));
        } while (ev.pid != getpid());
        assert_at(f, &ev.at, "new");
        assert_int_equal(fan_unmark(&f->g, FAN_SCOPE_FILESYSTEM, mask, f->dirfd, NULL, &err), 0);
}

/* As long as there is one, of this scope, of this group. */
static void test_is_marked(void **state)
{
        struct fixture *f = *state;
        struct fan_event ev;
        struct err err = { 0 };

        if (f->g.fd < 0)
                skip();
        assert_int_equal(fan_is_marked(&f->g, FAN_SCOPE_INODE, FAN_ACCESS, f->dirfd), 0);
        assert_int_equal(fan_mark(&f->g, FAN_SCOPE_INODE, FAN_CREATE, f->dirfd, NULL, &err), 0);
        for (int i = 0; i < 2; i++) /* asking takes nothing away */
                assert_int_equal(fan_is_marked(&f->g, FAN_SCOPE_INODE, FAN_ACCESS, f->dirfd), 1);
        assert_int_equal(fan_is_marked(&f->g, FAN_SCOPE_FILESYSTEM, FAN_ACCESS, f->dirfd), 0);
        touch(f, "new");
        ev = next(f);
        assert_at(f, &ev.at, "new");
        if (ev.pidfd >= 0)
                close(ev.pidfd);
        assert_int_equal(fan_unmark(&f->g, FAN_SCOPE_INODE, FAN_CREATE, f->dirfd, NULL, &err), 0);
        assert_int_equal(fan_is_marked(&f->g, FAN_SCOPE_INODE, FAN_ACCESS, f->dirfd), 0);
        assert_int_equal(fan_is_marked(&f->g, FAN_SCOPE_INODE, FAN_ACCESS, -1), -EBADF);
}

static void test_refused(void **state)
{
        struct fixture *f = *state;
        struct err err = { 0 };

        if (f->g.fd < 0)
                skip();
        assert_int_equal(fan_mark(&f->g, FAN_SCOPE_INODE, FAN_CREATE, f->dirfd, "missing", &err),
                         -ENOENT);
        assert_non_null(strstr(err.text, "missing"));
        /* procfs has no handles */
        assert_true(fan_mark(&f->g, FAN_SCOPE_FILESYSTEM, FAN_CREATE, AT_FDCWD, "/proc", &err) < 0);
}

/* ---- the parser alone ---- */

enum { EVENT = 24 + 20 + 8 + 4 };

/* One event with one DFID_NAME record: handle of 8 bytes and the name "abc". */
static void build(uint8_t e[EVENT])
{
        memset(e, 0, EVENT);
        e[0] = EVENT;
        e[4] = 3;
        e[6] = 24;
        e[8] = 0x02; /* FAN_MODIFY */
        memset(e + 16, 0xff, 4);
        e[20] = 77;
        e[24] = 2;
        e[26] = 20 + 8 + 4;
        e[36] = 8;
        e[40] = 1;
        memset(e + 44, 0x5a, 8);
        memcpy(e + 52, "abc", 4);
}

static const struct {
        const char *name;
        size_t at;
        uint8_t value;
        size_t cut;
        const char *want; /* in the error, or NULL for an event named "abc" */
} cases[] = {
        { "good", 24, 2, 0, NULL },
        { "unknown record is passed over", 24, 99, 0, "" },
        { "cut head", 24, 2, EVENT - 23, "are no event" },
        { "cut record", 24, 2, 1, "55 left" },
        { "version", 4, 4, 0, "version 4" },
        { "head too short", 6, 23, 0, "head 23" },
        { "head beyond the event", 6, EVENT + 1, 0, "head 57" },
        { "length zero", 0, 0, 0, "event of 0" },
        { "length too large", 0, EVENT + 1, 0, "event of 57" },
        { "record of nothing", 26, 0, 0, "record of 0" },
        { "record too short for itself", 26, 3, 0, "record of 3" },
        { "record too long", 26, 33, 0, "record of 33" },
        { "record without handle", 26, 19, 0, "no handle" },
        { "handle too long", 36, 13, 0, "handle of 13" },
        { "handle huge", 39, 0xff, 0, "handle of" },
        { "name without end", 55, 'd', 0, "has no end" },
};

static void test_parser(void **state)
{
        uint8_t e[EVENT];
        struct fan_event ev;
        struct span s;
        struct err err;
        int r;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                uint8_t *exact;

                print_message("%s\n", cases[i].name);
                err = (struct err){ 0 };
                build(e);
                e[cases[i].at] = cases[i].value;
                exact = malloc(EVENT - cases[i].cut); /* so that ASan sees an over-read */
                assert_non_null(exact);
                memcpy(exact, e, EVENT - cases[i].cut);
                s = span_of(exact, EVENT - cases[i].cut);
                r = fan_next(&s, &ev, &err);
                if (cases[i].want && cases[i].want[0]) {
                        assert_int_equal(r, -EBADMSG);
                        assert_non_null(strstr(err.text, cases[i].want));
                } else {
                        assert_int_equal(r, 1);
                        assert_int_equal(ev.pid, 77);
                        assert_int_equal(ev.pidfd, -1);
                        assert_int_equal(ev.at.present, !cases[i].want);
                        if (ev.at.present)
                                assert_true(span_eq_str(ev.at.name, "abc"));
                        assert_int_equal(fan_next(&s, &ev, &err), 0);
                }
                free(exact);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_create_and_rename, setup, teardown),
                cmocka_unit_test_setup_teardown(test_hostile_name, setup, teardown),
                cmocka_unit_test_setup_teardown(test_process_that_exited, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ignore, setup, teardown),
                cmocka_unit_test_setup_teardown(test_is_marked, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                cmocka_unit_test(test_parser),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
