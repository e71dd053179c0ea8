/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/outgoing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../called.h"
#include "../called_yaml.h"

enum { SHOWN_MAX = 65536 };

static const char call_id[] = "01JD8Z3R9M0000000000000000";

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

static int build(struct package *p, struct called *c, const struct tree *body, const char *pass,
                 struct outgoing *ret)
{
        struct call call = { .operation = c->route.operation,
                             .parameters = c->values,
                             .body = body };

        if (c->rc < 0)
                fail_msg("%s", c->refusal.text);
        return outgoing_build(p, &c->q, &call, span_str(pass), call_id, &c->arena, ret,
                              &c->refusal);
}

/* "name: value\n" of each. */
static const char *show(const struct outgoing *o, struct buf *out)
{
        buf_clear(out);
        for (uint32_t i = 0; i < o->n_headers; i++) {
                buf_put(out, o->headers[i].name);
                buf_put_str(out, ": ");
                buf_put(out, o->headers[i].value);
                buf_put_str(out, "\n");
        }
        return buf_cstr(out);
}

/* ---- targets: as they are to be, and as whoever reads them sees them ---- */

static void check_again(const struct target *sent, struct span target, struct arena *arena)
{
        struct refusal refusal;
        struct target t;

        if (target_read(target, arena, &t, &refusal) < 0)
                fail_msg("%s", refusal.text);
        /* "/bank" has become "/api/v2" */
        assert_true(span_eq_str(t.segments[0], "api") && span_eq_str(t.segments[1], "v2"));
        assert_int_equal(t.n_segments, sent->n_segments + 1);
        assert_int_equal(t.slash, sent->slash);
        for (uint32_t i = 1; i < sent->n_segments; i++)
                assert_true(span_eq(t.segments[i + 1], sent->segments[i]));
        assert_int_equal(t.n_pairs, sent->n_pairs);
        for (uint32_t i = 0; i < t.n_pairs; i++) {
                uint32_t k = 0;

                while (k < sent->n_pairs && !(span_eq(sent->pairs[k].name, t.pairs[i].name) &&
                                              span_eq(sent->pairs[k].value, t.pairs[i].value)))
                        k++;
                assert_true(k < sent->n_pairs);
        }
}

#define PART "/bank/parts/"
#define TO   "/api/v2/parts/"

static void targets_are_built(void **state)
{
        static const struct {
                const char *target, *want;
        } table[] = {
                { "/bank/", "/api/v2/" },
                { "/bank/?", "/api/v2/" },
                { PART "7", TO "7" },
                { PART "a%20b%C3%A9", TO "a%20b%C3%A9" },
                { PART "a:b@c!$&'()*+,=", TO "a%3Ab%40c%21%24%26%27%28%29%2A%2B%2C%3D" },
                { PART "~-._", TO "~-._" },
                { PART "7?q=a+b", TO "7?q=a%20b" },
                { PART "7?q=%26n%3D1%23;/../x?", TO "7?q=%26n%3D1%23%3B%2F..%2Fx%3F" },
                { PART "7?q=%0d%0aX:%20y", TO "7?q=%0D%0AX%3A%20y" },
                { PART "7?q=", TO "7?q=" },
                { PART "7?q", TO "7?q=" },
                /* the document's order */
                { PART "7?tag=b&q=1&&n=2&tag=a%26c&f[x]=3&",
                  TO "7?f%5Bx%5D=3&n=2&q=1&tag=b&tag=a%26c" },
                { PART "7?ids=1,2%2C-3", TO "7?ids=1,2,-3" },
                { PART "7?r=1.50e%2B10&ok=false", TO "7?ok=false&r=1.50e%2B10" },
                { "/bank/lists/a%20x,b@/of%3Ait%20all/-1.5",
                  "/api/v2/lists/a%20x,b%40/of:it%20all/-1.5" },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct outgoing out;
                struct called c;

                called_make(*state, "GET", table[i].target, "", &c);
                assert_int_equal(build(*state, &c, NULL, "", &out), 0);
                assert_int_equal(out.method, API_GET);
                if (!span_eq_str(out.target, table[i].want))
                        fail_msg("%s: %.*s", table[i].target, (int)out.target.n,
                                 (const char *)out.target.p);
                if (!strstr(table[i].target, "%2C"))
                        check_again(&c.q.target, out.target, &c.arena);
                called_done(&c);
        }
}

