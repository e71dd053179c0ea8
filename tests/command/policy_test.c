/* SPDX-License-Identifier: Apache-2.0 */
#include "command/policy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"

static void reads_how_long(void **state)
{
        static const struct {
                const char *file;
                int64_t hours;
        } t[] = {
                { "keep: 400d\n", 9600 },
                { "keep: 400d", 9600 },
                { "# ours\n\ntitle: retention\nkeep:\t2w   # two weeks\r\nowner: keeper\n", 336 },
                { "keep:36h\n", 36 },
                { "  keep: 1d\nkeep: 2d\n", 48 }, /* only at the beginning of a line */
                { "keeper: 1d\nkeep: 3d\n", 72 },
                { "keep: 54900d", 1317600 }, /* 150 leap years, and no more */
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };
                int64_t ns = 0;

                if (policy_keep(span_str(t[i].file), &ns, &err) < 0)
                        fail_msg("%s: %s", t[i].file, err_text(&err));
                assert_int_equal(ns, t[i].hours * 3600 * NS_PER_S);
        }
}

static void refuses(void **state)
{
        static const struct {
                const char *file;
                const char *want;
        } t[] = {
                { "", "there is no line \"keep: 400d\"" },
                { "retention: 400d\n", "there is no line \"keep: 400d\"" },
                { " keep: 400d\n", "there is no line \"keep: 400d\"" },
                { "a: b\nkeep: 400\n", "line 2: \"keep: 400d\" wants a number and h, d or w" },
                { "keep: d\n", "line 1: \"keep: 400d\" wants a number and h, d or w" },
                { "keep:\n", "line 1: \"keep: 400d\" wants a number and h, d or w" },
                { "keep: 0d\n", "line 1: \"keep: 400d\" wants a number and h, d or w" },
                { "keep: -1d\n", "line 1: \"keep: 400d\" wants a number and h, d or w" },
                { "keep: 1y\n", "line 1: \"keep: 400d\" wants a number and h, d or w" },
                { "keep: 54901d\n", "line 1: \"keep: 400d\" wants a number and h, d or w" },
                { "keep: 1d\nkeep: 2d\n", "line 2: \"keep\" stands there a second time" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };
                int64_t ns = 42;

                assert_int_equal(policy_keep(span_str(t[i].file), &ns, &err), -EINVAL);
                assert_string_equal(err_text(&err), t[i].want);
                assert_int_equal(ns, 42);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_how_long),
                cmocka_unit_test(refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
