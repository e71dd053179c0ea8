/* SPDX-License-Identifier: Apache-2.0 */
/* number.c - exact decimals.  Floor 2, pure.  SECURITY: reads hostile bytes. */
#include "package/schema/number.h"

/* 10^k is divisible by each power of 2 and of 5 that a number of TREE_REAL_MAX digits can have as a
 * factor: more zeros behind a dividend change nothing. */
enum { ZEROS_MAX = 220 };

static const __int128 base = (__int128)10000000000000000 * 10000000000000000;

/* ---- exponents ---- */

static struct number_exponent normal(__int128 high, __int128 low)
{
        for (; low < 0; low += base)
                high--;
        for (; low >= base; low -= base)
                high++;
        return (struct number_exponent){ high, low };
}

static struct number_exponent exponent_add(struct number_exponent e, int more)
{
        return normal(e.high, e.low + more);
}

static int exponent_cmp(struct number_exponent a, struct number_exponent b)
{
        if (a.high != b.high)
                return a.high < b.high ? -1 : 1;
        return (a.low > b.low) - (a.low < b.low);
}

/* e as a number, or one of +-10^9 where it is beyond. */
static int exponent_clamp(struct number_exponent e)
{
        const int most = 1000000000;

        if (e.high == 0)
                return e.low > most ? most : (int)e.low;
        return e.high == -1 && base - e.low < most ? -(int)(base - e.low)
               : e.high < 0                        ? -most
                                                   : most;
}

static struct number_exponent exponent_difference(struct number_exponent a,
                                                  struct number_exponent b)
{
        return normal(a.high - b.high, a.low - b.low);
}

/* ---- reading ---- */

