/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/logins.h"

#include "sys/io.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmpx.h>
/* cmocka wants the above first */
#include <cmocka.h>

/* ---- one record, built with the C library's own struct ---- */

static const struct {
        const char *name;
        int type, pid;
        const char *line; /* as it lies there, not ended when it is 32 long */
        const char *addr;
        int want;
        const char *want_line, *want_addr;
} records[] = {
        { "IPv4", USER_PROCESS, 17, "pts/3", "198.51.100.7", 1, "pts/3", "198.51.100.7" },
        { "IPv6", USER_PROCESS, 17, "pts/3", "2001:db8::7", 1, "pts/3", "2001:db8::7" },
        { "IPv4 inside IPv6", USER_PROCESS, 17, "pts/3", "::ffff:192.0.2.1", 1, "pts/3",
          "192.0.2.1" },
        { "loopback", USER_PROCESS, 17, "pts/3", "::1", 1, "pts/3", "::1" },
        { "local", USER_PROCESS, 17, "tty1", NULL, 1, "tty1", "" },
        { "a line without an end", USER_PROCESS, 1, "01234567890123456789012345678901", NULL, 1,
          "01234567890123456789012345678901", "" },
        { "no line", USER_PROCESS, 1, "", NULL, 1, "", "" },
        { "a boot", BOOT_TIME, 0, "~", NULL, 0, NULL, NULL },
        { "a logout", DEAD_PROCESS, 17, "pts/3", NULL, 0, NULL, NULL },
        { "waiting for a login", LOGIN_PROCESS, 17, "tty1", NULL, 0, NULL, NULL },
        { "nothing", EMPTY, 0, "", NULL, 0, NULL, NULL },
        { "no type of ours", 10, 17, "pts/3", NULL, -EBADMSG, NULL, NULL },
        { "a type below", -1, 17, "pts/3", NULL, -EBADMSG, NULL, NULL },
        { "a login without a process", USER_PROCESS, 0, "pts/3", NULL, -EBADMSG, NULL, NULL },
        { "a login of a group", USER_PROCESS, -5, "pts/3", NULL, -EBADMSG, NULL, NULL },
};

static const char user[] = "ann-whose-name-has-32-bytes-here";

static struct utmpx build(int type, int pid, const char *line, const char *addr)
{
        struct utmpx u;

        memset(&u, 0, sizeof u);
        memset(u.ut_host, 'A', sizeof u.ut_host); /* never read: whatever it says */
        memcpy(u.ut_user, user, sizeof user - 1); /* as long as it may be, so without an end */
        u.ut_type = (short)type;
        u.ut_pid = pid;
        memcpy(u.ut_line, line, strlen(line));
        u.ut_tv.tv_sec = 1700000000;
        if (addr && inet_pton(AF_INET6, addr, u.ut_addr_v6) != 1)
                assert_int_equal(inet_pton(AF_INET, addr, u.ut_addr_v6), 1);
        return u;
}

static void test_decode(void **state)
{
        struct buf b = BUF_INIT(128);

        assert_int_equal(logins_record_size(), sizeof(struct utmpx));
        for (size_t i = 0; i < ARRAY_LEN(records); i++) {
                struct utmpx u =
                        build(records[i].type, records[i].pid, records[i].line, records[i].addr);
                struct login_record r;
                int rc = logins_decode((const uint8_t *)&u, sizeof u, &r);

                print_message("%s\n", records[i].name);
                assert_int_equal(rc, records[i].want);
                if (rc != 1)
                        continue;
                assert_int_equal(r.pid, records[i].pid);
                assert_int_equal(r.sec, 1700000000);
                assert_true(span_eq_str(span_of(r.line, r.line_n), records[i].want_line));
                assert_true(span_eq_str(span_of(r.user, r.user_n), user));
                buf_clear(&b);
                sock_addr_put(&b, &r.addr);
                assert_string_equal(buf_cstr(&b), records[i].want_addr);
        }
        buf_done(&b);
}

static void test_decode_size(void **state)
{
        struct utmpx u = build(USER_PROCESS, 1, "pts/1", NULL);
        struct login_record r;

        assert_int_equal(logins_decode((const uint8_t *)&u, sizeof u - 1, &r), -EBADMSG);
        assert_int_equal(logins_decode((const uint8_t *)&u, 0, &r), -EBADMSG);
}

/* ---- files, written by the C library ---- */

struct seen {
        int32_t pid[80];
        size_t n, enough;
};

static bool see(void *ctx, const struct login_record *r)
{
        struct seen *s = ctx;

        s->pid[s->n++] = r->pid;
        return s->n != s->enough;
}

static void write_file(const char *path, size_t records_n, size_t extra)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        close(fd);
        for (size_t i = 0; i < records_n; i++) {
                struct utmpx u = build(i % 2 ? DEAD_PROCESS : USER_PROCESS, (int)i + 1, "pts/1",
                                       "192.0.2.1");

                updwtmpx(path, &u);
        }
        fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        for (size_t i = 0; i < extra; i++)
                assert_int_equal(write(fd, "\7", 1), 1);
        close(fd);
}

static void test_file(void **state)
{
        char path[] = "/tmp/assay-logins-XXXXXX";
        struct seen all = { 0 }, one = { .enough = 1 };
        struct err err = { 0 };
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        close(fd);
        write_file(path, 100, sizeof(struct utmpx) - 1); /* the last is being written */
        assert_int_equal(logins_each(path, see, &all, &err), 0);
        assert_int_equal(all.n, 50);
        for (size_t i = 0; i < all.n; i++)
                assert_int_equal(all.pid[i], 2 * i + 1);
        assert_int_equal(logins_each(path, see, &one, &err), 0);
        assert_int_equal(one.n, 1);
        unlink(path);
        assert_int_equal(logins_each(path, see, &all, &err), -ENOENT);
        assert_non_null(strstr(err.text, path));
}

/* Neither a link nor a pipe in its place leads or holds us elsewhere. */
static void test_file_is_something_else(void **state)
{
        char dir[] = "/tmp/assay-logins-XXXXXX", path[64];
        struct seen s = { 0 };

        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof path, "%s/utmp", dir);
        assert_int_equal(symlink("/dev/zero", path), 0);
        assert_int_equal(logins_each(path, see, &s, NULL), -ELOOP);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_true(logins_each(path, see, &s, NULL) < 0);
        assert_int_equal(s.n, 0);
        unlink(path);
        rmdir(dir);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_decode),
                cmocka_unit_test(test_decode_size),
                cmocka_unit_test(test_file),
                cmocka_unit_test(test_file_is_something_else),
        };

        return cmocka_run_group_tests_name("sys/logins", tests, NULL, NULL);
}
