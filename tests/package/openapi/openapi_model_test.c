/* SPDX-License-Identifier: Apache-2.0 */
/* What a document comes to, and what happens when memory runs out. */
#include "openapi_print.h"
#include "openapi_world.h"

#include "../../alloc_fail.h"

struct model_case {
        const char *text, *wanted;
};

/* The operations, a line each. */
static void check_operations(const struct model_case *table, size_t n)
{
        static struct world w;

        for (size_t i = 0; i < n; i++) {
                struct printer p = { .out = BUF_INIT(1 << 20) };

                world_open(&w, table[i].text);
                if (!w.api)
                        (void)world_has_faults(&w, table[i].text, "");
                assert_non_null(w.api);
                p.api = w.api;
                for (uint32_t k = 0; w.api && k < w.api->n_operations; k++)
                        print_operation(&p, &w.api->operations[k]);
                if (strcmp(buf_cstr(&p.out), table[i].wanted) != 0)
                        fail_msg("%s\nis:\n%s\nwanted:\n%s", table[i].text, buf_cstr(&p.out),
                                 table[i].wanted);
                buf_done(&p.out);
                world_close(&w);
        }
}

static void operations_are_in_order_with_all_that_is_theirs(void **state)
{
        static const struct model_case table[] = {
                { HEAD
                  "paths:\n"
                  "  /: {put: {operationId: c, responses: {default: {}}}}\n"
                  "  /a/: {delete: {operationId: b, responses: {204: {}}, tags: [y, x, y]}}\n"
                  "  /a/b%20c: {options: {operationId: a, responses: {2XX: {}, 200: {}, default: "
                  "{}}}}\n",
                  "a: OPTIONS /a/b%20c [a b c] 0 2 200\n"
                  "b: DELETE /a/ [a ] tags(x y) 204\n"
                  "c: PUT / [] 0\n" },
                { HEAD
                  "paths:\n"
                  "  /a/{x}:\n"
                  "    parameters:\n"
                  "      - {name: x, in: path, required: true, explode: true, schema: {type: "
                  "string}}\n"
                  "      - {name: q, in: query, schema: {type: integer}}\n"
                  "    x-object: {type: Thing, id: path.x}\n"
                  "    get:\n"
                  "      operationId: a\n"
                  "      parameters:\n"
                  "        - {name: c, in: cookie, explode: false, schema: {type: array, items: "
                  "{type: number}}}\n"
                  "        - {name: X-B, in: header, explode: true, required: true, schema: "
                  "{type: boolean}}\n"
                  "        - {name: Accept, in: header, schema: {type: string}}\n"
                  "        - {name: q, in: query, required: true, explode: false, schema: {type: "
                  "string}}\n"
                  "      responses: {default: {}}\n"
                  "    head: {operationId: b, x-object: {type: A::B, id: path.x}, responses: "
                  "{default: {}}}\n",
                  "a: GET /a/{x} [a {x}] about(Thing path.x) path x! { string } query q! { string } "
                  "header x-b! { boolean } cookie c { array items { number } } 0\n"
                  "b: HEAD /a/{x} [a {x}] about(A::B path.x) path x! { string } query q explode "
                  "{ integer } 0\n" },
                { POST("requestBody:\n"
                       "        required: true\n"
                       "        content:\n"
                       "          application/Merge-Patch+JSON: {schema: {type: object}}\n"
                       "          application/json: {schema: true}\n"
                       "      summary: s"),
                  "a: POST /a [a] body! application/json { } application/merge-patch+json { object } "
                  "0\n" },
                { GET("x-a: 1") "  /b:\n"
                                "    get:\n"
                                "      operationId: b\n"
                                "      responses:\n"
                                "        404: {content: {text/HTML: {schema: {type: string}}}}\n"
                                "        200:\n"
                                "          headers: {X-Z: {schema: {type: string}, required: true}, "
                                "A: {schema: {type: integer}}}\n"
                                "          content: {application/json: {}}\n",
                  "a: GET /a [a] 0\n"
                  "b: GET /b [b] 200 header a { integer } header x-z! { string } application/json "
                  "anything 404 text/html\n" },
        };

        (void)state;
        check_operations(table, ARRAY_LEN(table));
}

