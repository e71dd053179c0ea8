/* SPDX-License-Identifier: Apache-2.0 */
#include "package/source/source.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* { a: 1, "": 2, ab: 3 }, beside [] and "a". */
static const struct source_node ab = { .kind = SOURCE_NUMBER,
                                       .text = SPAN_INIT("3"),
                                       .key = SPAN_INIT("ab") };
static const struct source_node nothing = { .kind = SOURCE_NUMBER,
                                            .text = SPAN_INIT("2"),
                                            .next = &ab };
static const struct source_node a = {
        .kind = SOURCE_NUMBER, .text = SPAN_INIT("1"), .key = SPAN_INIT("a"), .next = &nothing
};
static const struct source_node map = { .kind = SOURCE_MAP, .n = 3, .child = &a };
static const struct source_node list = { .kind = SOURCE_LIST, .n = 3, .child = &a };
static const struct source_node text = { .kind = SOURCE_STRING, .text = SPAN_INIT("a") };
static const struct source_node empty = { .kind = SOURCE_MAP };

static void members_are_found_by_key(void **state)
{
        static const struct {
                const struct source_node *in;
                const char *key;
                const struct source_node *want;
        } table[] = {
                { &map, "a", &a },     { &map, "", &nothing }, { &map, "ab", &ab },
                { &map, "b", NULL },   { &map, "abc", NULL },  { &map, "A", NULL },
                { &list, "a", NULL },  { &list, "", NULL },    { &text, "a", NULL },
                { &empty, "a", NULL }, { &empty, "", NULL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                assert_ptr_equal(source_get(table[i].in, table[i].key), table[i].want);
}

static void kinds_have_names_for_messages(void **state)
{
        (void)state;
        assert_string_equal(source_kind_name(SOURCE_NULL), "null");
        assert_string_equal(source_kind_name(SOURCE_BOOL), "true or false");
        assert_string_equal(source_kind_name(SOURCE_NUMBER), "a number");
        assert_string_equal(source_kind_name(SOURCE_ODD_NUMBER), "a number that JSON has not");
        assert_string_equal(source_kind_name(SOURCE_STRING), "a string");
        assert_string_equal(source_kind_name(SOURCE_LIST), "a list");
        assert_string_equal(source_kind_name(SOURCE_MAP), "a map");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(members_are_found_by_key),
                cmocka_unit_test(kinds_have_names_for_messages),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
