/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/hands.h"

#include "sys/dirwalk.h"
#include "sys/io.h"

#include <fcntl.h>
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_names, setup, teardown),
                cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