#define SECURED(global, own)                                                                        \
        "openapi: 3.1.1\ninfo: {title: T, version: '1'}\n" global                                   \
        "paths: {/a: {get: {operationId: a, responses: {default: {}}" own "}}}\n"                   \
        "components: {securitySchemes: {t: {type: http, scheme: bearer}, m: {type: mutualTLS}, b: " \
        "{type: http, scheme: basic}, o: {type: oauth2, flows: {}}, i: {type: openIdConnect}}}\n"

static void security_is_a_choice_of_what_is_shown_together(void **state)
{
        static const struct model_case table[] = {
                { SECURED("", ""), "a: GET /a [a] 0\n" },
                { SECURED("security: []\n", ""), "a: GET /a [a] 0\n" },
                { SECURED("security: [{t: []}]\n", ""), "a: GET /a [a] needs(t) 0\n" },
                { SECURED("security: [{t: [], m: []}, {b: []}, {}]\n", ""),
                  "a: GET /a [a] needs(m+t or b or nothing) 0\n" },
                { SECURED("security: [{t: []}]\n", ", security: []"), "a: GET /a [a] 0\n" },
                { SECURED("security: [{t: []}]\n", ", security: [{o: [x]}, {i: []}]"),
                  "a: GET /a [a] needs(o or i) 0\n" },
        };
        static struct world w;

        (void)state;
        check_operations(table, ARRAY_LEN(table));
        world_open(&w, SECURED("", ""));
        assert_int_equal(w.api->n_identities, 5);
        assert_int_equal(w.api->identities[0].kind, API_IDENTITY_BASIC);
        assert_int_equal(w.api->identities[1].kind, API_IDENTITY_BEARER);
        assert_int_equal(w.api->identities[2].kind, API_IDENTITY_MUTUAL);
        assert_int_equal(w.api->identities[3].kind, API_IDENTITY_BEARER);
        assert_int_equal(w.api->identities[4].kind, API_IDENTITY_BEARER);
        assert_true(span_eq_str(w.api->title, "T") && span_eq_str(w.api->version, "1"));
        world_close(&w);
}

/* The one schema of an answer, its components behind it. */
#define ANSWER(schema, rest)                                                                               \
        HEAD "paths:\n"                                                                                    \
             "  /a: {get: {operationId: a, responses: {200: {content: {application/json: {schema: " schema \
             "}}}}}}\n"                                                                                    \
             "components:\n"                                                                               \
             "  schemas:\n"                                                                                \
             "    Unused: {properties: {a: {x-data-class: u}}}\n" rest
#define IS(schema) "a: GET /a [a] 200 application/json " schema "\n"

