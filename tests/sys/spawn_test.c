/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/spawn.h"

#include "sys/io.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static struct spawn shell(const char *const *argv)
{
        return (struct spawn){ .path = "/bin/sh", .argv = argv, .in = -1, .out = -1, .err = -1 };
}

static const struct {
        const char *name;
        const char *script;
        int want;
} cases[] = {
        { "true", "exit 0", 0 },
        { "status", "exit 7", 7 },
        { "signal", "kill -9 $$", 256 + SIGKILL },
        { "environment is ours", "test -z \"$ASSAY_SPAWN_TEST\" && test \"$LC_ALL\" = C", 0 },
        { "standard input is empty", "test -z \"$(cat)\"", 0 },
        { "nothing else is open", "test ! -e /proc/self/fd/77", 0 },
        { "signals are not blocked", "kill -USR1 $$; exit 3", 256 + SIGUSR1 },
};

static void test_run(void **state)
{
        sigset_t block, was;
        struct err err = { 0 };
        int status;

        setenv("ASSAY_SPAWN_TEST", "1", 1);
        assert_int_equal(dup2(2, 77), 77); /* without close-on-exec */
        sigemptyset(&block);
        sigaddset(&block, SIGUSR1);
        sigprocmask(SIG_BLOCK, &block, &was);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const char *const argv[] = { "sh", "-c", cases[i].script, NULL };
                struct spawn s = shell(argv);

                print_message("%s\n", cases[i].name);
                assert_int_equal(spawn_run(&s, 10000, &status, &err), 0);
                assert_int_equal(status, cases[i].want);
        }
        sigprocmask(SIG_SETMASK, &was, NULL);
        close(77);
        unsetenv("ASSAY_SPAWN_TEST");
}

/* More descriptors become 3, 4, ... in order, whatever their numbers were; the next stays closed.
 */
static void test_more(void **state)
{
        static const char *const argv[] = {
                "sh", "-c",
                "test \"$(cat <&3)\" = a && test \"$(cat <&4)\" = b && ! true 2>/dev/null <&5", NULL
        };
        struct spawn s = shell(argv);
        int more[2] = { 4, 3 }; /* in each other's place */
        int pair[2], high[2];
        int status;

        for (int i = 0; i < 2; i++) {
                assert_int_equal(pipe(pair), 0);
                assert_int_equal(write(pair[1], i ? "b" : "a", 1), 1);
                high[i] = fcntl(pair[0], F_DUPFD, 100);
                close(pair[0]);
                close(pair[1]);
        }
        for (int i = 0; i < 2; i++) {
                assert_int_equal(dup2(high[i], more[i]), more[i]);
                close(high[i]);
        }
        s.more = more;
        s.n_more = ARRAY_LEN(more);
        assert_int_equal(spawn_run(&s, 10000, &status, NULL), 0);
        assert_int_equal(status, 0);
        close(3);
        close(4);
}

/* Arguments arrive byte for byte: nothing is expanded or split. */
static void test_arguments(void **state)
{
        static const char hostile[] = "$(touch /tmp/x) `id` ; \"' \n*";
        const char *const argv[] = { "printf", "%s", hostile, NULL };
        struct spawn s = { .path = "/usr/bin/printf", .argv = argv, .in = -1, .err = -1 };
        char got[64] = "";
        struct err err = { 0 };
        int p[2], status;

        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        s.out = p[1];
        assert_int_equal(spawn_run(&s, 10000, &status, &err), 0);
        assert_int_equal(status, 0);
        assert_int_equal(read(p[0], got, sizeof got), sizeof hostile - 1);
        assert_string_equal(got, hostile);
        close(p[0]);
        close(p[1]);
}

static void test_timeout(void **state)
{
        const char *const argv[] = { "sleep", "100", NULL };
        struct spawn s = { .path = "/bin/sleep", .argv = argv, .in = -1, .out = -1, .err = -1 };
        struct err err = { 0 };
        int status = 99;

        assert_int_equal(spawn_run(&s, 50, &status, &err), -ETIMEDOUT);
        assert_int_equal(status, 99);
        assert_non_null(strstr(err.text, "/bin/sleep"));
}

static void test_missing(void **state)
{
        const char *const argv[] = { "x", NULL };
        struct spawn s = { .path = "/nowhere/x", .argv = argv, .in = -1, .out = -1, .err = -1 };
        struct err err = { 0 };
        int status;

        assert_int_equal(spawn_run(&s, 1000, &status, &err), -ENOENT);
        assert_non_null(strstr(err.text, "/nowhere/x"));
}

static void test_signal(void **state)
{
        const char *const argv[] = { "sleep", "100", NULL };
        struct spawn s = { .path = "/bin/sleep", .argv = argv, .in = -1, .out = -1, .err = -1 };
        CLEANUP_FD int pidfd = -1;
        struct pollfd p;
        int status;
        pid_t pid;

        assert_int_equal(spawn_start(&s, &pid, &pidfd, NULL), 0);
        assert_int_equal(spawn_signal(pidfd, SIGTERM), 0);
        p = (struct pollfd){ .fd = pidfd, .events = POLLIN };
        assert_int_equal(poll(&p, 1, 10000), 1);
        assert_int_equal(spawn_wait(pid, &status), 0);
        assert_int_equal(status, 256 + SIGTERM);
        assert_int_equal(spawn_signal(pidfd, SIGTERM), 0); /* gone is fine */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_run),       cmocka_unit_test(test_more),
                cmocka_unit_test(test_arguments), cmocka_unit_test(test_timeout),
                cmocka_unit_test(test_missing),   cmocka_unit_test(test_signal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
