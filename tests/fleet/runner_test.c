/* SPDX-License-Identifier: Apache-2.0 */
/* The process that runs programs, as a child of the test and as the user who it is. */
#include "fleet/runner.h"

#include "base/le.h"
#include "sys/io.h"
#include "sys/sock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static void make_pair(int ends[2])
{
        assert_int_equal(sock_pair(ends), 0);
        assert_int_equal(sock_set_room(ends[0], RUNNER_PACKET_MAX), 0);
        assert_int_equal(sock_set_room(ends[1], RUNNER_PACKET_MAX), 0);
}

/* A runner of a shell's script; its end of the line. */
static pid_t start(const char *script, uint32_t timeout_s, int *ret_fd)
{
        struct deliver_sink c = { .name = "x", .timeout_s = timeout_s, .n_args = 3 };
        int ends[2];
        pid_t pid;

        snprintf(c.args[0], sizeof c.args[0], "/bin/sh");
        snprintf(c.args[1], sizeof c.args[1], "-c");
        snprintf(c.args[2], sizeof c.args[2], "%s", script);
        make_pair(ends);
        pid = fork();
        if (pid == 0) {
                close(ends[0]);
                _exit(runner_serve(&c, ends[1], true));
        }
        assert_true(pid > 0);
        close(ends[1]);
        *ret_fd = ends[0];
        return pid;
}

static void stop(pid_t pid, int *fd)
{
        int status;

        fd_close(fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void what_programs_say(void **state)
{
        static const struct {
                const char *script;
                uint32_t timeout_s;
                uint32_t status;
                const char *words; /* their beginning */
        } t[] = {
                { "read -r x; test \"$x\" = input", 60, 0, "" },
                { "echo why >&2; exit 65", 60, 65, "why\n" },
                { "kill -9 $$", 60, 256 + 9, "" },
                { "exec >&- 2>&-; sleep 0.1; exit 7", 60, 7, "" },
                { "while :; do echo 0123456789; done >&2", 1, RUNNER_FAILED,
                  "/bin/sh: ended by force after 1 s" },
                { "sleep 600 & sleep 600", 1, RUNNER_FAILED, "/bin/sh: ended by force after 1 s" },
                { "sleep 1 & exit 0", 60, 0,
                  "" }, /* what it leaves behind is waited for by nobody */
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                char words[RUNNER_WORDS_MAX + 1] = "";
                struct err err = { 0 };
                uint32_t status = 0;
                int fd;
                pid_t pid = start(t[i].script, t[i].timeout_s, &fd);

                if (runner_ask(fd, 1, SPAN("input\n"), t[i].timeout_s, &status, words, &err) < 0)
                        fail_msg("%s: %s", t[i].script, err_text(&err));
                if (status != t[i].status || strncmp(words, t[i].words, strlen(t[i].words)) != 0)
                        fail_msg("%s: %u %s", t[i].script, (unsigned)status, words);
                stop(pid, &fd);
        }
}

static void answer(int fd, uint64_t number, uint32_t status)
{
        uint8_t packet[12];

        le_put64(packet, number);
        le_put32(packet + 8, status);
        assert_int_equal(sock_send(fd, span_of(packet, sizeof packet)), 0);
}

/* What was asked before and answered late is not the answer to this: one that failed would count as
 * accepted. */
static void late_answers(void **state)
{
        char words[RUNNER_WORDS_MAX + 1];
        uint32_t status = 0;
        int ends[2];

        make_pair(ends);
        answer(ends[1], 1, 0);
        assert_int_equal(sock_send(ends[1], SPAN("abc")), 0);
        answer(ends[1], 2, 3);
        assert_int_equal(runner_ask(ends[0], 2, SPAN("x"), 60, &status, words, NULL), 0);
        assert_int_equal(status, 3);
        close(ends[1]);
        assert_int_equal(runner_ask(ends[0], 3, SPAN("x"), 60, &status, words, NULL), -EOWNERDEAD);
        close(ends[0]);
}

/* Of what waits only the last is wanted by somebody. */
static void asked_and_given_up(void **state)
{
        char words[RUNNER_WORDS_MAX + 1], path[] = "/tmp/assay-runner-XXXXXX", script[128];
        uint8_t ask[9] = { [8] = '1' };
        uint32_t status = 7;
        int fd, file = mkstemp(path);
        ssize_t n;
        pid_t pid;

        assert_true(file >= 0);
        snprintf(script, sizeof script, "sleep 0.2; cat >>%s", path);
        pid = start(script, 60, &fd);
        for (uint64_t i = 1; i <= 3; i++) {
                le_put64(ask, i);
                assert_int_equal(sock_send(fd, span_of(ask, sizeof ask)), 0);
        }
        assert_int_equal(runner_ask(fd, 4, SPAN("4"), 60, &status, words, NULL), 0);
        assert_int_equal(status, 0);
        n = pread(file, words, sizeof words, 0);
        assert_true(n == 1 || n == 2); /* the one that had begun, and the last */
        assert_int_equal(words[n - 1], '4');
        stop(pid, &fd);
        close(file);
        unlink(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_programs_say),
                cmocka_unit_test(late_answers),
                cmocka_unit_test(asked_and_given_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
