/* SPDX-License-Identifier: Apache-2.0 */
/* What a document may have, and one more of it. */
#include "openapi_world.h"

/* Of the pieces of a document, each so many times. */
struct piece {
        const char *text;
        unsigned n;
};

static char *put_together(const struct piece *pieces, size_t n)
{
        struct buf b = BUF_INIT(64 << 20);

        for (size_t i = 0; i < n; i++)
                for (unsigned k = 0; k < pieces[i].n; k++)
                        world_put_numbered(&b, pieces[i].text, k);
        buf_put_byte(&b, 0);
        assert_int_equal(buf_status(&b), 0);
        return (char *)b.p;
}

static void check_pieces(const struct piece *pieces, size_t n, const char *wanted)
{
        static struct world w;
        char *text = put_together(pieces, n);

        world_open(&w, text);
        assert_true(world_has_faults(&w, wanted[0] ? wanted : "the same, by one less", wanted));
        world_close(&w);
        free(text);
}

#define ROOT                                                                                       \
        HEAD PATHS "components:\n"                                                                 \
                   "  schemas:\n"                                                                  \
                   "    A: "

/* before, n or n + 1 times unit, after. */
static void check_ceiling(const char *before, const char *unit, unsigned n, const char *after,
                          const char *wanted)
{
        const struct piece fits[] = { { before, 1 }, { unit, n }, { after, 1 } };
        const struct piece more[] = { { before, 1 }, { unit, n + 1 }, { after, 1 } };

        check_pieces(fits, ARRAY_LEN(fits), "");
        check_pieces(more, ARRAY_LEN(more), wanted);
}

static void lists_of_a_schema_have_ceilings(void **state)
{
        (void)state;
        check_ceiling(ROOT "{properties: {", "a%u: true, ", 4096, "}}\n",
                      "7:21 error: 4097 properties of one schema, at most 4096 are taken");
        check_ceiling(ROOT "{required: [", "a%u, ", 4096, "]}\n",
                      "7:19 error: 4097 names required, at most 4096 are taken");
        check_ceiling(ROOT "{properties: {x: true, y: true}, required: [", "a%u, ", 4094, "]}\n",
                      "7:51 error: 4097 properties, with those required, at most 4096 are taken");
        check_ceiling(ROOT "{enum: [", "%u, ", 4096, "]}\n",
                      "7:15 error: 4097 values, at most 4096 are taken");
        check_ceiling(ROOT "{patternProperties: {", "a%u: true, ", 4096, "}}\n",
                      "7:28 error: 4097 patterns, at most 4096 are taken");
        check_ceiling(ROOT "{dependentSchemas: {", "a%u: true, ", 4096, "}}\n",
                      "7:27 error: 4097 names, at most 4096 are taken");
        check_ceiling(ROOT "{dependentRequired: {a: [", "b%u, ", 4096, "]}}\n",
                      "7:32 error: 4097 names, at most 4096 are taken");
}

#define NUMBERED       HEAD "paths:\n"
#define ONE_PATH(what) HEAD "paths: {/a: {put: {operationId: a, responses: {default: {}}, " what
#define ONE_ANSWER     "{get: {operationId: a, responses: {default: {}}}}\n"

static void paths_and_operations_have_ceilings(void **state)
{
        (void)state;
        check_ceiling(NUMBERED, "  /a%u: {get: {operationId: a%u, responses: {default: {}}}}\n",
                      10000, "",
                      "4:1 error: there are no operations\n5:3 error: 10001 paths, at most 10000");
        check_ceiling(
                NUMBERED,
                "  /a%u: {get: {operationId: a%u, responses: {default: {}}}, put: {operationId: "
                "b%u, responses: {default: {}}}}\n",
                5000, "", "5005:12 error: more than 10000 operations");
        check_ceiling(NUMBERED "  ? /a", "/b", 63, "\n  : " ONE_ANSWER,
                      "5:5 error: a path of more than 64 segments");
        check_ceiling(NUMBERED "  ? /", "a", 2047, "\n  : " ONE_ANSWER,
                      "5:5 error: a path of 2049 bytes, at most 2048 are taken");
}

