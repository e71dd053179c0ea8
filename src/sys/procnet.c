/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a line, with blanks between; the rest of it is not read:
 *
 *   0 number and ':'       1 address:port       2 the other end's       3 state
 *   4 queues               5 timer              6 retransmissions       7 uid
 *   8 timeout              9 inode
 *
 * An address is one or four words of the network's bytes, each printed as a number of this machine;
 * numbers are of base 16 up to the state, of base 10 from the uid on. */
#include "sys/procnet.h"

#include "base/text.h"
#include "sys/io.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOCAL = 1, PEER = 2, STATE = 3, UID = 7, INODE = 9, WORDS = 10, WORD_DIGITS = 8 };
enum { CHUNK = 8 * 1024, STATES = 32 };

static bool split(struct span line, struct span *words)
{
        for (size_t i = 0; i < WORDS; i++) {
                size_t n = 0;

                while (line.n && line.p[0] == ' ')
                        line = span_from(line, 1);
                while (n < line.n && line.p[n] != ' ')
                        n++;
                if (n == 0)
                        return false;
                words[i] = span_of(line.p, n);
                line = span_from(line, n);
        }
        return true;
}

/* All of s, at most eight digits. */
static bool get_hex(struct span s, uint32_t *ret)
{
        uint32_t v = 0;

        if (s.n == 0 || s.n > WORD_DIGITS)
                return false;
        for (size_t i = 0; i < s.n; i++) {
                uint8_t c = s.p[i];

                if (c >= '0' && c <= '9')
                        v = v << 4 | (uint32_t)(c - '0');
                else if (c >= 'A' && c <= 'F')
                        v = v << 4 | (uint32_t)(c - 'A' + 10);
                else
                        return false;
        }
        *ret = v;
        return true;
}

static bool get_addr(struct span s, uint8_t family, struct sock_addr *ret)
{
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
        size_t digits = family == AF_INET ? WORD_DIGITS : 4 * (size_t)WORD_DIGITS;
        struct sock_addr a = { .family = family };
        uint32_t v;

        if (s.n != digits + 5 || s.p[digits] != ':' || !get_hex(span_from(s, digits + 1), &v))
                return false;
        a.port = (uint16_t)v;
        for (size_t i = 0; i < digits / WORD_DIGITS; i++) {
                if (!get_hex(span_of(s.p + i * WORD_DIGITS, WORD_DIGITS), &v))
                        return false;
                memcpy(a.bytes + 4 * i, &v, sizeof v);
        }
        if (family == AF_INET6 && memcmp(a.bytes, mapped, sizeof mapped) == 0) {
                a.family = AF_INET;
                memcpy(a.bytes, a.bytes + sizeof mapped, 4);
                memset(a.bytes + 4, 0, sizeof a.bytes - 4);
        }
        *ret = a;
        return true;
}

int procnet_line(struct span line, uint8_t family, struct sockdiag_tcp *ret)
{
        struct sockdiag_tcp t = { 0 };
        struct span w[WORDS];
        uint64_t uid, inode;
        uint32_t state;

        if (!split(line, w) || !get_addr(w[LOCAL], family, &t.local) ||
            !get_addr(w[PEER], family, &t.peer) || !get_hex(w[STATE], &state) || state >= STATES ||
            text_to_u64(w[UID], &uid) < 0 || uid > UINT32_MAX ||
            text_to_u64(w[INODE], &inode) < 0 || inode > UINT32_MAX)
                return -EBADMSG;
        t.state = (uint8_t)state;
        t.uid = (uint32_t)uid;
        t.inode = (uint32_t)inode;
        *ret = t;
        return 0;
}

/* ---- the files ---- */

struct reading {
        uint8_t family;
        bool udp;
        sockdiag_fn *fn;
        void *ctx;
        unsigned lines;
};

/* 1: enough.  Of TCP those that listen come first, and as many connections may follow as the host
 * has. */
static int take_line(struct reading *r, struct span line)
{
        struct sockdiag_tcp t;
        int rc;

        if (r->lines++ == 0)
                return 0; /* the heading */
        if (r->lines > PROCNET_LINES_MAX)
                return -E2BIG;
        rc = procnet_line(line, r->family, &t);
        if (rc < 0)
                return rc;
        if (t.state != (r->udp ? SOCKDIAG_UNCONNECTED : SOCKDIAG_LISTEN))
                return !r->udp;
        return r->fn(r->ctx, &t) ? 0 : 1;
}

static int take_lines(struct reading *r, uint8_t *text, size_t *n)
{
        struct span rest = span_of(text, *n);
        const uint8_t *end;
        int rc = 0;

        while (rc == 0 && rest.n && (end = memchr(rest.p, '\n', rest.n))) {
                size_t line_n = (size_t)(end - rest.p);

                rc = take_line(r, span_of(rest.p, line_n));
                rest = span_from(rest, line_n + 1);
        }
        *n = rest.n;
        if (rest.n)
                memmove(text, rest.p, rest.n);
        return rc;
}

static int each_of(int procfd, const char *name, struct reading *r)
{
        CLEANUP_FD int fd = openat(procfd, name, O_RDONLY | O_CLOEXEC);
        uint8_t text[CHUNK];
        size_t n = 0;
        int rc = 0;

        if (fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        while (rc == 0) {
                ssize_t got = n < sizeof text ? read(fd, text + n, sizeof text - n) : -1;

                if (got == 0)
                        break;
                if (got < 0)
                        return n < sizeof text ? -errno : -EBADMSG;
                n += (size_t)got;
                rc = take_lines(r, text, &n);
        }
        return rc < 0 ? rc : 0;
}

int procnet_each(int procfd, bool udp, sockdiag_fn *fn, void *ctx)
{
        struct reading four = { .family = AF_INET, .udp = udp, .fn = fn, .ctx = ctx };
        struct reading six = { .family = AF_INET6, .udp = udp, .fn = fn, .ctx = ctx };
        int rc = each_of(procfd, udp ? "net/udp" : "net/tcp", &four), rc6;

        if (rc < 0 && rc != -E2BIG)
                return rc;
        rc6 = each_of(procfd, udp ? "net/udp6" : "net/tcp6", &six);
        if (rc6 == -ESRCH)
                rc6 = 0; /* a kernel without IPv6; or it has exited: proc_namespace() tells */
        return rc6 < 0 ? rc6 : rc;
}
