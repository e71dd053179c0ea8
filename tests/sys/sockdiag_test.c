/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sockdiag.h"

#include "sys/io.h"
#include "sys/proc.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

/* ---- the parsers, on bytes as sock_diag(7) describes them; the machine is little-endian ---- */

#define HEAD(len, type, seq) len, 0, 0, 0, type, 0, 2, 0, seq, 0, 0, 0, 9, 9, 0, 0
#define V4_ADDR(a, b, c, d)  a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define TAIL(uid, inode)                                                                           \
        1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, uid, 0, 0, 0, inode, 0, 0, 0

/* 192.0.2.1:22 from 198.51.100.7:50000, established */
#define V4_BODY                                                                                    \
        2, 1, 0, 0, 0, 22, 0xc3, 0x50, V4_ADDR(192, 0, 2, 1), V4_ADDR(198, 51, 100, 7), 0, 0, 0,   \
                0, TAIL(5, 77)
#define MAPPED(a, b, c, d) 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d
#define MAPPED_BODY                                                                                \
        10, 8, 0, 0, 0, 22, 0xc3, 0x50, MAPPED(192, 0, 2, 1), MAPPED(198, 51, 100, 7), 0, 0, 0, 0, \
                TAIL(0, 78)
#define LINK_LOCAL(n) 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n
#define LINK_BODY                                                                                  \
        10, 1, 0, 0, 0, 22, 0x13, 0x88, LINK_LOCAL(1), LINK_LOCAL(2), 3, 0, 0, 0, TAIL(0, 79)

struct parsed {
        const char *name;
        const uint8_t *bytes;
        size_t n;
        int want;
        uint8_t state;
        uint32_t uid, inode;
        const char *local, *peer;
};

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static const struct parsed parsed[] = {
        { "IPv4", BYTES(HEAD(88, 20, 4), V4_BODY), 1, 1, 5, 77, "192.0.2.1:22",
          "198.51.100.7:50000" },
        { "IPv4 inside IPv6, with an attribute behind it",
          BYTES(HEAD(96, 20, 4), MAPPED_BODY, 5, 0, 8, 0, 0, 0, 0, 0), 1, 8, 0, 78, "192.0.2.1:22",
          "198.51.100.7:50000" },
        { "link-local", BYTES(HEAD(88, 20, 4), LINK_BODY), 1, 1, 0, 79, "[fe80::1%3]:22",
          "[fe80::2%3]:5000" },
        { "nothing", NULL, 0, 0, 0, 0, 0, NULL, NULL },
        { "done", BYTES(HEAD(20, 3, 4), 0, 0, 0, 0), -ENODATA, 0, 0, 0, NULL, NULL },
        { "an error", BYTES(HEAD(36, 2, 4), 0xfe, 0xff, 0xff, 0xff, HEAD(0, 0, 0)), -ENOENT, 0, 0,
          0, NULL, NULL },
        { "an error that is none", BYTES(HEAD(36, 2, 4), 0, 0, 0, 0, HEAD(0, 0, 0)), -EBADMSG, 0, 0,
          0, NULL, NULL },
        { "an error without a number", BYTES(HEAD(16, 2, 4)), -EBADMSG, 0, 0, 0, NULL, NULL },
        { "the error of errors", BYTES(HEAD(20, 2, 4), 0, 0, 0, 0x80), -EBADMSG, 0, 0, 0, NULL,
          NULL },
        { "another's answer", BYTES(HEAD(88, 20, 5), V4_BODY), -EBADMSG, 0, 0, 0, NULL, NULL },
        { "another type", BYTES(HEAD(88, 21, 4), V4_BODY), -EBADMSG, 0, 0, 0, NULL, NULL },
        { "half a header", BYTES(88, 0, 0, 0, 20, 0), -EBADMSG, 0, 0, 0, NULL, NULL },
        { "longer than it is", BYTES(HEAD(92, 20, 4), V4_BODY), -EBADMSG, 0, 0, 0, NULL, NULL },
        { "shorter than a header", BYTES(HEAD(15, 20, 4), V4_BODY), -EBADMSG, 0, 0, 0, NULL, NULL },
        { "shorter than a socket", BYTES(HEAD(87, 20, 4), V4_BODY), -EBADMSG, 0, 0, 0, NULL, NULL },
        { "a family of its own", BYTES(HEAD(88, 20, 4), 1, V4_BODY), -EBADMSG, 0, 0, 0, NULL,
          NULL },
        { "no state of TCP", BYTES(HEAD(88, 20, 4), 2, 32, V4_BODY), -EBADMSG, 0, 0, 0, NULL,
          NULL },
};

static void check_addr(const struct sock_addr *a, const char *want)
{
        struct buf b = BUF_INIT(128);

        sock_addr_put(&b, a);
        assert_string_equal(buf_cstr(&b), want);
        buf_done(&b);
}