static void each_keyword_has_its_member(void **state)
{
        static const struct model_case table[] = {
                { ANSWER("{}", ""), IS("{ }") },
                { ANSWER("true", ""), IS("{ }") },
                { ANSWER("false", ""), IS("{ never }") },
                { ANSWER("{type: [string, 'null'], minLength: 1, maxLength: 2, pattern: a+, format: "
                         "date-time}",
                         ""),
                  IS("{ null|string length from 1 length to 2 ~a+ date-time }") },
                { ANSWER("{type: number, minimum: -1, maximum: 1e3, exclusiveMinimum: .5, "
                         "exclusiveMaximum: 2, multipleOf: 0.01, format: double}",
                         ""),
                  IS("{ number minimum -1 maximum 1e3 above 0.5 below 2 times 0.01 }") },
                { ANSWER("{enum: [b, a, 1, 1.0, -0, -9223372036854775808, 9223372036854775808, null, "
                         "false, [1, []], {b: 1, a: {}}]}",
                         ""),
                  IS("{ one of 'b', 'a', 1, real 1.0, 0, -9223372036854775808, real "
                     "9223372036854775808, null, false, [ 1 [ ] ], { a { } b 1 } }") },
                { ANSWER("{const: x}", ""), IS("{ one of 'x' }") },
                { ANSWER("{type: array, items: {type: string}, prefixItems: [true, false], contains: "
                         "{}, minContains: 0, maxContains: 3, minItems: 1, maxItems: 9, uniqueItems: "
                         "true}",
                         ""),
                  IS("{ array prefix [{ }, { never }] items { string } contains { } of them from 0 "
                     "of them to 3 items from 1 items to 9 unique }") },
                { ANSWER("{type: object, properties: {b: {}, a: false}, required: [c, b], "
                         "additionalProperties: false, patternProperties: {'^x': {}}, propertyNames: "
                         "{maxLength: 3}, minProperties: 1, maxProperties: 2}",
                         ""),
                  IS("{ object a: { never } b!: { } c! ~^x: { } others { never } names { length to 3 "
                     "} members from 1 members to 2 }") },
                { ANSWER("{type: [array, object], unevaluatedProperties: false, unevaluatedItems: {type: "
                         "string}}",
                         ""),
                  IS("{ array|object left members { never } left items { string } }") },
                { ANSWER("{dependentRequired: {b: [x, y], a: [z]}, dependentSchemas: {c: {}, b: "
                         "false}}",
                         ""),
                  IS("{ with a also z with b also x,y { never } with c { } }") },
                { ANSWER("{allOf: [{}], anyOf: [true, {}], oneOf: [false], not: {}, if: {}, then: "
                         "{type: string}, else: {}}",
                         ""),
                  IS("{ all [{ }] any [{ }, { }] one [{ never }] not { } if { } then { string } else "
                     "{ } }") },
        };

        (void)state;
        check_operations(table, ARRAY_LEN(table));
}

static void references_are_what_they_lead_to(void **state)
{
        static const struct model_case table[] = {
                { ANSWER("{$ref: '#/components/schemas/A'}", "    A: {type: string}\n"), IS("A") },
                { ANSWER("{$ref: '#/components/schemas/A', description: d}",
                         "    A: {$ref: '#/components/schemas/B', title: t}\n    B: {type: string}\n"),
                  IS("B") },
                { ANSWER("{$ref: '#/components/schemas/A', type: string}",
                         "    A: {minLength: 1}\n"),
                  IS("{ string ref A }") },
                { ANSWER("{properties: {a: {$ref: '#/components/schemas/A'}, b: {$ref: "
                         "'#/components/schemas/A', x-data-class: p}}}",
                         "    A: true\n"),
                  "a: GET /a [a] reads(p) 200 application/json { a: { } b: { #p ref { } } }\n" },
                { ANSWER("{$ref: '#/components/schemas/A/properties/b'}",
                         "    A: {properties: {b: {type: 'null'}}}\n"),
                  IS("{ null }") },
        };

        (void)state;
        check_operations(table, ARRAY_LEN(table));
}

static void an_operation_has_the_classes_that_it_leads_to(void **state)
{
        static const struct model_case table[] = {
                /* through properties, items, combinations, circles */
                { ANSWER("{$ref: '#/components/schemas/A'}",
                         "    A: {properties: {b: {items: {$ref: '#/components/schemas/B'}}}}\n"
                         "    B: {oneOf: [{$ref: '#/components/schemas/C'}, {type: string, "
                         "x-data-class: z}]}\n"
                         "    C: {additionalProperties: {$ref: '#/components/schemas/A'}, "
                         "x-data-class: k}\n"),
                  "a: GET /a [a] reads(k z) 200 application/json A\n" },
                { ANSWER("{unevaluatedProperties: {x-data-class: a}, unevaluatedItems: {x-data-class: b}}",
                         ""),
                  "a: GET /a [a] reads(a b) 200 application/json { left members { #a } left items { #b "
                  "} }\n" },
                { ANSWER("{allOf: [{prefixItems: [{x-data-class: a}]}, {contains: {x-data-class: "
                         "b}}], anyOf: [{patternProperties: {x: {x-data-class: c}}}], then: "
                         "{x-data-class: d}, else: {x-data-class: e}, if: true, dependentSchemas: {x: "
                         "{x-data-class: f}}}",
                         ""),
                  "a: GET /a [a] reads(a b c d e f) 200 application/json { with x { #f } all [{ "
                  "prefix [{ #a }] }, { contains { #b } }] any [{ ~x: { #c } }] if { } then { #d } "
                  "else { #e } }\n" },
                /* but not what only asks */
                { ANSWER("{not: {$ref: '#/components/schemas/A'}, if: {$ref: "
                         "'#/components/schemas/A'}, then: {}, propertyNames: {$ref: "
                         "'#/components/schemas/A'}}",
                         "    A: {x-data-class: a}\n"),
                  IS("{ names A not A if A then { } }") },
                /* requests, parameters and headers */
                { HEAD
                  "paths:\n"
                  "  /a/{x}:\n"
                  "    post:\n"
                  "      operationId: a\n"
                  "      parameters: [{name: x, in: path, required: true, schema: {type: string, "
                  "x-data-class: p}}]\n"
                  "      requestBody: {content: {application/json: {schema: {x-data-class: b}}}}\n"
                  "      responses: {200: {headers: {h: {schema: {type: string, x-data-class: "
                  "h}}}}}\n",
                  "a: POST /a/{x} [a {x}] reads(h) writes(b p) path x! { string #p } body "
                  "application/json { #b } 200 header h { string #h }\n" },
        };

        (void)state;
        check_operations(table, ARRAY_LEN(table));
}

