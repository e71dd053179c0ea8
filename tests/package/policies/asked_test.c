/* SPDX-License-Identifier: Apache-2.0 */
#include "package/policies/asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../model_package.h"

/* Two operations; pay's body is not required, read has a class. */
static const char model[] =
        "{\"name\":\"bank\",\"claims\":[\"branch\"],\"classes\":[\"pii\"],\"operations\":["
        "{\"id\":\"pay\",\"tags\":[\"money\"],\"object\":{\"type\":\"Account\",\"id\":\"path.id\"},"
        "\"parameters\":[{\"in\":\"path\",\"name\":\"id\",\"required\":true,\"schema\":{\"type\":"
        "\"string\"}},{\"in\":\"query\",\"name\":\"a\\\"b\",\"schema\":{\"type\":\"integer\"}},"
        "{\"in\":\"query\",\"name\":\"limit\",\"schema\":{\"type\":\"integer\"}}],"
        "\"body\":{\"type\":\"object\",\"properties\":{\"amount\":{\"type\":\"object\","
        "\"properties\":{\"cents\":{\"type\":\"integer\"},\"currency\":{\"enum\":[\"EUR\"]}}},"
        "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}},"
        "{\"id\":\"look\",\"reads\":[\"pii\"],\"parameters\":[{\"in\":\"query\",\"name\":\"limit\","
        "\"schema\":{\"type\":\"integer\"}}]}]}";

enum { LOOK_AT, PAY_AT }; /* operations ascend */

#define PAY(when)  "permit (principal, action == Action::\"pay\", resource) when { " when " };\n"
#define READ(when) "permit (principal, action == Action::\"look\", resource) when { " when " };\n"

#define ALL_OF_PAY "body(amount(cents currency) tags) path(id:0) query(a\"b:1 limit:2) client"

static const struct asked_case {
        const char *policies, *pay, *read;
} table[] = {
        { "permit (principal, action, resource);", "", "" },
        { PAY("context has body && context.body has amount && context.body.amount has cents && "
              "context.body.amount.cents < 5"),
          "body(amount(cents currency) tags)", "" },
        { PAY("context has body.amount.cents && context.body.amount.cents < 5"),
          "body(amount(cents))", "" },
        { PAY("context.query has limit"), "query(limit:2)", "" },
        { PAY("context.query has \"a\\\"b\" && context.query[\"a\\\"b\"] == 1"), "query(a\"b:1)",
          "" },
        { PAY("context has body.tags && context.body.tags.contains(\"x\")"), "body(tags)", "" },
        { PAY("context has body.amount && [context.body.amount].contains(context.body.amount)"),
          "body(amount(cents currency))", "" },
        { PAY("context.path.id == \"A1\""), "path(id:0)", "" },
        { PAY("context.time > datetime(\"2026-01-01\") && context.address.isLoopback() && "
              "context.tls.version == \"TLSv1.3\""),
          "", "" },
        { PAY("context.tls has client && context.tls.client == \"x\""), "client", "" },
        /* a record by another way than its name */
        { PAY("(if resource == Account::\"A\" then context.query else context.query) has limit"),
          "query(a\"b:1 limit:2)", "" },
        { PAY("[context.query].contains(context.query)"), "query(a\"b:1 limit:2)", "" },
        /* whose scope has it */
        { "forbid (principal, action, resource) when { context has body.tags };", "body(tags)",
          "" },
        { "permit (principal, action in Action::\"money\", resource) when { context.query has limit "
          "};",
          "query(limit:2)", "" },
        { "permit (principal, action in [Action::\"look.read\"], resource) when { "
          "context.query has limit };",
          "", "query(limit:0)" },
        { "permit (principal, action in Action::\"readMasked\", resource) when { "
          "context.query has limit && context.object == Api::\"bank\" };",
          "", "query(limit:0)" },
        { "permit (principal, action, resource) when { principal has branch };", "", "" },
        { READ("context.query has limit") PAY("context.query has limit")
                  PAY("context.path.id == \"x\""),
          "path(id:0) query(limit:2)", "query(limit:0)" },
};

static void put_places(struct buf *out, const struct asked_place *list, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++) {
                buf_put_str(out, i ? " " : "");
                buf_put(out, list[i].name);
                if (list[i].parameter != API_NONE)
                        buf_printf(out, ":%u", list[i].parameter);
                if (list[i].n == 0)
                        continue;
                buf_put_str(out, "(");
                put_places(out, list[i].parts, list[i].n);
                buf_put_str(out, ")");
        }
}

static void assert_asked(const struct asked *a, const char *want, const char *of)
{
        struct buf got = BUF_INIT(4096);

        put_places(&got, a->places, a->n);
        if (a->tls_client)
                buf_put_str(&got, got.n ? " client" : "client");
        if (strcmp(buf_cstr(&got), want) != 0)
                fail_msg("%s\nis\n%s\nnot\n%s", of, buf_cstr(&got), want);
        buf_done(&got);
}

static void places(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(api_asked_freep) struct api_asked *asked = NULL;
                struct model_package x;
                struct err err = { 0 };

                model_package_init(&x, SPAN(model), "", table[i].policies, "[]");
                assert_int_equal(api_asked_new(x.p.api, x.p.schema, x.p.policies, &asked, &err), 0);
                assert_int_equal(asked->n, 2);
                assert_asked(&asked->of[PAY_AT], table[i].pay, table[i].policies);
                assert_asked(&asked->of[LOOK_AT], table[i].read, table[i].policies);
                model_package_done(&x);
        }
}

/* The whole context, which no policy of a validated package can be after: of an unvalidated one. */
static void names_are_json(void **state)
{
        CLEANUP(api_asked_freep) struct api_asked *asked = NULL;
        struct model_package x;
        struct err err = { 0 };

        (void)state;
        model_package_init(&x, SPAN(model), "", PAY("[context].contains(context)"), "[]");
        assert_int_equal(api_asked_new(x.p.api, x.p.schema, x.p.policies, &asked, &err), 0);
        assert_asked(&asked->of[PAY_AT], ALL_OF_PAY, "the whole context");
        assert_true(span_eq_str(asked->of[PAY_AT].places[2].parts[0].quoted, "\"a\\\"b\""));
        assert_true(span_eq_str(asked->of[PAY_AT].places[0].quoted, "\"body\""));
        model_package_done(&x);
}

static void no_memory(void **state)
{
        struct model_package x;
        struct err err = { 0 };
        int rc = -1;

        (void)state;
        model_package_init(&x, SPAN(model), "", PAY("[context].contains(context)"), "[]");
        for (size_t nth = 1; rc < 0; nth++) {
                struct api_asked *asked = NULL;

                alloc_fail_nth = nth;
                rc = api_asked_new(x.p.api, x.p.schema, x.p.policies, &asked, &err);
                alloc_fail_nth = 0;
                assert_true(rc == 0 ? asked != NULL : rc == -ENOMEM && !asked);
                api_asked_free(asked);
        }
        model_package_done(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(places),
                cmocka_unit_test(names_are_json),
                cmocka_unit_test(no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