static void test_next(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(parsed); i++) {
                const struct parsed *p = &parsed[i];
                struct sockdiag_tcp t = { 0 };
                struct span rest = span_of(p->bytes, p->n);

                print_message("%s\n", p->name);
                assert_int_equal(sockdiag_next(&rest, 4, &t), p->want);
                if (p->want != 1)
                        continue;
                assert_int_equal(t.state, p->state);
                assert_int_equal(t.uid, p->uid);
                assert_int_equal(t.inode, p->inode);
                check_addr(&t.local, p->local);
                check_addr(&t.peer, p->peer);
                assert_int_equal(rest.n, 0);
        }
}

/* Several in one datagram, each on a boundary of four. */
static void test_several(void **state)
{
        static const uint8_t bytes[] = {
                HEAD(89, 20, 4), V4_BODY,        0xaa, 0, 0, 0, HEAD(88, 20, 4),
                MAPPED_BODY,     HEAD(20, 3, 4), 0,    0, 0, 0
        };
        struct span rest = span_of(bytes, sizeof bytes);
        struct sockdiag_tcp t;

        assert_int_equal(sockdiag_next(&rest, 4, &t), 1);
        assert_int_equal(t.inode, 77);
        assert_int_equal(sockdiag_next(&rest, 4, &t), 1);
        assert_int_equal(t.inode, 78);
        assert_int_equal(sockdiag_next(&rest, 4, &t), -ENODATA);
        assert_int_equal(sockdiag_next(&rest, 4, &t), 0);
}

static const struct {
        const char *link;
        uint32_t want; /* 0: refused */
} links[] = {
        { "socket:[123]", 123 },
        { "socket:[4294967295]", UINT32_MAX },
        { "socket:[4294967296]", 0 },
        { "socket:[0]", 0 },
        { "socket:[-1]", 0 },
        { "socket:[]", 0 },
        { "socket:[", 0 },
        { "socket:[12", 0 },
        { "socket:[12] (deleted)", 0 },
        { "socket:[012]", 0 },
        { "/tmp/socket:[12]", 0 },
        { "pipe:[12]", 0 },
        { "", 0 },
};

static void test_link(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(links); i++) {
                uint32_t inode = 0;
                int r = sockdiag_link(span_str(links[i].link), &inode);

                print_message("%s\n", links[i].link);
                assert_int_equal(r, links[i].want ? 0 : -EINVAL);
                assert_int_equal(inode, links[i].want);
        }
}

static const struct {
        const char *text; /* as inet_pton(3) reads it */
        int family;
        uint16_t port;
        uint32_t scope;
        const char *want;
        bool loopback;
} texts[] = {
        { "192.0.2.7", AF_INET, 22, 0, "192.0.2.7:22", false },
        { "192.0.2.7", AF_INET, 0, 0, "192.0.2.7", false },
        { "127.1.2.3", AF_INET, 1, 0, "127.1.2.3:1", true },
        { "2001:db8::1", AF_INET6, 65535, 0, "[2001:db8::1]:65535", false },
        { "2001:db8::1", AF_INET6, 0, 0, "2001:db8::1", false },
        { "::1", AF_INET6, 22, 0, "[::1]:22", true },
        { "fe80::1", AF_INET6, 22, 7, "[fe80::1%7]:22", false },
};

static void test_text(void **state)
{
        static const struct sock_addr none = { 0 };
        struct sock_addr last = { 0 };

        check_addr(&none, "");
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                struct sock_addr a = { .family = (uint8_t)texts[i].family,
                                       .port = texts[i].port,
                                       .scope = texts[i].scope };

                assert_int_equal(inet_pton(texts[i].family, texts[i].text, a.bytes), 1);
                check_addr(&a, texts[i].want);
                assert_int_equal(sock_addr_is_loopback(&a), texts[i].loopback);
                assert_true(sock_addr_eq(&a, &a));
                assert_false(sock_addr_eq(&a, &last));
                last = a;
        }
}

/* ---- the real kernel ---- */

struct ends {
        int listener, client, server;
        uint16_t port, client_port;
};

static uint16_t port_of(int fd)
{
        struct sockaddr_in6 a;
        socklen_t n = sizeof a;

        assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
        return ntohs(a.sin6_port); /* in the same place as IPv4's */
}

static struct ends connect_ends(int family, const char *client_text)
{
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        struct ends e;