/* Classes are all of the document's, schemas those that operations lead to. */
static void what_nothing_leads_to_is_not_kept(void **state)
{
        static struct world w;

        (void)state;
        world_open(&w, ANSWER("{type: string, x-data-class: a}", "    A: {type: string}\n"));
        assert_non_null(w.api);
        assert_int_equal(w.api->schemas.n, 1);
        assert_int_equal(w.api->n_classes, 2);
        assert_true(span_eq_str(w.api->classes[0], "a") && span_eq_str(w.api->classes[1], "u"));
        assert_ptr_equal(api_operation(w.api, SPAN("a")), &w.api->operations[0]);
        assert_null(api_operation(w.api, SPAN("b")));
        world_close(&w);
}

/* Nothing of the model is the document's: that may go. */
static void the_model_outlives_the_document(void **state)
{
        static struct world w;
        char *text = strdup(ANSWER("{type: object, properties: {ab: {enum: [cd]}}}", ""));
        struct printer p = { .out = BUF_INIT(1 << 16) };

        (void)state;
        assert_non_null(text);
        world_open(&w, text);
        assert_non_null(w.api);
        memset(text, '!', strlen(text));
        for (const struct source_node *m = w.root->child; m; m = m->next)
                memset((void *)(uintptr_t)m->key.p, '!', m->key.n);
        arena_done(&w.arena);
        free(text);
        p.api = w.api;
        print_operation(&p, &w.api->operations[0]);
        assert_string_equal(buf_cstr(&p.out), IS("{ object ab: { one of 'cd' } }"));
        buf_done(&p.out);
        world_close(&w);
}

/* examples/accounts: nothing to say of it, and what it reads and writes. */
static void the_sample_is_without_a_fault(void **state)
{
        static const struct {
                const char *id, *reads, *writes;
        } table[] = {
                { "createTransfer", "account.iban pii.name transfer.text",
                  "account.iban pii.name transfer.text" },
                { "getAccount", "account.balance account.iban", "" },
                { "getCustomer", "pii.address pii.birth pii.email pii.name pii.phone pii.ssn", "" },
                { "listAccounts", "account.balance account.iban", "" },
                { "listBranches", "", "" },
                { "listTransfers", "account.iban pii.name transfer.text", "" },
                { "updateCustomer", "pii.address pii.birth pii.email pii.name pii.phone pii.ssn",
                  "pii.address pii.email pii.phone" },
        };
        struct buf path = BUF_INIT(4096);
        static char text[64 * 1024];
        static struct world w;
        FILE *f;

        (void)state;
        assert_non_null(getenv("ASSAY_SOURCE"));
        buf_printf(&path, "%s/examples/accounts/openapi.yaml", getenv("ASSAY_SOURCE"));
        f = fopen(buf_cstr(&path), "r");
        assert_non_null(f);
        text[fread(text, 1, sizeof text - 1, f)] = 0;
        fclose(f);
        buf_done(&path);
        world_open(&w, text);
        assert_true(world_has_faults(&w, "the sample", ""));
        assert_int_equal(w.api->n_operations, ARRAY_LEN(table));
        for (uint32_t i = 0; i < ARRAY_LEN(table); i++) {
                const struct api_operation *o = &w.api->operations[i];
                struct printer p = { w.api, BUF_INIT(4096) };

                assert_true(span_eq_str(o->id, table[i].id));
                print_classes(&p, "", o->reads, o->n_reads);
                buf_put_byte(&p.out, ';');
                print_classes(&p, "", o->writes, o->n_writes);
                buf_printf(&path, "%s%s;%s%s", table[i].reads, table[i].reads[0] ? ")" : "",
                           table[i].writes, table[i].writes[0] ? ")" : "");
                assert_string_equal(buf_cstr(&p.out), buf_cstr(&path));
                buf_done(&p.out);
                buf_done(&path);
        }
        world_close(&w);
}

