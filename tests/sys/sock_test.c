/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sock.h"

#include "sys/io.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { LARGE = 192 * 1024 };

static char dir[64], path[96];

static int setup(void **state)
{
        snprintf(dir, sizeof dir, "/tmp/assay-sock-XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        snprintf(path, sizeof path, "%s/s", dir);
        return 0;
}

static int teardown(void **state)
{
        unlink(path);
        return rmdir(dir);
}

static void test_listen(void **state)
{
        CLEANUP_FD int fd = -1, client = -1, peer = -1, pidfd = -1;
        mode_t was = umask(077);
        struct err err = { 0 };
        struct sock_cred cred;
        struct stat st;
        int again = -1;

        assert_int_equal(sock_listen(path, 0666, &fd, &err), 0);
        umask(was);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0666);
        assert_int_equal(sock_accept(fd, &peer, &cred), -EAGAIN);
        assert_int_equal(sock_connect(path, &client, &err), 0);
        assert_int_equal(sock_accept(fd, &peer, &cred), 0);
        assert_int_equal(cred.pid, getpid());
        assert_int_equal(cred.uid, geteuid());
        assert_int_equal(cred.gid, getegid());
        pidfd = sock_peer_pidfd(peer);
        assert_true(pidfd >= 0 || pidfd == -ENOPROTOOPT);
        assert_int_equal(fcntl(peer, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        /* somebody answers */
        assert_int_equal(sock_listen(path, 0600, &again, &err), -EADDRINUSE);
        assert_non_null(strstr(err.text, "another process answers"));
        assert_int_equal(again, -1);
}

static void test_stale(void **state)
{
        CLEANUP_FD int fd = -1, client = -1;
        struct err err = { 0 };

        assert_int_equal(sock_listen(path, 0600, &fd, &err), 0);
        fd_close(&fd);
        assert_int_equal(sock_connect(path, &client, &err), -ECONNREFUSED);
        assert_int_equal(sock_listen(path, 0600, &fd, &err), 0);
        assert_int_equal(sock_connect(path, &client, &err), 0);
}

static void test_refused(void **state)
{
        char longer[200];
        struct err err = { 0 };
        int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

        close(fd);
        fd = -1;
        assert_int_equal(sock_listen(path, 0600, &fd, &err), -EEXIST);
        assert_int_equal(access(path, F_OK), 0); /* and left alone */
        memset(longer, 'x', sizeof longer);
        longer[sizeof longer - 1] = '\0';
        assert_int_equal(sock_listen(longer, 0600, &fd, &err), -ENAMETOOLONG);
        assert_int_equal(sock_connect("/nowhere/s", &fd, &err), -ENOENT);
        assert_int_equal(fd, -1);
}

static void test_packets(void **state)
{
        static uint8_t large[LARGE], got[LARGE];
        CLEANUP_FD int a = -1, b = -1;
        int pair[2];
        size_t n = 99;

        assert_int_equal(sock_pair(pair), 0);
        a = pair[0];
        b = pair[1];
        for (size_t i = 0; i < sizeof large; i++)
                large[i] = (uint8_t)(i * 7);
        assert_int_equal(sock_set_room(a, LARGE), 0);
        assert_int_equal(sock_recv(b, got, sizeof got, &n), -EAGAIN);
        assert_int_equal(n, 99);
        assert_int_equal(sock_send(a, span_of(large, sizeof large)), 0);
        assert_int_equal(sock_recv(b, got, sizeof got, &n), 0);
        assert_int_equal(n, LARGE);
        assert_memory_equal(large, got, LARGE);
        /* one that does not fit is told and gone; the next is whole */
        assert_int_equal(sock_send(a, SPAN("123456789")), 0);
        assert_int_equal(sock_send(a, SPAN("ab")), 0);
        assert_int_equal(sock_recv(b, got, 8, &n), -EMSGSIZE);
        assert_int_equal(sock_recv(b, got, 8, &n), 0);
        assert_int_equal(n, 2);
        fd_close(&a);
        assert_int_equal(sock_recv(b, got, 8, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(sock_send(b, SPAN("x")), -EPIPE);
}

static void test_back_pressure(void **state)
{
        static uint8_t block[64 * 1024], got[64 * 1024];
        int pair[2], r, sent = 0;
        size_t n;

        assert_int_equal(sock_pair(pair), 0);
        while ((r = sock_send(pair[0], span_of(block, sizeof block))) == 0)
                assert_in_range(++sent, 1, 10000);
        assert_int_equal(r, -EAGAIN);
        assert_int_equal(sock_recv(pair[1], got, sizeof got, &n), 0);
        assert_int_equal(sock_send(pair[0], span_of(block, sizeof block)), 0);
        close(pair[0]);
        close(pair[1]);
}

static void test_batch(void **state)
{
        CLEANUP(sock_batch_freep) struct sock_batch *b = NULL;
        struct span s;
        int pair[2];

        assert_int_equal(sock_batch_new(0, 10, &b), -EINVAL);
        assert_int_equal(sock_batch_new(4, 8, &b), 0);
        assert_int_equal(sock_pair(pair), 0);
        assert_int_equal(sock_batch_recv(b, pair[1]), -EAGAIN);
        assert_int_equal(sock_send(pair[0], SPAN("one")), 0);
        assert_int_equal(sock_send(pair[0], SPAN("far too long")), 0);
        assert_int_equal(sock_send(pair[0], SPAN("three")), 0);
        assert_int_equal(sock_send(pair[0], SPAN("4")), 0);
        assert_int_equal(sock_send(pair[0], SPAN("fives")), 0);
        close(pair[0]);
        assert_int_equal(sock_batch_recv(b, pair[1]), 4);
        assert_int_equal(sock_batch_get(b, 0, &s), 0);
        assert_true(span_eq_str(s, "one"));
        assert_int_equal(sock_batch_get(b, 1, &s), -EMSGSIZE);
        assert_int_equal(sock_batch_get(b, 2, &s), 0);
        assert_true(span_eq_str(s, "three"));
        assert_int_equal(sock_batch_recv(b, pair[1]), 1);
        assert_int_equal(sock_batch_get(b, 0, &s), 0);
        assert_true(span_eq_str(s, "fives"));
        assert_int_equal(sock_batch_recv(b, pair[1]), 0);
        close(pair[1]);
}

static void test_pass_descriptor(void **state)
{
        int pair[2], pipefd[2], passed = -2;
        char got[16];
        size_t n;

        assert_int_equal(sock_pair(pair), 0);
        assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
        assert_int_equal(sock_send_fd(pair[0], SPAN("read this"), pipefd[0]), 0);
        assert_int_equal(sock_recv_fd(pair[1], got, sizeof got, &n, &passed), 0);
        assert_int_equal(n, 9);
        assert_true(passed >= 0 && passed != pipefd[0]);
        assert_true(fcntl(passed, F_GETFD) & FD_CLOEXEC);
        assert_int_equal(write(pipefd[1], "!", 1), 1);
        assert_int_equal(read(passed, got, 1), 1);
        close(passed);
        assert_int_equal(sock_send(pair[0], SPAN("none")), 0);
        assert_int_equal(sock_recv_fd(pair[1], got, sizeof got, &n, &passed), 0);
        assert_int_equal(passed, -1);
        /* to one who does not expect it: dropped, not leaked */
        assert_int_equal(sock_send_fd(pair[0], SPAN("x"), pipefd[0]), 0);
        assert_int_equal(sock_recv(pair[1], got, sizeof got, &n), 0);
        close(pipefd[0]);
        assert_int_equal(write(pipefd[1], "!", 1), -1); /* no reader is left */
        close(pipefd[1]);
        close(pair[0]);
        close(pair[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_listen, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                cmocka_unit_test(test_packets),
                cmocka_unit_test(test_back_pressure),
                cmocka_unit_test(test_batch),
                cmocka_unit_test(test_pass_descriptor),
        };

        signal(SIGPIPE, SIG_IGN); /* for the plain write(2) on a broken pipe above */
        return cmocka_run_group_tests(tests, NULL, NULL);
}