        e.listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (family == AF_INET6)
                assert_int_equal(bind(e.listener, (struct sockaddr *)&v6, sizeof v6), 0);
        else
                assert_int_equal(bind(e.listener, (struct sockaddr *)&v4, sizeof v4), 0);
        assert_int_equal(listen(e.listener, 1), 0);
        e.port = port_of(e.listener);
        v4.sin_port = v6.sin6_port = htons(e.port);
        v6.sin6_addr = in6addr_loopback;
        if (strchr(client_text, ':')) {
                e.client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_int_equal(connect(e.client, (struct sockaddr *)&v6, sizeof v6), 0);
        } else {
                e.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_int_equal(connect(e.client, (struct sockaddr *)&v4, sizeof v4), 0);
        }
        e.client_port = port_of(e.client);
        e.server = accept4(e.listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(e.server >= 0);
        return e;
}

static void end_ends(struct ends *e)
{
        close(e->client);
        close(e->server);
        close(e->listener);
}

struct wanted {
        uint32_t inode;
        struct sockdiag_tcp found;
        unsigned n, all;
        bool once;
};

static bool look(void *ctx, const struct sockdiag_tcp *t)
{
        struct wanted *w = ctx;

        w->all++;
        if (t->inode == w->inode) {
                w->found = *t;
                w->n++;
        }
        return !w->once;
}

static uint32_t inode_of(int fd)
{
        char path[64], link[64];
        uint32_t inode = 0;
        ssize_t n;

        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        n = readlink(path, link, sizeof link);
        assert_true(n > 0);
        assert_int_equal(sockdiag_link(span_of(link, (size_t)n), &inode), 0);
        return inode;
}

static void check_accepted(int family, const char *client)
{
        struct ends e = connect_ends(family, client);
        struct wanted w = { .inode = inode_of(e.server) };
        struct wanted l = { .inode = inode_of(e.listener) };
        char peer[80], local[80];
        struct err err = { 0 };

        snprintf(peer, sizeof peer, "%s:%u", client, e.client_port);
        snprintf(local, sizeof local, "%s:%u", client, e.port);
        assert_int_equal(sockdiag_each(-1, ~(1u << SOCKDIAG_LISTEN), look, &w, &err), 0);
        assert_int_equal(w.n, 1);
        check_addr(&w.found.peer, peer);
        check_addr(&w.found.local, local);
        assert_int_equal(w.found.uid, geteuid());
        assert_int_equal(sockdiag_each(-1, 1u << SOCKDIAG_LISTEN, look, &l, &err), 0);
        assert_int_equal(l.n, 1);
        assert_int_equal(l.found.state, SOCKDIAG_LISTEN);
        assert_int_equal(l.found.local.port, e.port);
        end_ends(&e);
}

static void test_accepted(void **state)
{
        int fd = socket(AF_INET6, SOCK_STREAM, 0);

        check_accepted(AF_INET, "127.0.0.1");
        if (fd < 0)
                skip(); /* no IPv6 here */
        close(fd);
        check_accepted(AF_INET6, "[::1]");
        check_accepted(AF_INET6, "127.0.0.1"); /* both in one listener, as sshd has it */
}

/* A UDP socket that anybody may send to; with a peer it is in another state. */
static void test_udp(void **state)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct wanted w = { .inode = inode_of(fd) };
        struct wanted gone = w, tcp = w;

        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
        assert_int_equal(sockdiag_each_udp(-1, 1u << SOCKDIAG_UNCONNECTED, look, &w, NULL), 0);
        assert_int_equal(w.n, 1);
        assert_int_equal(w.found.local.port, port_of(fd));
        assert_int_equal(w.found.uid, geteuid());
        assert_int_equal(sockdiag_each(-1, ~0u, look, &tcp, NULL), 0);
        assert_int_equal(tcp.n, 0);
        a.sin_port = htons(9);
        assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
        assert_int_equal(sockdiag_each_udp(-1, 1u << SOCKDIAG_UNCONNECTED, look, &gone, NULL), 0);
        assert_int_equal(gone.n, 0);
        close(fd);
}

/* Both ends are on this host: each is found from the other; nobody is found where nobody is. */
static void check_other_end(int family, const char *client)
{
        struct ends e = connect_ends(family, client);
        struct wanted w = { .inode = inode_of(e.server) };
        struct sockdiag_tcp t = { .inode = 99 };
        struct sock_addr nobody;

        assert_int_equal(sockdiag_each(-1, ~0u, look, &w, NULL), 0);
        assert_int_equal(sockdiag_find(-1, &w.found.peer, &w.found.local, &t), 0);
        assert_int_equal(t.inode, inode_of(e.client));
        assert_int_equal(sockdiag_find(-1, &w.found.local, &w.found.peer, &t), 0);
        assert_int_equal(t.inode, w.inode);
        nobody = w.found.peer;
        nobody.port ^= 1;
        t.inode = 99; /* the listener is not taken for it */
        assert_int_equal(sockdiag_find(-1, &w.found.local, &nobody, &t), -ENOENT);
        assert_int_equal(sockdiag_find(-1, &nobody, &w.found.local, &t), -ENOENT);
        assert_int_equal(t.inode, 99);
        end_ends(&e);
}

