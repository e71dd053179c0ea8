/* SPDX-License-Identifier: Apache-2.0 */
/* What validates was asked of Cedar's own validator in strict mode, version 4.9.1. */
#include "policy/validate/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../../alloc_fail.h"
#include "policy/parse/parse.h"

static const char schema_text[] =
        "entity Group; entity E enum [\"a\", \"b\"];"
        "entity User in [Group] { name: String, age?: Long, rec: { x: Long, y?: { z?: Bool } },"
        "  flag: Bool, mgr?: User, ip?: __cedar::ipaddr } tags String;"
        "entity Doc in [Doc] { owner: User, opt?: { a: Long } };"
        "entity Plain;"
        "action \"g\"; action \"h\" in [\"g\"];"
        "action \"view\" in [\"g\"] appliesTo { principal: [User], resource: [Doc], context:"
        "  { n: Long, o?: String, s: Set<String>, us: Set<User>, d: datetime } };"
        "action \"edit\" appliesTo { principal: [User, Plain], resource: [Doc], context: {} };"
        "namespace N { action \"look\" appliesTo { principal: [User], resource: [Doc] }; }";

enum want {
        FINE,
        WRONG,
        NEVER, /* valid, and never decides anything */
};

/* Conditions of permit(principal, action == Action::"view", resource). */
static const struct {
        const char *when;
        enum want want;
} conditions[] = {
        /* equality */
        { "1 == \"a\"", NEVER },
        { "-1 == \"a\"", NEVER },
        { "-(1) == \"a\"", WRONG },
        { "1 + 1 == \"a\"", WRONG },
        { "true == 1", NEVER },
        { "1 == 1", FINE },
        { "(1 == 2) && principal.nope", NEVER },
        { "principal == resource", NEVER },
        { "principal == E::\"a\"", NEVER },
        { "E::\"a\" == E::\"b\"", NEVER },
        { "User::\"x\" == User::\"x\"", FINE },
        { "principal.rec == {x: 1}", WRONG },
        { "principal.rec == {x: 1, y: {z: true}}", WRONG },
        { "{a: 1} == {a: 2}", FINE },
        { "{a: 1} == {b: 2}", WRONG },
        { "{a: 1, b: principal} == {a: 2, b: resource}", WRONG },
        { "1 != \"a\"", FINE },
        { "action == Action::\"edit\"", NEVER },
        { "action == Action::\"view\"", FINE },
        { "principal == Action::\"view\"", NEVER },
        /* names */
        { "principal is Nope", WRONG },
        { "principal is Foo::Action", NEVER },
        { "principal == E::\"c\"", WRONG },
        { "false && principal == E::\"c\"", WRONG },
        { "false && Nope::\"x\" == principal", WRONG },
        { "action in [Action::\"g\", Action::\"nope\"]", WRONG },
        { "action == Foo::Action::\"view\"", WRONG },
        /* in, is */
        { "principal in action", NEVER },
        { "action in principal", NEVER },
        { "action in Action::\"g\"", FINE },
        { "action in Group::\"a\"", NEVER },
        { "action in [principal]", NEVER },
        { "action in principal.rec", WRONG },
        { "Action::\"view\" in [action]", FINE },
        { "Action::\"g\" in Action::\"view\"", NEVER },
        { "principal in context.us", FINE },
        { "principal in [Group::\"x\", User::\"y\"]", WRONG },
        { "principal in [Doc::\"x\"]", NEVER },
        { "resource in [Doc::\"a\"]", FINE },
        { "1 in principal", WRONG },
        { "principal in 1", WRONG },
        { "principal is User in Group::\"a\"", FINE },
        { "principal is User in Doc::\"a\"", NEVER },
        { "principal is Doc in 1", NEVER },
        { "principal is Action", NEVER },
        { "principal is Doc && principal.nope", NEVER },
        { "action is Action", FINE },
        /* attributes */
        { "principal.nope", WRONG },
        { "principal.flag", FINE },
        { "principal[\"name\"] == \"a\"", FINE },
        { "action has foo", NEVER },
        { "action.foo == 1", WRONG },
        { "principal.age == 1", WRONG },
        { "principal has age && principal.age == 1", FINE },
        { "principal has \"age\" && principal[\"age\"] == 1", FINE },
        { "principal has age && User::\"a\".age == 1", WRONG },
        { "!(principal has age) || principal.age == 1", WRONG },
        { "!(!(principal has age)) && principal.age == 1", WRONG },
        { "if principal has age then principal.age == 1 else false", FINE },
        { "if principal has age then false else principal.age == 1", WRONG },
        { "(principal has age || principal has mgr) && principal.age == 1", WRONG },
        { "(principal has age && true || principal has age) && principal.age == 1", FINE },
        { "(false || principal has age) && principal.age == 1", FINE },
        { "(principal has age || false) && principal.age == 1", FINE },
        { "(if principal has age then true else false) && principal.age == 1", WRONG },
        { "(if true then principal has age else false) && principal.age == 1", FINE },
        { "principal.rec has y.z && principal.rec.y.z", FINE },
        { "principal.rec has y && principal.rec.y has z && principal.rec.y.z", FINE },
        { "principal.rec has y && principal[\"rec\"][\"y\"] has z", FINE },
        { "principal.rec.y.z", WRONG },
        { "principal.rec has x.z", WRONG },
        { "principal has rec.y.z", FINE },
        { "principal has nope.y", NEVER },
        { "context has n && principal has name", FINE },
        { "context.o == \"x\"", WRONG },
        { "context has o && context.o == \"x\"", FINE },
        { "principal has mgr && principal.mgr has mgr && principal.mgr.mgr.name == \"x\"", FINE },
        { "{a: principal, b: 1}.a has age && {b: 1, a: principal}.a.age == 1", FINE },
        { "{a: true}.a", FINE },
        { "{a: false}.a && principal.nope", NEVER },
        { "(if context.n == 1 then principal else resource) has name", WRONG },
        /* tags */
        { "action.hasTag(\"x\") && action.getTag(\"x\") == \"y\"", NEVER },
        { "resource.hasTag(\"x\") && resource.getTag(\"x\") == \"y\"", NEVER },
        { "resource.getTag(\"x\") == \"y\"", WRONG },
        { "principal.getTag(\"x\") == \"y\"", WRONG },
        { "principal.hasTag(\"x\") && principal.getTag(\"x\") == \"y\"", FINE },
        { "principal.hasTag(\"x\") && principal.getTag(\"y\") == \"y\"", WRONG },
        { "principal.hasTag(principal.name) && principal.getTag(principal.name) == \"y\"", FINE },
        { "(principal.hasTag(\"a\") || principal.hasTag(\"b\")) && principal.getTag(\"a\") == \"x\"",
          WRONG },
        { "principal.hasTag(1)", WRONG },
        { "\"a\".hasTag(\"b\")", WRONG },
        /* sets */
        { "[1, \"a\"].contains(1)", WRONG },
        { "[].contains(1)", WRONG },
        { "[true, false].contains(1 == 2)", FINE },
        { "[1].contains(\"a\")", WRONG },
        { "1.contains(2)", WRONG },
        { "[1].containsAll(1)", WRONG },
        { "[1].containsAll([1, 2])", FINE },
        { "[1].containsAny([\"a\"])", WRONG },
        { "context.us.containsAny([principal])", FINE },
        { "context.s.isEmpty()", FINE },
        { "{a: 1}.isEmpty()", WRONG },
        { "[principal, 1 + \"a\"].contains(principal)", WRONG },
        /* numbers, strings, order */
        { "context.n < 1", FINE },
        { "context.n > 1 || principal.name", WRONG },
        { "context.n + \"a\" == 1", WRONG },
        { "9223372036854775807 + 1 == 2", FINE },
        { "-context.s == 1", WRONG },
        { "!context.n", WRONG },
        { "context.d < datetime(\"2024-01-01\")", FINE },
        { "context.d < 1", WRONG },
        { "decimal(\"1.0\") < decimal(\"2.0\")", WRONG },
        { "\"abc\" like \"a*\"", FINE },
        { "context.n like \"a*\"", WRONG },
        /* functions */
        { "ip(\"1.1.1.1\").isInRange(ip(\"1.1.1.1\"), ip(\"1.1.1.1\"))", WRONG },
        { "ip().isIpv4()", WRONG },
        { "ip(1).isIpv4()", WRONG },
        { "ip(context.o).isIpv4()", WRONG },
        { "ip(\"x\").isIpv4()", WRONG },
        { "ip(\"::1\").isIpv4()", FINE },
        { "principal.isIpv4()", WRONG },
        { "false && decimal(\"zz\").lessThan(1)", NEVER },
        /* if */
        { "(if true then 1 else \"a\") == 1", FINE },
        { "(if context.n == 1 then 1 else \"a\") == 1", WRONG },
        { "1", WRONG },
        { "context", WRONG },
};

