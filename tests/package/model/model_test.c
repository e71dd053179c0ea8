/* SPDX-License-Identifier: Apache-2.0 */
#include "package/model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void methods_have_their_names_of_http(void **state)
{
        static const struct {
                const char *name;
                enum api_method method;
        } table[] = {
                { "GET", API_GET },         { "HEAD", API_HEAD },   { "POST", API_POST },
                { "PUT", API_PUT },         { "PATCH", API_PATCH }, { "DELETE", API_DELETE },
                { "OPTIONS", API_OPTIONS }, { "", API_METHODS },    { "get", API_METHODS },
                { "GETS", API_METHODS },    { "GE", API_METHODS },  { "TRACE", API_METHODS },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                assert_int_equal(api_method_of(span_str(table[i].name)), table[i].method);
                if (table[i].method != API_METHODS)
                        assert_string_equal(api_method_name(table[i].method), table[i].name);
        }
}

static void places_have_their_names_of_openapi(void **state)
{
        (void)state;
        assert_string_equal(api_place_name(API_IN_PATH), "path");
        assert_string_equal(api_place_name(API_IN_QUERY), "query");
        assert_string_equal(api_place_name(API_IN_HEADER), "header");
        assert_string_equal(api_place_name(API_IN_COOKIE), "cookie");
}

static void an_operation_is_found_by_its_id(void **state)
{
        static const struct api_operation operations[] = {
                { .id = SPAN_INIT("a") },
                { .id = SPAN_INIT("a.b") },
                { .id = SPAN_INIT("ab") },
        };
        const struct api empty = { 0 };
        const struct api api = { .operations = operations, .n_operations = ARRAY_LEN(operations) };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(operations); i++)
                assert_ptr_equal(api_operation(&api, operations[i].id), &operations[i]);
        assert_null(api_operation(&api, SPAN("")));
        assert_null(api_operation(&api, SPAN("b")));
        assert_null(api_operation(&empty, SPAN("a")));
}

static void nothing_is_freed_of_none(void **state)
{
        struct api *a = calloc(1, sizeof *a);

        (void)state;
        assert_non_null(a);
        a->arena = ARENA_INIT(1024);
        assert_non_null(arena_alloc(&a->arena, 10));
        assert_null(api_free(a));
        assert_null(api_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(methods_have_their_names_of_http),
                cmocka_unit_test(places_have_their_names_of_openapi),
                cmocka_unit_test(an_operation_is_found_by_its_id),
                cmocka_unit_test(nothing_is_freed_of_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
