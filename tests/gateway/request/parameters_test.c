/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../called.h"
#include "../called_yaml.h"

enum { SHOWN_MAX = 65536 };

static int open_package(void **state)
{
        *state = called_package(CALLED_OPENAPI, CALLED_GATEWAY, CALLED_BACKEND);
        return 0;
}

static int close_package(void **state)
{
        called_package_free(*state);
        return 0;
}

/* "path.id="a" query.n=12", in their order. */
static const char *show(const struct called *c, struct buf *out)
{
        const struct api_operation *o = c->route.operation;

        buf_clear(out);
        for (uint32_t i = 0; i < o->n_parameters; i++) {
                if (!c->values[i].present)
                        continue;
                buf_put_str(out, out->n > 0 ? " " : "");
                buf_put_str(out, api_place_name(o->parameters[i].in));
                buf_put_byte(out, '.');
                buf_put(out, o->parameters[i].name);
                buf_put_byte(out, '=');
                tree_print(&c->values[i].value, out);
        }
        return buf_cstr(out);
}

#define PART "/bank/parts/7"

static void parameters_are_read(void **state)
{
        static const struct {
                const char *target, *lines, *want;
        } table[] = {
                { "/bank/", "", "" },
                { "/bank/", "X-Text: a\nCookie: a=b; c", "" },
                { PART, "", "path.id=\"7\"" },
                { "/bank/parts/a%20b", "", "path.id=\"a b\"" },
                { PART "?n=-3&q=a+b%26&ok=true&r=1.50", "",
                  "path.id=\"7\" query.n=-3 query.ok=true query.q=\"a b&\" query.r=1.50" },
                { PART "?q=", "", "path.id=\"7\" query.q=\"\"" },
                { PART "?q=a,b", "", "path.id=\"7\" query.q=\"a,b\"" },
                { PART "?f%5Bx%5D=1", "", "path.id=\"7\" query.f[x]=\"1\"" },
                { PART "?f[x]=1", "", "path.id=\"7\" query.f[x]=\"1\"" },
                { PART "?tag=a", "", "path.id=\"7\" query.tag=[\"a\"]" },
                { PART "?tag=a&tag=b,c&tag=", "", "path.id=\"7\" query.tag=[\"a\",\"b,c\",\"\"]" },
                { PART "?tag=a&n=1&tag=b", "", "path.id=\"7\" query.n=1 query.tag=[\"a\",\"b\"]" },
                { PART "?ids=1,2,3", "", "path.id=\"7\" query.ids=[1,2,3]" },
                { PART "?ids=1%2C2", "", "path.id=\"7\" query.ids=[1,2]" },
                { "/bank/lists/a,b%2Cc/of:it%20all/1e3", "",
                  "path.ids=[\"a\",\"b\",\"c\"] path.last=1e3" },
                { PART, "X-TEXT: a, b\nx-list: a ,b,  c",
                  "path.id=\"7\" "
                  "header.x-list=[\"a\",\"b\",\"c\"] header.x-text=\"a, b\"" },
                { PART, "X-Text: \xc3\xa9", "path.id=\"7\" header.x-text=\"\xc3\xa9\"" },
                { PART, "X-List: W/\"a\", \"b\"\nX-Text: \"",
                  "path.id=\"7\" header.x-list=[\"W/\\\"a\\\"\",\"\\\"b\\\"\"] "
                  "header.x-text=\"\\\"\"" },
                { PART, "X_Text: a", "path.id=\"7\"" },
                { PART, "Cookie: sid=abc%20/+==", "path.id=\"7\" cookie.sid=\"abc%20/+==\"" },
                { PART, "Cookie: a=\"b; sid=x; c=d,e f; seen=1,2; Sid=y",
                  "path.id=\"7\" cookie.seen=[1,2] cookie.sid=\"x\"" },
                { PART, "Cookie: xsid=1; sid;  sid=2; sid =3", "path.id=\"7\"" },
                { PART, "Cookie: sid=", "path.id=\"7\" cookie.sid=\"\"" },
        };
        CLEANUP(buf_done) struct buf out = BUF_INIT(SHOWN_MAX);

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct called c;

                called_make(*state, "GET", table[i].target, table[i].lines, &c);
                if (c.rc < 0)
                        fail_msg("%s, %s: %s", table[i].target, table[i].lines, c.refusal.text);
                assert_string_equal(show(&c, &out), table[i].want);
                called_done(&c);
        }
}