/* Policies, each alone in its text. */
static const struct {
        const char *policy;
        enum want want;
} policies[] = {
        { "permit(principal == Doc::\"a\", action, resource);", WRONG },
        { "permit(principal == E::\"z\", action, resource);", WRONG },
        { "permit(principal, action == Action::\"g\", resource);", WRONG },
        { "permit(principal, action in Action::\"g\", resource);", FINE },
        { "permit(principal, action in [], resource);", WRONG },
        { "permit(principal, action in [N::Action::\"look\"], resource);", FINE },
        { "permit(principal, action in [Action::\"view\", N::Action::\"look\"], resource);",
          WRONG },
        { "permit(principal is Plain, action == Action::\"view\", resource);", WRONG },
        { "permit(principal in Group::\"a\", action, resource) when { principal.name == \"a\" };",
          FINE },
        { "permit(principal, action, resource) when { principal.name == \"a\" };", WRONG },
        { "permit(principal, action, resource)"
          " when { principal is User && principal.name == \"a\" };",
          FINE },
        { "permit(principal, action, resource) when { false };", NEVER },
        { "permit(principal, action, resource) unless { true };", NEVER },
        { "permit(principal, action == Action::\"zz\", resource);", WRONG },
        { "permit(principal is Nope, action, resource);", WRONG },
        { "permit(principal in Nope::\"x\", action, resource);", WRONG },
        { "permit(principal in Doc::\"x\", action, resource);", WRONG },
        { "permit(principal, action, resource is Action);", WRONG },
        { "permit(principal, action in [Action::\"view\", Action::\"nope\"], resource);", WRONG },
        { "permit(principal, action, resource)"
          " when { action == Action::\"view\" && context.n == 1 };",
          FINE },
        { "permit(principal, action, resource) when { context has n && context.n == 1 };", FINE },
        { "permit(principal is User, action, resource)"
          " when { principal has age } when { principal.age == 1 };",
          FINE },
        { "permit(principal is User, action, resource)"
          " unless { principal has age } when { principal.age == 1 };",
          WRONG },
        { "permit(principal == ?principal, action == Action::\"view\", resource in ?resource)"
          " when { principal.name == \"x\" };",
          FINE },
        { "permit(principal in ?principal, action, resource) when { principal.name == \"x\" };",
          WRONG },
};

