/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../world.h"

/* What an expression comes to: a Bool, or 2 and how it errs. */
enum { NO, YES, ERR };
#define F(kind) (ERR + FAULT_##kind)

struct row {
        const char *text;
        int want;
};

static struct world world;

static void check(const struct row *rows, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct cedar_fault_at fault = { 0 };
                struct cedar_value v = { 0 };
                int r = world_evaluate(&world, rows[i].text, &v, &fault), got;

                assert_true(r == 0 || r == -EINVAL);
                got = r ? ERR + (int)fault.fault : v.kind == CEDAR_BOOL ? v.boolean : -1;
                if (got != rows[i].want)
                        fail_msg("%s comes to %d", rows[i].text, got);
                assert_true(r == 0 || fault.expr);
        }
}

#define CHECK(...)                                                                                 \
        do {                                                                                       \
                static const struct row rows[] = { __VA_ARGS__ };                                  \
                (void)state;                                                                       \
                check(rows, ARRAY_LEN(rows));                                                      \
        } while (0)

static void what_is_equal(void **state)
{
        CHECK({ "1 == 1", YES }, { "1 == 2", NO }, { "1 != 2", YES }, { "1 == \"1\"", NO },
              { "1 != true", YES }, { "\"a\" == \"a\"", YES }, { "\"a\" == \"A\"", NO },
              { "[1, 2] == [2, 1, 1]", YES }, { "[] == {}", NO }, { "[[1], []] == [[], [1]]", YES },
              { "{a: 1, b: 2} == {b: 2, a: 1}", YES }, { "{a: 1} == {a: 1, b: 2}", NO },
              { "principal == User::\"alice\"", YES }, { "principal == User::\"Alice\"", NO },
              { "principal == context.who", YES }, { "User::\"a\" == Group::\"a\"", NO },
              { "decimal(\"1.0\") == decimal(\"1.0000\")", YES }, { "decimal(\"1.0\") == 1", NO },
              { "ip(\"1.2.3.4\") == ip(\"1.2.3.4/32\")", YES },
              { "ip(\"10.0.0.0/8\") == ip(\"10.0.0.1/8\")", NO },
              { "datetime(\"2024-10-15\") == context.at", YES },
              { "duration(\"1s\") == duration(\"1000ms\")", YES },
              { "datetime(\"1970-01-01\") == duration(\"0ms\")", NO },
              { "context.set == [3, 2, 1]", YES }, { "principal.home == {city: \"Graz\"}", NO },
              { "User::\"gone\" == User::\"gone\"", YES });
}

static void what_is_less(void **state)
{
        CHECK({ "1 < 2", YES }, { "2 < 2", NO }, { "2 <= 2", YES }, { "3 > 2", YES },
              { "2 > 2", NO }, { "2 >= 2", YES },
              { "-9223372036854775808 < 9223372036854775807", YES },
              { "datetime(\"2024-10-15\") < datetime(\"2024-10-16\")", YES },
              { "datetime(\"2024-10-15\") >= context.at", YES },
              { "duration(\"-1s\") < duration(\"1ms\")", YES },
              { "duration(\"1h\") > duration(\"59m\")", YES },
              { "datetime(\"2024-10-15\") < duration(\"1s\")", F(TYPE) },
              { "decimal(\"1.0\") < decimal(\"2.0\")", F(TYPE) }, { "1 < \"2\"", F(TYPE) },
              { "\"1\" < \"2\"", F(TYPE) }, { "true < false", F(TYPE) },
              { "1 < duration(\"1s\")", F(TYPE) }, { "[] <= []", F(TYPE) });
}

static void numbers(void **state)
{
        CHECK({ "1 + 2 == 3", YES }, { "1 - 2 == -1", YES }, { "3 * -4 == -12", YES },
              { "-(-5) == 5", YES }, { "1 + 2 * 3 == 7", YES }, { "10 - 3 - 2 == 5", YES },
              { "context.big + 0 == 9223372036854775807", YES },
              { "9223372036854775807 + 1 == 0", F(OVERFLOW) },
              { "context.big + context.n == 0", F(OVERFLOW) },
              { "-9223372036854775808 - 1 == 0", F(OVERFLOW) },
              { "-(-9223372036854775808) == 0", F(OVERFLOW) },
              { "context.big * 2 == 0", F(OVERFLOW) }, { "1 + \"1\" == 2", F(TYPE) },
              { "true - 1 == 0", F(TYPE) }, { "-\"a\" == 1", F(TYPE) }, { "-true == 1", F(TYPE) },
              { "decimal(\"1.0\") + decimal(\"1.0\") == 2", F(TYPE) });
}

