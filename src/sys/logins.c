/* SPDX-License-Identifier: Apache-2.0 */
/* struct utmp of x86-64 (other machines have wider times; the compiler knows):
 *
 *   0 type (2), 4 pid, 8 line (32), 40 id (4), 44 user (32), 76 host (256), 332 exit (4),
 *   336 session, 340 time: seconds, 344 microseconds, 348 address (16, network order), 364 unused
 *
 * The address of IPv4 is the first four bytes, the rest zero. */
#include "sys/logins.h"

#include "sys/io.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utmp.h>

enum { AT_ONCE = 32 };

STATIC_ASSERT(sizeof((struct utmp){ 0 }.ut_line) == LOGINS_LINE_MAX, "utmp(5)");
STATIC_ASSERT(sizeof((struct utmp){ 0 }.ut_user) == LOGINS_USER_MAX, "utmp(5)");

size_t logins_record_size(void)
{
        return sizeof(struct utmp);
}

static struct sock_addr get_addr(const int32_t v6[4])
{
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
        struct sock_addr a = { 0 };

        if (!v6[0] && !v6[1] && !v6[2] && !v6[3])
                return a;
        memcpy(a.bytes, v6, sizeof a.bytes);
        a.family = AF_INET6;
        if (!v6[1] && !v6[2] && !v6[3]) {
                a.family = AF_INET;
        } else if (memcmp(a.bytes, mapped, sizeof mapped) == 0) {
                memmove(a.bytes, a.bytes + sizeof mapped, 4);
                memset(a.bytes + 4, 0, 12);
                a.family = AF_INET;
        }
        return a;
}

int logins_decode(const uint8_t *p, size_t n, struct login_record *ret)
{
        struct login_record r = { 0 };
        struct utmp u;

        if (n != sizeof u)
                return -EBADMSG;
        memcpy(&u, p, sizeof u);
        if (u.ut_type < EMPTY || u.ut_type > ACCOUNTING)
                return -EBADMSG;
        if (u.ut_type != USER_PROCESS)
                return 0;
        if (u.ut_pid <= 0)
                return -EBADMSG;
        r.pid = u.ut_pid;
        r.sec = u.ut_tv.tv_sec;
        r.line_n = (uint8_t)strnlen(u.ut_line, sizeof u.ut_line);
        memcpy(r.line, u.ut_line, r.line_n);
        r.user_n = (uint8_t)strnlen(u.ut_user, sizeof u.ut_user);
        memcpy(r.user, u.ut_user, r.user_n);
        r.addr = get_addr(u.ut_addr_v6);
        *ret = r;
        return 1;
}

int logins_each(const char *path, logins_fn *fn, void *ctx, struct err *err)
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        uint8_t piece[AT_ONCE * sizeof(struct utmp)];
        const size_t size = sizeof(struct utmp);
        struct login_record r;

        if (fd < 0)
                return err_sys(err, -errno, "%s", path);
        for (size_t seen = 0; seen < LOGINS_MAX;) {
                ssize_t n = io_kernel.pread(NULL, fd, piece, sizeof piece, (off_t)(seen * size));

                if (n < 0)
                        return err_sys(err, (int)n, "%s", path);
                /* less than a record at the end is being written, and not yet anything */
                for (size_t at = 0; at + size <= (size_t)n; at += size, seen++) {
                        if (logins_decode(piece + at, size, &r) == 1 && !fn(ctx, &r))
                                return 0;
                }
                if ((size_t)n < sizeof piece)
                        break;
        }
        return 0;
}