static struct cedar_schema *the_schema(void)
{
        struct cedar_schema *s = NULL;
        struct err err = { 0 };

        if (cedar_schema_parse(span_str(schema_text), &s, &err) < 0)
                fail_msg("schema: %s", err_text(&err));
        return s;
}

static void validate(const char *text, const struct cedar_schema *s, struct arena *arena,
                     struct cedar_findings *ret, struct cedar_policies **ret_policies)
{
        struct err err = { 0 };

        if (cedar_parse(span_str(text), ret_policies, &err) < 0)
                fail_msg("%s: %s", text, err_text(&err));
        assert_int_equal(cedar_validate(*ret_policies, s, arena, ret, &err), 0);
}

static void assert_want(const char *text, const struct cedar_schema *s, enum want want)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct cedar_policies *p = NULL;
        struct cedar_findings f = { 0 };

        validate(text, s, &arena, &f, &p);
        if ((f.n_errors > 0) != (want == WRONG) || (want != WRONG && (f.n > 0) != (want == NEVER)))
                fail_msg("%s: %u errors, %u findings: %s", text, f.n_errors, f.n,
                         f.n ? f.list[0].text : "");
        cedar_policies_free(p);
        arena_done(&arena);
}

static void judges_as_the_official_validator(void **state)
{
        struct cedar_schema *s = the_schema();

        for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
                char text[512];

                snprintf(text, sizeof text,
                         "permit(principal, action == Action::\"view\", resource) when { %s };",
                         conditions[i].when);
                assert_want(text, s, conditions[i].want);
        }
        for (size_t i = 0; i < ARRAY_LEN(policies); i++)
                assert_want(policies[i].policy, s, policies[i].want);
        cedar_schema_free(s);
        (void)state;
}

