/* SPDX-License-Identifier: Apache-2.0 */
#include "package/derive/derive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../model_text.h"

struct derived {
        struct model_text m;
        struct buf text;
        struct lint l;
        struct err err;
        int rc;
};

static void derive(struct derived *d, const char *model, const char *types)
{
        *d = (struct derived){ .text = BUF_INIT(16 << 20) };
        lint_init(&d->l);
        model_text_read(span_str(model), &d->m);
        d->rc = derive_schema(&d->m.api, &d->m.config, span_str(types), &d->text, &d->l, &d->err);
}

static void derived_done(struct derived *d)
{
        buf_done(&d->text);
        lint_done(&d->l);
        model_text_done(&d->m);
}

/* "openapi.yaml: warning: text", a line each; from types.cedarschema with line and column. */
static void put_faults(const struct lint *l, struct buf *out)
{
        for (uint32_t i = 0; i < l->n; i++) {
                const struct lint_fault *f = &l->at[i];

                buf_put(out, f->file);
                if (f->mark.line)
                        buf_printf(out, ":%u:%u", f->mark.line, f->mark.column);
                buf_put_str(out, f->level == LINT_WARNING ? ": warning: " : ": ");
                buf_put(out, f->text);
                buf_put_byte(out, '\n');
        }
}

static void check_faults(struct derived *d, const char *want)
{
        struct buf faults = BUF_INIT(1 << 20);

        put_faults(&d->l, &faults);
        assert_string_equal(buf_cstr(&faults), want);
        buf_done(&faults);
}

static void check_parses(const struct derived *d)
{
        struct cedar_schema *schema = NULL;
        struct err err = { 0 };

        if (cedar_schema_parse(buf_span(&d->text), &schema, &err) < 0)
                fail_msg("%s\n%.*s", err.text, (int)d->text.n, d->text.p);
        cedar_schema_free(schema);
}

static const char api_model[] =
        "{\"name\":\"accounts\",\"claims\":[\"branch\",\"desk-no\"],\"classes\":[\"pii\"],"
        "\"schemas\":{"
        " \"Account\":{\"type\":\"object\",\"required\":[\"id\",\"status\"],\"properties\":{"
        "  \"id\":{\"type\":\"string\"},\"status\":{\"enum\":[\"open\",\"closed\"]},"
        "  \"balance\":{\"type\":\"number\",\"multipleOf\":0.01},"
        "  \"owner\":{\"$ref\":\"Person\"},\"note\":{\"type\":[\"string\",\"null\"]}}},"
        " \"Person\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}},"
        "\"operations\":["
        " {\"id\":\"putAccount\",\"tags\":[\"Accounts & more\",\"write\"],"
        "  \"object\":{\"type\":\"Account\",\"id\":\"path.accountId\"},"
        "  \"parameters\":[{\"in\":\"path\",\"name\":\"accountId\","
        "    \"schema\":{\"type\":\"string\"}},"
        "   {\"in\":\"query\",\"name\":\"dry\",\"schema\":{\"type\":\"boolean\"}},"
        "   {\"in\":\"query\",\"name\":\"mode\",\"required\":true,"
        "    \"schema\":{\"enum\":[\"soft\",\"hard\"]}},"
        "   {\"in\":\"header\",\"name\":\"x-trace\",\"schema\":{}},"
        "   {\"in\":\"cookie\",\"name\":\"seen\",\"schema\":{\"type\":\"array\","
        "    \"items\":{\"type\":\"integer\"}}}],"
        "  \"bodyRequired\":true,\"body\":{\"$ref\":\"Account\"},\"reads\":[\"pii\"]},"
        " {\"id\":\"ping\"}]}";
