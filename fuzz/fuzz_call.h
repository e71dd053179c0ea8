/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_call.h - a package with one operation, of which fuzzed requests are calls. */
#ifndef FUZZ_FUZZ_CALL_H
#define FUZZ_FUZZ_CALL_H

#include "fuzz.h"
#include "package/call/call.h"
#include "package/derive/derive.h"
#include "package/model/model_file.h"
#include "policy/entities/data.h"

enum { FUZZ_CALL_PARAMETERS = 5 };

/* As model_file.h has it: a path parameter, four of the query, a body of a recursive component. */
static const char fuzz_call_model[] =
        "{\"api\":{\"classes\":[\"c\"],\"operations\":[{\"id\":\"op\",\"method\":\"POST\",\"o"
        "bject\":{\"parameter\":0,\"type\":\"Account\"},\"parameters\":[{\"in\":\"path\",\"na"
        "me\":\"id\",\"required\":true,\"schema\":0},{\"in\":\"query\",\"name\":\"l\",\"schem"
        "a\":1},{\"explode\":true,\"in\":\"query\",\"name\":\"n\",\"schema\":3},{\"explode\":"
        "true,\"in\":\"query\",\"name\":\"s\",\"schema\":4},{\"explode\":true,\"in\":\"query"
        "\",\"name\":\"v\",\"schema\":5}],\"path\":\"/a/{id}\",\"reads\":[0],\"request\":{\"m"
        "edia\":[{\"json\":true,\"schema\":7,\"type\":\"application/json\"}]},\"responses\":["
        "{\"media\":[{\"json\":true,\"schema\":8,\"type\":\"application/json\"}],\"status\":2"
        "00}],\"segments\":[{\"text\":\"a\"},{\"parameter\":true,\"text\":\"id\"}]}],\"schema"
        "s\":[{\"types\":[\"string\"]},{\"items\":2,\"types\":[\"array\"]},{\"types\":[\"inte"
        "ger\"]},{\"types\":[\"number\"]},{\"values\":[\"\\\"x\\\"\",\"\\\"y\\\"\"]},{\"items"
        "\":6,\"types\":[\"array\"]},{\"types\":[\"boolean\"]},{\"name\":\"B\",\"properties\""
        ":[{\"name\":\"__entity\",\"schema\":14},{\"name\":\"a\",\"schema\":20},{\"name\":\"d"
        "\",\"schema\":10},{\"name\":\"e\",\"schema\":11},{\"name\":\"i\",\"required\":true,"
        "\"schema\":9},{\"name\":\"k\",\"schema\":19},{\"name\":\"l\",\"schema\":17},{\"name"
        "\":\"o\",\"schema\":23},{\"name\":\"s\",\"schema\":12},{\"name\":\"t\",\"schema\":13"
        "},{\"name\":\"z\",\"schema\":27}],\"types\":[\"object\"]},{\"class\":\"c\",\"types\""
        ":[\"string\"]},{\"types\":[\"integer\"]},{\"types\":[\"null\",\"number\"]},{\"values"
        "\":[\"\\\"now\\\"\",\"\\\"later\\\"\",\"null\"]},{\"max_length\":20,\"types\":[\"str"
        "ing\"]},{\"types\":[\"boolean\"]},{\"properties\":[{\"name\":\"id\",\"schema\":16},{"
        "\"name\":\"type\",\"schema\":15}],\"types\":[\"object\"]},{\"types\":[\"string\"]},{"
        "\"types\":[\"string\"]},{\"items\":18,\"types\":[\"array\"]},{\"name\":\"P\",\"prope"
        "rties\":[{\"name\":\"q\",\"schema\":28},{\"name\":\"r\",\"schema\":29}],\"types\":["
        "\"object\"]},{\"items\":7,\"types\":[\"array\"]},{\"all_of\":[18,21]},{\"properties"
        "\":[{\"name\":\"q\",\"required\":true,\"schema\":22}],\"types\":[\"object\"]},{\"typ"
        "es\":[\"string\"]},{\"one_of\":[24,26]},{\"items\":25,\"types\":[\"array\"]},{\"type"
        "s\":[\"number\"]},{\"types\":[\"null\"]},{},{\"types\":[\"integer\",\"string\"]},{\""
        "values\":[\"1\",\"2\"]}],\"title\":\"t\",\"version\":\"1\"},\"config\":{\"backend\":"
        "{\"connect_ms\":1000,\"host\":\"10.0.0.1\",\"port\":80,\"read_ms\":1000},\"base\":\""
        "/t\",\"classes\":[{\"mask\":\"last4\",\"name\":\"c\"}],\"depth\":32,\"name\":\"accou"
        "nts\",\"request\":65536,\"response\":65536}}";

/* Made once, kept. */
static inline const struct package *fuzz_call_package(void)
{
        static struct package p;
        struct buf text = BUF_INIT(1 << 20);
        struct api_checker *checker = NULL;
        struct cedar_schema *schema = NULL;
        struct api *api = NULL;

        if (p.api)
                return &p;
        assert(model_get(SPAN(fuzz_call_model), &api, &p.config, NULL) == 0);
        assert(derive_schema(api, &p.config, SPAN_NONE, &text, NULL, NULL) == 0);
        assert(cedar_schema_parse(buf_span(&text), &schema, NULL) == 0);
        assert(api_checker_new(&api->schemas, &checker, NULL) == 0);
        assert(api->operations[0].n_parameters == FUZZ_CALL_PARAMETERS);
        p.api = api;
        p.checker = checker;
        p.schema = schema;
        buf_done(&text);
        return &p;
}

/* A line of text for each parameter (an empty one: it is not sent), behind them the body. */
static inline void fuzz_call_read(const struct package *p, struct span rest, struct arena *arena,
                                  struct call *c, struct call_value *values, struct tree *body)
{
        const struct api_operation *o = &p->api->operations[0];
        struct span text;

        for (uint32_t i = 0; i < o->n_parameters; i++)
                values[i].present = fuzz_cut_line(&rest, &text) && text.n &&
                                    call_parameter(p, &o->parameters[i], &text, 1, arena,
                                                   &values[i].value, NULL) == 0;
        *c = (struct call){ .operation = o,
                            .parameters = values,
                            .body_schema = o->request->media[0].schema,
                            .tls_version = SPAN("TLSv1.3") };
        if (rest.n && tree_read_real(rest, 32, arena, body, NULL) == 0)
                c->body = body;
}

/* What was checked has a context that the derived schema allows, or a number that Cedar has not, or
 * a member that is named as an attribute is but for the case of letters. */
static inline void fuzz_call_check(const struct package *p, const struct call *c,
                                   struct arena *arena)
{
        struct cedar_request q = { .principal = cedar_uid(SPAN("Caller"), SPAN("a")),
                                   .action = cedar_uid(SPAN("Action"), SPAN("op.read")) };
        struct cedar_value context;
        struct cedar_uid object;
        struct err err = { 0 };

        if (call_context(p, c, arena, &context, &object, &err) < 0) {
                assert(strstr(err.text, "beyond 64 bits") || strstr(err.text, "more than four") ||
                       strstr(err.text, "given in other letters"));
                return;
        }
        assert(call_read_context(p, c, &context, &object, arena, &q.context, NULL) == 0);
        q.resource = cedar_uid(SPAN("DataClass"), SPAN("c"));
        assert(cedar_schema_check_request(p->schema, &q, NULL) == 0);
        q.action = cedar_uid(SPAN("Action"), SPAN("op"));
        q.resource = object;
        q.context = context;
        assert(cedar_schema_check_request(p->schema, &q, NULL) == 0);
}

#endif
