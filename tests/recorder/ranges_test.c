/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"

enum { END = 1000000 }; /* no index of a case */

static void cases(void **state)
{
        static const struct {
                size_t max;
                uint64_t index[12];
                uint64_t want[8][2];
                uint64_t others;
        } t[] = {
                { 8, { END }, { { END } }, 0 },
                { 8, { 0, END }, { { 0, 0 }, { END } }, 0 },
                { 8, { 5, 6, 7, END }, { { 5, 7 }, { END } }, 0 },
                { 8, { 0, 2, 3, 9, END }, { { 0, 0 }, { 2, 3 }, { 9, 9 }, { END } }, 0 },
                /* at the ceiling: the nearest first, and more of them until half are left */
                { 4,
                  { 0, 2, 100, 200, END },
                  { { 0, 0 }, { 2, 2 }, { 100, 100 }, { 200, 200 }, { END } },
                  0 },
                { 4,
                  { 0, 2, 4, 100, 200, END },
                  { { 0, 4 }, { 100, 100 }, { 200, 200 }, { END } },
                  2 },
                { 4,
                  { 0, 3, 6, 10, 100, END },
                  { { 0, 6 }, { 10, 10 }, { 100, 100 }, { END } },
                  4 },
                /* and then those that come are treated alike */
                { 2, { 0, 2, 4, 6, 9, END }, { { 0, 6 }, { 9, 9 }, { END } }, 3 },
                { 2, { 0, 10, 30, END }, { { 0, 10 }, { 30, 30 }, { END } }, 9 },
                { 2, { 0, 10, 30, 47, 60, END }, { { 0, 10 }, { 30, 60 }, { END } }, 9 + 16 + 12 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct ranges r = RANGES_INIT(t[i].max);
                size_t n = 0, entries = 0;

                for (; t[i].index[entries] != END; entries++)
                        assert_int_equal(ranges_add(&r, t[i].index[entries], 3), 0);
                for (; t[i].want[n][0] != END; n++)
                        if (n >= r.n || r.at[n][0] != t[i].want[n][0] ||
                            r.at[n][1] != t[i].want[n][1])
                                fail_msg("case %zu, range %zu", i, n);
                assert_int_equal(r.n, n);
                assert_int_equal(r.entries, entries);
                assert_int_equal(r.rows, 3 * entries);
                assert_int_equal(r.others, t[i].others);
                ranges_done(&r);
        }
}

/* Whatever is left out of the list is never one of the subject's. */
static void nothing_is_missing(void **state)
{
        struct ranges r = RANGES_INIT(64);
        static bool mine[100000];
        uint64_t covered = 0;
        uint32_t x = 1;

        for (uint64_t i = 0; i < ARRAY_LEN(mine); i++) {
                x = x * 1664525 + 1013904223;
                mine[i] = x >> 30 == 0;
                if (mine[i])
                        assert_int_equal(ranges_add(&r, i, 1), 0);
                assert_true(r.n <= 64);
        }
        for (size_t k = 0; k < r.n; k++) {
                assert_true(mine[r.at[k][0]] && mine[r.at[k][1]]);
                assert_true(k == 0 || r.at[k][0] > r.at[k - 1][1] + 1);
                for (uint64_t i = r.at[k][0]; i <= r.at[k][1]; i++, covered++)
                        mine[i] = false;
        }
        for (size_t i = 0; i < ARRAY_LEN(mine); i++)
                assert_false(mine[i]);
        assert_int_equal(covered, r.entries + r.others);
        ranges_done(&r);
}

static void out_of_memory(void **state)
{
        struct ranges r = RANGES_INIT(RANGES_MAX);
        uint64_t i = 0;

        alloc_fail_nth = 3;
        while (ranges_add(&r, 2 * i, 1) == 0)
                i++;
        alloc_fail_nth = 0;
        assert_int_equal(r.n, i);
        assert_int_equal(r.entries, i);
        assert_int_equal(ranges_add(&r, 2 * i, 1), 0);
        ranges_done(&r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cases),
                cmocka_unit_test(nothing_is_missing),
                cmocka_unit_test(out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
