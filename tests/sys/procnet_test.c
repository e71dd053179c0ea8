/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/procnet.h"

#include "sys/io.h"
#include "sys/proc.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

struct line {
        const char *name, *text;
        uint8_t family;
        int want;
        uint8_t state;
        uint32_t uid, inode;
        const char *local, *peer;
};

#define REST " 00000000:00000000 00:00000000 00000000 "
#define MANY "00000000:00000000 00:00000000 00000000"

/* As the kernel's documentation has them; this machine is little-endian. */
static const struct line lines[] = {
        { "listening",
          "   0: 0100007F:1F90 00000000:0000 0A" REST
          "  1000        0 21611998 1 00000000b57987db 100 0 0 10 0",
          AF_INET, 0, 10, 1000, 21611998, "127.0.0.1:8080", "0.0.0.0" },
        { "connected",
          "  46: 010310AC:9C4C 030310AC:1770 01 00000150:00000000 01:00000019 00000000  1000 0 54165785 4 cd1e6040 25 4 27 3 -1",
          AF_INET, 0, 1, 1000, 54165785, "172.16.3.1:40012", "172.16.3.3:6000" },
        { "of IPv6",
          " 8580: 0000000000000000FFFF0000010310AC:0035 00000000000000000000000000000000:0000 07" REST
          "0 0 5 2 0 0",
          AF_INET6, 0, 7, 0, 5, "172.16.3.1:53", "::" },
        { "of IPv6 alone",
          "0: B80D0120000000000000000001000000:0016 00000000000000000000000000000000:0000 0A" REST
          "4294967295 0 4294967295",
          AF_INET6, 0, 10, 4294967295, 4294967295, "[2001:db8::1]:22", "::" },
        { "the heading",
          "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
          AF_INET, -EBADMSG, 0, 0, 0, NULL, NULL },
        { "nothing", "", AF_INET, -EBADMSG, 0, 0, 0, NULL, NULL },
        { "cut", "0: 0100007F:1F90 00000000:0000 0A " MANY " 0 0", AF_INET, -EBADMSG, 0, 0, 0, NULL,
          NULL },
        { "an address of IPv4 in IPv6's file", "0: 0100007F:1F90 00000000:0000 0A" REST "0 0 1",
          AF_INET6, -EBADMSG, 0, 0, 0, NULL, NULL },
        { "no number", "0: 0100007G:1F90 00000000:0000 0A" REST "0 0 1", AF_INET, -EBADMSG, 0, 0, 0,
          NULL, NULL },
        { "no port", "0: 0100007F:1F9- 00000000:0000 0A" REST "0 0 1", AF_INET, -EBADMSG, 0, 0, 0,
          NULL, NULL },
        { "no state", "0: 0100007F:1F90 00000000:0000 20" REST "0 0 1", AF_INET, -EBADMSG, 0, 0, 0,
          NULL, NULL },
        { "uid too large", "0: 0100007F:1F90 00000000:0000 0A" REST "4294967296 0 1", AF_INET,
          -EBADMSG, 0, 0, 0, NULL, NULL },
        { "inode below zero", "0: 0100007F:1F90 00000000:0000 0A" REST "0 0 -1", AF_INET, -EBADMSG,
          0, 0, 0, NULL, NULL },
};

static void check_addr(const struct line *x, const struct sock_addr *a, const char *want)
{
        struct buf text = BUF_INIT(128);

        sock_addr_put(&text, a);
        if (strcmp(buf_cstr(&text), want) != 0)
                fail_msg("%s: %s is not %s", x->name, buf_cstr(&text), want);
        buf_done(&text);
}

static void test_lines(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
                const struct line *x = &lines[i];
                struct sockdiag_tcp t = { .inode = 99 };
                int rc = procnet_line(span_str(x->text), x->family, &t);

                if (rc != x->want)
                        fail_msg("%s: %d", x->name, rc);
                assert_int_equal(t.inode, rc < 0 ? 99 : x->inode);
                if (rc < 0)
                        continue;
                assert_int_equal(t.state, x->state);
                assert_int_equal(t.uid, x->uid);
                check_addr(x, &t.local, x->local);
                check_addr(x, &t.peer, x->peer);
        }
}

