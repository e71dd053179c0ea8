/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fanmnt.h"

#include "sys/io.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { SKIPPED = 77, SEEN_MAX = 8 };

struct seen {
        size_t n;
        struct fanmnt_event of[SEEN_MAX];
        int fails;
};

static int note(void *ctx, const struct fanmnt_event *e)
{
        struct seen *s = ctx;

        if (s->n < SEEN_MAX)
                s->of[s->n++] = *e;
        return s->fails;
}

static pid_t do_in_child(bool mounts)
{
        pid_t pid = fork();

        if (pid == 0)
                _exit(mounts ? mount("none", "/tmp", "tmpfs", 0, NULL) : umount("/tmp"));
        assert_true(pid > 0);
        return pid;
}

static void wait_for(pid_t pid)
{
        int status;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

/* In a mount namespace that nobody else has, so that nobody else is told of. */
static void in_namespace(int fd)
{
        struct seen s = { 0 };
        pid_t first, second;

        assert_int_equal(fanmnt_read(fd, note, &s), 0);
        assert_int_equal(s.n, 0);
        first = do_in_child(true);
        wait_for(first);
        second = do_in_child(false);
        while (s.n < 2)
                assert_true(fanmnt_read(fd, note, &s) >= 0);
        assert_int_equal(s.n, 2);
        assert_int_equal(s.of[0].pid, first);
        assert_true(s.of[0].gone && s.of[0].pidfd == -1 && !s.of[0].lost);
        assert_int_equal(s.of[1].pid, second);
        wait_for(second);
        assert_int_equal(fanmnt_read(fd, note, &s), 0);
        /* Who takes them may fail; all is closed then, too. */
        s.fails = -ENOMEM;
        wait_for(do_in_child(true));
        wait_for(do_in_child(false));
        assert_int_equal(fanmnt_read(fd, note, &s), -ENOMEM);
        assert_int_equal(fanmnt_read(fd, note, &s), 0);
}

static int try_here(void)
{
        struct err err = { 0 };
        int fd;

        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
            mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return SKIPPED;
        fd = fanmnt_open(&err);
        if (fd < 0) {
                printf("%s\n", err_text(&err));
                return fd == -EINVAL ? SKIPPED : 1;
        }
        in_namespace(fd);
        fd_close(&fd);
        return 0;
}

static void test_who(void **state)
{
        pid_t pid = fork();
        int status;

        (void)state;
        if (pid == 0)
                _exit(try_here());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
                skip();
        assert_int_equal(status, 0);
}

/* What is no notice: the bytes of a pipe. */
static void test_no_notice(void **state)
{
        static const uint8_t bytes[][24] = {
                { 1, 2, 3 },
                { 24, 0, 0, 0, 2, 0, 24, 0 },            /* another version */
                { 23, 0, 0, 0, 3, 0, 24, 0 },            /* shorter than its head */
                { 25, 0, 0, 0, 3, 0, 24, 0 },            /* longer than what is there */
                { 0xff, 0xff, 0xff, 0xff, 3, 0, 24, 0 }, /* likewise */
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
                struct seen s = { 0 };
                int ends[2];

                assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
                assert_int_equal(write(ends[1], bytes[i], i ? 24 : 3), i ? 24 : 3);
                if (fanmnt_read(ends[0], note, &s) != -EBADMSG || s.n)
                        fail_msg("%zu", i);
                fd_close(&ends[0]);
                fd_close(&ends[1]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who),
                cmocka_unit_test(test_no_notice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