static void what_decides_is_looked_at_and_no_more(void **state)
{
        CHECK({ "true && true", YES }, { "true && false", NO }, { "false && 1 == 1 + \"\"", NO },
              { "false && 7", NO }, { "true && 7", F(NOT_BOOL) }, { "7 && true", F(NOT_BOOL) },
              { "context.no && context.none", NO },
              { "context.yes && context.none", F(NO_ATTRIBUTE) },
              { "context.yes && context.n", F(NOT_BOOL) }, { "context.n && true", F(NOT_BOOL) },
              { "true || 7", YES }, { "false || 7", F(NOT_BOOL) },
              { "context.yes || context.n", YES }, { "context.no || context.n", F(NOT_BOOL) },
              { "7 || true", F(NOT_BOOL) },
              { "context.no || context.no || context.yes || context.none", YES },
              { "context.yes && context.yes && context.no && context.none", NO },
              { "(context.no || context.yes) && (context.no || context.no)", NO },
              { "(context.yes && context.no) || (context.no || context.yes)", YES },
              { "!(context.yes && context.no) && context.yes", YES }, { "!true", NO },
              { "!!context.yes", YES }, { "!1", F(NOT_BOOL) }, { "!context.n", F(NOT_BOOL) },
              { "if true then true else context.none", YES },
              { "if false then context.none else false", NO },
              { "if context.yes then 1 == 1 else context.none == 1", YES },
              { "if context.no then context.none == 1 else 1 == 1", YES },
              { "(if context.no then 1 else 2) == 2", YES },
              { "if 1 then true else true", F(NOT_BOOL) },
              { "if context.n then true else true", F(NOT_BOOL) },
              { "if context.yes then (if context.no then 1 else 2) == 2 else false", YES });
}

static void who_is_in_what(void **state)
{
        CHECK({ "principal in principal", YES }, { "principal in Group::\"eng\"", YES },
              { "principal in Org::\"acme\"", YES }, { "principal in Group::\"ops\"", NO },
              { "Group::\"eng\" in principal", NO }, { "User::\"gone\" in User::\"gone\"", YES },
              { "User::\"gone\" in Org::\"acme\"", NO },
              { "action in [Action::\"write\", Action::\"any\"]", YES }, { "action in []", NO },
              { "principal in [Group::\"ops\", Org::\"acme\"]", YES },
              { "principal in [Group::\"ops\", Group::\"gone\"]", NO },
              { "principal in [principal, 1]", F(TYPE) }, { "principal in 1", F(TYPE) },
              { "principal in \"Group\"", F(TYPE) }, { "1 in [principal]", F(TYPE) },
              { "1 in []", F(TYPE) }, { "context.who in Group::\"eng\"", YES },
              { "principal.boss in Group::\"ops\"", YES }, { "principal is User", YES },
              { "principal is Group", NO }, { "User::\"gone\" is User", YES },
              { "1 is User", F(TYPE) }, { "principal is User in Group::\"eng\"", YES },
              { "principal is User in Group::\"ops\"", NO },
              { "principal is Group in context.none", NO },
              { "principal is User in context.none", F(NO_ATTRIBUTE) },
              { "principal is User in 1", F(TYPE) }, { "context.n is User in principal", F(TYPE) },
              { "resource is Photo in [Album::\"b\", Album::\"a\"]", YES });
}