static const char api_schema_text[] =
        "// What policies of accounts can ask, derived from openapi.yaml.\n"
        "\n"
        "entity Caller in [Group] {\n"
        "  branch?: String,\n"
        "  \"desk-no\"?: String,\n"
        "};\n"
        "entity Group in [Group];\n"
        "entity Api;\n"
        "entity DataClass in [DataClass];\n"
        "entity Account;\n"
        "\n"
        "entity AccountStatus enum [\"closed\", \"open\"];\n"
        "entity PutAccountQueryMode enum [\"hard\", \"soft\"];\n"
        "\n"
        "type AccountRecord = {\n"
        "  balance?: decimal,\n"
        "  id: String,\n"
        "  note?: String,\n"
        "  owner?: PersonRecord,\n"
        "  status: AccountStatus,\n"
        "};\n"
        "\n"
        "type PersonRecord = {\n"
        "  name?: String,\n"
        "};\n"
        "\n"
        "action \"Accounts & more\";\n"
        "action \"write\";\n"
        "action \"read\", \"readMasked\";\n"
        "\n"
        "action \"ping\" appliesTo {\n"
        "  principal: Caller,\n"
        "  resource: Api,\n"
        "  context: {\n"
        "    address: ipaddr,\n"
        "    time: datetime,\n"
        "    tls: { version: String, client?: String },\n"
        "  },\n"
        "};\n"
        "\n"
        "action \"putAccount\" in [\"Accounts & more\", \"write\"] appliesTo {\n"
        "  principal: Caller,\n"
        "  resource: Account,\n"
        "  context: {\n"
        "    address: ipaddr,\n"
        "    time: datetime,\n"
        "    tls: { version: String, client?: String },\n"
        "    path: {\n"
        "      accountId: String,\n"
        "    },\n"
        "    query: {\n"
        "      dry?: Bool,\n"
        "      mode: PutAccountQueryMode,\n"
        "    },\n"
        "    header: {\n"
        "      \"x-trace\"?: String,\n"
        "    },\n"
        "    cookie: {\n"
        "      seen?: Set<Long>,\n"
        "    },\n"
        "    body: AccountRecord,\n"
        "  },\n"
        "};\n"
        "type PutAccountRead = {\n"
        "  object: Account,\n"
        "  address: ipaddr,\n"
        "  time: datetime,\n"
        "  tls: { version: String, client?: String },\n"
        "  path: {\n"
        "    accountId: String,\n"
        "  },\n"
        "  query: {\n"
        "    dry?: Bool,\n"
        "    mode: PutAccountQueryMode,\n"
        "  },\n"
        "  header: {\n"
        "    \"x-trace\"?: String,\n"
        "  },\n"
        "  cookie: {\n"
        "    seen?: Set<Long>,\n"
        "  },\n"
        "  body: AccountRecord,\n"
        "};\n"
        "action \"putAccount.read\" in [\"read\"] appliesTo {\n"
        "  principal: Caller,\n"
        "  resource: DataClass,\n"
        "  context: PutAccountRead,\n"
        "};\n"
        "action \"putAccount.readMasked\" in [\"readMasked\"] appliesTo {\n"
        "  principal: Caller,\n"
        "  resource: DataClass,\n"
        "  context: PutAccountRead,\n"
        "};\n";

static void an_api_is_derived(void **state)
{
        struct derived d;

        derive(&d, api_model, "");
        assert_int_equal(d.rc, 0);
        assert_string_equal(buf_cstr(&d.text), api_schema_text);
        check_faults(&d, "");
        check_parses(&d);
        derived_done(&d);
}

/* One operation, `op`, with this body among these components: what is said of enums, of records
 * and of the body, and the warnings. */
struct body_case {
        const char *components, *body;
        const char *enums, *records, *attr, *warnings;
};

static void check_body(const struct body_case *t)
{
        struct buf model = BUF_INIT(1 << 20), want = BUF_INIT(1 << 20);
        struct derived d;

        buf_printf(&model, "{\"name\":\"t\",\"schemas\":{%s},\"operations\":[{\"id\":\"op\",",
                   t->components);
        buf_printf(&model, "\"body\":%s}]}", t->body);
        derive(&d, buf_cstr(&model), "");
        if (d.rc < 0)
                fail_msg("%s: %s", t->body, d.err.text);
        buf_put_str(&want, "// What policies of t can ask, derived from openapi.yaml.\n\n"
                           "entity Caller in [Group];\nentity Group in [Group];\nentity Api;\n"
                           "entity DataClass in [DataClass];\n");
        buf_printf(&want, "%s%s%s", t->enums ? "\n" : "", t->enums ? t->enums : "",
                   t->records ? t->records : "");
        buf_printf(&want,
                   "\naction \"read\", \"readMasked\";\n\naction \"op\" appliesTo {\n"
                   "  principal: Caller,\n  resource: Api,\n  context: {\n"
                   "    address: ipaddr,\n    time: datetime,\n"
                   "    tls: { version: String, client?: String },\n%s  },\n};\n",
                   t->attr);
        assert_string_equal(buf_cstr(&d.text), buf_cstr(&want));
        check_faults(&d, t->warnings ? t->warnings : "");
        check_parses(&d);
        derived_done(&d);
        buf_done(&model);
        buf_done(&want);
}

