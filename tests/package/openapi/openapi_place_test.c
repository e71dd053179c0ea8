/* SPDX-License-Identifier: Apache-2.0 */
#include "package/openapi/openapi_place.h"

#include "openapi_world.h"
#include "package/derive/derive.h"

/* Line by line, so that places can be counted. */
static const char document[] =
        /*  1 */ "openapi: 3.1.1\n"
                 /*  2 */ "info: { title: t, version: '1' }\n"
                 /*  3 */ "paths:\n"
                 /*  4 */ "  /a/{id}:\n"
                 /*  5 */ "    parameters:\n"
                 /*  6 */
                 "      - { name: id, in: path, required: true, schema: { type: string } }\n"
                 /*  7 */ "    put:\n"
                 /*  8 */ "      operationId: putA\n"
                 /*  9 */ "      security: []\n"
                 /* 10 */ "      parameters:\n"
                 /* 11 */ "        - name: n\n"
                 /* 12 */ "          in: query\n"
                 /* 13 */ "          schema: { type: number }\n"
                 /* 14 */ "        - { in: header, name: X-Rate, schema: { type: number } }\n"
                 /* 15 */ "      requestBody:\n"
                 /* 16 */ "        content:\n"
                 /* 17 */ "          application/json:\n"
                 /* 18 */ "            schema:\n"
                 /* 19 */ "              type: object\n"
                 /* 20 */ "              properties:\n"
                 /* 21 */ "                list:\n"
                 /* 22 */ "                  type: array\n"
                 /* 23 */ "                  items:\n"
                 /* 24 */ "                    type: object\n"
                 /* 25 */ "                    properties:\n"
                 /* 26 */ "                      any: {}\n"
                 /* 27 */ "                      ok: { type: string }\n"
                 /* 28 */ "                b: { $ref: '#/components/schemas/B' }\n"
                 /* 29 */ "      responses:\n"
                 /* 30 */ "        '200':\n"
                 /* 31 */ "          description: d\n"
                 /* 32 */ "          content:\n"
                 /* 33 */ "            application/json:\n"
                 /* 34 */ "              schema: { type: string, x-data-class: c.d }\n"
                 /* 35 */ "components:\n"
                 /* 36 */ "  schemas:\n"
                 /* 37 */ "    B:\n"
                 /* 38 */ "      allOf:\n"
                 /* 39 */ "        - type: object\n"
                 /* 40 */ "          properties:\n"
                 /* 41 */ "            free: { type: object }\n"
                 /* 42 */ "        - type: object\n"
                 /* 43 */ "          properties:\n"
                 /* 44 */ "            x: { type: integer }\n";

static struct world world;

static int open_document(void **state)
{
        world_open(&world, document);
        assert_int_equal(world.rc, 0);
        assert_int_equal(world.lint.n, 0);
        return 0;
}

static int close_document(void **state)
{
        world_close(&world);
        return 0;
}

struct place_case {
        const char *operation, *component; /* one of them */
        const char *names[4];
        unsigned line, column;
};

static void places_are_found(void **state)
{
        static const struct place_case table[] = {
                { "putA", NULL, { NULL }, 8, 20 },
                { "putB", NULL, { NULL }, 0, 0 },
                { "putA", NULL, { "query", "n" }, 11, 11 },
                { "putA", NULL, { "query", "m" }, 8, 20 },
                { "putA", NULL, { "query" }, 8, 20 },
                { "putA", NULL, { "header", "x-rate" }, 14, 11 },
                { "putA", NULL, { "path", "id" }, 6, 9 },
                { "putA", NULL, { "body" }, 15, 7 },
                { "putA", NULL, { "body", "list" }, 21, 17 },
                { "putA", NULL, { "body", "list", "any" }, 26, 23 },
                { "putA",
                  NULL,
                  { "body", "b", "free" },
                  28,
                  17 }, /* behind a reference: no further */
                { "putA", NULL, { "body", "none" }, 15, 7 },
                { NULL, "B", { NULL }, 37, 5 },
                { NULL, "B", { "x" }, 44, 13 },
                { NULL, "B", { "free" }, 41, 13 },
                { NULL, "C", { "free" }, 0, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                const struct place_case *t = &table[i];
                struct span names[4];
                struct source_mark mark;
                uint32_t n = 0;

                for (; n < 4 && t->names[n]; n++)
                        names[n] = span_str(t->names[n]);
                mark = t->operation
                               ? openapi_place_operation(world.root, span_str(t->operation), names,
                                                         n)
                               : openapi_place_schema(world.root, span_str(t->component), names, n);
                if (mark.line != t->line || mark.column != t->column)
                        fail_msg("%zu: %u:%u", i, mark.line, mark.column);
        }
}

static void classes_are_found(void **state)
{
        struct source_mark mark = openapi_place_class(world.root, SPAN("c.d"));

        assert_int_equal(mark.line, 34);
        assert_int_equal(mark.column, 53);
        assert_int_equal(openapi_place_class(world.root, SPAN("c")).line, 0);
        assert_int_equal(openapi_place_class(NULL, SPAN("c.d")).line, 0);
}

/* What is left out of the derived schema is told where it was written. */
static void warnings_have_places(void **state)
{
        struct config config = { .name = SPAN("t") };
        struct derive_sources s = { world.api, &config, SPAN_NONE, world.root };
        struct buf text = BUF_INIT(1 << 20);
        static const char wanted[] =
                "41:13 warning: schema B: free: policies cannot ask for it\n"
                "11:11 warning: operation putA: query.n: it is a decimal\n"
                "14:11 warning: operation putA: header.x-rate: it is a decimal\n"
                "26:23 warning: operation putA: body.list.any: policies cannot ask for it\n";

        assert_int_equal(derive_schema_of(&s, &text, &world.lint, &world.err), 0);
        assert_true(world_has_faults(&world, "the document", wanted));
        buf_done(&text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(places_are_found),
                cmocka_unit_test(classes_are_found),
                cmocka_unit_test(warnings_have_places),
        };

        return cmocka_run_group_tests(tests, open_document, close_document);
}
