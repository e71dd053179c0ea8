/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange/refusal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Metrics and entries go by the names: every reason has one, and no two the same. */
static void reasons_are_told_apart(void **state)
{
        for (int i = REFUSED_NOT + 1; i < REFUSED_REASONS; i++) {
                const struct refusal_about *a = refusal_about((enum refusal_reason)i);

                assert_non_null(a->name);
                assert_non_null(a->title);
                assert_in_range(a->status, 400, 504);
                for (int j = i + 1; j < REFUSED_REASONS; j++)
                        if (strcmp(a->name, refusal_about((enum refusal_reason)j)->name) == 0)
                                fail_msg("%d and %d are both \"%s\"", i, j, a->name);
        }
}

/* RFC 9110, "Status Codes": what a caller may conclude from each. */
static void statuses_are_those_of_http(void **state)
{
        static const struct {
                enum refusal_reason reason;
                uint16_t status;
        } t[] = {
                { REFUSED_TARGET, 400 },   { REFUSED_NO_CREDENTIAL, 401 },
                { REFUSED_POLICY, 403 },   { REFUSED_PATH, 404 },
                { REFUSED_METHOD, 405 },   { REFUSED_SIZE, 413 },
                { REFUSED_MEDIA, 415 },    { REFUSED_QUOTA, 429 },
                { REFUSED_BACKEND, 502 },  { REFUSED_BACKEND_TIME, 504 },
                { REFUSED_RECORDER, 503 }, { REFUSED_KEYS, 503 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                assert_int_equal(refusal_about(t[i].reason)->status, t[i].status);
}

static void a_text_is_cut_on_a_character(void **state)
{
        char many[2 * REFUSAL_TEXT_MAX + 1];
        struct refusal r = { 0 };

        for (size_t i = 0; i + 1 < sizeof many; i += 2) {
                many[i] = '\xc3';
                many[i + 1] = '\xa9';
        }
        many[sizeof many - 1] = 0;
        assert_int_equal(refuse(&r, REFUSED_BODY, "%s", many), -EACCES);
        assert_int_equal(r.reason, REFUSED_BODY);
        assert_int_equal(strlen(r.text), REFUSAL_TEXT_MAX - 2);
        assert_memory_equal(r.text, many, REFUSAL_TEXT_MAX - 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reasons_are_told_apart),
                cmocka_unit_test(statuses_are_those_of_http),
                cmocka_unit_test(a_text_is_cut_on_a_character),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
