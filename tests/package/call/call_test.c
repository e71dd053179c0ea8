/* SPDX-License-Identifier: Apache-2.0 */
#include "package/call/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../model_package.h"

/* ---- parameters ---- */

struct parameter_case {
        const char *in, *schema;
        bool parted; /* explode: false */
        const char *text[3];
        const char *want, *error; /* as JSON */
};

static const struct parameter_case of_parameters[] = {
        { "query", "{}", false, { "12" }, "\"12\"", NULL },
        { "query", "{\"type\":\"string\"}", false, { "" }, "\"\"", NULL },
        { "query", "{\"type\":\"string\"}", false, { "a,b" }, "\"a,b\"", NULL },
        { "query",
          "{\"type\":\"string\"}",
          false,
          { "a", "b" },
          NULL,
          "query.p: given more than once" },
        { "query", "{\"type\":\"string\"}", false, { "\xff" }, NULL, "query.p: no UTF-8" },
        { "query", "{\"type\":[\"string\",\"null\"]}", false, { "null" }, "\"null\"", NULL },
        { "query", "{\"type\":\"integer\"}", false, { "12" }, "12", NULL },
        { "query",
          "{\"type\":\"integer\"}",
          false,
          { "-9223372036854775808" },
          "-9223372036854775808",
          NULL },
        { "query",
          "{\"type\":\"integer\"}",
          false,
          { "9223372036854775808" },
          "9223372036854775808",
          NULL },
        { "query", "{\"type\":\"integer\"}", false, { "012" }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"integer\"}", false, { " 12" }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"integer\"}", false, { "12 " }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"integer\"}", false, { "12\n" }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"integer\"}", false, { "+1" }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"integer\"}", false, { "0x10" }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"integer\"}", false, { "" }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"integer\"}", false, { "1e3" }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"integer\"}", false, { "1.0" }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"integer\"}", false, { "10E-1" }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"integer\"}", false, { "\"1\"" }, NULL, "query.p: no integer" },
        { "query", "{\"type\":\"number\"}", false, { "1e3" }, "1e3", NULL },
        { "query", "{\"type\":\"number\"}", false, { "1,5" }, NULL, "query.p: no number" },
        { "query", "{\"type\":\"boolean\"}", false, { "true" }, "true", NULL },
        { "query",
          "{\"type\":\"boolean\"}",
          false,
          { "True" },
          NULL,
          "query.p: neither true nor false" },
        { "query",
          "{\"type\":\"boolean\"}",
          false,
          { "1" },
          NULL,
          "query.p: neither true nor false" },
        { "query", "{\"enum\":[\"1\",\"2\"]}", false, { "1" }, "\"1\"", NULL },
        { "query", "{\"enum\":[1,2]}", false, { "1" }, "1", NULL },
        { "query",
          "{\"anyOf\":[{\"type\":\"integer\"},{\"const\":\"all\"}]}",
          false,
          { "all" },
          "\"all\"",
          NULL },
        { "query",
          "{\"anyOf\":[{\"type\":\"integer\"},{\"const\":\"all\"}]}",
          false,
          { "5" },
          "5",
          NULL },
        { "query",
          "{\"allOf\":[{\"type\":[\"integer\",\"string\"]},{\"type\":\"string\"}]}",
          false,
          { "5" },
          "\"5\"",
          NULL },
        { "query", "{\"$ref\":\"Limit\"}", false, { "5" }, "5", NULL },
        { "query",
          "{\"type\":\"string\",\"allOf\":[{\"type\":\"integer\"}]}",
          false,
          { "5" },
          NULL,
          "query.p: no value fits" },
        /* lists */
        { "query",
          "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}",
          false,
          { "1", "2" },
          "[1,2]",
          NULL },
        { "query",
          "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}",
          false,
          { "1,2" },
          NULL,
          "query.p: no integer" },
        { "query",
          "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}",
          true,
          { "1,2" },
          "[1,2]",
          NULL },
        { "query",
          "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}",
          true,
          { "1", "2" },
          NULL,
          "query.p: given more than once" },
        { "query", "{\"type\":\"array\"}", true, { "1,,x" }, "[\"1\",\"\",\"x\"]", NULL },
        { "query",
          "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
          true,
          { "" },
          "[\"\"]",
          NULL },
        { "query",
          "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
          true,
          { "a, b" },
          "[\"a\",\" b\"]",
          NULL },
        { "header",
          "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
          false,
          { "a, b\t,c" },
          "[\"a\",\"b\",\"c\"]",
          NULL },
        { "path",
          "{\"type\":\"array\",\"items\":{\"$ref\":\"Limit\"}}",
          false,
          { "1,2" },
          "[1,2]",
          NULL },
        { "cookie",
          "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}}",
          false,
          { "true" },
          "[true]",
          NULL },
};