static void parameters_are_refused(void **state)
{
        static const struct {
                const char *target, *lines, *why;
        } table[] = {
                { "/bank/?x=1", "", "query.*: not a parameter of this operation" },
                { PART "?Q=1", "", "query.*: not a parameter of this operation" },
                { PART "?id=1", "", "query.*: not a parameter of this operation" },
                { PART "?x-text=1", "", "query.*: not a parameter" },
                { PART "?f%5Bx%5D%5B%5D=1", "", "query.*: not a parameter" },
                { PART "?%0D%0A=1", "", "query.*: not a parameter" },
                { PART "?q=1&q=1", "", "query.q: given more than once" },
                { PART "?q=1&n=1&q=2", "", "query.q: given more than once" },
                { PART "?ids=1&ids=2", "", "query.ids: given more than once" },
                { PART "?n=1x", "", "query.n: no integer" },
                { PART "?n=", "", "query.n: no integer" },
                { PART "?n=1&n=1", "", "query.n: given more than once" },
                { PART "?ok=yes", "", "query.ok: neither true nor false" },
                { PART "?r=.5", "", "query.r: no number" },
                { PART "?ids=1,,2", "", "query.ids: no integer" },
                { PART "?ids=1,%202", "", "query.ids: no integer" },
                { "/bank/lists/a/of:it%20all/x", "", "path.last: no number" },
                { PART, "X-Text: a\nx-text: a", "header.x-text: given more than once" },
                { PART, "X-List: a\nX-List: b", "header.x-list: given more than once" },
                { PART, "X-List: \"a,b\"", "header.x-list: a comma within quotes" },
                { PART, "X-List: \"a\",b\"", "header.x-list: a comma within quotes" },
                { PART, "X-Text: \xff", "header.x-text: no UTF-8" },
                { PART, "Cookie: sid=a; sid=a", "cookie.sid: given more than once" },
                { PART, "Cookie: sid=\"a\"", "cookie.sid: no value of a cookie" },
                { PART, "Cookie: sid=a b", "cookie.sid: no value of a cookie" },
                { PART, "Cookie: sid=a,b", "cookie.sid: no value of a cookie" },
                { PART, "Cookie: sid=a\\b", "cookie.sid: no value of a cookie" },
                { PART, "Cookie: sid=\xc3\xa9", "cookie.sid: no value of a cookie" },
                { PART, "Cookie: seen=1,x", "cookie.seen: no integer" },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct called c;

                called_make(*state, "GET", table[i].target, table[i].lines, &c);
                if (c.rc != -EACCES || c.refusal.reason != REFUSED_PARAMETER ||
                    !strstr(c.refusal.text, table[i].why))
                        fail_msg("%s, %s: %d, \"%s\", not \"%s\"", table[i].target, table[i].lines,
                                 c.rc, c.refusal.text, table[i].why);
                called_done(&c);
        }
}

/* A name of the caller's own may be anything, and anything may be personal. */
static void a_strange_name_is_not_told(void **state)
{
        static const char *const names[] = { "ada%40mail.example", "ada%40mail.example=1",
                                             "q=1&900-10-1000", "Q" };
        char target[256];
        struct called c;

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                snprintf(target, sizeof target, PART "?%s", names[i]);
                called_make(*state, "GET", target, "", &c);
                assert_int_equal(c.rc, -EACCES);
                assert_int_equal(c.refusal.reason, REFUSED_PARAMETER);
                assert_string_equal(c.refusal.text, "query.*: not a parameter of this operation");
                called_done(&c);
        }
}

static void no_memory_is_told(void **state)
{
        static const struct span lists = SPAN_INIT("a,b");
        struct package *p = *state;
        const struct api_operation *o = api_operation(p->api, SPAN("getList"));
        struct route route = {
                .package = p, .operation = o, .values = { lists, SPAN("1") }, .n_values = 2
        };
        const struct call_value *values;
        struct request q = { 0 };
        struct refusal refusal;
        size_t nth;
        int rc = -ENOMEM;

        for (nth = 1; rc == -ENOMEM; nth++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);

                alloc_fail_nth = nth;
                rc = parameters_read(p, o, &route, &q, &arena, &values, &refusal);
                alloc_fail_nth = 0;
        }
        assert_int_equal(rc, 0);
        assert_true(nth > 2);
        for (size_t max = 0; max < 4096; max += 16) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(max);

                rc = parameters_read(p, o, &route, &q, &arena, &values, &refusal);
                assert_true(rc == 0 || rc == -ENOMEM);
                assert_int_equal(rc == -ENOMEM, arena.full);
        }
        assert_int_equal(rc, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parameters_are_read),
                cmocka_unit_test(parameters_are_refused),
                cmocka_unit_test(a_strange_name_is_not_told),
                cmocka_unit_test(no_memory_is_told),
        };

        return cmocka_run_group_tests(tests, open_package, close_package);
}
