/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ast/same.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../parsed.h"

static void expect(const char *a, const char *b, bool want)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *x = parsed(span_str(a));
        CLEANUP(cedar_policies_freep) struct cedar_policies *y = parsed(span_str(b));

        if (cedar_policies_same(x, y) != want || cedar_policies_same(y, x) != want)
                fail_msg("%s\n%s", a, b);
}

#define ALL "permit (principal, action, resource)"

static void where_it_stands_does_not_matter(void **state)
{
        static const char *const table[][2] = {
                { "", "\n" },
                { ALL ";", "permit(principal,\naction,resource)\n;" },
                { ALL " when { ((context.a) - 1) - 2 == 3 };",
                  ALL " when { context[\"a\"] - 1 - 2 == 3 };" },
                { ALL " when { {a: 1, b: 2} == context };",
                  ALL " when { {\"b\": 2, a: 1} == context };" },
                { "// x\n" ALL ";", "  // x   \n\n" ALL ";" },
                { "@a(\"b\") " ALL ";", "@a ( \"b\" )\n" ALL ";" },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                expect(table[i][0], table[i][1], true);
}

/* Each is what a printer with one mistake would make of the other. */
static void what_it_says_does(void **state)
{
        static const char *const table[][2] = {
                { ALL ";", "" },
                { ALL ";", ALL ";" ALL ";" },
                { ALL ";", "forbid (principal, action, resource);" },
                { ALL " when { 1 - (2 - 3) == 2 };", ALL " when { 1 - 2 - 3 == 2 };" },
                { ALL " when { !(context.a && context.b) };",
                  ALL " when { !context.a && context.b };" },
                { ALL " when { context.a };", ALL " unless { context.a };" },
                { ALL " when { context.a };", ALL " when { context.a } when { true };" },
                { ALL " when { \"a\" like \"\\*\" };", ALL " when { \"a\" like \"*\" };" },
                { ALL " when { context has a.b };", ALL " when { context has a };" },
                { ALL " when { [1, 2].isEmpty() };", ALL " when { [1].isEmpty() };" },
                { ALL " when { {a: 1} == {} };", ALL " when { {b: 1} == {} };" },
                { ALL " when { ip(\"::1\").isIpv4() };", ALL " when { ip(\"::1\").isIpv6() };" },
                { "@a " ALL ";", ALL ";" },
                { "@a(\"b\") " ALL ";", "@a(\"c\") " ALL ";" },
                { "@a " ALL ";", "@a(\"\") " ALL ";" },
                { "permit (principal == A::\"b\", action, resource);",
                  "permit (principal in A::\"b\", action, resource);" },
                { "permit (principal == A::\"b\", action, resource);",
                  "permit (principal == A::\"c\", action, resource);" },
                { "permit (principal == ?principal, action, resource);",
                  "permit (principal in ?principal, action, resource);" },
                { "permit (principal is A, action, resource);",
                  "permit (principal is B, action, resource);" },
                { "permit (principal, action in [Action::\"a\"], resource);",
                  "permit (principal, action in [], resource);" },
                { "permit (principal, action, resource in A::\"b\");",
                  "permit (principal, action, resource is A in A::\"b\");" },
                { "// x\n" ALL ";", ALL ";" },
                { "// x\n" ALL ";", "// y\n" ALL ";" },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                expect(table[i][0], table[i][1], false);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(where_it_stands_does_not_matter),
                cmocka_unit_test(what_it_says_does),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