static void check_text(const struct parameter_case *t)
{
        struct buf model = BUF_INIT(1 << 16), got = BUF_INIT(1 << 16);
        struct arena arena = ARENA_INIT(1 << 20);
        struct model_package x;
        struct span texts[3];
        struct err err = { 0 };
        struct tree v;
        uint32_t n = 0;
        int rc;

        buf_printf(
                &model,
                "{\"name\":\"t\",\"schemas\":{\"Limit\":{\"type\":\"integer\"}},\"operations\":[{"
                "\"id\":\"op\",\"parameters\":[{\"in\":\"%s\",\"name\":\"p\",\"explode\":%s,"
                "\"schema\":%s}]}]}",
                t->in, t->parted ? "false" : "true", t->schema);
        model_package_init(&x, buf_span(&model), "", "", "[]");
        for (; n < 3 && t->text[n]; n++)
                texts[n] = span_str(t->text[n]);
        rc = call_parameter(&x.p, &x.m.api.operations[0].parameters[0], texts, n, &arena, &v, &err);
        assert_int_equal(rc, t->error ? -EINVAL : 0);
        if (rc == 0)
                tree_print(&v, &got);
        assert_string_equal(rc == 0 ? buf_cstr(&got) : err.text, t->error ? t->error : t->want);
        model_package_done(&x);
        arena_done(&arena);
        buf_done(&model);
        buf_done(&got);
}

static void texts_become_values(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(of_parameters); i++)
                check_text(&of_parameters[i]);
}

/* ---- contexts ---- */

/* A call of operation 0: parameters and the body as JSON, NULL where there is none. */
struct made_call {
        struct call c;
        struct call_value values[8];
        struct tree body;
};

static void make_call(struct made_call *m, const struct model_package *x, const char *const *values,
                      const char *body, struct arena *arena)
{
        const struct api_operation *o = &x->m.api.operations[0];
        struct err err = { 0 };

        *m = (struct made_call){ .c = { .operation = o,
                                        .parameters = m->values,
                                        .body_schema =
                                                o->request ? o->request->media[0].schema : API_NONE,
                                        .address = { .address = { 10, 1, 2, 3 }, .prefix = 32 },
                                        .time_ms = 86400000,
                                        .tls_version = SPAN("TLSv1.3") } };
        for (uint32_t i = 0; i < o->n_parameters; i++) {
                m->values[i].present = values && values[i];
                if (m->values[i].present)
                        MODEL_OK(tree_read_real(span_str(values[i]), 8, arena, &m->values[i].value,
                                                &err),
                                 err);
        }
        if (body) {
                MODEL_OK(tree_read_real(span_str(body), 64, arena, &m->body, &err), err);
                m->c.body = &m->body;
        }
}

static const char bank[] =
        "{\"name\":\"bank\",\"classes\":[\"pii\"],\"schemas\":{"
        "\"Payment\":{\"type\":\"object\",\"required\":[\"amount\",\"to\"],\"properties\":{"
        " \"amount\":{\"type\":\"number\"},\"to\":{\"type\":\"string\"},"
        " \"at\":{\"type\":\"string\",\"format\":\"date-time\"},"
        " \"from\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"anyOf\":[{\"format\":"
        "\"ipv4\"},{\"format\":\"ipv6\"}]}},"
        " \"count\":{\"type\":\"integer\"},\"how\":{\"enum\":[\"now\",\"later\"]},"
        " \"note\":{\"type\":[\"string\",\"null\"]},\"any\":{},"
        " \"marks\":{\"type\":\"array\",\"items\":{\"enum\":[\"a\",\"b\"]}},"
        " \"parts\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
        "  \"n\":{\"type\":\"integer\"}}}}}}},"
        "\"operations\":[{\"id\":\"pay\",\"reads\":[\"pii\"],"
        " \"object\":{\"type\":\"Account\",\"id\":\"path.id\"},\"parameters\":["
        " {\"in\":\"path\",\"name\":\"id\",\"schema\":{\"type\":[\"integer\",\"string\"]}},"
        " {\"in\":\"query\",\"name\":\"dry\",\"schema\":{\"type\":\"boolean\"}},"
        " {\"in\":\"header\",\"name\":\"x-a\",\"required\":true,\"schema\":{\"type\":\"string\"}}],"
        "\"body\":{\"$ref\":\"Payment\"}}]}";

