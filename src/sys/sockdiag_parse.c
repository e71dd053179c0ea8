/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of sockdiag.h; pure.  Numbers are of this machine, but for those of the network:
 *
 *   struct nlmsghdr               0 length, 4 type (2), 6 flags (2), 8 sequence, 12 port
 *   NLMSG_ERROR                  16 negative errno
 *   struct inet_diag_msg         16 family (1), 17 state (1), 18 timer (1), 19 retransmissions (1),
 *                                20 source port (2, network), 22 destination port (2, network),
 *                                24 source (16), 40 destination (16), 56 interface, 60 cookie (8),
 *                                68 expires, 72 receive queue, 76 send queue, 80 uid, 84 inode
 *                                88 attributes, which are not asked for and not read
 */
#include "sys/sockdiag.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>

enum {
        HEADER = 16,
        AT_ERROR = 16,
        AT_FAMILY = 16,
        AT_STATE = 17,
        AT_SPORT = 20,
        AT_DPORT = 22,
        AT_SRC = 24,
        AT_DST = 40,
        AT_IF = 56,
        AT_UID = 80,
        AT_INODE = 84,
        DIAG_END = 88,
        STATES = 32,
};

STATIC_ASSERT(sizeof(struct nlmsghdr) == HEADER, "netlink(7)");
STATIC_ASSERT(HEADER + sizeof(struct inet_diag_msg) == DIAG_END, "sock_diag(7)");
STATIC_ASSERT(HEADER + offsetof(struct inet_diag_msg, idiag_inode) == AT_INODE, "sock_diag(7)");

static uint32_t get32(const uint8_t *p)
{
        uint32_t v;

        memcpy(&v, p, sizeof v);
        return v;
}

static uint16_t get16(const uint8_t *p)
{
        uint16_t v;

        memcpy(&v, p, sizeof v);
        return v;
}

static struct sock_addr get_addr(uint8_t family, const uint8_t *addr, const uint8_t *port,
                                 uint32_t interface)
{
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
        struct sock_addr a = { .family = family, .port = ntohs(get16(port)) };

        if (family == AF_INET6 && memcmp(addr, mapped, sizeof mapped) == 0) {
                a.family = AF_INET;
                addr += sizeof mapped;
        }
        memcpy(a.bytes, addr, a.family == AF_INET ? 4 : 16);
        if (a.family == AF_INET6 && addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80)
                a.scope = interface;
        return a;
}

static int get_tcp(const uint8_t *p, size_t n, struct sockdiag_tcp *ret)
{
        uint8_t family;

        if (n < DIAG_END)
                return -EBADMSG;
        family = p[AT_FAMILY];
        if ((family != AF_INET && family != AF_INET6) || p[AT_STATE] >= STATES)
                return -EBADMSG;
        *ret = (struct sockdiag_tcp){
                .state = p[AT_STATE],
                .local = get_addr(family, p + AT_SRC, p + AT_SPORT, get32(p + AT_IF)),
                .peer = get_addr(family, p + AT_DST, p + AT_DPORT, get32(p + AT_IF)),
                .uid = get32(p + AT_UID),
                .inode = get32(p + AT_INODE),
        };
        return 1;
}

int sockdiag_next(struct span *rest, uint32_t seq, struct sockdiag_tcp *ret)
{
        const uint8_t *p = rest->p;
        int32_t code;
        size_t n;

        if (rest->n == 0)
                return 0;
        if (rest->n < HEADER)
                return -EBADMSG;
        n = get32(p);
        if (n < HEADER || n > rest->n || get32(p + 8) != seq)
                return -EBADMSG;
        *rest = span_from(*rest, (n + 3) & ~(size_t)3);
        switch (get16(p + 4)) {
        case NLMSG_DONE:
                return -ENODATA;
        case NLMSG_ERROR:
                code = n < AT_ERROR + 4 ? 0 : (int32_t)get32(p + AT_ERROR);
                return code < 0 && code > -4096 ? code : -EBADMSG;
        case SOCK_DIAG_BY_FAMILY:
                return get_tcp(p, n, ret);
        default:
                return -EBADMSG;
        }
}

int sockdiag_link(struct span link, uint32_t *ret)
{
        const struct span head = SPAN("socket:[");
        uint64_t v;

        if (!span_starts(link, head) || link.p[link.n - 1] != ']')
                return -EINVAL;
        link = span_from(link, head.n);
        if (text_to_u64(span_of(link.p, link.n - 1), &v) < 0 || v == 0 || v > UINT32_MAX)
                return -EINVAL;
        *ret = (uint32_t)v;
        return 0;
}

bool sock_addr_eq(const struct sock_addr *a, const struct sock_addr *b)
{
        return a->family == b->family && a->port == b->port && a->scope == b->scope &&
               memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool sock_addr_is_loopback(const struct sock_addr *a)
{
        static const uint8_t one[16] = { [15] = 1 };

        if (a->family == AF_INET)
                return a->bytes[0] == 127;
        return a->family == AF_INET6 && memcmp(a->bytes, one, sizeof one) == 0;
}

void sock_addr_put(struct buf *out, const struct sock_addr *a)
{
        char text[INET6_ADDRSTRLEN];
        bool brackets = a->family == AF_INET6 && a->port;

        if (!inet_ntop(a->family, a->bytes, text, sizeof text))
                return;
        if (brackets)
                buf_put_byte(out, '[');
        buf_put_str(out, text);
        if (a->scope)
                buf_printf(out, "%%%u", a->scope);
        if (brackets)
                buf_put_byte(out, ']');
        if (a->port)
                buf_printf(out, ":%u", a->port);
}
