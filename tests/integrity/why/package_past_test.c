/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/package_past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define INFO "/var/lib/dpkg/info/"

enum { TEXT_MAX = 1024 };

static void hear(struct buf *out, uint64_t index, const char *kind, const char *path,
                 const char *change, const char *state, const char *proc)
{
        char text[TEXT_MAX];
        int n = snprintf(text, sizeof text,
                         "{\"id\":\"x\",\"k\":\"%s\",\"src\":{\"host\":\"h\",\"proc\":\"%s\","
                         "\"run\":1,\"seq\":1},\"t\":\"2026-11-21T18:00:00.000000000Z\",\"v\":1,"
                         "\"what\":{\"change\":\"%s\",\"path\":\"%s\"},\"why\":{\"state\":\"%s\"}}",
                         kind, proc, change, path, state);

        assert_in_range(n, 1, TEXT_MAX - 1);
        package_past_hear(out, index, span_of(text, (size_t)n), *proc == '\0');
}

static void note(void *ctx, struct span path, bool changed)
{
        buf_printf(ctx, "%c%.*s ", changed ? '+' : '-', (int)path.n, (const char *)path.p);
}

static void test_what_counts(void **state)
{
        static const struct {
                const char *kind, *path, *change, *why, *proc, *want;
        } cases[] = {
                { "integrity.change", INFO "a.postinst", "modified", "unexplained", "sensor",
                  "+" INFO "a.postinst " },
                { "integrity.change", INFO "a.postinst", "deleted", "unexplained", "sensor",
                  "+" INFO "a.postinst " },
                { "integrity.change", INFO "a.list", "replaced", "package", "sensor",
                  "-" INFO "a.list " },
                { "integrity.change", INFO "a.postinst", "modified", "change", "sensor",
                  "-" INFO "a.postinst " },
                { "integrity.change", INFO "a.postinst", "attributes", "change", "sensor", "" },
                { "integrity.change", INFO "a.postinst", "modified", "volatile", "sensor", "" },
                { "integrity.change", INFO "a.postinst", "deleted", "package", "sensor", "" },
                { "integrity.change", "/opt" INFO "a.postinst", "modified", "package", "sensor",
                  "" },
                { "integrity.change", INFO "a.postinst", "modified", "package", "hub", "" },
                { "integrity.change", INFO "a.postinst", "modified", "unexplained", "",
                  "+" INFO "a.postinst " }, /* a skeleton */
                { "integrity.denied", INFO "a.postinst", "modified", "package", "sensor", "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(buf_done) struct buf kept = BUF_INIT(TEXT_MAX), said = BUF_INIT(TEXT_MAX);

                hear(&kept, 7, cases[i].kind, cases[i].path, cases[i].change, cases[i].why,
                     cases[i].proc);
                assert_int_equal(package_past_apply(buf_span(&kept), note, &said), 0);
                if (!span_eq_str(buf_span(&said), cases[i].want))
                        fail_msg("case %zu: %s", i, buf_cstr(&said));
        }
        (void)state;
}

/* The ledger is read backwards, and a little of it forwards: its own order counts. */
static void test_order_and_room(void **state)
{
        CLEANUP(buf_done) struct buf kept = BUF_INIT(TEXT_MAX), said = BUF_INIT(TEXT_MAX);
        CLEANUP(buf_done) struct buf small = BUF_INIT(16);

        hear(&kept, 300, "integrity.change", INFO "b.prerm", "modified", "unexplained", "sensor");
        hear(&kept, 2, "integrity.change", INFO "a.prerm", "modified", "unexplained", "sensor");
        hear(&kept, 299, "integrity.change", INFO "a.prerm", "created", "package", "sensor");
        assert_int_equal(package_past_apply(buf_span(&kept), note, &said), 0);
        assert_string_equal(buf_cstr(&said), "+" INFO "a.prerm -" INFO "a.prerm +" INFO "b.prerm ");
        hear(&small, 2, "integrity.change", INFO "a.prerm", "modified", "unexplained", "sensor");
        assert_true(buf_status(&small) < 0);
        package_past_hear(&kept, 1, SPAN("{\"" INFO), false);
        package_past_hear(&kept, 1, SPAN_NONE, false);
        buf_clear(&said);
        assert_int_equal(package_past_apply(span_of(kept.p, kept.n - 1), note, &said), 0);
        assert_string_equal(buf_cstr(&said), "+" INFO "a.prerm +" INFO "b.prerm ");
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_counts),
                                            cmocka_unit_test(test_order_and_room) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