#define BEFORE "{address: ip(\"10.1.2.3\"), "
#define AFTER                                                                                      \
        "header: {\"x-a\": \"h\"}, query: {}, time: datetime(\"1970-01-02\"), "                    \
        "tls: {version: \"TLSv1.3\"}}"

struct context_case {
        const char *body;
        const char *want;  /* the body as Cedar; "": none */
        const char *error; /* of call_context */
        const char *check; /* of call_check, which refuses before */
};

static const struct context_case of_contexts[] = {
        { NULL, "", NULL, NULL },
        { "{\"amount\":1,\"to\":\"x\"}", "{amount: decimal(\"1.0\"), to: \"x\"}", NULL, NULL },
        { "{\"amount\":-0.5e1,\"to\":\"\\u0000\",\"note\":null}",
          "{amount: decimal(\"-5.0\"), to: \"\\0\"}", NULL, NULL },
        { "{\"amount\":1000.0050,\"to\":\"\",\"count\":1.0,\"how\":\"now\",\"note\":\"n\",\"any\":[1],"
          "\"other\":{\"a\":1},\"marks\":[\"b\",\"b\"],\"parts\":[{\"n\":2,\"m\":1},{},{\"n\":2}]}",
          "{amount: decimal(\"1000.005\"), count: 1, how: PaymentHow::\"now\", marks: "
          "[PaymentMarks::\"b\"], note: \"n\", parts: [{}, {n: 2}], "
          "to: \"\"}",
          NULL, NULL },
        { "{\"amount\":922337203685477.5807,\"to\":\"\",\"count\":-9223372036854775808}",
          "{amount: decimal(\"922337203685477.5807\"), count: -9223372036854775808, to: "
          "\"\"}",
          NULL, NULL },
        { "{\"amount\":1,\"to\":\"\",\"at\":\"2026-11-26t12:30:45.1239+01:30\",\"from\":["
          "\"10.0.0.1\",\"::ffff:10.0.0.1\",\"::FFFF:a00:1\"]}",
          "{amount: decimal(\"1.0\"), at: datetime(\"2026-11-26T11:00:45.123Z\"), from: "
          "[ip(\"10.0.0.1\"), ip(\"::ffff:a00:1\")], to: \"\"}",
          NULL, NULL },
        /* strings that are no times and addresses, and a time that Cedar does not have */
        { "{\"amount\":1,\"to\":\"\",\"at\":\"1990-12-31T23:59:60Z\"}", NULL,
          "body.at: no time that policies can compare", NULL },
        { "{\"amount\":1,\"to\":\"\",\"at\":\"2026-11-26\"}", NULL,
          "body.at: no time that policies can compare", "body.at: is no date-time" },
        { "{\"amount\":1,\"to\":\"\",\"at\":{\"__extn\":{\"fn\":\"datetime\",\"arg\":"
          "\"2026-11-26\"}}}",
          NULL, "body.at: a value of another type is wanted", "body.at: " },
        { "{\"amount\":1,\"to\":\"\",\"from\":[\"10.0.0.1\",\"10.0.0.0/8\"]}", NULL,
          "body.from[1]: no address", "body.from[1]: " },
        /* numbers that Cedar does not have */
        { "{\"amount\":0.00001,\"to\":\"\"}", NULL,
          "body.amount: more than four digits behind the point, or beyond 922337203685477.5807",
          NULL },
        { "{\"amount\":922337203685477.5808,\"to\":\"\"}", NULL,
          "body.amount: more than four digits behind the point, or beyond 922337203685477.5807",
          NULL },
        { "{\"amount\":1e400,\"to\":\"\"}", NULL,
          "body.amount: more than four digits behind the point, or beyond 922337203685477.5807",
          NULL },
        { "{\"amount\":1,\"to\":\"\",\"count\":9223372036854775808}", NULL,
          "body.count: an integer beyond 64 bits", NULL },
        { "{\"amount\":1,\"to\":\"\",\"parts\":[{},{\"n\":1e19}]}", NULL,
          "body.parts[1].n: an integer beyond 64 bits", NULL },
        /* members that Cedar's JSON would take for something else are members like others */
        { "{\"amount\":1,\"to\":\"\",\"__entity\":{\"type\":\"Group\",\"id\":\"boss\"},"
          "\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\"}}",
          "{amount: decimal(\"1.0\"), to: \"\"}", NULL, NULL },
        { "{\"amount\":1,\"to\":{\"__entity\":{\"type\":\"Caller\",\"id\":\"boss\"}}}", NULL,
          "body.to: a value of another type is wanted", "body.to: " },
        { "{\"amount\":{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"1.0\"}},\"to\":\"\"}", NULL,
          "body.amount: a value of another type is wanted", "body.amount: " },
        { "{\"amount\":\"1.0\",\"to\":\"\"}", NULL,
          "body.amount: a value of another type is wanted", "body.amount: " },
        { "{\"amount\":1,\"to\":\"\",\"how\":{\"__entity\":{\"type\":\"PaymentHow\",\"id\":\"now\"}}}",
          NULL, "body.how: a value of another type is wanted", "body.how: " },
        { "{\"amount\":1,\"to\":\"\",\"how\":\"never\"}", NULL,
          "body.how: none of the values that are allowed", "body.how: " },
        { "{\"amount\":1,\"to\":\"\",\"marks\":[\"a\",\"c\"]}", NULL,
          "body.marks[1]: none of the values that are allowed", "body.marks[1]: " },
        { "{\"__entity\":{\"type\":\"Caller\",\"id\":\"boss\"}}", NULL, "body.amount: missing",
          "body" },
        { "[]", NULL, "body: a value of another type is wanted", "body: " },
        /* what a back-end that does not look at case would take for what policies ask about */
        { "{\"amount\":1,\"to\":\"\",\"Amount\":1000}", NULL, "body.amount: given in other letters",
          NULL },
        { "{\"amount\":1,\"to\":\"\",\"COUNT\":7}", NULL, "body.count: given in other letters",
          NULL },
        { "{\"amount\":1,\"to\":\"\",\"mar\u212as\":[]}", NULL,
          "body.marks: given in other letters", NULL },
        { "{\"amount\":1,\"to\":\"\",\"mark\u017f\":[]}", NULL,
          "body.marks: given in other letters", NULL },
        { "{\"amount\":1,\"to\":\"\",\"parts\":[{},{\"N\":1}]}", NULL,
          "body.parts[1].n: given in other letters", NULL },
        { "{\"amount\":1,\"to\":\"\",\"A\":0,\"B\":0,\"C\":0,\"D\":0,\"E\":0,\"F\":0,\"G\":0,\"H\":0,\"I\":0,\"J\":0,\"TO\":0}",
          NULL, "body.to: given in other letters", NULL },
        { "{\"amount\":1,\"to\":\"\",\"A\":0,\"B\":0,\"C\":0,\"D\":0,\"E\":0,\"F\":0,\"G\":0,\"H\":0,\"I\":0,\"J\":0,\"OT\":0}",
          "{amount: decimal(\"1.0\"), to: \"\"}", NULL, NULL },
        { "{\"amount\":1,\"to\":\"\",\"Amoun\":2,\"amounts\":3,\"T\":4,\"tO \":5,\"\":6,"
          "\"\u017f\":7}",
          "{amount: decimal(\"1.0\"), to: \"\"}", NULL, NULL },
};