/* ---- this process' own namespace ---- */

struct wanted {
        uint32_t inode;
        uint16_t port;
        unsigned found, others;
};

static bool find(void *ctx, const struct sockdiag_tcp *t)
{
        struct wanted *w = ctx;

        if (t->inode == w->inode) {
                assert_int_equal(t->local.port, w->port);
                assert_int_equal(t->uid, getuid());
                assert_true(sock_addr_is_loopback(&t->local));
                w->found++;
        } else {
                w->others++;
        }
        return true;
}

static int bound(int family, int type, struct wanted *ret)
{
        struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        struct sockaddr_in four = { .sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(family, type | SOCK_CLOEXEC, 0);
        const struct sockaddr *a = family == AF_INET ? (void *)&four : (void *)&six;
        socklen_t n = family == AF_INET ? sizeof four : sizeof six;
        struct stat st;

        if (fd < 0 || bind(fd, a, n) < 0)
                skip();
        if (type == SOCK_STREAM)
                assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(getsockname(fd, family == AF_INET ? (void *)&four : (void *)&six, &n), 0);
        assert_int_equal(fstat(fd, &st), 0);
        *ret = (struct wanted){ .inode = (uint32_t)st.st_ino,
                                .port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port) };
        return fd;
}

static void check_found(int family, int type)
{
        CLEANUP_FD int procfd = proc_open(getpid(), -1);
        struct wanted w, other;
        CLEANUP_FD int fd = bound(family, type, &w);

        assert_true(fd >= 0);
        other = w;
        assert_int_equal(procnet_each(procfd, type == SOCK_DGRAM, find, &w), 0);
        assert_int_equal(w.found, 1);
        assert_int_equal(procnet_each(procfd, type != SOCK_DGRAM, find, &other), 0);
        assert_int_equal(other.found, 0);
}

static void test_tcp(void **state)
{
        (void)state;
        check_found(AF_INET, SOCK_STREAM);
}

static void test_tcp6(void **state)
{
        (void)state;
        check_found(AF_INET6, SOCK_STREAM);
}

static void test_udp(void **state)
{
        (void)state;
        check_found(AF_INET, SOCK_DGRAM);
}

static void test_udp6(void **state)
{
        (void)state;
        check_found(AF_INET6, SOCK_DGRAM);
}

static bool enough(void *ctx, const struct sockdiag_tcp *t)
{
        unsigned *n = ctx;
        (void)t;

        ++*n;
        return false;
}

static void test_enough(void **state)
{
        CLEANUP_FD int procfd = proc_open(getpid(), -1);
        struct wanted w;
        CLEANUP_FD int fd = bound(AF_INET, SOCK_STREAM, &w);
        unsigned n = 0;

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(procnet_each(procfd, false, enough, &n), 0);
        assert_in_range(n, 1, 2); /* of each file */
}

static void test_namespace(void **state)
{
        CLEANUP_FD int procfd = proc_open(getpid(), -1);
        CLEANUP_FD int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        unsigned n = 0;
        uint32_t ino = 7;
        struct stat st;

        (void)state;
        assert_int_equal(proc_namespace(root, "ns/net", &ino), -ESRCH);
        assert_int_equal(ino, 7);
        assert_int_equal(procnet_each(root, true, enough, &n), -ESRCH);
        assert_int_equal(proc_namespace(procfd, "ns/net", &ino), 0);
        assert_int_equal(stat("/proc/self/ns/net", &st), 0);
        assert_int_equal(ino, st.st_ino);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),     cmocka_unit_test(test_tcp),
                cmocka_unit_test(test_tcp6),      cmocka_unit_test(test_udp),
                cmocka_unit_test(test_udp6),      cmocka_unit_test(test_enough),
                cmocka_unit_test(test_namespace),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
