/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/hands.h"

#include "sys/dirwalk.h"
#include "sys/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

struct fixture {
        char dir[40];
        int fd;
        struct hands *hands;
};

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        struct err err = { 0 };

        strcpy(f->dir, "/var/tmp/hands-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        f->fd = open(f->dir, O_RDONLY | O_DIRECTORY);
        assert_int_equal(hands_new(&f->hands, &err), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        static const char *const names[] = { "a", "b", "c" };
        struct fixture *f = *state;

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                (void)unlinkat(f->fd, names[i], 0);
        assert_int_equal(rmdir(f->dir), 0);
        close(f->fd);
        hands_free(f->hands);
        free(f);
        return 0;
}

static ino_t make(struct fixture *f, const char *name)
{
        int fd = openat(f->fd, name, O_RDWR | O_CREAT, 0600);
        struct stat st;

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        close(fd);
        return st.st_ino;
}

static ino_t inode(struct fixture *f, const char *name)
{
        struct stat st;

        return fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

static int call(struct hands *h, struct hand_ask a)
{
        return hand_call(h, &a, NULL);
}

/* By a hand and by ourselves the same happens. */
static void names_change(struct fixture *f, struct hands *h)
{
        ino_t a = make(f, "a"), b = make(f, "b");
        struct hand_ask ask = {
                .act = HAND_EXCHANGE, .fd = f->fd, .fd2 = f->fd, .name = "a", .to = "b"
        };

        assert_int_equal(call(h, ask), 0);
        assert_int_equal(inode(f, "a"), b);
        assert_int_equal(inode(f, "b"), a);
        ask.act = HAND_RENAME_NEW;
        assert_int_equal(call(h, ask), -EEXIST);
        ask.to = "c";
        assert_int_equal(call(h, ask), 0);
        assert_int_equal(inode(f, "c"), b);
        ask = (struct hand_ask){
                .act = HAND_RENAME, .fd = f->fd, .fd2 = f->fd, .name = "b", .to = "c"
        };
        assert_int_equal(call(h, ask), 0);
        assert_int_equal(inode(f, "c"), a);
        ask = (struct hand_ask){ .act = HAND_UNLINK, .fd = f->fd, .name = "c" };
        assert_int_equal(call(h, ask), 0);
        assert_int_equal(call(h, ask), -ENOENT);
        assert_int_equal(inode(f, "c"), 0);
}

static void test_names(void **state)
{
        struct fixture *f = *state;

        names_change(f, NULL);
        names_change(f, f->hands);
}

static void test_attributes(void **state)
{
        struct fixture *f = *state;
        CLEANUP_FD int fd = -1;
        struct stat st, after;

        make(f, "a");
        fd = openat(f->fd, "a", O_RDONLY);
        assert_int_equal(
                call(f->hands, (struct hand_ask){ .act = HAND_CHMOD, .fd = fd, .a = 0751 }), 0);
        assert_int_equal(call(f->hands, (struct hand_ask){ .act = HAND_MTIME,
                                                           .fd = fd,
                                                           .a = INT64_C(1234567890123456789) }),
                         0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0751);
        assert_int_equal(st.st_mtim.tv_sec, 1234567890);
        assert_int_equal(st.st_mtim.tv_nsec, 123456789);
        assert_int_equal(call(f->hands, (struct hand_ask){ .act = HAND_SYNC, .fd = fd }), 0);
        usleep(20000);
        assert_int_equal(call(f->hands, (struct hand_ask){ .act = HAND_TOUCH, .fd = fd }), 0);
        assert_int_equal(fstat(fd, &after), 0);
        assert_memory_equal(&st.st_ctim, &after.st_ctim, sizeof st.st_ctim);
        assert_int_equal(call(f->hands, (struct hand_ask){ .act = HAND_ACTS, .fd = fd }), -EINVAL);
}

/* Names that do not fit are refused, and the hand is there for the next. */
static void test_too_long(void **state)
{
        struct fixture *f = *state;
        char name[300];

        memset(name, 'x', sizeof name);
        name[sizeof name - 1] = '\0';
        assert_int_equal(
                call(f->hands, (struct hand_ask){ .act = HAND_UNLINK, .fd = f->fd, .name = name }),
                -ENAMETOOLONG);
        assert_int_equal(
                call(f->hands, (struct hand_ask){ .act = HAND_UNLINK, .fd = f->fd, .name = "a" }),
                -ENOENT);
        assert_int_equal(hands_stuck(f->hands), 0);
        assert_false(hands_is_stuck(f->hands, 0));
        assert_false(hands_has(f->hands, getpid()));
}

/* What is opened, made, listed and searched by a hand. */
static void looks(struct fixture *f, struct hands *h)
{
        struct hand_got got = { .fd = -1 };
        struct hand_ask ask = { .act = HAND_OPEN,
                                .fd = f->fd,
                                .name = "a",
                                .a = O_RDWR | O_CREAT | O_EXCL,
                                .b = 0640 };
        const struct hand_ask how = { .wait_ms = 500 };
        uint8_t bytes[4096];
        struct stat st;
        int fd;

        assert_int_equal(hand_call(h, &ask, &got), 0);
        assert_int_equal(fstat(got.fd, &st), 0);
        assert_int_equal(st.st_ino, inode(f, "a"));
        assert_int_equal(pwrite(got.fd, "text", 4, 0), 4);
        fd = got.fd;
        got = (struct hand_got){ .bytes = bytes, .room = 3 };
        ask = (struct hand_ask){ .act = HAND_READ, .fd = fd, .a = 1 };
        assert_int_equal(hand_call(h, &ask, &got), 0);
        assert_int_equal(got.n, 3);
        assert_memory_equal(bytes, "ext", 3);
        ask = (struct hand_ask){ .act = HAND_SEEK, .fd = fd, .a = 4, .b = SEEK_DATA };
        assert_int_equal(hand_call(h, &ask, &got), -ENXIO);
        ask.a = 0;
        ask.b = SEEK_HOLE;
        assert_int_equal(hand_call(h, &ask, &got), 0);
        assert_int_equal(got.at, 4);
        close(fd);
        ask = (struct hand_ask){
                .act = HAND_SYMLINK, .fd = f->fd, .name = "b", .value = span_str("a")
        };
        assert_int_equal(hand_call(h, &ask, NULL), 0);
        ask = (struct hand_ask){ .act = HAND_NODE, .fd = f->fd, .name = "c", .a = S_IFIFO };
        assert_int_equal(hand_call(h, &ask, NULL), 0);
        got = (struct hand_got){ .bytes = bytes, .room = sizeof bytes };
        ask = (struct hand_ask){ .act = HAND_LIST, .fd = f->fd };
        assert_int_equal(hand_call(h, &ask, &got), 0);
        assert_true(got.n > 5 * 19); /* five names, with those of itself and above */
        assert_int_equal(hand_call(h, &ask, &got), 0);
        assert_int_equal(got.n, 0);
        ask.act = HAND_REWIND;
        assert_int_equal(hand_call(h, &ask, NULL), 0);
        assert_int_equal(hand_open(h, &how, f->fd, "b", O_RDONLY | O_NOFOLLOW), -ELOOP);
        assert_int_equal(hand_open(h, &how, f->fd, "none", O_RDONLY), -ENOENT);
        fd = hand_open(h, &how, f->fd, "a", O_RDONLY | O_NOFOLLOW);
        assert_true(fd >= 0);
        close(fd);
        fd = hand_open_path(h, &how, -1, f->dir, O_RDONLY | O_DIRECTORY);
        assert_true(fd >= 0);
        assert_int_equal(unlinkat(fd, "b", 0), 0);
        assert_int_equal(unlinkat(fd, "c", 0), 0);
        assert_int_equal(unlinkat(fd, "a", 0), 0);
        close(fd);
}

static void test_looks(void **state)
{
        struct fixture *f = *state;

        looks(f, NULL);
        looks(f, f->hands);
}

/* A file that has been made without a name gets one. */
static void test_named(void **state)
{
        struct fixture *f = *state;
        CLEANUP_FD int fd = open(f->dir, O_TMPFILE | O_RDWR, 0600);
        struct stat st;

        assert_true(fd >= 0);
        assert_int_equal(
                call(f->hands,
                     (struct hand_ask){ .act = HAND_LINK, .fd = f->fd, .fd2 = fd, .name = "a" }),
                0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(inode(f, "a"), st.st_ino);
}

/* Opening a pipe waits for who writes to it. */
static int wait_for_pipe(struct fixture *f, unsigned group, uint64_t key)
{
        const struct hand_ask a = { .act = HAND_OPEN,
                                    .fd = f->fd,
                                    .name = "a",
                                    .a = O_RDONLY,
                                    .key = key,
                                    .group = group,
                                    .wait_ms = 5 };

        return hand_call(f->hands, &a, NULL);
}

static size_t open_fds(void)
{
        DIR *d = opendir("/proc/self/fd");
        size_t n = 0;

        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

/* So many of one group, so many of all, and those apart beside them; all come back, and what they
 * have opened in the end is closed. */
static void test_ceilings(void **state)
{
        struct fixture *f = *state;
        size_t fds = open_fds();
        unsigned n = 0, back = 0;
        int fd;

        assert_int_equal(mkfifoat(f->fd, "a", 0600), 0);
        for (; n < HANDS_STUCK_OF_ONE; n++)
                assert_int_equal(wait_for_pipe(f, 1, n), -ETIMEDOUT);
        assert_int_equal(wait_for_pipe(f, 1, n), -EUSERS);
        assert_true(hands_is_stuck(f->hands, n - 1));
        assert_false(hands_is_stuck(f->hands, n));
        for (; n < HANDS_STUCK_MAX; n++)
                assert_int_equal(wait_for_pipe(f, 2 + n / HANDS_STUCK_OF_ONE, n), -ETIMEDOUT);
        assert_int_equal(wait_for_pipe(f, 50, n), -EUSERS);
        assert_int_equal(wait_for_pipe(f, 0, n), -EUSERS);
        for (; n < HANDS_STUCK_MAX + HANDS_STUCK_APART; n++)
                assert_int_equal(wait_for_pipe(f, HANDS_APART, n), -ETIMEDOUT);
        assert_int_equal(wait_for_pipe(f, HANDS_APART, n), -EUSERS);
        assert_int_equal(hands_stuck(f->hands), n);
        fd = openat(f->fd, "a", O_RDWR);
        for (int i = 0; i < 2000 && back < n; i++) {
                back += hands_reap(f->hands);
                usleep(10000);
        }
        assert_int_equal(back, n);
        assert_int_equal(hands_stuck(f->hands), 0);
        assert_int_equal(wait_for_pipe(f, 1, 0), 0);
        close(fd);
        assert_true(open_fds() <= fds + 4); /* those that wait for work */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_names, setup, teardown),
                cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
                cmocka_unit_test_setup_teardown(test_looks, setup, teardown),
                cmocka_unit_test_setup_teardown(test_named, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ceilings, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
