/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.c - optimal string alignment distance.  Floor 2, pure. */
#include "package/source/nearest.h"

static uint8_t fold(uint8_t c)
{
        return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

/* Rows of the table as far as they are needed: row i - 2, i - 1 and i. */
struct rows {
        unsigned at[3][NEAREST_MAX + 1];
};

static unsigned cell(const struct rows *r, struct span a, struct span b, size_t i, size_t j)
{
        const unsigned *before = r->at[(i + 2) % 3], *two = r->at[(i + 1) % 3];
        bool same = fold(a.p[i - 1]) == fold(b.p[j - 1]);
        unsigned best = before[j - 1] + !same;

        best = MIN_OF(best, before[j] + 1);
        best = MIN_OF(best, r->at[i % 3][j - 1] + 1);
        if (i > 1 && j > 1 && fold(a.p[i - 1]) == fold(b.p[j - 2]) &&
            fold(a.p[i - 2]) == fold(b.p[j - 1]))
                best = MIN_OF(best, two[j - 2] + 1);
        return best;
}

unsigned nearest_distance(struct span a, struct span b)
{
        struct rows r = { 0 };

        if (a.n > NEAREST_MAX || b.n > NEAREST_MAX)
                return NEAREST_MAX + 1;
        for (size_t j = 0; j <= b.n; j++)
                r.at[0][j] = (unsigned)j;
        for (size_t i = 1; i <= a.n; i++) {
                r.at[i % 3][0] = (unsigned)i;
                for (size_t j = 1; j <= b.n; j++)
                        r.at[i % 3][j] = cell(&r, a, b, i, j);
        }
        return r.at[a.n % 3][b.n];
}

size_t nearest_of(struct span name, const struct span *names, size_t n)
{
        unsigned best = (unsigned)(MIN_OF(name.n, (size_t)NEAREST_MAX) + 2) / 3;
        size_t found = n;

        if (name.n > NEAREST_MAX)
                return n;
        best++; /* one that differs as much is still taken */
        for (size_t i = 0; i < n; i++) {
                unsigned d = nearest_distance(name, names[i]);

                if (d < best) {
                        best = d;
                        found = i;
                }
        }
        return found;
}