static void attributes(void **state)
{
        CHECK({ "principal.age == 30", YES }, { "principal[\"age\"] == 30", YES },
              { "principal.home.zip == 8010", YES }, { "resource.owner.boss.age == 50", YES },
              { "principal.none == 1", F(NO_ATTRIBUTE) }, { "context.none == 1", F(NO_ATTRIBUTE) },
              { "context.deep.none == 1", F(NO_ATTRIBUTE) }, { "{a: 1}.a == 1", YES },
              { "{a: 1}.b == 1", F(NO_ATTRIBUTE) }, { "context.n.x == 1", F(TYPE) },
              { "\"s\".x == 1", F(TYPE) }, { "[].x == 1", F(TYPE) },
              { "User::\"gone\".age == 1", F(NO_ENTITY) },
              { "principal.friend.age == 1", F(NO_ENTITY) },
              { "context[\"odd\"][\"a b\"] == 1", YES }, { "context.odd[\"\"] == 2", YES },
              { "principal has age", YES }, { "principal has none", NO }, { "context has n", YES },
              { "context has none", NO }, { "context.odd has \"a b\"", YES },
              { "User::\"gone\" has age", NO }, { "principal.friend has age", NO },
              { "context.n has x", F(TYPE) }, { "\"s\" has x", F(TYPE) }, { "[] has x", F(TYPE) },
              { "{a: 1} has a", YES }, { "context has deep.a.b", YES },
              { "context has deep.a.c", NO }, { "context has none.a.b", NO },
              { "context has n.a", F(TYPE) }, { "context has deep.a.b.c", F(TYPE) },
              { "principal has friend.age", NO }, { "principal has boss.age", YES },
              { "context.none has a", F(NO_ATTRIBUTE) });
}

static void tags(void **state)
{
        CHECK({ "principal.hasTag(\"dept\")", YES }, { "principal.hasTag(\"none\")", NO },
              { "principal.hasTag(\"age\")", NO }, { "User::\"gone\".hasTag(\"dept\")", NO },
              { "principal.getTag(\"dept\") == \"eng\"", YES },
              { "principal.getTag(\"level\") == 3", YES },
              { "principal.getTag(\"none\") == 1", F(NO_TAG) },
              { "principal.getTag(context.s) == 1", F(NO_TAG) },
              { "User::\"gone\".getTag(\"dept\") == 1", F(NO_ENTITY) },
              { "principal.hasTag(1)", F(TYPE) }, { "principal.getTag(true) == 1", F(TYPE) },
              { "context.hasTag(\"a\")", F(TYPE) }, { "context.n.getTag(\"a\") == 1", F(TYPE) },
              { "User::\"gone\".getTag(1) == 1", F(TYPE) });
}

static void sets(void **state)
{
        CHECK({ "[1, 2].contains(2)", YES }, { "[1, 2].contains(3)", NO },
              { "[1, 2].contains(\"1\")", NO }, { "[[1, 2]].contains([2, 1])", YES },
              { "[{a: [1]}].contains({a: [1, 1]})", YES },
              { "context.set.contains(context.n)", YES }, { "[context.n, 7].contains(1)", YES },
              { "[context.n, context.n] == [1]", YES },
              { "[context, principal, 1].contains(User::\"alice\")", YES },
              { "principal.jobs.contains(\"dev\")", YES }, { "[].contains(1)", NO },
              { "1.contains(1)", F(TYPE) }, { "\"ab\".contains(\"a\")", F(TYPE) },
              { "[1, 2, 3].containsAll([3, 1])", YES }, { "[1, 2].containsAll([1, 3])", NO },
              { "[1].containsAll([])", YES }, { "[].containsAll([])", YES },
              { "[1].containsAll(1)", F(TYPE) }, { "1.containsAll([1])", F(TYPE) },
              { "[1, 2].containsAny([3, 2])", YES }, { "[1, 2].containsAny([3])", NO },
              { "[1].containsAny([])", NO }, { "[1].containsAny(1)", F(TYPE) },
              { "1.containsAny([1])", F(TYPE) }, { "[].isEmpty()", YES }, { "[1].isEmpty()", NO },
              { "context.set.isEmpty()", NO }, { "{}.isEmpty()", F(TYPE) },
              { "[1, 1 + \"\"].contains(1)", F(TYPE) },
              { "{a: context.none} == {}", F(NO_ATTRIBUTE) },
              { "{b: context.n, a: context.s} == {a: \"text\", b: 1}", YES },
              { "{b: context.n, a: {d: context.s, c: context.n}}.a.d == \"text\"", YES },
              { "[[context.n], [context.n, 2]].containsAll([[2, 1], [1]])", YES });
}

