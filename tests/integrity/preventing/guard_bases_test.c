/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/guard_bases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct guard_bases bases;

static void test_find(void **state)
{
        static const struct {
                const char *path;
                enum guard_asks want;
        } cases[] = {
                { "/opt/shop/bin", GUARD_ASKS_KNOWN },
                { "/opt/shop/bin/x", GUARD_ASKS_KNOWN },
                { "/opt/shop/bin/d/e", GUARD_ASKS_KNOWN },
                { "/opt/shop/bin/safe/e", GUARD_ASKS_STRICT }, /* the longest one counts */
                { "/opt/shop/bin/safer", GUARD_ASKS_KNOWN },
                { "/opt/shop/bing", GUARD_ASKS_NOTHING },
                { "/opt/shop/bi", GUARD_ASKS_NOTHING },
                { "/opt/shop", GUARD_ASKS_NOTHING },
                { "/", GUARD_ASKS_NOTHING },
                { "", GUARD_ASKS_NOTHING },
                { "opt/shop/bin/x", GUARD_ASKS_NOTHING },
                { "/srv/strict then known/x", GUARD_ASKS_STRICT },
                { "/srv/known then strict/x", GUARD_ASKS_STRICT },
        };

        guard_bases_clear(&bases);
        assert_int_equal(guard_bases_most(&bases), GUARD_ASKS_NOTHING);
        guard_bases_add(&bases, SPAN("/opt/shop/bin/safe"), GUARD_ASKS_STRICT);
        assert_int_equal(guard_bases_most(&bases), GUARD_ASKS_STRICT);
        guard_bases_add(&bases, SPAN("/opt/shop/bin"), GUARD_ASKS_KNOWN);
        guard_bases_add(&bases, SPAN("/srv/strict then known"), GUARD_ASKS_STRICT);
        guard_bases_add(&bases, SPAN("/srv/strict then known"), GUARD_ASKS_KNOWN);
        guard_bases_add(&bases, SPAN("/srv/known then strict"), GUARD_ASKS_KNOWN);
        guard_bases_add(&bases, SPAN("/srv/known then strict"), GUARD_ASKS_STRICT);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                if (guard_bases_find(&bases, span_str(cases[i].path)) != cases[i].want)
                        fail_msg("%s", cases[i].path);
        guard_bases_add(&bases, SPAN("/"), GUARD_ASKS_KNOWN);
        assert_int_equal(guard_bases_find(&bases, SPAN("/opt/shop")), GUARD_ASKS_KNOWN);
        assert_int_equal(guard_bases_find(&bases, SPAN("/opt/shop/bin/safe")), GUARD_ASKS_STRICT);
        guard_bases_clear(&bases);
        assert_int_equal(guard_bases_find(&bases, SPAN("/opt/shop/bin")), GUARD_ASKS_NOTHING);
        (void)state;
}

/* What finds no room is not forgotten: it matters everywhere then. */
static void test_full(void **state)
{
        static uint8_t longest[GUARD_BASES_TEXT + 1];
        char path[32];

        guard_bases_clear(&bases);
        for (int i = 0; i < GUARD_BASES_MAX; i++) {
                snprintf(path, sizeof path, "/b%d", i);
                guard_bases_add(&bases, span_str(path), GUARD_ASKS_KNOWN);
        }
        assert_int_equal(guard_bases_find(&bases, SPAN("/elsewhere")), GUARD_ASKS_NOTHING);
        guard_bases_add(&bases, SPAN("/one more"), GUARD_ASKS_STRICT);
        assert_int_equal(guard_bases_find(&bases, SPAN("/one more/x")), GUARD_ASKS_STRICT);
        assert_int_equal(guard_bases_find(&bases, SPAN("/elsewhere")), GUARD_ASKS_STRICT);

        memset(longest, 'x', sizeof longest);
        longest[0] = '/';
        guard_bases_clear(&bases);
        guard_bases_add(&bases, span_of(longest, sizeof longest), GUARD_ASKS_KNOWN);
        assert_int_equal(guard_bases_find(&bases, SPAN("/elsewhere")), GUARD_ASKS_KNOWN);
        guard_bases_clear(&bases);
        guard_bases_add(&bases, span_of(longest, sizeof longest - 1), GUARD_ASKS_KNOWN);
        assert_int_equal(guard_bases_find(&bases, SPAN("/elsewhere")), GUARD_ASKS_NOTHING);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