/* ---- what is said ---- */

static const struct {
        const char *policy;
        uint32_t line, column;
        const char *said;
} texts[] = {
        { "permit(principal is User, action, resource)\nwhen { principal.nope };", 2, 18,
          "User has no attribute \"nope\" (principal User, action Action::\"edit\", resource Doc)" },
        { "permit(principal is User, action, resource)\nwhen { true && principal.age == 1 };", 2,
          26, "principal.age may be absent: ask with `has` first (principal" },
        { "permit(principal, action, resource)\nwhen { principal is Nope };", 2, 18,
          "the schema has no entity type Nope" },
        { "permit(principal, action, resource) when { 1 + \"a\" == 2 };", 1, 48,
          "Long is wanted here, this is String (" },
        { "permit(principal, action, resource) when { ip(\"x\").isIpv4() };", 1, 47, "\"x\": " },
        { "permit(principal, action, resource) when { false };", 1, 1,
          "the conditions are false for every request the schema allows" },
        { "permit(principal, action, resource == User::\"a\");", 1, 1,
          "the schema has no action that applies to such a principal and resource" },
        { "permit(principal, action, resource) when { principal == E::\"c\" };", 1, 57,
          "E::\"c\": the ids of this type are enumerated, and this is not one of them" },
};

static void says_what_and_where(void **state)
{
        struct cedar_schema *s = the_schema();

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct cedar_policies *p = NULL;
                struct cedar_findings f = { 0 };
                bool found = false;

                validate(texts[i].policy, s, &arena, &f, &p);
                for (uint32_t j = 0; j < f.n; j++)
                        found = found || (strstr(f.list[j].text, texts[i].said) == f.list[j].text &&
                                          f.list[j].pos.line == texts[i].line &&
                                          f.list[j].pos.column == texts[i].column);
                if (!found)
                        fail_msg("%s: %u:%u %s", texts[i].policy, f.n ? f.list[0].pos.line : 0,
                                 f.n ? f.list[0].pos.column : 0, f.n ? f.list[0].text : "nothing");
                cedar_policies_free(p);
                arena_done(&arena);
        }
        cedar_schema_free(s);
        (void)state;
}

/* A link's scope is looked at, its conditions were in its template. */
static void looks_at_links(void **state)
{
        static const struct {
                const char *type, *id;
                uint32_t errors, warnings;
        } slots[] = { { "User", "a", 0, 0 }, { "Nope", "a", 2, 0 }, { "Doc", "a", 1, 0 } };
        static const char template[] =
                "permit(principal == ?principal, action == Action::\"view\", resource)"
                " when { principal.name == \"x\" };";
        struct cedar_schema *s = the_schema();

        for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
                struct cedar_uid uid = cedar_uid(span_str(slots[i].type), span_str(slots[i].id));
                struct arena arena = ARENA_INIT(1 << 20);
                struct cedar_policies *p = NULL;
                struct cedar_findings f = { 0 };

                assert_int_equal(cedar_parse(span_str(template), &p, NULL), 0);
                assert_int_equal(
                        cedar_policies_link(p, SPAN("policy0"), SPAN("link"), &uid, NULL, NULL), 0);
                assert_int_equal(cedar_validate(p, s, &arena, &f, NULL), 0);
                assert_int_equal(f.n_errors, slots[i].errors);
                assert_int_equal(f.n - f.n_errors, slots[i].warnings);
                cedar_policies_free(p);
                arena_done(&arena);
        }
        cedar_schema_free(s);
        (void)state;
}