static void check_context(const struct model_package *x, const struct context_case *t)
{
        static const char *const values[] = { "7", NULL, "\"h\"" };
        struct arena arena = ARENA_INIT(1 << 20);
        struct buf got = BUF_INIT(1 << 16), want = BUF_INIT(1 << 16);
        struct made_call m;
        struct err err = { 0 };
        struct cedar_request q = { .principal = cedar_uid(SPAN("Caller"), SPAN("ann")),
                                   .action = cedar_uid(SPAN("Action"), SPAN("pay")) };
        int rc;

        make_call(&m, x, values, t->body, &arena);
        rc = call_check(&x->p, &m.c, &err);
        assert_int_equal(rc, t->check ? -EINVAL : 0);
        if (t->check && !span_starts(span_str(err.text), span_str(t->check)))
                fail_msg("%s: %s", t->body, err.text);
        rc = call_context(&x->p, &m.c, &arena, &q.context, &q.resource, &err);
        assert_int_equal(rc, t->error ? -EINVAL : 0);
        if (t->error) {
                assert_string_equal(err.text, t->error);
        } else {
                cedar_value_print(&q.context, &got);
                buf_printf(&want, BEFORE "%s%s%s" AFTER, t->want[0] ? "body: " : "", t->want,
                           t->want[0] ? ", " : "");
                assert_string_equal(buf_cstr(&got), buf_cstr(&want));
                MODEL_OK(cedar_schema_check_request(x->schema, &q, &err), err);
                assert_true(span_eq_str(q.resource.type, "Account"));
                assert_true(span_eq_str(q.resource.id, "7"));
        }
        buf_done(&got);
        buf_done(&want);
        arena_done(&arena);
}

