/* SPDX-License-Identifier: Apache-2.0 */
/* ipaddr.c - addresses and ranges of them.  Floor 2, pure.  SECURITY: reads hostile bytes. */
#include "policy/value/extension.h"

enum { GROUPS = 8 };

static int digit_of(uint8_t c, unsigned base)
{
        unsigned v = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                            : base;

        return v < base ? (int)v : -1;
}

/* A number of 1 to `digits` digits; false when there is none here or it is longer. */
static bool take_number(struct span *rest, unsigned base, size_t digits, unsigned *ret)
{
        unsigned v = 0;
        size_t n = 0;
        int d;

        while (n < rest->n && (d = digit_of(rest->p[n], base)) >= 0) {
                if (n++ == digits)
                        return false;
                v = v * base + (unsigned)d;
        }
        if (n == 0 || (base == 10 && n > 1 && rest->p[0] == '0'))
                return false;
        *rest = span_from(*rest, n);
        *ret = v;
        return true;
}

static bool take(struct span *rest, const char *what)
{
        if (!span_starts(*rest, span_str(what)))
                return false;
        *rest = span_from(*rest, strlen(what));
        return true;
}

static bool take_v4(struct span *rest, struct cedar_ip *ip)
{
        for (unsigned i = 0; i < 4; i++) {
                unsigned v;

                if ((i > 0 && !take(rest, ".")) || !take_number(rest, 10, 3, &v) || v > 255)
                        return false;
                ip->address[i] = (uint8_t)v;
        }
        return true;
}

/* As many groups as there are, at most max; returns how many. */
static unsigned take_groups(struct span *rest, unsigned max, uint8_t *out)
{
        unsigned n, v;

        for (n = 0; n < max; n++) {
                struct span at = *rest;

                if ((n > 0 && !take(&at, ":")) || !take_number(&at, 16, 4, &v))
                        break;
                out[2 * n] = (uint8_t)(v >> 8);
                out[2 * n + 1] = (uint8_t)v;
                *rest = at;
        }
        return n;
}

/* Eight groups, or fewer and a `::` that stands for one or more of zero. */
static bool take_v6(struct span *rest, struct cedar_ip *ip)
{
        unsigned head = take_groups(rest, GROUPS, ip->address), n;
        uint8_t tail[16];

        if (head == GROUPS)
                return true;
        if (!take(rest, "::"))
                return false;
        n = take_groups(rest, GROUPS - 1 - head, tail);
        memcpy(ip->address + 16 - 2 * n, tail, 2 * n);
        return true;
}

int cedar_ip_parse(struct span text, struct cedar_ip *ret, struct err *err)
{
        struct cedar_ip ip = { .v6 = text.n > 0 && memchr(text.p, ':', text.n) };
        unsigned prefix = ip.v6 ? 128 : 32, full = prefix;

        if (!(ip.v6 ? take_v6 : take_v4)(&text, &ip) ||
            (take(&text, "/") && !take_number(&text, 10, 3, &prefix)) || text.n > 0 ||
            prefix > full)
                return err_set(err, -EINVAL,
                               "no ipaddr: 10.0.0.1, 10.0.0.0/8, 2001:db8::1 and 2001:db8::/32 "
                               "are some");
        ip.prefix = (uint8_t)prefix;
        *ret = ip;
        return 0;
}

/* The longest run of two or more groups of zero, the first of several: where, and how long. */
static unsigned gap_of(const uint8_t *address, unsigned *ret_n)
{
        unsigned at = GROUPS, best = 1;

        for (unsigned i = 0, n = 0; i < GROUPS; i++) {
                n = address[2 * i] || address[2 * i + 1] ? 0 : n + 1;
                if (n > best) {
                        best = n;
                        at = i + 1 - n;
                }
        }
        *ret_n = best;
        return at;
}

static void print_v6(const uint8_t *address, struct buf *out)
{
        unsigned n, gap = gap_of(address, &n);

        for (unsigned i = 0; i < GROUPS; i++) {
                if (i == gap) {
                        buf_put_str(out, "::");
                        i += n - 1;
                        continue;
                }
                if (i > 0 && i != gap + n)
                        buf_put_byte(out, ':');
                buf_printf(out, "%x", (unsigned)address[2 * i] << 8 | address[2 * i + 1]);
        }
}

void cedar_ip_print(const struct cedar_ip *ip, struct buf *out)
{
        const uint8_t *a = ip->address;

        if (ip->v6)
                print_v6(a, out);
        else
                buf_printf(out, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
        if (ip->prefix < (ip->v6 ? 128 : 32))
                buf_printf(out, "/%u", ip->prefix);
}

int cedar_ip_cmp(const struct cedar_ip *a, const struct cedar_ip *b)
{
        int c = (int)a->v6 - (int)b->v6;

        c = c ? c : memcmp(a->address, b->address, sizeof a->address);
        return c ? c : (int)a->prefix - (int)b->prefix;
}

bool cedar_ip_in_range(const struct cedar_ip *ip, const struct cedar_ip *range)
{
        unsigned bytes = range->prefix / 8, bits = range->prefix % 8;

        if (ip->v6 != range->v6 || ip->prefix < range->prefix ||
            memcmp(ip->address, range->address, bytes) != 0)
                return false;
        return bits == 0 || (ip->address[bytes] ^ range->address[bytes]) >> (8 - bits) == 0;
}

bool cedar_ip_is_loopback(const struct cedar_ip *ip)
{
        static const struct cedar_ip v4 = { .address = { 127 }, .prefix = 8 },
                                     v6 = { .address = { [15] = 1 }, .prefix = 128, .v6 = true };

        return cedar_ip_in_range(ip, ip->v6 ? &v6 : &v4);
}

bool cedar_ip_is_multicast(const struct cedar_ip *ip)
{
        static const struct cedar_ip v4 = { .address = { 224 }, .prefix = 4 },
                                     v6 = { .address = { 0xff }, .prefix = 8, .v6 = true };

        return cedar_ip_in_range(ip, ip->v6 ? &v6 : &v4);
}
