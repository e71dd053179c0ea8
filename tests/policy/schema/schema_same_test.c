/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/schema/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ALL                                                                                        \
        "entity G; entity U in [G] = { a: Long, b?: Set<String>, c: { d: E } } tags Bool;\n"       \
        "entity E enum [\"x\", \"y\"]; action p; action \"q\" in [p] appliesTo {\n"                \
        "principal: [U], resource: [U, G], context: { when: datetime } };\n"

static struct cedar_schema *read_schema(const char *text)
{
        struct cedar_schema *s = NULL;
        struct err err = { 0 };

        if (cedar_schema_parse(span_str(text), &s, &err) < 0)
                fail_msg("%s: %s", text, err.text);
        return s;
}

static bool same(const char *a, const char *b)
{
        CLEANUP(cedar_schema_freep) struct cedar_schema *x = read_schema(a), *y = read_schema(b);

        assert_int_equal(cedar_schema_same(x, y), cedar_schema_same(y, x));
        return cedar_schema_same(x, y);
}

static void how_it_is_written_does_not_matter(void **state)
{
        (void)state;
        assert_true(same("", "// nothing\n"));
        assert_true(same(ALL, ALL));
        assert_true(same(ALL, "action \"p\"; action q in p appliesTo { principal: U, // who\n"
                              "resource: [U, G], context: { \"when\": T } }; type T = datetime;\n"
                              "entity E enum [\"y\", \"x\"]; type C = { d: E }; entity G;"
                              "entity U in G { c: C, b?: Set<String>, a: Long } tags Bool;"));
}

/* Each is ALL with one thing that is another. */
static void what_it_says_does(void **state)
{
        static const struct {
                const char *find, *with;
        } rows[] = {
                { "entity G;", "entity G = { x: Long };" },
                { "entity U in [G]", "entity U" },
                { "entity U in [G]", "entity U in [G, U]" },
                { "entity U in [G]", "entity U in [E]" },
                { "a: Long", "a: String" },
                { "a: Long", "a?: Long" },
                { "a: Long", "z: Long" },
                { "a: Long, ", "" },
                { "b?: Set<String>", "b?: Set<Long>" },
                { "b?: Set<String>", "b?: String" },
                { "d: E", "d: G" },
                { "d: E", "d: E, e: Long" },
                { " tags Bool", "" },
                { " tags Bool", " tags Long" },
                { "\"x\", \"y\"", "\"x\"" },
                { "\"x\", \"y\"", "\"x\", \"z\"" },
                { "action p;", "action p, r;" },
                { "\"q\" in [p]", "\"q\"" },
                { "\"q\" in [p]", "\"s\" in [p]" },
                { "principal: [U]", "principal: [G]" },
                { "resource: [U, G]", "resource: [U]" },
                { "when: datetime", "when: duration" },
                { "when: datetime", "when?: datetime" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const char *at = strstr(ALL, rows[i].find);
                char text[1000];

                assert_non_null(at);
                snprintf(text, sizeof text, "%.*s%s%s", (int)(at - ALL), ALL, rows[i].with,
                         at + strlen(rows[i].find));
                if (same(ALL, text))
                        fail_msg("%s -> %s: the same", rows[i].find, rows[i].with);
        }
}

/* Forty common types of which each names the next one twice: a million million places. */
static void it_ends(void **state)
{
        char text[4000] = "entity U = { a: T0 };";

        (void)state;
        for (unsigned i = 0; i < 40; i++)
                snprintf(text + strlen(text), sizeof text - strlen(text),
                         "type T%u = { a: T%u, b: T%u };", i, i + 1, i + 1);
        strncat(text, "type T40 = Long;", sizeof text - strlen(text) - 1);
        assert_false(same(text, text));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(how_it_is_written_does_not_matter),
                cmocka_unit_test(what_it_says_does),
                cmocka_unit_test(it_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