#define BODY(text)   "    body?: " text ",\n"
#define NO_BODY(why) "    // body: left out, " why "\n"
#define TOLD(why)    "openapi.yaml: warning: operation op: body: policies cannot ask for it: " why "\n"
#define FINE_WARNING                                                                               \
        "openapi.yaml: warning: operation op: body: it is a decimal, and numbers with more than "  \
        "four digits behind the point are refused; multipleOf: 0.01 says that there are none\n"

static const struct body_case bodies[] = {
        { "", "{\"type\":\"string\",\"minLength\":3}", .attr = BODY("String") },
        { "", "{\"type\":\"integer\"}", .attr = BODY("Long") },
        { "", "{\"type\":\"boolean\"}", .attr = BODY("Bool") },
        { "", "{\"type\":\"number\"}", .attr = BODY("decimal"), .warnings = FINE_WARNING },
        { "", "{\"type\":[\"number\",\"integer\"],\"multipleOf\":0.0005}",
          .attr = BODY("decimal") },
        { "", "{\"type\":\"number\",\"multipleOf\":5}", .attr = BODY("decimal") },
        { "", "{\"type\":\"number\",\"multipleOf\":0.00005}", .attr = BODY("decimal"),
          .warnings = FINE_WARNING },
        { "", "{\"enum\":[0.5,1,2]}", .attr = BODY("decimal") },
        { "", "{\"enum\":[0.12345]}", .attr = BODY("decimal"), .warnings = FINE_WARNING },
        { "", "{\"enum\":[1,2]}", .attr = BODY("Long") },
        { "", "{\"const\":true}", .attr = BODY("Bool") },
        { "",
          "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":"
          "\"integer\"}}}",
          .attr = BODY("Set<Set<Long>>") },
        { "", "{\"type\":\"array\",\"items\":{\"type\":\"number\"}}", .attr = BODY("Set<decimal>"),
          .warnings = FINE_WARNING },
        { "",
          "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"}],\"items\":{"
          "\"type\":\"integer\"}}",
          .attr = BODY("Set<Long>") },
        { "", "{\"type\":[\"null\",\"string\"]}", .attr = BODY("String") },
        /* formats */
        { "", "{\"type\":\"string\",\"format\":\"date-time\"}", .attr = BODY("datetime") },
        { "", "{\"type\":[\"string\",\"null\"],\"format\":\"ipv4\"}", .attr = BODY("ipaddr") },
        { "", "{\"type\":\"string\",\"format\":\"date\"}", .attr = BODY("String") },
        { "", "{\"type\":\"integer\",\"format\":\"date-time\"}", .attr = BODY("Long") },
        { "", "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"format\":\"ipv6\"}}",
          .attr = BODY("Set<ipaddr>") },
        { "", "{\"type\":\"string\",\"allOf\":[{\"format\":\"date-time\"},{\"maxLength\":30}]}",
          .attr = BODY("datetime") },
        { "", "{\"type\":\"string\",\"anyOf\":[{\"format\":\"ipv4\"},{\"format\":\"ipv6\"}]}",
          .attr = BODY("ipaddr") },
        { "", "{\"anyOf\":[{\"type\":\"string\",\"format\":\"date-time\"},{\"type\":\"null\"}]}",
          .attr = BODY("datetime") },
        /* strings of different formats, and those that may be without one */
        { "", "{\"type\":\"string\",\"anyOf\":[{\"format\":\"ipv4\"},{\"format\":\"hostname\"}]}",
          .attr = BODY("String") },
        { "", "{\"type\":\"string\",\"oneOf\":[{\"format\":\"date-time\"},{\"format\":\"ipv4\"}]}",
          .attr = BODY("String") },
        { "", "{\"anyOf\":[{\"type\":\"string\",\"format\":\"date-time\"},{\"const\":\"never\"}]}",
          .attr = BODY("String") },
        { "", "{\"type\":\"string\",\"format\":\"date-time\",\"enum\":[\"2026-01-01T00:00:00Z\"]}",
          .enums = "entity OpBody enum [\"2026-01-01T00:00:00Z\"];\n", .attr = BODY("OpBody") },
        { "",
          "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\",\"format\":\"ipv4\"}],"
          "\"items\":{\"type\":\"string\"}}",
          .attr = BODY("Set<String>") },
        { "",
          "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\",\"format\":"
          "\"ipv4\"}}},{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\"}}}]}",
          .attr = NO_BODY("values of different types"),
          .warnings = TOLD("values of different types") },
        /* enums */
        { "", "{\"enum\":[\"b\",\"a\",\"b\",null,\"\\u0000\\\"\"]}",
          .enums = "entity OpBody enum [\"\\0\\\"\", \"a\", \"b\"];\n", .attr = BODY("OpBody") },
        { "\"side\":{\"const\":\"buy\"}", "{\"$ref\":\"side\"}",
          .enums = "entity Side enum [\"buy\"];\n", .attr = BODY("Side") },
        { "", "{\"oneOf\":[{\"const\":\"buy\"},{\"const\":\"sell\"},{\"type\":\"null\"}]}",
          .enums = "entity OpBody enum [\"buy\", \"sell\"];\n", .attr = BODY("OpBody") },
        { "", "{\"anyOf\":[{\"const\":\"buy\"},{\"type\":\"string\"}]}", .attr = BODY("String") },
        { "\"S\":{\"enum\":[\"a\",\"b\",\"c\"]}", "{\"$ref\":\"S\",\"enum\":[\"c\",\"b\",\"d\"]}",
          .enums = "entity OpBody enum [\"b\", \"c\"];\n", .attr = BODY("OpBody") },
        { "\"Set\":{\"enum\":[\"a\"]}", "{\"$ref\":\"Set\"}",
          .enums = "entity Set_2 enum [\"a\"];\n", .attr = BODY("Set_2") },
        { "\"2-fa\":{\"enum\":[\"a\"]}", "{\"$ref\":\"2-fa\"}",
          .enums = "entity _2Fa enum [\"a\"];\n", .attr = BODY("_2Fa") },
        /* the same name: the same ids are one type, others are another */
        { "\"A\":{\"type\":\"object\",\"properties\":{\"b-c\":{\"enum\":[\"x\"]},"
          "\"bC\":{\"enum\":[\"y\"]},\"b_c\":{\"enum\":[\"x\"]}}}",
          "{\"$ref\":\"A\"}", .enums = "entity ABC enum [\"x\"];\nentity ABC_2 enum [\"y\"];\n",
          .records = "\ntype ARecord = {\n  \"b-c\"?: ABC,\n  bC?: ABC_2,\n  b_c?: ABC,\n};\n",
          .attr = BODY("ARecord") },
        { "\"A\":{\"type\":\"object\",\"properties\":{\"record\":{\"enum\":[\"x\"]}}}",
          "{\"$ref\":\"A\"}", .enums = "entity ARecord_2 enum [\"x\"];\n",
          .records = "\ntype ARecord = {\n  record?: ARecord_2,\n};\n", .attr = BODY("ARecord") },
        /* records */
        { "",
          "{\"type\":\"object\",\"required\":[\"a\",\"in\",\"\"],\"properties\":{\"a\":{"
          "\"type\":[\"integer\",\"null\"]},\"in\":{\"type\":\"integer\"},\"\":{\"type\":"
          "\"integer\"},\"no\":false}}",
          .attr = BODY("{\n      \"\": Long,\n      a?: Long,\n      \"in\": Long,\n    }") },
        { "\"B\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"},\"y\":{"
          "\"type\":[\"string\",\"integer\"]}}},\"A\":{\"allOf\":[{\"$ref\":\"B\"},{\"type\":"
          "\"object\",\"required\":[\"x\"],\"properties\":{\"y\":{\"type\":\"string\"}}}]}",
          "{\"$ref\":\"A\"}", .records = "\ntype ARecord = {\n  x: Long,\n  y?: String,\n};\n",
          .attr = BODY("ARecord") },
        { "\"B\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}}",
          "{\"anyOf\":[{\"$ref\":\"B\"},{\"type\":\"null\"}]}",
          .records = "\ntype BRecord = {\n  x?: Long,\n};\n", .attr = BODY("BRecord") },
        { "\"B\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}},\"C\":{"
          "\"type\":\"array\",\"items\":{\"$ref\":\"B\"}}",
          "{\"$ref\":\"C\"}", .records = "\ntype BRecord = {\n  x?: Long,\n};\n",
          .attr = BODY("Set<BRecord>") },
        /* one of two must be there: what both are is known */
        { "",
          "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}},\"oneOf\":["
          "{\"required\":[\"x\"]},{\"required\":[\"y\"]}]}",
          .attr = BODY("{\n      x?: Long,\n    }") },
        { "",
          "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}},{"
          "\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}}]}",
          .attr = BODY("{\n      x?: Long,\n    }") },
        /* what has no type */
        { "", "{}", .attr = NO_BODY("anything may stand there"),
          .warnings = TOLD("anything may stand there") },
        { "", "{\"properties\":{\"a\":{\"type\":\"integer\"}}}",
          .attr = NO_BODY("it has properties, and `type: object` is not said"),
          .warnings = TOLD("it has properties, and `type: object` is not said") },
        { "", "{\"type\":\"object\"}",
          .attr = NO_BODY("an object without named properties that have a type"),
          .warnings = TOLD("an object without named properties that have a type") },
        { "", "{\"type\":\"array\"}", .attr = NO_BODY("anything may stand there"),
          .warnings = TOLD("anything may stand there") },
        { "", "{\"type\":[\"string\",\"integer\"]}", .attr = NO_BODY("values of different types"),
          .warnings = TOLD("values of different types") },
        { "", "{\"enum\":[\"a\",1]}", .attr = NO_BODY("values of different types"),
          .warnings = TOLD("values of different types") },
        { "",
          "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}},{"
          "\"type\":\"object\",\"properties\":{\"y\":{\"type\":\"integer\"}}}]}",
          .attr = NO_BODY("values of different types"),
          .warnings = TOLD("values of different types") },
        { "",
          "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}},{"
          "\"type\":\"object\"}]}",
          .attr = NO_BODY("an object without named properties that have a type"),
          .warnings = TOLD("an object without named properties that have a type") },
        { "", "{\"type\":\"array\",\"items\":{\"type\":[\"null\",\"string\"]}}",
          .attr = NO_BODY("null may be in the array"),
          .warnings = TOLD("null may be in the array") },
        { "", "{\"type\":\"string\",\"allOf\":[{\"type\":\"integer\"}]}", .attr = "" },
        { "", "{\"type\":\"null\"}", .attr = "" },
        { "",
          "{\"type\":\"object\",\"properties\":{\"a\\nb\":{},\"c\":{\"type\":\"object\","
          "\"properties\":{\"d\":{}}}}}",
          .attr = NO_BODY("an object without named properties that have a type"),
          .warnings = TOLD("an object without named properties that have a type") },
        { "", "{\"type\":\"object\",\"properties\":{\"a\\nb\":{},\"x\":{\"type\":\"integer\"}}}",
          .attr = BODY("{\n      // a\\x0ab: left out, anything may stand there\n"
                       "      x?: Long,\n    }"),
          .warnings = "openapi.yaml: warning: operation op: body.a\nb: policies cannot ask for "
                      "it: anything may stand there\n" },
        /* recursion: only what leads back is left out, whoever is asked first */
        { "\"T\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},\"kids\":{"
          "\"type\":\"array\",\"items\":{\"$ref\":\"T\"}}}}",
          "{\"$ref\":\"T\"}",
          .records = "\ntype TRecord = {\n"
                     "  // kids: left out, its schema leads back to itself\n  v?: Long,\n};\n",
          .attr = BODY("TRecord"),
          .warnings = "openapi.yaml: warning: schema T: kids: policies cannot ask for it: its "
                      "schema leads back to itself\n" },
        { "\"A\":{\"type\":\"object\",\"properties\":{\"b\":{\"$ref\":\"B\"},\"i\":{\"type\":"
          "\"integer\"}}},\"B\":{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"A\"},"
          "\"s\":{\"type\":\"string\"}}}",
          "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"A\"},\"b\":{\"$ref\":"
          "\"B\"}}}",
          .records = "\ntype ARecord = {\n"
                     "  // b: left out, its schema leads back to itself\n  i?: Long,\n};\n"
                     "\ntype BRecord = {\n"
                     "  // a: left out, its schema leads back to itself\n  s?: String,\n};\n",
          .attr = BODY("{\n      a?: ARecord,\n      b?: BRecord,\n    }"),
          .warnings = "openapi.yaml: warning: schema A: b: policies cannot ask for it: its "
                      "schema leads back to itself\n"
                      "openapi.yaml: warning: schema B: a: policies cannot ask for it: its "
                      "schema leads back to itself\n" },
        { "\"A\":{\"$ref\":\"A\"}", "{\"$ref\":\"A\"}",
          .attr = NO_BODY("its schema leads back to itself"),
          .warnings = TOLD("its schema leads back to itself") },
};