static void calls_become_contexts(void **state)
{
        struct model_package x;

        model_package_init(&x, span_str(bank), "", "", "[]");
        for (size_t i = 0; i < ARRAY_LEN(of_contexts); i++)
                check_context(&x, &of_contexts[i]);
        model_package_done(&x);
}

struct call_case {
        const char *values[3];
        const char *body;
        const char *check;    /* error of call_check, NULL: none */
        const char *error;    /* of call_context */
        const char *resource; /* its id */
};

static void parameters_are_checked(void **state)
{
        static const struct call_case table[] = {
                { { "\"a/b\"", "true", "\"h\"" }, NULL, NULL, NULL, "a/b" },
                { { "-12", NULL, "\"h\"" }, NULL, NULL, NULL, "-12" },
                { { "1.0", NULL, "\"h\"" }, NULL, NULL, "path.id: no object has this id", NULL },
                { { NULL, NULL, "\"h\"" }, NULL, "path.id: missing", "path.id: missing", NULL },
                { { "1", NULL, NULL }, NULL, "header.x-a: missing", "header.x-a: missing", NULL },
                { { "1", "\"yes\"", "\"h\"" },
                  NULL,
                  "query.dry: a boolean is wanted, not a string",
                  "query.dry: a value of another type is wanted",
                  NULL },
                { { "true", NULL, "\"h\"" }, NULL, "path.id: ", NULL, "true" },
        };
        struct model_package x;

        model_package_init(&x, span_str(bank), "", "", "[]");
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct cedar_value context;
                struct cedar_uid resource;
                struct err err = { 0 };
                struct made_call m;

                make_call(&m, &x, table[i].values, table[i].body, &arena);
                assert_int_equal(call_check(&x.p, &m.c, &err), table[i].check ? -EINVAL : 0);
                if (table[i].check && !span_starts(span_str(err.text), span_str(table[i].check)))
                        fail_msg("%zu: %s", i, err.text);
                assert_int_equal(call_context(&x.p, &m.c, &arena, &context, &resource, &err),
                                 table[i].error ? -EINVAL : 0);
                if (table[i].error)
                        assert_string_equal(err.text, table[i].error);
                else
                        assert_true(span_eq_str(resource.id, table[i].resource));
                arena_done(&arena);
        }
        model_package_done(&x);
}

