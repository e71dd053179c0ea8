/* SPDX-License-Identifier: Apache-2.0 */
#include "command/log/filter.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ENTRY                                                                                               \
        "{\"_subj\":[\"c3ViamVjdC1zdWJqZWN0IQ\"],\"k\":\"integrity.change\",\"src\":{\"host\":\"h\","       \
        "\"proc\":\"sensor\",\"run\":1,\"seq\":2},\"t\":\"2026-11-25T18:00:00.000000000Z\",\"v\":1,"        \
        "\"what\":{\"change\":\"renamed\",\"from\":\"/tmp/x\",\"path\":\"/etc/ssh/sshd_config\"},\"who\":{" \
        "\"auid\":1000,\"exe\":\"/usr/bin/mv\",\"pid\":4321,\"uid\":0}}"
#define AT_NS 1795629600000000000LL /* date -d 2026-11-25T18:00Z +%s */

#define ONE(x)                                                                                     \
        {                                                                                          \
                .n = 1, .at = { x }                                                                \
        }

static const struct {
        const char *name;
        struct filter filter;
        bool want;
} samples[] = {
        { "nothing asked", { .has_since = false }, true },
        { "kind", { .kinds = ONE("integrity.change") }, true },
        { "kind glob", { .kinds = ONE("integrity.*") }, true },
        { "a family", { .kinds = ONE("integrity") }, true },
        { "a part of its name is no match", { .kinds = ONE("integ") }, false },
        { "either kind", { .kinds = { .n = 2, .at = { "api.*", "int*" } } }, true },
        { "path", { .paths = ONE("/etc/ssh/sshd_config") }, true },
        { "star crosses slashes", { .paths = ONE("/etc/*") }, true },
        { "path it came from", { .paths = ONE("/tmp/?") }, true },
        { "other path", { .paths = ONE("/etc/hosts") }, false },
        { "uid", { .actors = ONE("0") }, true },
        { "login uid", { .actors = ONE("1000") }, true },
        { "pid", { .actors = ONE("4321") }, true },
        { "program", { .actors = ONE("mv") }, true },
        { "program with path", { .actors = ONE("/usr/bin/mv") }, true },
        { "process of Assay", { .actors = ONE("sensor") }, true },
        { "subject", { .actors = ONE("c3ViamVjdC1zdWJqZWN0IQ") }, true },
        { "part of a number", { .actors = ONE("432") }, false },
        { "nobody", { .actors = ONE("alice") }, false },
        { "since then", { .has_since = true, .since_ns = AT_NS }, true },
        { "since later", { .has_since = true, .since_ns = AT_NS + 1 }, false },
        { "until then", { .has_until = true, .until_ns = AT_NS }, false },
        { "until later", { .has_until = true, .until_ns = AT_NS + 1 }, true },
        { "all of them",
          { .kinds = ONE("integrity.*"), .actors = ONE("0"), .paths = ONE("/x") },
          false },
};

static void matches(void **state)
{
        struct err err = { 0 };
        struct view v;

        view_init(&v);
        assert_int_equal(view_open(&v, 0, SPAN(ENTRY), &err), 0);
        for (size_t i = 0; i < ARRAY_LEN(samples); i++)
                if (filter_match(&samples[i].filter, &v) != samples[i].want)
                        fail_msg("%s", samples[i].name);
        view_done(&v);
}

static void no_envelope(void **state)
{
        struct filter kinds = { .kinds = ONE("*.*") }, times = { .has_until = true, .until_ns = 1 };
        struct filter none = { .has_since = false };
        struct err err = { 0 };
        struct view v;

        view_init(&v);
        assert_int_equal(view_open(&v, 0, SPAN("{\"a\":1}"), &err), 0);
        assert_true(filter_match(&none, &v));
        assert_false(filter_match(&kinds, &v));
        assert_false(filter_match(&times, &v));
        view_done(&v);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(matches),
                cmocka_unit_test(no_envelope),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