static bool at_digit(struct span s, size_t i)
{
        return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

/* From the e; false: it is none. */
static bool read_exponent(struct span s, size_t i, struct number_exponent *ret)
{
        struct number_exponent e = { 0 };
        bool minus;

        i++;
        minus = i < s.n && s.p[i] == '-';
        i += minus || (i < s.n && s.p[i] == '+');
        if (!at_digit(s, i))
                return false;
        for (; at_digit(s, i); i++) {
                __int128 low = e.low * 10 + (s.p[i] - '0');

                e = (struct number_exponent){ e.high * 10 + low / base, low % base };
        }
        *ret = minus ? normal(-e.high, -e.low) : e;
        return i == s.n;
}

/* Takes digits; zeros before the first one that counts and behind the last are dropped. */
struct digits {
        struct number *to;
        unsigned zeros; /* seen since the last digit that counts */
};

static void take_digit(struct digits *d, uint8_t digit)
{
        if (digit == 0) {
                d->zeros += d->to->n > 0;
                return;
        }
        memset(d->to->digit + d->to->n, 0, d->zeros);
        d->to->n = (uint8_t)(d->to->n + d->zeros);
        d->to->digit[d->to->n++] = digit;
        d->zeros = 0;
}

bool number_of(struct span s, struct number *ret)
{
        struct number a = { 0 };
        struct digits d = { .to = &a };
        struct number_exponent e = { 0 };
        size_t i = s.n > 0 && s.p[0] == '-', first = i, start;
        int point = 0; /* digits before the point, from the first that counts */

        if (s.n > TREE_REAL_MAX || !at_digit(s, i) || (s.p[i] == '0' && at_digit(s, i + 1)))
                return false;
        for (; at_digit(s, i); i++) {
                take_digit(&d, (uint8_t)(s.p[i] - '0'));
                point += a.n > 0;
        }
        if (i < s.n && s.p[i] == '.') {
                for (start = ++i; at_digit(s, i); i++) {
                        take_digit(&d, (uint8_t)(s.p[i] - '0'));
                        point -= a.n == 0;
                }
                if (i == start)
                        return false;
        }
        if (i < s.n && ((s.p[i] | 0x20) != 'e' || !read_exponent(s, i, &e)))
                return false;
        a.negative = a.n > 0 && first == 1;
        if (a.n > 0)
                a.point = exponent_add(e, point);
        *ret = a;
        return true;
}

struct number number_of_int(int64_t v)
{
        struct number a = { .negative = v < 0 };
        uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;
        uint8_t reversed[20];
        unsigned n = 0;
        struct digits d = { .to = &a };

        for (; rest > 0; rest /= 10)
                reversed[n++] = (uint8_t)(rest % 10);
        a.point.low = n;
        while (n > 0)
                take_digit(&d, reversed[--n]);
        return a;
}

struct number number_of_tree(const struct tree *t)
{
        struct number a = { 0 };

        if (t->kind == TREE_NUMBER)
                return number_of_int(t->number);
        assert(t->kind == TREE_REAL);
        if (!number_of(t->text, &a))
                assert(!"a real that was not read from JSON");
        return a;
}

/* ---- judging ---- */

static int cmp_magnitude(const struct number *a, const struct number *b)
{
        int c = exponent_cmp(a->point, b->point);

        return c ? c : span_cmp(span_of(a->digit, a->n), span_of(b->digit, b->n));
}

int number_cmp(const struct number *a, const struct number *b)
{
        int sign_a = a->n == 0 ? 0 : a->negative ? -1 : 1;
        int sign_b = b->n == 0 ? 0 : b->negative ? -1 : 1;

        if (sign_a != sign_b || sign_a == 0)
                return sign_a - sign_b;
        return sign_a * cmp_magnitude(a, b);
}

/* The exponent of the last digit. */
static struct number_exponent last(const struct number *a)
{
        return exponent_add(a->point, -(int)a->n);
}

bool number_is_integer(const struct number *a)
{
        return a->n == 0 || last(a).high >= 0;
}

/* Whole numbers below 2^256, the lowest 64 bits first. */
struct wide {
        uint64_t limb[4];
};

static void wide_put_digit(struct wide *w, unsigned digit)
{
        unsigned __int128 carry = digit;

        for (size_t i = 0; i < ARRAY_LEN(w->limb); i++) {
                carry += (unsigned __int128)w->limb[i] * 10;
                w->limb[i] = (uint64_t)carry;
                carry >>= 64;
        }
}

/* w - other where that is not negative, else w. */
static bool wide_take(struct wide *w, const struct wide *other)
{
        struct wide less;
        uint64_t borrow = 0;

        for (size_t i = 0; i < ARRAY_LEN(w->limb); i++) {
                uint64_t part = w->limb[i] - other->limb[i];
                uint64_t under = w->limb[i] < other->limb[i];

                less.limb[i] = part - borrow;
                borrow = under | (part < borrow);
        }
        if (borrow)
                return false;
        *w = less;
        return true;
}

static bool wide_is_zero(const struct wide *w)
{
        return !(w->limb[0] | w->limb[1] | w->limb[2] | w->limb[3]);
}

static struct wide wide_of(const struct number *a)
{
        struct wide w = { 0 };

        for (unsigned i = 0; i < a->n; i++)
                wide_put_digit(&w, a->digit[i]);
        return w;
}

/* Long division by the digits of b; what is left over is below b, which has 64 digits at most, so
 * ten times that is below 2^256. */
static bool divides(const struct number *b, const struct number *a, int zeros)
{
        const struct wide by = wide_of(b);
        struct wide left = { 0 };

        for (int i = 0; i < a->n + zeros && (i < a->n || !wide_is_zero(&left)); i++) {
                wide_put_digit(&left, i < a->n ? a->digit[i] : 0);
                while (wide_take(&left, &by))
                        ;
        }
        return wide_is_zero(&left);
}

bool number_is_multiple(const struct number *a, const struct number *b)
{
        int shift;

        assert(b->n > 0);
        if (a->n == 0)
                return true;
        shift = exponent_clamp(exponent_difference(last(a), last(b)));
        /* Below the last digit of b: the digits of a would have to end with a zero. */
        if (shift < 0)
                return false;
        return divides(b, a, MIN_OF(shift, (int)ZEROS_MAX));
}

bool number_to_int(const struct number *a, unsigned decimals, int64_t *ret)
{
        int64_t v = 0;
        int zeros;

        assert(decimals <= 18);
        if (a->n == 0) {
                *ret = 0;
                return true;
        }
        zeros = exponent_clamp(exponent_add(last(a), (int)decimals));
        if (zeros < 0 || a->n + zeros > 19)
                return false;
        for (int i = 0; i < a->n + zeros; i++) {
                int digit = i < a->n ? a->digit[i] : 0;

                if (__builtin_mul_overflow(v, 10, &v) ||
                    __builtin_add_overflow(v, a->negative ? -digit : digit, &v))
                        return false;
        }
        *ret = v;
        return true;
}
