/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/retention_fact.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define OPEN RETENTION_OPEN

static const struct {
        const char *json;
        struct retention_fact fact;
} pairs[] = {
        { "{\"audit_period\":31536000,\"fact\":\"policy\",\"keep\":34560000}",
          { .kind = RETENTION_POLICY, .keep_s = 34560000, .audit_period_s = 31536000 } },
        { "{\"fact\":\"kind\",\"keep\":3600,\"line\":6,\"name\":\"session.*\"}",
          { .kind = RETENTION_KIND, .keep_s = 3600, .line = 6, .name = "session.*" } },
        { "{\"class\":1008,\"fact\":\"class\",\"keep\":4743360000,\"line\":8}",
          { .kind = RETENTION_CLASS, .keep_s = 4743360000, .line = 8, .class_uid = 1008 } },
        { "{\"fact\":\"hold\",\"from\":0,\"kinds\":[\"a.b\",\"c.*\"],\"line\":10,\"reason\":\"\\\"\","
          "\"to\":1798761600,\"until\":1814400000}",
          { .kind = RETENTION_HOLD,
            .line = 10,
            .reason = "\"",
            .from_s = 0,
            .to_s = 1798761600,
            .until_s = 1814400000,
            .kinds = { "a.b", "c.*" },
            .n_kinds = 2 } },
        { "{\"fact\":\"hold\",\"line\":1,\"reason\":\"x\"}",
          { .kind = RETENTION_HOLD,
            .line = 1,
            .reason = "x",
            .from_s = OPEN,
            .to_s = OPEN,
            .until_s = OPEN } },
};

static void goes_both_ways(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
                struct buf out = BUF_INIT(4096);
                struct retention_fact f;
                struct json_writer w;

                json_writer_init(&w, &out);
                json_begin_object(&w);
                retention_fact_put(&w, &pairs[i].fact);
                json_end_object(&w);
                assert_int_equal(buf_status(&out), 0);
                assert_string_equal(buf_cstr(&out), pairs[i].json);
                assert_int_equal(json_check(buf_span(&out), NULL), 0);
                memset(&f, 0xaa, sizeof f);
                assert_int_equal(retention_fact_parse(buf_span(&out), &f, NULL), 0);
                assert_int_equal(f.kind, pairs[i].fact.kind);
                assert_int_equal(f.line, pairs[i].fact.line);
                assert_int_equal(f.keep_s, pairs[i].fact.keep_s);
                assert_int_equal(f.audit_period_s, pairs[i].fact.audit_period_s);
                assert_int_equal(f.class_uid, pairs[i].fact.class_uid);
                assert_string_equal(f.name, pairs[i].fact.name);
                assert_string_equal(f.reason, pairs[i].fact.reason);
                if (f.kind == RETENTION_HOLD)
                        assert_true(f.from_s == pairs[i].fact.from_s &&
                                    f.to_s == pairs[i].fact.to_s &&
                                    f.until_s == pairs[i].fact.until_s);
                assert_int_equal(f.n_kinds, pairs[i].fact.n_kinds);
                for (size_t k = 0; k < f.n_kinds; k++)
                        assert_string_equal(f.kinds[k], pairs[i].fact.kinds[k]);
                buf_done(&out);
        }
}

#define TOO_LONG "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void refuses(void **state)
{
        static const struct {
                const char *json, *want;
        } t[] = {
                { "{}", "fact: fact" },
                { "{\"fact\":\"other\"}", "fact: fact" },
                { "{\"fact\":\"policy\",\"keep\":1}", "fact: audit_period" },
                { "{\"audit_period\":0,\"fact\":\"policy\",\"keep\":1}", "fact: audit_period" },
                { "{\"audit_period\":1,\"fact\":\"policy\",\"keep\":0}", "fact: keep" },
                { "{\"audit_period\":1,\"fact\":\"policy\",\"keep\":4743360001}", "fact: keep" },
                { "{\"audit_period\":1,\"fact\":\"policy\",\"keep\":\"1\"}", "fact: keep" },
                { "{\"fact\":\"kind\",\"keep\":1,\"name\":\"a.b\"}", "fact: line" },
                { "{\"fact\":\"kind\",\"keep\":1,\"line\":1,\"name\":\"ab\"}", "fact: name" },
                { "{\"fact\":\"kind\",\"keep\":1,\"line\":1,\"name\":\"" TOO_LONG "\"}",
                  "fact: name" },
                { "{\"fact\":\"class\",\"keep\":1,\"line\":1}", "fact: class" },
                { "{\"fact\":\"hold\",\"line\":1}", "fact: reason" },
                { "{\"fact\":\"hold\",\"from\":-1,\"line\":1,\"reason\":\"x\"}", "fact: from" },
                { "{\"fact\":\"hold\",\"kinds\":[],\"line\":1,\"reason\":\"x\"}", "fact: kinds" },
                { "{\"fact\":\"hold\",\"kinds\":{},\"line\":1,\"reason\":\"x\"}", "fact: kinds" },
                { "{\"fact\":\"hold\",\"kinds\":[1],\"line\":1,\"reason\":\"x\"}", "fact: kinds" },
                { "{\"fact\":\"hold\",\"kinds\":[\"a\"],\"line\":1,\"reason\":\"x\"}",
                  "fact: kinds" },
                { "{\"fact\":\"hold\",\"kinds\":[\"a.a\",\"a.b\",\"a.c\",\"a.d\",\"a.e\",\"a.f\","
                  "\"a.g\",\"a.h\",\"a.i\",\"a.j\",\"a.k\",\"a.l\",\"a.m\",\"a.n\",\"a.o\","
                  "\"a.p\",\"a.q\"],\"line\":1,\"reason\":\"x\"}",
                  "fact: kinds" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct retention_fact f = { .line = 4711 };
                struct err err = { 0 };

                assert_int_equal(json_check(span_str(t[i].json), NULL), 0);
                if (retention_fact_parse(span_str(t[i].json), &f, &err) != -EBADMSG)
                        fail_msg("%s: taken", t[i].json);
                assert_string_equal(err_text(&err), t[i].want);
                assert_int_equal(f.line, 4711);
        }
}

static void names(void **state)
{
        static const struct {
                const char *name;
                bool ok;
        } t[] = {
                { "a.b", true },   { "a.b.c", true },  { "a_1.*", true },   { "a.b.*", true },
                { "", false },     { "a", false },     { "*", false },      { ".*", false },
                { "a.", false },   { ".a", false },    { "a..b", false },   { "a.b*", false },
                { "a.*b", false }, { "A.b", false },   { "a.b ", false },   { "a*", false },
                { "a.**", false }, { "a-b.c", false }, { TOO_LONG, false },
        };
        static const struct {
                const char *name, *kind;
                size_t fits;
        } f[] = {
                { "a.b", "a.b", SIZE_MAX }, { "a.b", "a.bc", 0 }, { "a.*", "a.b", 3 },
                { "a.*", "a", 0 },          { "a.*", "ab.c", 0 }, { "a.b.*", "a.b.c", 5 },
                { "a.b", "", 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                if (retention_name_ok(span_str(t[i].name)) != t[i].ok)
                        fail_msg("\"%s\"", t[i].name);
        for (size_t i = 0; i < ARRAY_LEN(f); i++)
                assert_int_equal(retention_name_fits(f[i].name, span_str(f[i].kind)), f[i].fits);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(goes_both_ways),
                cmocka_unit_test(refuses),
                cmocka_unit_test(names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