static void likeness(void **state)
{
        CHECK({ "\"abc\" like \"abc\"", YES }, { "\"abc\" like \"ab\"", NO },
              { "\"abc\" like \"a*\"", YES }, { "\"abc\" like \"*c\"", YES },
              { "\"abc\" like \"*b*\"", YES }, { "\"abc\" like \"*\"", YES },
              { "\"\" like \"*\"", YES }, { "\"\" like \"\"", YES }, { "\"\" like \"a\"", NO },
              { "\"a\" like \"\"", NO }, { "\"abc\" like \"a*c\"", YES },
              { "\"ac\" like \"a*c\"", YES }, { "\"a\" like \"a*a\"", NO },
              { "\"aa\" like \"a*a\"", YES }, { "\"abab\" like \"ab*ab\"", YES },
              { "\"aba\" like \"ab*ba\"", NO }, { "\"abc\" like \"a**c\"", YES },
              { "\"axbxc\" like \"a*b*c\"", YES }, { "\"axcxb\" like \"a*b*c\"", NO },
              { "\"aab\" like \"*ab\"", YES }, { "\"xaby\" like \"*ab\"", NO },
              { "\"a*c\" like \"a\\*c\"", YES }, { "\"abc\" like \"a\\*c\"", NO },
              { "\"ÄÖ\" like \"*Ö\"", YES }, { "\"ÄÖ\" like \"Ä*Ä*\"", NO },
              { "\"aXbXbX\" like \"a*b*bX\"", YES }, { "\"abcbc\" like \"*bc*bc*\"", YES },
              { "\"abc\" like \"*bc*bc*\"", NO }, { "context.s like \"t*t\"", YES },
              { "1 like \"*\"", F(TYPE) }, { "principal like \"*\"", F(TYPE) });
}

static void functions(void **state)
{
        CHECK({ "decimal(\"1.1\").lessThan(decimal(\"1.2\"))", YES },
              { "decimal(\"1.2\").lessThan(decimal(\"1.2\"))", NO },
              { "decimal(\"1.2\").lessThanOrEqual(decimal(\"1.2\"))", YES },
              { "decimal(\"-1.0\").greaterThan(decimal(\"-2.0\"))", YES },
              { "decimal(\"2.0\").greaterThanOrEqual(decimal(\"2.0001\"))", NO },
              { "decimal(\"1.0\").lessThan(1)", F(TYPE) },
              { "1.lessThan(decimal(\"1.0\"))", F(TYPE) }, { "decimal(\"1\") == 1", F(EXTENSION) },
              { "decimal(1) == 1", F(TYPE) }, { "decimal(context.s) == 1", F(EXTENSION) },
              { "ip(\"10.0.0.1\").isIpv4()", YES }, { "ip(\"::1\").isIpv4()", NO },
              { "ip(\"::1\").isIpv6()", YES }, { "ip(\"127.0.0.1\").isLoopback()", YES },
              { "ip(\"224.0.0.1\").isMulticast()", YES },
              { "context.ip.isInRange(ip(\"10.0.0.0/8\"))", YES },
              { "context.ip.isInRange(ip(\"::/0\"))", NO },
              { "ip(\"10.0.0\").isIpv4()", F(EXTENSION) }, { "\"10.0.0.1\".isIpv4()", F(TYPE) },
              { "context.ip.isInRange(\"10.0.0.0/8\")", F(TYPE) },
              { "ip(if context.yes then \"10.0.0.7\" else \"\") == context.ip", YES },
              { "[ip(if context.yes then \"1.1.1.1\" else \"\"), ip(if context.no then \"\" else "
                "\"2.2.2.2\")] == [ip(\"2.2.2.2\"), ip(\"1.1.1.1\")]",
                YES },
              { "context.at.offset(duration(\"1d\")) == datetime(\"2024-10-16\")", YES },
              { "context.at.offset(duration(\"9223372036854775807ms\")) == context.at",
                F(OVERFLOW) },
              { "context.at.offset(1) == context.at", F(TYPE) },
              { "datetime(\"2024-10-16\").durationSince(context.at) == duration(\"24h\")", YES },
              { "datetime(\"1970-01-01\").offset(duration(\"9223372036854775807ms\"))"
                ".durationSince(datetime(\"1969-12-31\")) == duration(\"0s\")",
                F(OVERFLOW) },
              { "datetime(\"2024-10-15T12:00:00Z\").toDate() == context.at", YES },
              { "datetime(\"1969-12-31T23:00:00Z\").toDate() == datetime(\"1969-12-31\")", YES },
              { "datetime(\"1970-01-01\").offset(duration(\"-9223372036854775808ms\")).toDate() == "
                "context.at",
                F(OVERFLOW) },
              { "datetime(\"2024-10-15T12:34:00Z\").toTime() == duration(\"12h34m\")", YES },
              { "datetime(\"1969-12-31T23:00:00Z\").toTime() == duration(\"23h\")", YES },
              { "duration(\"1d\").toTime() == 1", F(TYPE) },
              { "duration(\"1d1ms\").toMilliseconds() == 86400001", YES },
              { "duration(\"-1999ms\").toSeconds() == -1", YES },
              { "duration(\"3m59s\").toMinutes() == 3", YES },
              { "duration(\"25h\").toHours() == 25", YES },
              { "duration(\"47h\").toDays() == 1", YES }, { "1.toDays() == 1", F(TYPE) },
              { "datetime(\"x\") == 1", F(EXTENSION) }, { "duration(\"1\") == 1", F(EXTENSION) });
}