static void schemas_have_types(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
                check_body(&bodies[i]);
}

/* A chain of components far longer than types may nest: it is cut, and parses. */
static void what_nests_too_deep_is_cut(void **state)
{
        struct buf model = BUF_INIT(1 << 20);
        struct derived d;

        buf_put_str(&model, "{\"name\":\"t\",\"schemas\":{");
        for (unsigned i = 1000; i < 1200; i++)
                buf_printf(&model,
                           "\"C%u\":{\"type\":\"object\",\"properties\":{\"c\":{\"$ref\":"
                           "\"C%u\"},\"x\":{\"type\":\"integer\"}}},",
                           i, i + 1);
        buf_put_str(
                &model,
                "\"C1200\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}}},"
                "\"operations\":[{\"id\":\"op\",\"body\":{\"$ref\":\"C1000\"}}]}");
        derive(&d, buf_cstr(&model), "");
        assert_int_equal(d.rc, 0);
        check_parses(&d);
        assert_non_null(strstr(buf_cstr(&d.text), "  // c: left out, it nests too deep\n"));
        derived_done(&d);
        buf_done(&model);
}

static void every_failed_allocation_is_told(void **state)
{
        static const char model[] =
                "{\"name\":\"t\",\"claims\":[\"branch\"],\"classes\":[\"pii\"],\"schemas\":{"
                "\"B\":{\"type\":\"object\",\"properties\":{\"x\":{\"enum\":[\"a\",\"b\"]}}}},"
                "\"operations\":[{\"id\":\"op\",\"tags\":[\"t\"],\"reads\":[\"pii\"],\"body\":{"
                "\"allOf\":[{\"$ref\":\"B\"}]}}]}";
        static const char types[] = "entity Caller in [Group] { branch?: String };";
        struct derived d;

        derive(&d, model, types);
        assert_int_equal(d.rc, 0);
        for (size_t nth = 1, done = 0; !done; nth++) {
                int rc;

                buf_clear(&d.text);
                alloc_fail_nth = nth;
                rc = derive_schema(&d.m.api, &d.m.config, span_str(types), &d.text, NULL, &d.err);
                done = alloc_fail_nth > 0;
                alloc_fail_nth = 0;
                assert_int_equal(rc, done ? 0 : -ENOMEM);
                assert_true(nth < 1000);
        }
        derived_done(&d);
}