/* ---- memory ---- */

static const char before[] = HEAD "servers: [{url: a}]\n"
                                  "paths:\n";
/* Each %u is the number of the path or schema. */
static const char path[] =
        "  /a%u/{x}:\n"
        "    parameters: [{$ref: '#/components/parameters/x'}]\n"
        "    x-object: {type: A, id: path.x}\n"
        "    post:\n"
        "      operationId: a%u\n"
        "      tags: [t]\n"
        "      security: [{s: []}]\n"
        "      requestBody: {content: {application/json: {schema: {$ref: "
        "'#/components/schemas/S%u'}}}}\n"
        "      responses: {200: {headers: {h: {schema: {type: string}}}, content: "
        "{application/json: {schema: {$ref: '#/components/schemas/S%u'}}, text/csv: {schema: "
        "{}}}}}\n";
static const char between[] =
        "components:\n"
        "  parameters: {x: {name: x, in: path, required: true, schema: {type: string, pattern: a}}}\n"
        "  securitySchemes: {s: {type: mutualTLS}}\n"
        "  schemas:\n";
static const char schema[] =
        "    S%u: {type: object, required: [a], properties: {a: {maxLength: 2, enum: [b, [c], {d: "
        "1}], x-data-class: p}, e: {$ref: '#/components/schemas/S%u'}}, additionalProperties: {}, "
        "dependentRequired: {a: [e]}, dependentSchemas: {e: {}}, allOf: [{format: x}]}\n";

static void put_everything(struct buf *b, unsigned n)
{
        buf_put_str(b, before);
        for (unsigned i = 0; i < n; i++)
                world_put_numbered(b, path, i);
        buf_put_str(b, between);
        for (unsigned i = 0; i < n; i++)
                world_put_numbered(b, schema, i);
}

/* Memory comes in blocks of 64 KiB: a document that is large enough to begin one in many places. */
static void each_failed_allocation_is_told(void **state)
{
        struct buf text = BUF_INIT(1 << 20);
        static struct world w;
        size_t nth;

        (void)state;
        put_everything(&text, 250);
        for (nth = 1;; nth++) {
                struct api *api = NULL;
                static struct lint lint;
                int rc;

                world_open(&w, buf_cstr(&text));
                assert_non_null(w.api);
                lint_init(&lint);
                lint_warning(&lint, NULL, "so that it has its block");
                alloc_fail_nth = nth;
                rc = openapi_read(w.root, &lint, &api, &w.err);
                alloc_fail_nth = 0;
                lint_done(&lint);
                world_close(&w);
                api_free(api);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_null(api);
                assert_true(nth < 1000);
        }
        assert_true(nth > 20);
        buf_done(&text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(operations_are_in_order_with_all_that_is_theirs),
                cmocka_unit_test(security_is_a_choice_of_what_is_shown_together),
                cmocka_unit_test(each_keyword_has_its_member),
                cmocka_unit_test(references_are_what_they_lead_to),
                cmocka_unit_test(an_operation_has_the_classes_that_it_leads_to),
                cmocka_unit_test(what_nothing_leads_to_is_not_kept),
                cmocka_unit_test(the_model_outlives_the_document),
                cmocka_unit_test(the_sample_is_without_a_fault),
                cmocka_unit_test(each_failed_allocation_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