static void test_other_end(void **state)
{
        int fd = socket(AF_INET6, SOCK_STREAM, 0);

        check_other_end(AF_INET, "127.0.0.1");
        if (fd < 0)
                skip(); /* no IPv6 here */
        close(fd);
        check_other_end(AF_INET6, "[::1]");
        check_other_end(AF_INET6, "127.0.0.1");
}

static void test_enough(void **state)
{
        struct ends e = connect_ends(AF_INET, "127.0.0.1");
        struct wanted w = { .once = true };

        assert_int_equal(sockdiag_each(-1, ~0u, look, &w, NULL), 0);
        assert_int_equal(w.all, 1);
        end_ends(&e);
}

static void test_of_process(void **state)
{
        struct ends e = connect_ends(AF_INET, "127.0.0.1");
        CLEANUP_FD int procfd = proc_open(getpid(), -1);
        uint32_t inodes[64];
        size_t n = 0, few = 0, at[3] = { 0 };

        assert_int_equal(sockdiag_of_process(procfd, inodes, ARRAY_LEN(inodes), &n), 0);
        for (size_t i = 0; i < n; i++) {
                at[0] = inodes[i] == inode_of(e.listener) ? i + 1 : at[0];
                at[1] = inodes[i] == inode_of(e.client) ? i + 1 : at[1];
                at[2] = inodes[i] == inode_of(e.server) ? i + 1 : at[2];
        }
        assert_true(at[0] && at[0] < at[1] && at[1] < at[2]);
        assert_int_equal(sockdiag_of_process(procfd, inodes, 1, &few), 0);
        assert_int_equal(few, 1);
        end_ends(&e);
}

static void test_of_process_that_is_gone(void **state)
{
        uint32_t inodes[4];
        size_t n = 99;
        pid_t pid = fork();
        int procfd, r;

        if (pid == 0)
                _exit(pause());
        procfd = proc_open(pid, -1);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        r = sockdiag_of_process(procfd, inodes, ARRAY_LEN(inodes), &n);
        assert_int_equal(r, -ESRCH);
        assert_int_equal(n, 99);
        close(procfd);
}

/* A process in a network of its own: its sockets are seen from here, and we come back. */
static void test_other_network(void **state)
{
        struct wanted w = { 0 }, here = { 0 };
        CLEANUP_FD int procfd = -1, netns = -1;
        uint32_t inode = 0;
        int pipes[2];
        size_t n;
        pid_t pid;

        if (geteuid() != 0)
                skip();
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                if (unshare(CLONE_NEWNET) == 0) {
                        int fd = socket(AF_INET, SOCK_STREAM, 0);

                        if (listen(fd, 1) == 0 && write(pipes[1], "!", 1) == 1)
                                pause();
                }
                _exit(1);
        }
        close(pipes[1]);
        assert_int_equal(read(pipes[0], &(char){ 0 }, 1), 1);
        procfd = proc_open(pid, -1);
        assert_int_equal(sockdiag_netns(procfd, &netns), 0);
        assert_true(netns >= 0);
        assert_int_equal(sockdiag_of_process(procfd, &inode, 1, &n), 0);
        assert_int_equal(n, 1);
        w.inode = here.inode = inode;
        assert_int_equal(sockdiag_each(-1, ~0u, look, &here, NULL), 0);
        assert_int_equal(here.n, 0);
        assert_int_equal(sockdiag_each(netns, ~0u, look, &w, NULL), 0);
        assert_int_equal(w.n, 1);
        assert_int_equal(w.all, 1);
        assert_int_equal(w.found.state, SOCKDIAG_LISTEN);
        check_accepted(AF_INET, "127.0.0.1"); /* home again: there is no loopback over there */
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(pipes[0]);
}

static void test_own_network(void **state)
{
        CLEANUP_FD int procfd = proc_open(getpid(), -1);
        int netns = 99;

        assert_int_equal(sockdiag_netns(procfd, &netns), 0);
        assert_int_equal(netns, -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_next),
                cmocka_unit_test(test_several),
                cmocka_unit_test(test_link),
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_accepted),
                cmocka_unit_test(test_udp),
                cmocka_unit_test(test_other_end),
                cmocka_unit_test(test_enough),
                cmocka_unit_test(test_of_process),
                cmocka_unit_test(test_of_process_that_is_gone),
                cmocka_unit_test(test_other_network),
                cmocka_unit_test(test_own_network),
        };

        return cmocka_run_group_tests_name("sys/sockdiag", tests, NULL, NULL);
}