static void an_operation_has_ceilings(void **state)
{
        const struct piece schemes[] = { { ONE_PATH("security: [{"), 1 },
                                         { "s%u: [], ", 65 },
                                         { "}]}}}\n", 1 } };

        (void)state;
        check_ceiling(ONE_PATH("tags: ["), "t%u, ", 64, "]}}}\n",
                      "4:68 error: 65 tags, at most 64 are taken");
        check_ceiling(ONE_PATH("parameters: ["), "{name: p%u, in: query, schema: {type: string}}, ",
                      256, "]}}}\n", "4:74 error: 257 parameters, at most 256 are taken");
        check_ceiling(HEAD
                      "paths: {/a: {parameters: [{name: x, in: query, schema: {type: string}}], "
                      "get: {operationId: a, responses: {default: {}}, parameters: [\n",
                      "          {name: p%u, in: query, schema: {type: string}},\n", 255,
                      "     ]}}}\n", "260:11 error: more than 256 parameters of one operation");
        check_ceiling(ONE_PATH("security: ["), "{}, ", 64, "]}}}\n",
                      "4:72 error: 65 alternatives, at most 64 are taken");
        check_pieces(schemes, ARRAY_LEN(schemes), "4:73 error: 65 schemes, at most 64 are taken");
        check_ceiling(ONE_PATH("requestBody: {content: {"), "application/a%u+json: {schema: {}}, ",
                      64, "}}}}}\n", "4:85 error: 65 media types, at most 64 are taken");
        check_ceiling(HEAD "paths: {/a: {get: {operationId: a, responses: {default: {}, ",
                      "x-%u: 1, ", 63, "}}}}\n", "4:47 error: 65 responses, at most 64 are taken");
        check_ceiling(HEAD "paths: {/a: {get: {operationId: a, responses: {default: {headers: {",
                      "h%u: {schema: {type: string}}, ", 64, "}}}}}}\n",
                      "4:67 error: 65 headers, at most 64 are taken");
}

static void texts_have_ceilings(void **state)
{
        (void)state;
        check_ceiling("openapi: 3.1.1\nsecurity: []\n" PATHS "info: {version: '1', title: ", "t",
                      256, "}\n", "4:29 error: \"title\" has 257 bytes, at most 256 are taken");
        check_ceiling(ONE_PATH("parameters: [{in: query, schema: {type: string}, name: "), "n", 128,
                      "}]}}}\n", "4:117 error: \"name\" has 129 bytes, at most 128 are taken");
        check_ceiling(ONE_PATH("tags: ["), "t", 128, "]}}}\n",
                      "4:69 error: this has 129 bytes, at most 128 are taken");
        check_ceiling(
                HEAD PATHS "components: {schemas: {", "n", 128, ": {}}}\n",
                "5:24 error: \"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
                "nnnnnnnnnnnnnnnn\" is no name of a component");
        check_ceiling(ROOT "{x-data-class: ", "c", 128, "}\n", "7:23 error: \"cccc");
        check_ceiling(ROOT "{minimum: ", "1", 64, "}\n",
                      "7:18 error: a number of more than 64 characters");
        check_ceiling(ROOT "{enum: [", "1", 64, "]}\n",
                      "7:16 error: a number of more than 64 characters");
        check_ceiling(HEAD PATHS "components: {securitySchemes: {", "s%u: {type: mutualTLS}, ", 64,
                      "}}\n", "5:31 error: 65 security schemes, at most 64 are taken");
}

/* More sorts of warnings than are told apart are not lost, nor are they too much. */
static void warnings_of_many_sorts_are_counted(void **state)
{
        const struct piece pieces[] = { { ROOT "{anyOf: [", 1 },
                                        { "{format: f%u}, ", 130 },
                                        { "]}\n", 1 } };
        char *text = put_together(pieces, ARRAY_LEN(pieces));
        static struct world w;

        (void)state;
        world_open(&w, text);
        assert_int_equal(w.rc, 0);
        assert_int_equal(w.lint.warnings, 128);
        assert_true(span_eq_str(w.lint.at[127].text,
                                "format \"f127\" is not known here and not checked (the first of "
                                "3 places)"));
        world_close(&w);
        free(text);
}

static void a_document_has_so_many_classes(void **state)
{
        (void)state;
        check_ceiling(ROOT "{allOf: [", "{x-data-class: a%u}, ", 256, "]}\n",
                      "7:5554 error: more than 256 data classes");
}

#define CLASS_97                                                                                    \
        ".bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
        "bbbbbbbbb"

/* "c0.bb..." to "c241.bb...": 24,574 bytes; one more would be 24,676. */
static void names_of_classes_fit_an_entry(void **state)
{
        (void)state;
        assert_int_equal(strlen(CLASS_97), 98);
        check_ceiling(ROOT "{allOf: [", "{x-data-class: c%u" CLASS_97 "}, ", 242, "]}\n",
                      "7:28962 error: the names of all data classes have more than 24576 bytes: no "
                      "entry would have room for them");
}

