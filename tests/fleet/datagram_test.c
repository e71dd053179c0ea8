/* SPDX-License-Identifier: Apache-2.0 */
/* Against a real socket: what arrives, and what a missing or a full one says. */
#include "fleet/datagram.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static char top[] = "/tmp/assay-datagram-XXXXXX", path[64];

static int setup(void **state)
{
        if (!mkdtemp(top))
                return -1;
        snprintf(path, sizeof path, "%s/s", top);
        return 0;
}

static int teardown(void **state)
{
        unlink(path);
        return rmdir(top);
}

static int serve(void)
{
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        memcpy(a.sun_path, path, sizeof path);
        unlink(path);
        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
        return fd;
}

static void nobody_is_there(void **state)
{
        struct err err = { 0 };
        int fd = -1, server;

        assert_int_equal(datagram_connect(path, &fd, &err), -ENOENT);
        assert_non_null(strstr(err.text, path));
        server = serve();
        assert_int_equal(datagram_connect(path, &fd, NULL), 0);
        close(server);
        assert_int_equal(datagram_send(fd, SPAN("x"), path, &err), -ECONNREFUSED);
        close(fd);
        fd = -1;
        assert_int_equal(datagram_connect(path, &fd, NULL), -ECONNREFUSED);
        assert_int_equal(fd, -1);
}

static void arrives_whole_or_not_at_all(void **state)
{
        uint8_t *large = calloc(1, 8 << 20), got[16];
        int server = serve(), fd = -1;

        assert_int_equal(datagram_connect(path, &fd, NULL), 0);
        assert_int_equal(datagram_send(fd, SPAN("hello"), path, NULL), 0);
        assert_int_equal(recv(server, got, sizeof got, 0), 5);
        assert_memory_equal(got, "hello", 5);
        assert_int_equal(datagram_send(fd, span_of(large, 8 << 20), path, NULL), -EMSGSIZE);
        free(large);
        close(fd);
        close(server);
}

static void carries_a_file(void **state)
{
        union {
                struct cmsghdr align;
                char room[CMSG_SPACE(sizeof(int))];
        } control;
        struct msghdr h = { .msg_control = control.room, .msg_controllen = sizeof control.room };
        int server = serve(), fd = -1, file = memfd_create("x", MFD_CLOEXEC), passed = -1;
        char got[16] = "";

        assert_int_equal(write(file, "large", 5), 5);
        assert_int_equal(datagram_connect(path, &fd, NULL), 0);
        assert_int_equal(datagram_send_fd(fd, file, path, NULL), 0);
        assert_int_equal(recvmsg(server, &h, 0), 0);
        assert_non_null(CMSG_FIRSTHDR(&h));
        assert_int_equal(CMSG_FIRSTHDR(&h)->cmsg_type, SCM_RIGHTS);
        memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof passed);
        assert_int_equal(pread(passed, got, sizeof got, 0), 5);
        assert_string_equal(got, "large");
        close(passed);
        close(file);
        close(fd);
        close(server);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nobody_is_there),
                cmocka_unit_test(arrives_whole_or_not_at_all),
                cmocka_unit_test(carries_a_file),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
