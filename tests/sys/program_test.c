/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/program.h"

#include "sys/io.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

/* In a child, which tells what does not hold by its status. */
static int in_child(int (*begun)(unsigned closed), unsigned closed)
{
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                for (int fd = 0; fd < 3; fd++)
                        if (closed & 1U << fd)
                                close(fd);
                program_begin();
                _exit(begun(closed));
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

/* What is opened is none of the three, and what was closed can be neither read nor written. */
static int numbers(unsigned closed)
{
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        char byte = 0;

        if (fd < 3)
                return 1;
        for (int i = 0; i < 3; i++) {
                if (!(closed & 1U << i))
                        continue;
                if (write(i, &byte, 1) != -1 || errno != EBADF)
                        return 2;
                if (read(i, &byte, 1) != -1 || errno != EBADF)
                        return 3;
        }
        return 0;
}

static void test_closed(void **state)
{
        for (unsigned closed = 0; closed < 8; closed++) {
                print_message("closed %u\n", closed);
                assert_int_equal(in_child(numbers, closed), 0);
        }
}

static int past_the_ceiling(unsigned closed)
{
        char name[] = "/tmp/assay-program-XXXXXX", bytes[8] = { 0 };
        struct rlimit most = { .rlim_cur = 4, .rlim_max = 4 };
        int fd = mkstemp(name), ends[2];

        if (fd < 0 || unlink(name) < 0 || setrlimit(RLIMIT_FSIZE, &most) < 0 || pipe(ends) < 0)
                return 1;
        if (write(fd, bytes, sizeof(bytes)) != 4)
                return 2;
        if (write(fd, bytes, sizeof(bytes)) != -1 || errno != EFBIG)
                return 3;
        close(ends[0]);
        return write(ends[1], bytes, 1) == -1 && errno == EPIPE ? 0 : 4;
}

static void test_signals(void **state)
{
        assert_int_equal(in_child(past_the_ceiling, 0), 0);
}

/* Another program has them as it would have from a shell. */
static int started(unsigned closed)
{
        static const char *const argv[] = { "sh", "-c", "kill -XFSZ $$; exit 3", NULL };
        struct spawn s = { .path = "/bin/sh", .argv = argv, .in = -1, .out = -1, .err = -1 };
        int pidfd, status;
        pid_t pid;

        if (spawn_start(&s, &pid, &pidfd, NULL) < 0 || spawn_wait(pid, &status) < 0)
                return 1;
        close(pidfd);
        return status == 256 + SIGXFSZ ? 0 : 2;
}

static void test_what_is_started(void **state)
{
        assert_int_equal(in_child(started, 0), 0);
        assert_int_equal(in_child(started, 7), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_closed),
                cmocka_unit_test(test_signals),
                cmocka_unit_test(test_what_is_started),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
