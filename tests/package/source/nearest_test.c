/* SPDX-License-Identifier: Apache-2.0 */
/* Distances as they are counted by hand, and which name is meant. */
#include "package/source/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

static const struct {
        const char *a, *b;
        unsigned want;
} distances[] = {
        { "", "", 0 },           { "", "abc", 3 },        { "mask", "mask", 0 },
        { "mask", "mak", 1 },    { "mask", "maskk", 1 },  { "mask", "mast", 1 },
        { "mask", "amsk", 1 },   { "mask", "MASK", 0 },   { "ab", "ba", 1 },
        { "record", "rate", 5 }, { "rate", "record", 5 }, { "kitten", "sitting", 3 },
        { "ca", "abc", 3 }, /* an exchange with something between is none */
};

static void test_distance(void **state)
{
        static const uint8_t letters[NEAREST_MAX + 1] = { 'x' };

        for (size_t i = 0; i < ARRAY_LEN(distances); i++)
                assert_int_equal(
                        nearest_distance(span_str(distances[i].a), span_str(distances[i].b)),
                        distances[i].want);
        assert_int_equal(nearest_distance(span_of(letters, NEAREST_MAX), SPAN_NONE), NEAREST_MAX);
        assert_true(nearest_distance(span_of(letters, NEAREST_MAX + 1), SPAN("x")) > NEAREST_MAX);
        (void)state;
}

static const struct {
        const char *name;
        const char *want; /* NULL: none */
} meant[] = {
        { "mak", "mask" },
        { "maks", "mask" },
        { "rcord", "record" },
        { "Record", "record" },
        { "listAcounts", "listAccounts" },
        { "listAccount", "listAccounts" },
        { "x", NULL },
        { "", NULL },
        { "colour", NULL },
        { "xx", NULL },
};

static void test_nearest(void **state)
{
        const struct span names[] = { SPAN("mask"), SPAN("record"), SPAN("listAccounts"),
                                      SPAN("maks2"), SPAN("pii.ssn") };
        size_t n = ARRAY_LEN(names);

        for (size_t i = 0; i < ARRAY_LEN(meant); i++) {
                size_t at = nearest_of(span_str(meant[i].name), names, n);

                if (meant[i].want ? at == n || !span_eq_str(names[at], meant[i].want) : at != n)
                        fail_msg("%s: %.*s", meant[i].name, at < n ? (int)names[at].n : 4,
                                 at < n ? (const char *)names[at].p : "none");
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_distance),
                cmocka_unit_test(test_nearest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
