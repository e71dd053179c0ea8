/* SPDX-License-Identifier: Apache-2.0 */
/* Against real sockets: a batch counts as delivered only if the other end can have read it. */
#include "fleet/stream.h"

#include "sys/io.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { TRIES = 300, CONNECTIONS_MAX = 4 * TRIES };

static uint16_t listen_here(int *ret_fd)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t n = sizeof a;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
        assert_int_equal(listen(fd, 64), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
        *ret_fd = fd;
        return ntohs(a.sin_port);
}

static void read_to_the_end(int fd)
{
        char dropped[4096];

        while (read(fd, dropped, sizeof dropped) > 0)
                ;
}

/* A relay without a back-end does so. */
static void close_at_once(int fd)
{
        (void)fd;
}

static void close_after_some(int fd)
{
        char few[16];

        (void)!read(fd, few, sizeof few);
}

static pid_t serve(int listener, void (*treat)(int fd))
{
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
                int fd = accept(listener, NULL, NULL);

                if (fd < 0)
                        _exit(1);
                treat(fd);
                close(fd);
        }
        _exit(0);
}

static void who_has_read_it(void **state)
{
        static const struct {
                const char *name;
                void (*treat)(int fd);
                bool delivered;
        } t[] = {
                { "reads to the end", read_to_the_end, true },
                { "closes at once", close_at_once, false },
                { "closes after some bytes", close_after_some, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP_FD int listener = -1;
                uint16_t port = listen_here(&listener);
                pid_t pid = serve(listener, t[i].treat);
                int tries = t[i].delivered ? TRIES / 10 : TRIES;

                assert_true(pid > 0);
                for (int n = 0; n < tries; n++) {
                        int rc = stream_send(
                                "127.0.0.1", port, NULL,
                                SPAN("52 <83>1 - - assay - - - a message of fifty-two bytes"),
                                NULL);

                        if ((rc == 0) != t[i].delivered)
                                fail_msg("%s, try %d: %d", t[i].name, n, rc);
                }
                kill(pid, SIGKILL); /* our own child */
                waitpid(pid, NULL, 0);
        }
}

static void nobody_there(void **state)
{
        int listener;
        uint16_t port = listen_here(&listener);
        struct err err = { 0 };

        close(listener);
        assert_int_equal(stream_send("127.0.0.1", port, NULL, SPAN("x"), &err), -ECONNREFUSED);
        assert_non_null(strstr(err.text, "127.0.0.1 port "));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_has_read_it),
                cmocka_unit_test(nobody_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