static void bodies_must_be_where_they_are_wanted(void **state)
{
        static const char none[] = "{\"name\":\"t\",\"operations\":[{\"id\":\"op\"}]}";
        static const char wanted[] =
                "{\"name\":\"t\",\"operations\":[{\"id\":\"op\",\"bodyRequired\":"
                "true,\"body\":{\"type\":\"integer\"}}]}";
        static const struct {
                const char *model, *body, *check;
        } table[] = {
                { none, NULL, NULL },
                { none, "1", "body: none may be sent" },
                { wanted, "1", NULL },
                { wanted, NULL, "body: missing" },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct cedar_value context;
                struct cedar_uid resource;
                struct model_package x;
                struct err err = { 0 };
                struct made_call m;

                model_package_init(&x, span_str(table[i].model), "", "", "[]");
                make_call(&m, &x, NULL, table[i].body, &arena);
                assert_int_equal(call_check(&x.p, &m.c, &err), table[i].check ? -EINVAL : 0);
                if (table[i].check)
                        assert_string_equal(err.text, table[i].check);
                else
                        assert_int_equal(
                                call_context(&x.p, &m.c, &arena, &context, &resource, &err), 0);
                if (!table[i].check) {
                        assert_true(span_eq_str(resource.type, "Api"));
                        assert_true(span_eq_str(resource.id, "t"));
                }
                model_package_done(&x);
                arena_done(&arena);
        }
}

/* ---- questions about data classes ---- */

static void reads_ask_with_the_object(void **state)
{
        static const char *const values[] = { "7", NULL, "\"h\"" };
        struct arena arena = ARENA_INIT(1 << 20);
        struct cedar_request q = { .principal = cedar_uid(SPAN("Caller"), SPAN("ann")),
                                   .action = cedar_uid(SPAN("Action"), SPAN("pay.readMasked")),
                                   .resource = cedar_uid(SPAN("DataClass"), SPAN("pii")) };
        const struct cedar_uid other = cedar_uid(SPAN("Api"), SPAN("bank"));
        struct cedar_value context;
        struct cedar_uid object;
        struct model_package x;
        struct buf got = BUF_INIT(1 << 16);
        struct err err = { 0 };
        struct made_call m;

        model_package_init(&x, span_str(bank), "", "", "[]");
        make_call(&m, &x, values, "{\"amount\":1,\"to\":\"x\"}", &arena);
        m.c.tls_client = SPAN("CN=p");
        MODEL_OK(call_context(&x.p, &m.c, &arena, &context, &object, &err), err);
        MODEL_OK(call_read_context(&x.p, &m.c, &context, &object, &arena, &q.context, &err), err);
        MODEL_OK(cedar_schema_check_request(x.schema, &q, &err), err);
        cedar_value_print(&q.context, &got);
        assert_string_equal(buf_cstr(&got),
                            BEFORE "body: {amount: decimal(\"1.0\"), to: \"x\"}, header: {\"x-a\": "
                                   "\"h\"}, object: Account::\"7\", query: {}, time: "
                                   "datetime(\"1970-01-02\"), tls: {client: \"CN=p\", version: "
                                   "\"TLSv1.3\"}}");
        assert_int_equal(call_read_context(&x.p, &m.c, &context, &other, &arena, &q.context, &err),
                         -EINVAL);
        assert_string_equal(err.text, "the object of pay has the type Account");
        model_package_done(&x);
        buf_done(&got);
        arena_done(&arena);
}

static void memory_that_ends_is_told(void **state)
{
        static const char *const values[] = { "7", "true", "\"h\"" };
        struct arena texts = ARENA_INIT(1 << 20);
        struct model_package x;
        struct made_call m;

        model_package_init(&x, span_str(bank), "", "", "[]");
        make_call(&m, &x, values,
                  "{\"amount\":1,\"to\":\"x\",\"marks\":[\"a\"],\"parts\":[{\"n\":1}]}", &texts);
        /* by the ceiling of the arena, byte for byte: it allocates in blocks */
        for (size_t max = 0;; max += 16) {
                struct arena arena = ARENA_INIT(max);
                struct cedar_value context, read;
                struct cedar_uid resource;
                struct err err = { 0 };
                int rc = call_context(&x.p, &m.c, &arena, &context, &resource, &err);

                if (rc == 0)
                        rc = call_read_context(&x.p, &m.c, &context, &resource, &arena, &read,
                                               &err);
                arena_done(&arena);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_true(max < 1 << 16);
        }
        model_package_done(&x);
        arena_done(&texts);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(texts_become_values),
                cmocka_unit_test(calls_become_contexts),
                cmocka_unit_test(parameters_are_checked),
                cmocka_unit_test(bodies_must_be_where_they_are_wanted),
                cmocka_unit_test(reads_ask_with_the_object),
                cmocka_unit_test(memory_that_ends_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
