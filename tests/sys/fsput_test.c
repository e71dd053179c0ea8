/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fsput.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "/tmp/assay-fsput-XXXXXX"

static void test_held(void **state)
{
        char name[] = NAME;
        int writer = mkstemp(name), fd;

        assert_true(writer >= 0);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fs_is_held(fd), 1);
        close(writer);
        assert_int_equal(fs_is_held(fd), 0);
        close(fd);
        assert_int_equal(unlink(name), 0);
}

/* Opens it for writing over and over until it is ended. */
static pid_t start_opener(const char *name)
{
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        for (;;) {
                int fd = open(name, O_RDWR | O_CLOEXEC | O_NONBLOCK);

                if (fd >= 0)
                        close(fd);
        }
}

/* Asked in a process of its own, which a signal would end. */
static void test_opened_meanwhile(void **state)
{
        char name[] = NAME;
        int fd = mkstemp(name), status;
        pid_t opener, asker;

        assert_true(fd >= 0);
        close(fd);
        opener = start_opener(name);
        assert_true(opener > 0);
        asker = fork();
        if (asker == 0) {
                fd = open(name, O_RDONLY | O_CLOEXEC);
                for (int i = 0; i < 300000; i++)
                        (void)!fs_is_held(fd);
                _exit(0);
        }
        assert_int_equal(waitpid(asker, &status, 0), asker);
        kill(opener, SIGKILL);
        assert_int_equal(waitpid(opener, NULL, 0), opener);
        assert_int_equal(unlink(name), 0);
        assert_int_equal(status, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_held),
                cmocka_unit_test(test_opened_meanwhile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
