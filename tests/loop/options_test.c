/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS_MAX = 24 };

struct sample {
        bool all;
        const char *name;
        struct option_u64 limit;
        struct option_texts kinds;
};

static const struct option_spec specs[] = {
        { "all", 'a', OPTION_FLAG, offsetof(struct sample, all), NULL, "all" },
        { "name", 'n', OPTION_TEXT, offsetof(struct sample, name), "NAME", "name" },
        { "limit", 0, OPTION_U64, offsetof(struct sample, limit), "N", "limit" },
        { "kind", 'k', OPTION_TEXTS, offsetof(struct sample, kinds), "GLOB", "kind" },
        { 0 },
};

static int parse(const char *const *words, struct sample *ret, int *ret_first, char **argv,
                 struct err *err)
{
        struct option_set set = { specs, ret };
        int argc = 0;

        memset(ret, 0, sizeof(*ret));
        for (; words[argc]; argc++)
                argv[argc] = (char *)(uintptr_t)words[argc];
        argv[argc] = NULL;
        return options_parse(argc, argv, &set, 1, ret_first, err);
}

static void fills_members(void **state)
{
        const char *words[] = { "cmd", "one",    "--limit=18446744073709551615",
                                "-a",  "two",    "-k",
                                "x",   "--kind", "y",
                                "--",  "-n",     NULL };
        char *argv[WORDS_MAX];
        struct sample s;
        struct err err;
        int first;

        assert_int_equal(parse(words, &s, &first, argv, &err), 0);
        assert_true(s.all);
        assert_null(s.name);
        assert_true(s.limit.given);
        assert_int_equal(s.limit.value, UINT64_MAX);
        assert_int_equal(s.kinds.n, 2);
        assert_string_equal(s.kinds.at[0], "x");
        assert_string_equal(s.kinds.at[1], "y");
        assert_string_equal(argv[first], "one");
        assert_string_equal(argv[first + 1], "two");
        assert_string_equal(argv[first + 2], "-n");
        assert_null(argv[first + 3]);
}

static void refuses(void **state)
{
        static const struct {
                const char *words[WORDS_MAX];
                const char *want;
        } t[] = {
                { { "cmd", "--nothing" }, "unknown option --nothing" },
                { { "cmd", "-z" }, "unknown option -z" },
                { { "cmd", "-az" }, "unknown option -z" },
                { { "cmd", "--all=yes" }, "option --all takes no value" },
                { { "cmd", "--name" }, "option --name needs a value (NAME)" },
                { { "cmd", "-n" }, "option --name needs a value (NAME)" },
                { { "cmd", "--name=" }, "option --name: the value is empty" },
                { { "cmd", "--limit", "-1" }, "option --limit: \"-1\" is not a whole number" },
                { { "cmd", "--limit", "1x" }, "option --limit: \"1x\" is not a whole number" },
                { { "cmd", "--limit", "18446744073709551616" },
                  "option --limit: \"18446744073709551616\" is not a whole number" },
                { { "cmd", "-k1", "-k2", "-k3", "-k4", "-k5", "-k6", "-k7", "-k8", "-k9", "-k10",
                    "-k11", "-k12", "-k13", "-k14", "-k15", "-k16", "-k17" },
                  "option --kind is given more than 16 times" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                char *argv[WORDS_MAX];
                struct err err = { 0 };
                struct sample s;
                int first = 77;

                assert_int_equal(parse(t[i].words, &s, &first, argv, &err), -EINVAL);
                assert_string_equal(err_text(&err), t[i].want);
                assert_int_equal(first, 77);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fills_members),
                cmocka_unit_test(refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
