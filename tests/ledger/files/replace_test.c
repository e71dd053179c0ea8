/* SPDX-License-Identifier: Apache-2.0 */
/* A file replaced over and over: two inodes take turns, and nobody's open file or link changes. */
#include "ledger/files/replace.h"

#include "../faulty.h"
#include "../fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct fixture f;
static struct replace place;

static int set_up(void **state)
{
        fixture_init(&f, false);
        place = (struct replace){ f.public_fd, "c", f.private_fd, "c.old", 0644 };
        fixture_write(f.public_fd, "c", SPAN("first"));
        return 0;
}

static int tear_down(void **state)
{
        fixture_done(&f);
        return 0;
}

static void put(const char *content)
{
        struct err err = { 0 };

        if (replace_file(&io_kernel, &place, span_str(content), &err) < 0)
                fail_msg("%s", err_text(&err));
}

static void holds(int dirfd, const char *path, const char *content)
{
        size_t n;
        uint8_t *bytes = fixture_read(dirfd, path, &n);

        assert_int_equal(n, strlen(content));
        assert_memory_equal(bytes, content, n);
        free(bytes);
}

static void two_take_turns(void **state)
{
        static const char *const content[] = { "a longer one than before", "b", "", "c", "dd" };
        ino_t was, spare;
        struct stat st;

        put("0");
        put("1"); /* the first one may have had another mode */
        was = fixture_inode(f.public_fd, "c");
        spare = fixture_inode(f.private_fd, "c.old");
        for (size_t i = 0; i < 20; i++) {
                put(content[i % ARRAY_LEN(content)]);
                holds(f.public_fd, "c", content[i % ARRAY_LEN(content)]);
                assert_int_equal(fixture_inode(f.public_fd, "c"), i % 2 ? was : spare);
                assert_int_equal(fixture_inode(f.private_fd, "c.old"), i % 2 ? spare : was);
        }
        assert_int_equal(fstatat(f.public_fd, "c", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(fstatat(f.private_fd, "c.old", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0644); /* as whoever was late to open it found it */
}

/* The first one is made where nothing was. */
static void nothing_there(void **state)
{
        place.path = "new";
        put("1");
        holds(f.public_fd, "new", "1");
        put("2");
        put("3");
        holds(f.public_fd, "new", "3");
}

static void open_elsewhere(void **state)
{
        char got[16] = "";
        int fd;

        put("1");
        fd = openat(f.public_fd, "c", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        for (int i = 0; i < 4; i++)
                put("another");
        assert_int_equal(pread(fd, got, sizeof got, 0), 1);
        assert_string_equal(got, "1");
        close(fd);
        holds(f.public_fd, "c", "another");
}

static void linked_elsewhere(void **state)
{
        put("1");
        assert_int_equal(linkat(f.public_fd, "c", f.root_fd, "backup", 0), 0);
        for (int i = 0; i < 4; i++)
                put("another");
        holds(f.root_fd, "backup", "1");
}

static void no_spare(void)
{
        assert_true(unlinkat(f.private_fd, "c.old", 0) == 0 || errno == ENOENT);
}

/* What lies in the spare's place and is none of ours. */
static void strange_spares(void **state)
{
        ino_t strange;

        fixture_write(f.root_fd, "victim", SPAN("victim"));
        assert_int_equal(symlinkat("../victim", f.private_fd, "c.old"), 0);
        put("1");
        holds(f.root_fd, "victim", "victim");
        holds(f.public_fd, "c", "1");

        no_spare();
        fixture_write(f.private_fd, "c.old", SPAN("of another mode"));
        assert_int_equal(fchmodat(f.private_fd, "c.old", 0640, 0), 0);
        strange = fixture_inode(f.private_fd, "c.old");
        assert_int_equal(linkat(f.private_fd, "c.old", f.root_fd, "kept", 0), 0);
        put("2");
        assert_true(fixture_inode(f.public_fd, "c") != strange);
        holds(f.public_fd, "c", "2");

        no_spare();
        assert_int_equal(linkat(f.public_fd, "c", f.private_fd, "c.old", 0), 0);
        put("3"); /* the file itself */
        holds(f.public_fd, "c", "3");

        no_spare();
        assert_int_equal(mkdirat(f.private_fd, "c.old", 0700), 0);
        put("4");
        holds(f.public_fd, "c", "4");
}

/* ---- late to open ---- */

enum { NOBODY = 65534 };

/* Root's children become somebody else, as most readers are. */
static void become_another(void)
{
        if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
                _exit(10);
        if (prctl(PR_SET_DUMPABLE, 1) < 0) /* or /proc/self/fd is root's */
                _exit(11);
}

/* The rest of an open() that was held up when the path was looked up. */
static int open_late(int looked_up, int flags)
{
        return open(fd_path(looked_up).text, O_RDONLY | O_CLOEXEC | flags);
}

struct late {
        int looked_up;
        int nonblock; /* what it had while half was written: a negative errno */
        pid_t waiting;
};

static void read_late(int looked_up, const char *whole)
{
        char got[16] = "";
        int fd;

        become_another();
        fd = open_late(looked_up, 0);
        _exit(fd < 0 ? 1 : read(fd, got, sizeof got - 1) < 0 ? 2 : strcmp(got, whole) != 0 ? 3 : 0);
}

static ssize_t half_written(void *ctx, int fd, const void *p, size_t n, off_t at)
{
        const struct timespec while_ = { .tv_nsec = 30 * 1000 * 1000 };
        struct late *l = ctx;
        int got;

        assert_int_equal(pwrite(fd, p, n / 2, at), n / 2);
        got = open_late(l->looked_up, O_NONBLOCK);
        l->nonblock = got < 0 ? -errno : got;
        fd_close(&got);
        l->waiting = fork();
        assert_true(l->waiting >= 0);
        if (l->waiting == 0) {
                close(fd);
                read_late(l->looked_up, "third");
        }
        nanosleep(&while_, NULL);
        return pwrite(fd, p, n, at);
}

static void late_to_open(void **state)
{
        struct late late = { .looked_up = -1 };
        struct io io = io_kernel;
        struct err err = { 0 };
        char got[16] = "";
        int status, fd;

        put("0"); /* what was there may have had another mode */
        put("first");
        late.looked_up = openat(f.public_fd, "c", O_PATH | O_CLOEXEC);
        assert_true(late.looked_up >= 0);
        put("second"); /* and that is the spare now */
        io.ctx = &late;
        io.pwrite = half_written;
        assert_int_equal(replace_file(&io, &place, SPAN("third"), &err), 0);
        assert_int_equal(late.nonblock, -EAGAIN);
        assert_int_equal(waitpid(late.waiting, &status, 0), late.waiting);
        assert_int_equal(status, 0);

        fd = open_late(late.looked_up, O_NONBLOCK);
        assert_true(fd >= 0);
        for (int i = 0; i < 4; i++)
                put("another");
        assert_int_equal(pread(fd, got, sizeof got, 0), 5);
        assert_string_equal(got, "third");
        close(fd);
        close(late.looked_up);
}

/* As many of a letter as that and the content's place in the alphabet say. */
static size_t letters(unsigned i, char out[26 * 40])
{
        size_t n = i % 26 * 40 + 1;

        memset(out, 'a' + (int)(i % 26), n);
        return n;
}

static void read_until(int end_fd)
{
        char got[26 * 40 + 1], want[26 * 40], end;

        become_another();
        while (read(end_fd, &end, 1) != 0) {
                int fd = openat(f.public_fd, "c", O_RDONLY | O_CLOEXEC);
                ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof got);

                if (n < 1)
                        _exit(fd < 0 ? 1 : 2);
                if ((size_t)n != letters((unsigned)(got[0] - 'a'), want) ||
                    memcmp(got, want, (size_t)n) != 0)
                        _exit(3);
                close(fd);
        }
        _exit(0);
}

/* Another user reads all the while: it is always there, always his to read, always whole. */
static void read_all_the_while(void **state)
{
        char content[26 * 40];
        int end[2], status;
        pid_t reader;

        put("a");
        assert_int_equal(pipe2(end, O_NONBLOCK | O_CLOEXEC), 0);
        reader = fork();
        assert_true(reader >= 0);
        if (reader == 0) {
                close(end[1]);
                read_until(end[0]);
        }
        for (unsigned i = 0; i < 20000; i++) {
                struct err err = { 0 };
                size_t n = letters(i, content);

                assert_int_equal(replace_file(&io_kernel, &place, span_of(content, n), &err), 0);
        }
        close(end[1]);
        assert_int_equal(waitpid(reader, &status, 0), reader);
        close(end[0]);
        assert_int_equal(status, 0);
}

static int cannot(void *ctx, int dirfd, const char *path, int otherfd, const char *other)
{
        return *(int *)ctx;
}

static void without_exchange(void **state)
{
        static int says[] = { -EINVAL, -EXDEV, -ENOSYS };
        struct err err = { 0 };
        struct io io = io_kernel;

        io.exchange = NULL;
        assert_int_equal(replace_file(&io, &place, SPAN("1"), &err), 0);
        holds(f.public_fd, "c", "1");
        io.exchange = cannot;
        for (size_t i = 0; i < ARRAY_LEN(says); i++) {
                io.ctx = &says[i];
                assert_int_equal(replace_file(&io, &place, SPAN("2"), &err), 0);
                holds(f.public_fd, "c", "2");
                assert_true(faccessat(f.private_fd, "c.old", F_OK, 0) < 0);
        }
}

/* Each call fails in turn: what was there, or all of the new. */
static void failures(void **state)
{
        static const enum faulty_kind kind[] = { FAULTY_OPEN,   FAULTY_PWRITE, FAULTY_FSYNC,
                                                 FAULTY_RENAME, FAULTY_UNLINK, FAULTY_FTRUNCATE };
        static const int error[] = { -EIO, -ENOSPC };

        for (size_t i = 0; i < ARRAY_LEN(kind) * ARRAY_LEN(error); i++) {
                bool struck = true;

                for (unsigned at = 1; struck; at++) {
                        struct faulty io;
                        struct err err = { 0 };
                        size_t n;
                        uint8_t *bytes;
                        int r;

                        put("old");
                        faulty_init(&io);
                        io.kind = kind[i / ARRAY_LEN(error)];
                        io.error = error[i % ARRAY_LEN(error)];
                        io.half = true;
                        io.at = at;
                        r = replace_file(&io.io, &place, SPAN("newer"), &err);
                        struck = io.struck;
                        assert_true(r == 0 || struck);
                        if (r < 0)
                                assert_int_equal(r, err.code);
                        bytes = fixture_read(f.public_fd, "c", &n);
                        assert_true(span_eq(span_of(bytes, n), SPAN("newer")) ||
                                    (r < 0 && span_eq(span_of(bytes, n), SPAN("old"))));
                        free(bytes);
                        put("and on");
                        holds(f.public_fd, "c", "and on");
                        assert_true(at < 10);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(two_take_turns, set_up, tear_down),
                cmocka_unit_test_setup_teardown(nothing_there, set_up, tear_down),
                cmocka_unit_test_setup_teardown(open_elsewhere, set_up, tear_down),
                cmocka_unit_test_setup_teardown(linked_elsewhere, set_up, tear_down),
                cmocka_unit_test_setup_teardown(strange_spares, set_up, tear_down),
                cmocka_unit_test_setup_teardown(late_to_open, set_up, tear_down),
                cmocka_unit_test_setup_teardown(read_all_the_while, set_up, tear_down),
                cmocka_unit_test_setup_teardown(without_exchange, set_up, tear_down),
                cmocka_unit_test_setup_teardown(failures, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