static void a_target_that_grows_too_long_is_refused(void **state)
{
        static const struct {
                size_t commas;
                bool fits;
        } table[] = { { 2000, true }, { 2724, true }, { 2725, false }, { 8000, false } };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                char target[TARGET_MAX + 1] = PART "7?q=";
                struct outgoing out;
                struct called c;
                int rc;

                memset(target + strlen(target), ',', table[i].commas);
                called_make(*state, "GET", target, "", &c);
                rc = build(*state, &c, NULL, "", &out);
                assert_int_equal(rc, table[i].fits ? 0 : -EACCES);
                if (rc == 0)
                        assert_int_equal(out.target.n, strlen(TO "7?q=") + 3 * table[i].commas);
                else
                        assert_int_equal(c.refusal.reason, REFUSED_SIZE);
                called_done(&c);
        }
}

/* ---- headers ---- */

#define OWN     "accept-encoding: identity\n"
#define ID      "x-request-id: 01JD8Z3R9M0000000000000000\n"
#define OF_PART "accept: application/problem+json, application/json, text/csv\n"

static void headers_are_those_of_the_document(void **state)
{
        static const struct {
                const char *method, *target, *lines, *body, *pass, *want;
        } table[] = {
                { "GET", "/bank/", "", NULL, "", "accept: */*\n" OWN ID },
                /* who calls, and what only a connection is about, stays here */
                { "GET", PART "7",
                  "Authorization: Bearer x\nX-Forwarded-For: 10.0.0.1\nForwarded: for=_x\n"
                  "X-Real-IP: 10.0.0.1\nX-Request-Id: mine\nX-Remote-User: root\n"
                  "Connection: x-text, authorization\nX-Unknown: a\nAccept: text/html\n"
                  "Accept-Encoding: gzip\nRange: bytes=0-1\nTE: trailers\nReferer: x\n"
                  "Cookie: track=1\nContent-Type: text/plain\nUser-Agent: x\nVia: 1.1 x",
                  NULL, "", OF_PART OWN ID },
                { "GET", PART "7", "Authorization: Basic YTpi", NULL, "Basic YTpi",
                  OF_PART OWN ID "authorization: Basic YTpi\n" },
                { "GET", PART "7", "X-Text: a, b\nX-List: a ,  b,\"c\"", NULL, "",
                  OF_PART OWN ID "x-list: a,b,\"c\"\nx-text: a, b\n" },
                { "GET", PART "7", "Cookie: track=1; sid=a%20/b==; x; seen=3,-4; y=\"", NULL, "",
                  OF_PART OWN ID "cookie: seen=3,-4; sid=a%20/b==\n" },
                { "HEAD", PART "7", "X-Text: ", NULL, "", OF_PART OWN ID "x-text: \n" },
                { "PUT", PART "7", "Content-Type: Application/MERGE-patch+json; charset=utf-8",
                  "{}", "", "accept: */*\n" OWN "content-type: application/merge-patch+json\n" ID },
                { "PUT", PART "7", "Content-Type: application/json", NULL, "",
                  "accept: */*\n" OWN ID },
        };
        CLEANUP(buf_done) struct buf shown = BUF_INIT(SHOWN_MAX);

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct outgoing out;
                struct tree body;
                struct called c;

                called_make(*state, table[i].method, table[i].target, table[i].lines, &c);
                if (table[i].body)
                        assert_int_equal(
                                tree_read_real(span_str(table[i].body), 8, &c.arena, &body, NULL),
                                0);
                assert_int_equal(
                        build(*state, &c, table[i].body ? &body : NULL, table[i].pass, &out), 0);
                assert_string_equal(show(&out, &shown), table[i].want);
                assert_string_equal(api_method_name(out.method), table[i].method);
                called_done(&c);
        }
}

/* Whatever made the values: what has a control character in it is in no header. */
static void no_line_is_put_into_a_header(void **state)
{
        static const struct {
                const char *name, *value, *pass;
        } table[] = {
                { "x-text", "a\r\nx-evil: b", "" }, { "x-text", "a\nb", "" },
                { "sid", "a\r\nx-evil: b", "" },    { "sid", "a", "Basic x\r\ny: z" },
                { "x-text", "a\x7f", "" },
        };
        struct package *p = *state;
        const struct api_operation *o = api_operation(p->api, SPAN("getPart"));

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct call_value values[32] = { 0 };
                struct outgoing out;
                struct called c;

                called_make(p, "GET", PART "7", "", &c);
                assert_true(o->n_parameters <= ARRAY_LEN(values));
                for (uint32_t k = 0; k < o->n_parameters; k++) {
                        values[k] = c.values[k];
                        if (span_eq_str(o->parameters[k].name, table[i].name)) {
                                values[k].present = true;
                                values[k].value.kind = TREE_STRING;
                                values[k].value.text = span_str(table[i].value);
                        }
                }
                c.values = values;
                assert_int_equal(build(p, &c, NULL, table[i].pass, &out), -EACCES);
                assert_int_equal(c.refusal.reason, REFUSED_PARAMETER);
                called_done(&c);
        }
}