struct types_case {
        const char *model, *types, *faults;
};

#define ONE_OP                                                                                     \
        "\"operations\":[{\"id\":\"op\",\"object\":{\"type\":\"Account\",\"id\":\"path.id\"},"     \
        "\"parameters\":[{\"in\":\"path\",\"name\":\"id\",\"schema\":{\"type\":\"string\"}}],"     \
        "\"body\":{\"$ref\":\"S\"}}]}"
#define WITH_S "\"schemas\":{\"S\":{\"enum\":[\"a\"]}},"

static const char bank[] = "{\"name\":\"t\",\"claims\":[\"branch\"]," WITH_S ONE_OP;
#define ONLY(attribute)                                                                            \
        "only what is in entities.yaml has \"" attribute                                           \
        "\": with any other a policy that asks for it errs and does not count, a forbid either; "  \
        "let it be optional (\"?\") and ask with `has` first\n"

static const struct types_case of_types[] = {
        { bank, "", "" },
        { bank, "entity Caller in [Group] { branch?: String, level?: Long };", "" },
        { bank, "entity Account { owner?: Caller, state?: S };\nnamespace Bank { entity X; }", "" },
        /* who has them? */
        { bank,
          "entity Caller in [Group] { branch?: String, level: Long };\n"
          "entity Account { at?: { x: Long }, frozen: Bool, owner: Caller };\n"
          "entity Group in [Group] { x: Long };",
          "types.cedarschema:1:8: warning: " ONLY("level") "types.cedarschema:2:8: warning: " ONLY(
                  "frozen") "types.cedarschema:2:8: warning: " ONLY("owner") },
        { bank, "\nentity Caller in [Group];",
          "types.cedarschema:2:8: Caller wants the attribute `\"branch\"?: String`: it is a "
          "claim that gateway.yaml passes on\n" },
        { bank, "entity Caller in [Group] { branch: String };",
          "types.cedarschema:1:8: Caller wants the attribute `\"branch\"?: String`: it is a "
          "claim that gateway.yaml passes on\n" },
        { bank, "entity Caller { branch?: String };",
          "types.cedarschema:1:8: a Caller must be one that can be in a Group: `entity Caller "
          "in [Group]`\n" },
        { bank, "entity Caller enum [\"a\"];",
          "types.cedarschema:1:8: callers cannot be enumerated\n" },
        { bank, "entity Account enum [\"a\"];",
          "types.cedarschema:1:8: Account is the type of an object (x-object) and cannot be "
          "enumerated\n" },
        { bank, "entity Api;\nentity S;\naction a;",
          "types.cedarschema:2:8: S is derived from openapi.yaml and cannot be declared here\n"
          "types.cedarschema:1:8: Api is derived from openapi.yaml and cannot be declared here\n"
          "types.cedarschema:3:8: actions are derived from openapi.yaml and cannot be declared "
          "here\n" },
        { bank, "type Account = Long;",
          "types.cedarschema:1:6: Account is derived from openapi.yaml and cannot be declared "
          "here\n" },
        { bank, "entity X {\n  a: Y };", "types.cedarschema:2:6: there is no type Y\n" },
        { bank, "entity X", "types.cedarschema:1:9: found the end of the text, wanted `;`\n" },
        { "{\"name\":\"t\",\"operations\":[{\"id\":\"op\",\"object\":{\"type\":\"Bank::Account\","
          "\"id\":\"path.i\"},\"parameters\":[{\"in\":\"path\",\"name\":\"i\"}]}]}",
          "namespace Bank { entity Account; }", "" },
        { "{\"name\":\"t\",\"operations\":[{\"id\":\"op\",\"object\":{\"type\":\"Bank::Account\","
          "\"id\":\"path.i\"},\"parameters\":[{\"in\":\"path\",\"name\":\"i\"}]}]}",
          "",
          "openapi.yaml: x-object: Bank::Account has a namespace: it is to be declared in "
          "types.cedarschema\n" },
        { "{\"name\":\"t\",\"operations\":[{\"id\":\"op\",\"object\":{\"type\":\"my account\","
          "\"id\":\"path.i\"},\"parameters\":[{\"in\":\"path\",\"name\":\"i\"}]}]}",
          "", "openapi.yaml: x-object: no entity can have the type my account\n" },
        /* names of actions */
        { "{\"name\":\"t\",\"classes\":[\"c\"],\"operations\":[{\"id\":\"a\",\"reads\":[\"c\"],"
          "\"tags\":[\"b\",\"read\"]},{\"id\":\"a.read\"},{\"id\":\"b\",\"tags\":[\"b\"]}]}",
          "",
          "openapi.yaml: \"a.read\" is an operation and what an operation's answer is read "
          "by: both would be the action of this name; call one of them otherwise\n"
          "openapi.yaml: \"b\" is a tag and an operation: both would be the action of this "
          "name; call one of them otherwise\n"
          "openapi.yaml: \"read\" is a tag and what all classes are read by: both would be "
          "the action of this name; call one of them otherwise\n" },
};

static void types_of_the_package_are_checked(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(of_types); i++) {
                struct derived d;

                derive(&d, of_types[i].model, of_types[i].types);
                check_faults(&d, of_types[i].faults);
                assert_int_equal(d.rc, d.l.errors ? -EINVAL : 0);
                if (d.rc == 0)
                        check_parses(&d);
                derived_done(&d);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_api_is_derived),
                cmocka_unit_test(schemas_have_types),
                cmocka_unit_test(what_nests_too_deep_is_cut),
                cmocka_unit_test(types_of_the_package_are_checked),
                cmocka_unit_test(every_failed_allocation_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