static void values_and_schemas_nest_to_a_ceiling(void **state)
{
        const struct piece schemas[] = {
                { ROOT, 1 }, { "{items: ", 64 }, { "{}", 1 }, { "}", 64 }
        };
        const struct piece deep[] = { { ROOT, 1 }, { "{items: ", 65 }, { "{}", 1 }, { "}", 65 } };
        const struct piece values[] = {
                { ROOT "{const: ", 1 }, { "[", 64 }, { "1", 1 }, { "]", 64 }, { "}", 1 }
        };
        const struct piece deeper[] = {
                { ROOT "{const: ", 1 }, { "[", 65 }, { "1", 1 }, { "]", 65 }, { "}", 1 }
        };
        /* A is one, and each of the others */
        const struct piece nest[] = { { ROOT, 1 }, { "{allOf: [", 31 }, { "{}", 1 }, { "]}", 31 } };
        const struct piece nested[] = {
                { ROOT, 1 }, { "{allOf: [", 32 }, { "{}", 1 }, { "]}", 32 }
        };

        (void)state;
        STATIC_ASSERT(OPENAPI_DEPTH_MAX == 64 && API_SCHEMA_NEST_MAX == 32, "rows are for these");
        check_pieces(schemas, ARRAY_LEN(schemas), "");
        check_pieces(deep, ARRAY_LEN(deep), "7:528 error: schemas nested deeper than 64");
        check_pieces(values, ARRAY_LEN(values), "");
        check_pieces(deeper, ARRAY_LEN(deeper), "7:81 error: a value nested deeper than 64");
        check_pieces(nest, ARRAY_LEN(nest), "");
        check_pieces(nested, ARRAY_LEN(nested), "7:8 error: more than 32 schemas about one value");
}

static void references_follow_references_to_a_ceiling(void **state)
{
        struct buf b = BUF_INIT(64 * 1024);
        static struct world w;

        (void)state;
        buf_put_str(&b, ROOT "{}\n    B0: {$ref: '#/components/schemas/A'}\n");
        for (unsigned i = 1; i <= 32; i++)
                buf_printf(&b, "    B%u: {$ref: '#/components/schemas/B%u'}\n", i, i - 1);
        world_open(&w, buf_cstr(&b));
        assert_true(world_has_faults(&w, "a chain",
                                     "40:17 error: this $ref leads through more than 32"));
        world_close(&w);
        buf_done(&b);
}

/* Of one error there may be a thousand, and another one behind them. */
static void one_error_does_not_hide_the_others(void **state)
{
        const struct piece many[] = { { ROOT "{anyOf: [\n", 1 },
                                      { "     {nullable: true},\n", 1000 },
                                      { "     {type: any}]}\n", 1 } };

        (void)state;
        check_pieces(many, ARRAY_LEN(many),
                     "8:7 error: nullable\n9:7 error: nullable\n10:7 error: nullable\n"
                     "11:7 error: nullable\n12:7 error: nullable\n13:7 error: nullable\n"
                     "14:7 error: nullable\n15:7 error: nullable\n16:7 error: nullable\n"
                     "17:7 error: nullable\n"
                     "18:7 error: nullable is of OpenAPI 3.0: write type: [string, \"null\"], or "
                     "anyOf: [{$ref: ...}, {type: \"null\"}] (here and in 989 places behind it)\n"
                     "1008:13 error: \"any\" is no type");
}

/* 25 each, and A itself. */
#define TWENTY_FIVE                                                                                \
        "     a%u: {anyOf: [{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, "  \
        "{}, {}, {}, {}, {}, {}, {}]},\n"

static void a_document_has_so_many_schemas(void **state)
{
        const struct piece fits[] = { { ROOT "{properties: {\n", 1 },
                                      { TWENTY_FIVE, 3999 },
                                      { "     }}\n", 1 } };
        const struct piece more[] = { { ROOT "{properties: {\n", 1 },
                                      { TWENTY_FIVE, 4000 },
                                      { "     }}\n", 1 } };
        static struct world w;
        char *text = put_together(more, ARRAY_LEN(more));

        (void)state;
        check_pieces(fits, ARRAY_LEN(fits), "");
        world_open(&w, text);
        assert_int_equal(w.rc, -E2BIG);
        assert_null(w.api);
        assert_string_equal(w.err.text, "more than 100000 schemas");
        world_close(&w);
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists_of_a_schema_have_ceilings),
                cmocka_unit_test(paths_and_operations_have_ceilings),
                cmocka_unit_test(an_operation_has_ceilings),
                cmocka_unit_test(texts_have_ceilings),
                cmocka_unit_test(warnings_of_many_sorts_are_counted),
                cmocka_unit_test(a_document_has_so_many_classes),
                cmocka_unit_test(names_of_classes_fit_an_entry),
                cmocka_unit_test(values_and_schemas_nest_to_a_ceiling),
                cmocka_unit_test(references_follow_references_to_a_ceiling),
                cmocka_unit_test(one_error_does_not_hide_the_others),
                cmocka_unit_test(a_document_has_so_many_schemas),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