/* ---- host and body ---- */

static void hosts_are_those_of_the_package(void **state)
{
        static const struct {
                struct config_backend backend;
                const char *host, *target;
        } table[] = {
                { { .unix_path = SPAN_INIT("/run/x.sock") }, "localhost", "/" },
                { { .host = SPAN_INIT("a.example"), .tls = true, .port = 443 }, "a.example", "/" },
                { { .host = SPAN_INIT("a.example"), .tls = true, .port = 80 },
                  "a.example:80",
                  "/" },
                { { .host = SPAN_INIT("127.0.0.1"), .port = 80, .base = SPAN_INIT("/x") },
                  "127.0.0.1",
                  "/x/" },
                { { .host = SPAN_INIT("127.0.0.1"), .port = 65535 }, "127.0.0.1:65535", "/" },
                { { .host = SPAN_INIT("2001:db8::7"), .tls = true, .port = 8443 },
                  "[2001:db8::7]:8443",
                  "/" },
        };
        struct package *p = *state;
        struct config_backend kept = p->config.backend;

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct outgoing out;
                struct called c;

                p->config.backend = table[i].backend;
                called_make(p, "GET", "/bank/", "Host-: evil", &c);
                assert_int_equal(build(p, &c, NULL, "", &out), 0);
                assert_true(span_eq_str(out.host, table[i].host));
                assert_true(span_eq_str(out.target, table[i].target));
                called_done(&c);
        }
        p->config.backend = kept;
}

static void bodies_are_printed_anew(void **state)
{
        static const struct {
                const char *sent, *want;
        } table[] = {
                { "{}", "{}" },
                { " { \"b\" : 1 , \"a\" : [ -0 , 1e3 , null ] } ", "{\"a\":[0,1e3,null],\"b\":1}" },
                { "\"\\u0041\\/\\u000a\\ud83d\\ude00\"", "\"A/\\n\xf0\x9f\x98\x80\"" },
                { "9223372036854775807", "9223372036854775807" },
                { "-9223372036854775808", "-9223372036854775808" },
                { "[1,2,3]", "[1,2,3]" },
                { "\"\\u0001\"", "\"\\u0001\"" },
        };
        struct package *p = *state;

        for (size_t i = 0; i < ARRAY_LEN(table) * 2; i++) {
                const char *sent = table[i / 2].sent;
                struct outgoing out;
                struct tree body;
                struct called c;

                called_make(p, "PUT", PART "7", "Content-Type: application/json", &c);
                c.q.length_known = i % 2;
                c.q.length = strlen(sent);
                assert_int_equal(tree_read_real(span_str(sent), 8, &c.arena, &body, NULL), 0);
                assert_int_equal(build(p, &c, &body, "", &out), 0);
                assert_true(span_eq_str(out.body, table[i / 2].want));
                called_done(&c);
        }
}

static void a_body_above_its_length_is_refused(void **state)
{
        struct package *p = *state;
        char text[256] = "";
        struct tree body = { .kind = TREE_STRING, .text = span_of(text, sizeof text) };
        struct outgoing out;
        struct called c;

        memset(text, 'x', sizeof text);
        called_make(p, "PUT", PART "7", "Content-Type: application/json", &c);
        c.q.length_known = true;
        c.q.length = sizeof text / 2;
        assert_int_equal(build(p, &c, &body, "", &out), -EACCES);
        assert_int_equal(c.refusal.reason, REFUSED_SIZE);
        called_done(&c);
}

static void no_memory_is_told(void **state)
{
        struct outgoing out;
        struct called c;
        size_t max;
        int rc = -ENOMEM;

        called_make(*state, "GET", PART "a?q=b", "X-Text: c\nCookie: sid=d", &c);
        for (max = 0; rc == -ENOMEM; max += 16) {
                struct arena kept = c.arena;

                c.arena = ARENA_INIT(max);
                rc = build(*state, &c, NULL, "Basic e", &out);
                assert_int_equal(rc == -ENOMEM, c.arena.full);
                arena_done(&c.arena);
                c.arena = kept;
        }
        assert_int_equal(rc, 0);
        assert_true(max > 256);
        called_done(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(targets_are_built),
                cmocka_unit_test(a_target_that_grows_too_long_is_refused),
                cmocka_unit_test(headers_are_those_of_the_document),
                cmocka_unit_test(no_line_is_put_into_a_header),
                cmocka_unit_test(hosts_are_those_of_the_package),
                cmocka_unit_test(bodies_are_printed_anew),
                cmocka_unit_test(a_body_above_its_length_is_refused),
                cmocka_unit_test(no_memory_is_told),
        };

        return cmocka_run_group_tests(tests, open_package, close_package);
}