/* Who stopped counting does not say that all is well. */
static void tells_only_so_many(void **state)
{
        static char text[(CEDAR_FINDINGS_MAX + 10) * 64];
        struct arena arena = ARENA_INIT(4 << 20);
        struct cedar_schema *s = the_schema();
        struct cedar_policies *p = NULL;
        struct cedar_findings f = { 0 };
        size_t n = 0;

        for (int i = 0; i < CEDAR_FINDINGS_MAX + 10; i++)
                n += (size_t)snprintf(text + n, sizeof text - n,
                                      "permit(principal, action, resource) when { false };\n");
        validate(text, s, &arena, &f, &p);
        assert_int_equal(f.n, CEDAR_FINDINGS_MAX + 1);
        assert_int_equal(f.n_errors, 1);
        assert_false(f.list[f.n - 1].warning);
        assert_non_null(strstr(f.list[f.n - 1].text, "as many as are told"));
        cedar_policies_free(p);
        cedar_schema_free(s);
        arena_done(&arena);
        (void)state;
}

/* (User::"0" has age && User::"1" has age) && ..., as deep as it has to be. */
static void put_known(struct buf *out, unsigned from, unsigned to)
{
        unsigned middle = from + (to - from) / 2;

        if (from + 1 == to) {
                buf_printf(out, "User::\"%u\" has age", from);
                return;
        }
        buf_put_byte(out, '(');
        put_known(out, from, middle);
        buf_put_str(out, " && ");
        put_known(out, middle, to);
        buf_put_byte(out, ')');
}

/* What is known of 65,536 entities is written down anew 450 times. */
static void says_which_ceiling_ended_it(void **state)
{
        struct arena arena = ARENA_INIT(1 << 20), small = ARENA_INIT(64);
        struct buf text = BUF_INIT(4 << 20);
        struct cedar_schema *s = the_schema();
        struct cedar_policies *p = NULL;
        struct cedar_findings f = { 0 };
        struct err err = { 0 };

        buf_put_str(&text, "permit(principal, action, resource) when { principal.nope };"
                           "permit(principal, action, resource) when { ");
        put_known(&text, 0, 1 << 16);
        for (unsigned i = 0; i < 450; i++)
                buf_put_str(&text, " && principal has age");
        buf_put_str(&text, " };");
        assert_int_equal(cedar_parse(buf_span(&text), &p, &err), 0);
        assert_int_equal(cedar_validate(p, s, &arena, &f, &err), -E2BIG);
        assert_string_equal(err_text(&err), "validating policy1 takes more than 256 MiB");
        assert_int_equal(cedar_validate(p, s, &small, &f, &err), -E2BIG);
        assert_string_equal(err_text(&err),
                            "what is found in the policies takes more than 64 bytes");
        cedar_policies_free(p);
        cedar_schema_free(s);
        buf_done(&text);
        arena_done(&arena);
        arena_done(&small);
        (void)state;
}

static void survives_failing_memory(void **state)
{
        static const char text[] =
                "permit(principal is User, action, resource) when { principal has mgr.mgr &&"
                " [principal, principal.mgr].contains(User::\"a\") && {a: true} == {a: false} &&"
                " (if principal.hasTag(\"x\") then 1 else 2) == \"x\" && ip(\"::\").isIpv4() };";
        struct cedar_schema *s = the_schema();
        struct cedar_policies *p = NULL;
        int r = -ENOMEM;

        assert_int_equal(cedar_parse(span_str(text), &p, NULL), 0);
        for (size_t nth = 1; r < 0; nth++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct cedar_findings f = { 0 };
                struct err err = { 0 };

                alloc_fail_nth = nth;
                r = cedar_validate(p, s, &arena, &f, &err);
                alloc_fail_nth = 0;
                assert_true(r == 0 || r == -ENOMEM);
                assert_int_equal(f.n_errors, r == 0 ? 1 : 0);
                assert_true(nth > 1 || r < 0);
                arena_done(&arena);
        }
        cedar_policies_free(p);
        cedar_schema_free(s);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(judges_as_the_official_validator),
                cmocka_unit_test(says_what_and_where),
                cmocka_unit_test(looks_at_links),
                cmocka_unit_test(tells_only_so_many),
                cmocka_unit_test(says_which_ceiling_ended_it),
                cmocka_unit_test(survives_failing_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