/* A constant that errs errs each time it is reached, and only then. */
static void constants_err_where_they_are_reached(void **state)
{
        CHECK({ "context.no && ip(\"bad\").isIpv4()", NO },
              { "context.yes && ip(\"bad\").isIpv4()", F(EXTENSION) },
              { "context.yes || 9223372036854775807 + 1 == 0", YES },
              { "context.no || 9223372036854775807 + 1 == 0", F(OVERFLOW) },
              { "if context.yes then true else [decimal(\"x\")] == []", YES },
              { "[[decimal(\"1.5\")], [[ip(\"::1\")]]].contains([decimal(\"1.5000\")])", YES },
              { "(1 + 2 * 3 - 4 == 3 && [1, 2].contains(1)) == true", YES });
}

/* Nothing here takes a second stack frame an item or squares its length. */
static void large_expressions(void **state)
{
        struct buf text = BUF_INIT(16 << 20);
        struct cedar_fault_at fault;
        struct cedar_value v;

        (void)state;
        buf_put_str(&text, "[");
        for (int i = 0; i < 20000; i++)
                buf_printf(&text, "%s%d", i ? "," : "", 20000 - i);
        buf_put_str(&text, "] == [context.n");
        for (int i = 2; i <= 20000; i++)
                buf_printf(&text, ",%d", i);
        buf_put_str(&text, "]");
        v = world_value(&world, buf_cstr(&text));
        assert_true(v.kind == CEDAR_BOOL && v.boolean);
        buf_clear(&text);
        for (int i = 0; i < CEDAR_DEPTH_MAX - 3; i++)
                buf_put_str(&text, "[");
        buf_put_str(&text, "context.none");
        for (int i = 0; i < CEDAR_DEPTH_MAX - 3; i++)
                buf_put_str(&text, "]");
        buf_put_str(&text, "== 1");
        assert_int_equal(world_evaluate(&world, buf_cstr(&text), &v, &fault), -EINVAL);
        assert_int_equal(fault.fault, FAULT_NO_ATTRIBUTE);
        buf_clear(&text);
        for (int i = 0; i < CEDAR_DEPTH_MAX - 4; i++)
                buf_put_str(&text, "context.no || ");
        buf_put_str(&text, "context.yes");
        v = world_value(&world, buf_cstr(&text));
        assert_true(v.kind == CEDAR_BOOL && v.boolean);
        buf_done(&text);
}

