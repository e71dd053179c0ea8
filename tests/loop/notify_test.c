/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static int listen_at(const char *name, size_t n)
{
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        memcpy(sa.sun_path, name, n);
        if (name[0] == '@')
                sa.sun_path[0] = '\0';
        assert_int_equal(bind(fd, (struct sockaddr *)&sa,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
                         0);
        return fd;
}

static void test_ready(void **state)
{
        char path[64], abstract[64];
        const char *const names[] = { path, abstract };
        struct err err = { 0 };
        struct notify n;

        snprintf(path, sizeof path, "/tmp/assay-notify-%d", getpid());
        snprintf(abstract, sizeof abstract, "@assay-notify-%d", getpid());
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                int fd = listen_at(names[i], strlen(names[i]));
                char got[64] = "";

                setenv("NOTIFY_SOCKET", names[i], 1);
                assert_int_equal(notify_init(&n, &err), 0);
                assert_null(getenv("NOTIFY_SOCKET"));
                assert_int_equal(notify_send(&n, "READY=1"), 0);
                assert_int_equal(recv(fd, got, sizeof got, MSG_DONTWAIT), 7);
                assert_string_equal(got, "READY=1");
                notify_done(&n);
                close(fd);
        }
        unlink(path);
}

static void test_nobody(void **state)
{
        struct err err = { 0 };
        struct notify n;

        unsetenv("NOTIFY_SOCKET");
        assert_int_equal(notify_init(&n, &err), 0);
        assert_int_equal(n.fd, -1);
        assert_int_equal(notify_send(&n, "READY=1"), 0);
        notify_done(&n);
}

static void test_refused(void **state)
{
        static const struct {
                const char *path;
                int want;
        } cases[] = { { "relative", -EINVAL },
                      { "", -EINVAL },
                      { "@", -EINVAL },
                      { "/nowhere/s", -ENOENT } };
        struct err err = { 0 };
        struct notify n;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                setenv("NOTIFY_SOCKET", cases[i].path, 1);
                assert_int_equal(notify_init(&n, &err), cases[i].want);
                assert_non_null(strstr(err.text, "NOTIFY_SOCKET"));
        }
        unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ready),
                cmocka_unit_test(test_nobody),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