/* A pattern for which trying all places of all stars would not end. */
static void likeness_does_not_explode(void **state)
{
        struct buf text = BUF_INIT(16 << 20);
        struct cedar_value v;

        (void)state;
        buf_put_str(&text, "\"");
        for (int i = 0; i < 100000; i++)
                buf_put_byte(&text, 'a');
        buf_put_str(&text, "\" like \"");
        for (int i = 0; i < 5000; i++)
                buf_put_str(&text, "*a");
        buf_put_str(&text, "*b\"");
        v = world_value(&world, buf_cstr(&text));
        assert_true(v.kind == CEDAR_BOOL && !v.boolean);
        buf_done(&text);
}

static void values_are_printed_as_what_makes_them(void **state)
{
        static const struct {
                const char *text, *want; /* NULL: the same */
        } table[] = {
                { "true", NULL },
                { "-9223372036854775808", NULL },
                { "\"a\\\"b\\n\\0\"", NULL },
                { "A::B::\"x\\\"y\"", NULL },
                { "[]", NULL },
                { "[3, 2, 2, 1]", "[1, 2, 3]" },
                { "[[1], 2, \"b\", false, \"a\"]", "[false, 2, \"a\", \"b\", [1]]" },
                { "{}", NULL },
                { "{b: 1, a: {\"c d\": 2, \"true\": 3}}", "{a: {\"c d\": 2, \"true\": 3}, b: 1}" },
                { "decimal(\"01.50\")", "decimal(\"1.5\")" },
                { "ip(\"10.0.0.0/8\")", NULL },
                { "ip(\"1:0:0::\")", "ip(\"1::\")" },
                { "datetime(\"2024-10-15T00:00:00+0100\")", "datetime(\"2024-10-14T23:00:00Z\")" },
                { "datetime(\"9999-12-31T23:59:59-0001\")",
                  "datetime(\"1970-01-01\").offset(duration(\"2932897d59s\"))" },
                { "duration(\"90m\")", "duration(\"1h30m\")" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_value v = world_value(&world, table[i].text), again;
                struct buf out = BUF_INIT(1000);

                cedar_value_print(&v, &out);
                assert_string_equal(buf_cstr(&out), table[i].want ? table[i].want : table[i].text);
                again = world_value(&world, buf_cstr(&out));
                assert_true(cedar_value_eq(&v, &again));
                buf_done(&out);
        }
}

static void faults_in_words(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "context.none == 1", "no attribute \"none\"" },
                { "1 < \"\"", "an operand of `<` is of a kind that it does not take" },
                { "context.n.x == 1", "an operand of `.` is of a kind that it does not take" },
                { "!context.n", "neither true nor false" },
                { "ip(\"x\").isIpv4()", "`ip` cannot read this string" },
                { "context.big + 1 == 1", "the result of `+` does not fit in 64 bits" },
                { "principal.friend.x == 1", "the entity that it is asked of is not there" },
                { "principal.getTag(\"x\") == 1", "no such tag" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_fault_at fault;
                struct cedar_value v;
                struct buf out = BUF_INIT(1000), want = BUF_INIT(1000);

                assert_int_equal(world_evaluate(&world, table[i].text, &v, &fault), -EINVAL);
                cedar_fault_print(&fault, &out);
                buf_printf(&want, "line 1, column %u: %s", fault.expr->pos.column, table[i].want);
                assert_string_equal(buf_cstr(&out), buf_cstr(&want));
                buf_done(&out);
                buf_done(&want);
        }
}

static int begin(void **state)
{
        (void)state;
        world_init(&world);
        return 0;
}

static int end(void **state)
{
        (void)state;
        world_done(&world);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_equal),
                cmocka_unit_test(what_is_less),
                cmocka_unit_test(numbers),
                cmocka_unit_test(what_decides_is_looked_at_and_no_more),
                cmocka_unit_test(who_is_in_what),
                cmocka_unit_test(attributes),
                cmocka_unit_test(tags),
                cmocka_unit_test(sets),
                cmocka_unit_test(likeness),
                cmocka_unit_test(functions),
                cmocka_unit_test(constants_err_where_they_are_reached),
                cmocka_unit_test(large_expressions),
                cmocka_unit_test(likeness_does_not_explode),
                cmocka_unit_test(values_are_printed_as_what_makes_them),
                cmocka_unit_test(faults_in_words),
        };
        return cmocka_run_group_tests(tests, begin, end);
}
