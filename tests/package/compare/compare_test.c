/* SPDX-License-Identifier: Apache-2.0 */
/* What two packages differ in.  Each difference is a line:
 *
 *   ~operation getThing B|text|was     + added, - removed, ~ changed; B breaks callers, W widens
 */
#include "package/compare/compare.h"

#include "base/buf.h"
#include "job/yaml_source.h"
#include "package/openapi/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../../alloc_fail.h"

/* ---- two packages ---- */

struct world {
        struct arena arena;
        struct lint l;
        struct api *api;
        struct config config;
        struct compare_side side;
};

static const struct source_node *yaml(struct world *w, const char *text)
{
        const struct source_node *root = NULL;

        assert_int_equal(yaml_source(NULL, span_str(text), &w->arena, &w->l, &root, NULL), 0);
        return root;
}

static void world_init(struct world *w, const char *document, const char *gateway,
                       const char *policy, const char *entities)
{
        static const char backend[] = "unix: /run/x.sock\n";
        struct err err = { 0 };

        *w = (struct world){ .arena = ARENA_INIT(16 << 20) };
        lint_init(&w->l);
        w->l.file = SPAN("openapi.yaml");
        if (openapi_read(yaml(w, document), &w->l, &w->api, &err) < 0 || w->l.errors)
                fail_msg("%s\n%.*s", document, (int)w->l.at[0].text.n,
                         (const char *)w->l.at[0].text.p);
        if (config_read(yaml(w, gateway), yaml(w, backend), NULL, &w->arena, &w->l, &w->config,
                        &err) < 0)
                fail_msg("%s\n%.*s", gateway, (int)w->l.at[0].text.n,
                         (const char *)w->l.at[0].text.p);
        w->side = (struct compare_side){ .api = w->api,
                                         .config = &w->config,
                                         .version = w->api->version,
                                         .policy = span_str(policy),
                                         .entities = span_str(entities) };
}

static void world_done(struct world *w)
{
        w->api = api_free(w->api);
        lint_done(&w->l);
        arena_done(&w->arena);
}

static void put_items(const struct compare *c, struct buf *b)
{
        for (uint32_t i = 0; i < c->n; i++) {
                const struct compare_item *x = &c->items[i];

                buf_put_byte(b, (uint8_t) "+-~"[x->change]);
                buf_put_str(b, compare_part_name(x->part));
                buf_put_byte(b, ' ');
                buf_put(b, x->name);
                buf_printf(b, " %s%s|", x->breaks ? "B" : "", x->widens ? "W" : "");
                buf_put(b, x->text);
                buf_put_byte(b, '|');
                buf_put(b, x->was);
                buf_put_byte(b, '\n');
        }
}

static void check(struct world *a, struct world *b, const char *what, const char *want)
{
        struct buf text = BUF_INIT(1 << 20);
        struct err err = { 0 };
        struct compare c;

        assert_int_equal(compare_packages(&a->side, &b->side, &c, &err), 0);
        put_items(&c, &text);
        if (strcmp(buf_cstr(&text), want) != 0)
                fail_msg("%s\nis\n%swants\n%s", what, buf_cstr(&text), want);
        compare_done(&c);
        buf_done(&text);
}

#define HEAD    "openapi: 3.1.0\ninfo: { title: T, version: 1.0.0 }\n"
#define GATEWAY "name: x\n"

/* ---- schemas ---- */

/* The schema of a request's body, and then of an answer's: is it told, and does it break callers?
 * Of each the text, "" when nothing is told. */
static const struct {
        const char *a, *b;
        const char *text;
        bool request, answer;
} schemas[] = {
        { "{ type: string }", "{ type: string }", "", false, false },
        { "{ type: string }", "{ type: [string, 'null'] }", "type string or null, was string",
          false, true },
        { "{ type: [string, 'null'] }", "{ type: string }", "type string, was string or null", true,
          false },
        { "{ type: string }", "{ type: boolean }", "type boolean, was string", true, true },
        { "{ type: integer }", "{ type: number }", "type number, was integer", false, true },
        { "{ type: number }", "{ type: integer }", "type integer, was number", true, false },
        { "{ type: [integer, number] }", "{ type: number }", "", false, false },
        { "{ type: string }", "true", "type anything, was string", false, true },
        { "{ type: string }", "false", "type nothing, was string", true, false },
        /* values */
        { "{ enum: [a, b] }", "{ enum: [b, a] }", "", false, false },
        { "{ enum: [a] }", "{ enum: [a, b] }", "value \"b\" added", false, true },
        { "{ enum: [a, b] }", "{ enum: [a] }", "value \"b\" removed", true, false },
        { "{ type: integer, enum: [1, 2] }", "{ type: integer }", "any value, was one of 2", false,
          true },
        { "{ type: integer }", "{ type: integer, const: 2 }", "one of 1 values, any was", true,
          false },
        /* numbers */
        { "{ type: integer, minimum: 1 }", "{ type: integer, minimum: 1.0 }", "", false, false },
        { "{ type: integer, minimum: 1 }", "{ type: integer, minimum: 2 }", "minimum 2, was 1",
          true, false },
        { "{ type: integer, minimum: 2 }", "{ type: integer, minimum: -1 }", "minimum -1, was 2",
          false, true },
        { "{ type: integer, maximum: 1 }", "{ type: integer, maximum: 2 }", "maximum 2, was 1",
          false, true },
        { "{ type: integer }", "{ type: integer, maximum: 2 }", "maximum 2, there was none", true,
          false },
        { "{ type: integer, maximum: 2 }", "{ type: integer }", "no maximum, was 2", false, true },
        { "{ type: number, exclusiveMinimum: 1 }", "{ type: number, exclusiveMinimum: 0.5 }",
          "exclusiveMinimum 0.5, was 1", false, true },
        { "{ type: number, exclusiveMaximum: 1 }", "{ type: number, exclusiveMaximum: 0.5 }",
          "exclusiveMaximum 0.5, was 1", true, false },
        { "{ type: integer, multipleOf: 2 }", "{ type: integer, multipleOf: 4 }",
          "multipleOf 4, was 2", true, false },
        { "{ type: integer, multipleOf: 4 }", "{ type: integer, multipleOf: 2 }",
          "multipleOf 2, was 4", false, true },
        { "{ type: integer, multipleOf: 4 }", "{ type: integer, multipleOf: 6 }",
          "multipleOf 6, was 4", true, true },
        { "{ type: integer }", "{ type: integer, multipleOf: 6 }", "multipleOf 6, there was none",
          true, false },
        /* strings */
        { "{ type: string }", "{ type: string, minLength: 1 }", "minLength 1, was 0", true, false },
        { "{ type: string, maxLength: 9 }", "{ type: string }", "maxLength without limit, was 9",
          false, true },
        { "{ type: string, maxLength: 9 }", "{ type: string, maxLength: 8 }", "maxLength 8, was 9",
          true, false },
        { "{ type: string }", "{ type: string, pattern: x }", "pattern x, there was none", true,
          false },
        { "{ type: string, pattern: x }", "{ type: string }", "no pattern, was x", false, true },
        { "{ type: string, pattern: x }", "{ type: string, pattern: y }", "pattern y, was x", true,
          true },
        { "{ type: string }", "{ type: string, format: date }", "format date, there was none", true,
          false },
        { "{ type: string, format: date }", "{ type: string, format: uuid }",
          "format uuid, was date", true, true },
        /* arrays */
        { "{ type: array, items: { type: string } }",
          "{ type: array, items: { type: string, maxLength: 3 } }",
          "[]: maxLength 3, was without limit", true, false },
        { "{ type: array, items: { type: string }, maxItems: 3 }",
          "{ type: array, items: { type: string }, maxItems: 4 }", "maxItems 4, was 3", false,
          true },
        { "{ type: array, items: { type: string } }",
          "{ type: array, items: { type: string }, uniqueItems: true }", "uniqueItems", true,
          false },
        /* objects */
        { "{ type: object, properties: { a: { type: string } } }",
          "{ type: object, properties: { a: { type: string }, b: { type: string } } }",
          "new property b", false, false },
        { "{ type: object, properties: { a: { type: string } } }",
          "{ type: object, required: [b], properties: { a: { type: string }, b: { type: string } "
          "} }",
          "new required property b", true, false },
        { "{ type: object, properties: { a: { type: string } } }",
          "{ type: object, required: [a], properties: { a: { type: string } } }",
          "property a is required now", true, false },
        { "{ type: object, required: [a], properties: { a: { type: string } } }",
          "{ type: object, properties: { a: { type: string } } }",
          "property a is not required any more", false, true },
        { "{ type: object, properties: { a: { type: string }, b: { type: string } } }",
          "{ type: object, properties: { a: { type: string } } }", "no property b any more", false,
          true },
        { "{ type: object, additionalProperties: false, properties: { a: { type: string }, b: { "
          "type: string } } }",
          "{ type: object, additionalProperties: false, properties: { a: { type: string } } }",
          "no property b any more", true, true },
        { "{ type: object, properties: { a: { type: string } } }",
          "{ type: object, additionalProperties: false, properties: { a: { type: string } } }",
          "no other properties any more", true, false },
        { "{ type: object, additionalProperties: false, properties: { a: { type: string } } }",
          "{ type: object, properties: { a: { type: string } } }", "other properties as well",
          false, false },
        { "{ type: object, properties: { a: { type: object, properties: { b: { type: string } } } } "
          "}",
          "{ type: object, properties: { a: { type: object, properties: { b: { type: integer } } } "
          "} }",
          "a.b: type integer, was string", true, true },
        { "{ type: object, additionalProperties: { type: integer } }",
          "{ type: object, additionalProperties: { type: integer, minimum: 0 } }",
          "*: minimum 0, there was none", true, false },
        { "{ type: object, properties: { a: { type: string } } }",
          "{ type: object, unevaluatedProperties: false, properties: { a: { type: string } } }",
          "unevaluatedProperties is new", true, false },
        { "{ type: array, unevaluatedItems: false }", "{ type: array }",
          "no unevaluatedItems any more", false, true },
        { "{ type: object, unevaluatedProperties: false, properties: { a: { type: string }, b: { "
          "type: string } } }",
          "{ type: object, unevaluatedProperties: false, properties: { a: { type: string } } }",
          "no property b any more", true, true },
        { "{ type: array, unevaluatedItems: { type: string } }",
          "{ type: array, unevaluatedItems: { type: integer } }",
          "unevaluatedItems: type integer, was string", true, true },
        /* combinations */
        { "{ anyOf: [{ type: string }, { type: integer }] }", "{ anyOf: [{ type: string }] }",
          "anyOf of 1, was of 2", true, false },
        { "{ anyOf: [{ type: string }] }", "{ anyOf: [{ type: string }, { type: integer }] }",
          "anyOf of 2, was of 1", false, true },
        { "{ anyOf: [{ type: string }] }", "{ anyOf: [{ type: string, maxLength: 1 }] }",
          "anyOf[0]: maxLength 1, was without limit", true, false },
        { "{ oneOf: [{ type: string }] }", "{ oneOf: [{ type: string, maxLength: 1 }] }",
          "oneOf[0]: maxLength 1, was without limit", true, true },
        { "{ allOf: [{ type: string }] }", "{ allOf: [{ type: string }, { minLength: 1 }] }",
          "allOf of 2, was of 1", true, false },
        { "{ type: string, not: { const: x } }", "{ type: string }", "no not any more", true,
          true },
        { "{ type: string, not: { minLength: 3 } }", "{ type: string, not: { minLength: 4 } }",
          "not: minLength 4, was 3", true, true },
};

static const char *document(struct buf *b, bool answer, const char *schema)
{
        buf_clear(b);
        buf_put_str(b, HEAD "paths:\n  /x:\n    post:\n      operationId: op\n");
        if (!answer)
                buf_printf(b,
                           "      requestBody: { required: true, content: { application/json: { "
                           "schema: %s } } }\n",
                           schema);
        buf_put_str(b, "      responses:\n        200:\n          description: x\n");
        if (answer)
                buf_printf(b, "          content: { application/json: { schema: %s } }\n", schema);
        return buf_cstr(b);
}

static void test_schemas(void **state)
{
        struct buf b = BUF_INIT(1 << 16), want = BUF_INIT(1 << 16);
        struct world x, y;

        for (size_t i = 0; i < 2 * ARRAY_LEN(schemas); i++) {
                bool answer = i % 2,
                     breaks = answer ? schemas[i / 2].answer : schemas[i / 2].request;
                const char *text = schemas[i / 2].text;

                world_init(&x, document(&b, answer, schemas[i / 2].a), GATEWAY, "", "[]");
                world_init(&y, document(&b, answer, schemas[i / 2].b), GATEWAY, "", "[]");
                buf_clear(&want);
                if (*text)
                        buf_printf(&want, "~operation op %s|%s%s%s|\n", breaks ? "B" : "",
                                   answer ? "200 body" : "body",
                                   strncmp(text, "[]", 2) == 0                   ? ""
                                   : strncmp(text, "a.b", 3) == 0                ? "."
                                   : strncmp(text, "*:", 2) == 0                 ? "."
                                   : strncmp(text, "anyOf[", 6) == 0             ? "."
                                   : strncmp(text, "oneOf[", 6) == 0             ? "."
                                   : strncmp(text, "not:", 4) == 0               ? "."
                                   : strncmp(text, "unevaluatedItems:", 17) == 0 ? "."
                                                                                 : ": ",
                                   text);
                check(&x, &y, schemas[i / 2].b, buf_cstr(&want));
                world_done(&x);
                world_done(&y);
        }
        buf_done(&b);
        buf_done(&want);
        (void)state;
}

/* ---- components, told once and by their use ---- */

#define TWO_PATHS                                                                                  \
        HEAD "paths:\n"                                                                            \
             "  /a: { get: { operationId: getA, responses: { 200: { description: x, content: { "   \
             "application/json: { schema: { $ref: '#/components/schemas/A' } } } } } } }\n"        \
             "  /b: { get: { operationId: getB, responses: { 200: { description: x, content: { "   \
             "application/json: { schema: { $ref: '#/components/schemas/A' } } } } } } }\n"        \
             "  /c: { put: { operationId: putC, requestBody: { content: { application/json: { "    \
             "schema: { $ref: '#/components/schemas/C' } } } }, responses: { 204: { description: " \
             "x } } } }\n"                                                                         \
             "components:\n  schemas:\n"

static const struct {
        const char *a, *b, *want;
} components[] = {
        { "    A: { type: string }\n    C: { type: string }\n",
          "    A: { type: string, maxLength: 3 }\n    C: { type: string, maxLength: 3 }\n",
          "~schema A |maxLength 3, was without limit|\n"
          "~schema C B|maxLength 3, was without limit|\n" },
        /* used by both through another one, which comes back to itself */
        { "    A: { type: object, properties: { d: { $ref: '#/components/schemas/D' } } }\n"
          "    C: { type: array, items: { $ref: '#/components/schemas/D' } }\n"
          "    D: { type: object, properties: { d: { $ref: '#/components/schemas/D' }, n: { type: "
          "string } } }\n",
          "    A: { type: object, properties: { d: { $ref: '#/components/schemas/D' } } }\n"
          "    C: { type: array, items: { $ref: '#/components/schemas/D' } }\n"
          "    D: { type: object, properties: { d: { $ref: '#/components/schemas/D' }, n: { type: "
          "[string, 'null'] } } }\n",
          "~schema D B|n: type string or null, was string|\n" },
        /* another name, or none: what it means counts */
        { "    A: { $ref: '#/components/schemas/D' }\n    C: { type: string }\n"
          "    D: { type: string, maxLength: 3 }\n",
          "    A: { type: string, maxLength: 3 }\n    C: { type: string }\n", "" },
        { "    A: { type: object, properties: { c: { $ref: '#/components/schemas/D' } } }\n"
          "    C: { type: string }\n    D: { type: object, properties: { c: { $ref: "
          "'#/components/schemas/D' } } }\n",
          "    A: { type: object, properties: { c: { $ref: '#/components/schemas/E' } } }\n"
          "    C: { type: string }\n    E: { type: object, properties: { c: { $ref: "
          "'#/components/schemas/E' } } }\n",
          "" },
        /* classes, also where they stand beside a reference */
        { "    A: { type: string }\n    C: { type: string }\n",
          "    A: { type: string, x-data-class: pii.x }\n    C: { type: string, x-data-class: pii.x "
          "}\n",
          "~operation getA W|may answer with pii.x now|\n"
          "~operation getB W|may answer with pii.x now|\n"
          "~schema A B|x-data-class pii.x, there was none|\n"
          "~schema C |x-data-class pii.x, there was none|\n" },
        { "    A: { type: object, properties: { d: { $ref: '#/components/schemas/D', x-data-class: "
          "pii.x } } }\n    C: { type: string }\n    D: { type: string }\n",
          "    A: { type: object, properties: { d: { $ref: '#/components/schemas/D' } } }\n"
          "    C: { type: string }\n    D: { type: string }\n",
          "~operation getA |does not answer with pii.x any more|\n"
          "~operation getB |does not answer with pii.x any more|\n"
          "~schema A W|d: no x-data-class, was pii.x|\n" },
};

static void test_components(void **state)
{
        struct buf b = BUF_INIT(1 << 16);
        struct world x, y;

        for (size_t i = 0; i < ARRAY_LEN(components); i++) {
                buf_clear(&b);
                buf_printf(&b, TWO_PATHS "%s", components[i].a);
                world_init(&x, buf_cstr(&b), GATEWAY, "", "[]");
                buf_clear(&b);
                buf_printf(&b, TWO_PATHS "%s", components[i].b);
                world_init(&y, buf_cstr(&b), GATEWAY, "", "[]");
                check(&x, &y, components[i].b, components[i].want);
                world_done(&x);
                world_done(&y);
        }
        buf_done(&b);
        (void)state;
}

/* ---- operations ---- */

#define R       "responses: { 200: { description: x } }"
#define Q(rest) "    get:\n      operationId: op\n      " R "\n      parameters: [" rest "]\n"
#define SCHEMES                                                                                     \
        "components: { securitySchemes: { t: { type: http, scheme: bearer }, m: { type: mutualTLS " \
        "} } }\n"

static const struct {
        const char *a, *b, *want; /* paths */
} operations[] = {
        { "  /x: { get: { operationId: a, " R " } }\n",
          "  /x: { get: { operationId: b, " R " } }\n",
          "-operation a B||GET /x\n+operation b W|GET /x|\n" },
        { "  /x: { get: { operationId: a, " R " } }\n",
          "  /y: { post: { operationId: a, " R " } }\n",
          "~operation a B|is POST /y, was GET /x|\n" },
        { "  /x/{i}: { get: { operationId: a, parameters: [{ name: i, in: path, required: true, "
          "schema: { type: string } }], " R " } }\n",
          "  /x/{j}: { get: { operationId: a, parameters: [{ name: j, in: path, required: true, "
          "schema: { type: string } }], " R " } }\n",
          "~operation a B|no parameter path.i any more|\n"
          "~operation a B|new required parameter path.j|\n" },
        { "  /x:\n" Q(""), "  /x:\n" Q("{ name: a, in: query, schema: { type: string } }"),
          "~operation op |new parameter query.a|\n" },
        { "  /x:\n" Q(""),
          "  /x:\n" Q("{ name: a, in: query, required: true, schema: { type: string } }"),
          "~operation op B|new required parameter query.a|\n" },
        { "  /x:\n" Q("{ name: a, in: query, schema: { type: string } }"), "  /x:\n" Q(""),
          "~operation op B|no parameter query.a any more|\n" },
        { "  /x:\n" Q("{ name: a, in: query, schema: { type: string } }"),
          "  /x:\n" Q(
                  "{ name: a, in: query, required: true, schema: { type: string, maxLength: 3 } "
                  "}"),
          "~operation op B|parameter query.a is required now|\n"
          "~operation op B|query.a: maxLength 3, was without limit|\n" },
        { "  /x:\n" Q("{ name: a, in: query, schema: { type: array, items: { type: string } } }"),
          "  /x:\n" Q("{ name: a, in: query, explode: false, schema: { type: array, items: { type: "
                      "string } } }"),
          "~operation op B|parameter query.a is written in another way: explode false|\n" },
        /* bodies */
        { "  /x: { put: { operationId: a, " R " } }\n",
          "  /x: { put: { operationId: a, requestBody: { content: { application/json: { schema: { "
          "type: string } } } }, " R " } }\n",
          "~operation a |a body is taken now|\n" },
        { "  /x: { put: { operationId: a, requestBody: { content: { application/json: { schema: { "
          "type: string } } } }, " R " } }\n",
          "  /x: { put: { operationId: a, requestBody: { required: true, content: { "
          "application/merge-patch+json: { schema: { type: string } } } }, " R " } }\n",
          "~operation a B|a body is required now|\n"
          "~operation a B|body is no application/json any more|\n"
          "~operation a |body may be application/merge-patch+json as well|\n" },
        { "  /x: { put: { operationId: a, requestBody: { content: { application/json: { schema: { "
          "type: string } } } }, " R " } }\n",
          "  /x: { put: { operationId: a, " R " } }\n",
          "~operation a B|no body is taken any more|\n" },
        /* answers */
        { "  /x: { get: { operationId: a, responses: { 200: { description: x }, 4XX: { description: "
          "x } } } }\n",
          "  /x: { get: { operationId: a, responses: { 200: { description: x }, default: { "
          "description: x } } } }\n",
          "~operation a |may answer default|\n~operation a B|no answer 4XX any more|\n" },
        { "  /x: { get: { operationId: a, responses: { 200: { description: x, headers: { A: { "
          "schema: { type: string } }, B: { schema: { type: string } } } } } } }\n",
          "  /x: { get: { operationId: a, responses: { 200: { description: x, headers: { B: { "
          "schema: { type: integer } }, C: { schema: { type: string } } } } } } }\n",
          "~operation a B|200 has no header a any more|\n"
          "~operation a B|200 b: type integer, was string|\n"
          "~operation a |200 has a header c as well|\n" },
        /* tags, objects */
        { "  /x: { get: { operationId: a, tags: [r, s], " R " } }\n",
          "  /x: { get: { operationId: a, tags: [s, t], " R " } }\n",
          "~operation a BW|tag r removed, and what policies say of it|\n"
          "~operation a BW|tag t added, and what policies say of it|\n" },
        { "  /x/{i}: { get: { operationId: a, parameters: [{ name: i, in: path, required: true, "
          "schema: { type: string } }], " R " } }\n",
          "  /x/{i}: { get: { operationId: a, x-object: { type: Thing, id: path.i }, parameters: [{ "
          "name: i, in: path, required: true, schema: { type: string } }], " R " } }\n",
          "~operation a BW|is about Thing by path.i, was about the API|\n" },
        /* who is let in */
        { "  /x: { get: { operationId: a, security: [{ t: [] }], " R " } }\n" SCHEMES,
          "  /x: { get: { operationId: a, security: [{ m: [] }, { m: [], t: [] }], " R
          " } }\n" SCHEMES,
          "~operation a W|lets in who shows m|\n~operation a W|lets in who shows m and t|\n"
          "~operation a B|does not let in any more who shows t|\n" },
        { "  /x: { get: { operationId: a, security: [{ t: [] }], " R " } }\n" SCHEMES,
          "  /x: { get: { operationId: a, security: [], " R " } }\n" SCHEMES,
          "~operation a W|anybody is let in now|\n"
          "~operation a B|does not let in any more who shows t|\n" },
};

static void test_operations(void **state)
{
        struct buf b = BUF_INIT(1 << 16);
        struct world x, y;

        for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
                buf_clear(&b);
                buf_printf(&b, HEAD "paths:\n%s", operations[i].a);
                world_init(&x, buf_cstr(&b), GATEWAY, "", "[]");
                buf_clear(&b);
                buf_printf(&b, HEAD "paths:\n%s", operations[i].b);
                world_init(&y, buf_cstr(&b), GATEWAY, "", "[]");
                check(&x, &y, operations[i].b, operations[i].want);
                world_done(&x);
                world_done(&y);
        }
        buf_done(&b);
        (void)state;
}

/* ---- configuration ---- */

static const struct {
        const char *a, *b, *want; /* gateway.yaml */
} configs[] = {
        { "name: x\n", "name: y\nbase: /b\n", "~api name B|y|x\n~api base B|/b|/\n" },
        { "name: x\nreplay: digest\n", "name: x\n", "~api replay |none|digest\n" },
        { "name: x\nidentity: { a: { opaque: true }, b: { pass: basic } }\n",
          "name: x\nidentity: { b: { pass: bearer }, c: { opaque: true } }\n",
          "-identity a B||tokens of the hub\n"
          "~identity b BW|bearer, passed to the back-end|basic, passed to the back-end\n"
          "+identity c W|tokens of the hub|\n" },
        { "name: x\nclasses: { a: { mask: drop }, b: { mask: last4 }, c: { mask: first1 }, d: { "
          "mask: hash } }\n",
          "name: x\nclasses: { a: { mask: last4 }, b: { mask: redact }, c: { mask: date-year }, d: { "
          "mask: hash, record: digest } }\n",
          "~class a W|last4, recorded as count|drop, recorded as count\n"
          "~class b B|redact, recorded as count|last4, recorded as count\n"
          "~class c BW|date-year, recorded as count|first1, recorded as count\n"
          "~class d |hash, recorded as digest|hash, recorded as count\n" },
        { "name: x\nlimits: { a: { rate: 60/m }, b: { rate: 10/s }, c: { quota: 10/d }, d: { rate: "
          "1/s } }\n",
          "name: x\nlimits: { a: { rate: 1/s, burst: 60 }, b: { rate: 11/s, burst: 10 }, c: { "
          "quota: 9/d }, e: { rate: 1/s } }\n",
          "~limit a |1/s, burst 60|60/m, burst 60\n"
          "~limit b W|11/s, burst 10|10/s, burst 10\n"
          "~limit c B|quota 9/d|quota 10/d\n"
          "-limit d W||1/s, burst 1\n"
          "+limit e B|1/s, burst 1|\n" },
        { "name: x\ncache: { a: { for: 1s } }\n", "name: x\ncache: { a: { for: 2s } }\n",
          "~cache a |for 2s by caller|for 1s by caller\n" },
        { "name: x\ncaps: { depth: 8 }\n", "name: x\ncaps: { depth: 9 }\n",
          "~caps  |request 64KiB, response 1MiB, depth 9|request 64KiB, response 1MiB, depth 8\n" },
        { "name: x\ncaps: { depth: 9 }\n", "name: x\ncaps: { depth: 8, request: 1MiB }\n",
          "~caps  B|request 1MiB, response 1MiB, depth 8|request 64KiB, response 1MiB, depth 9\n" },
};

static void test_configs(void **state)
{
        static const char document_text[] = HEAD "paths: { /x: { get: { operationId: op, " R " } } "
                                                 "}\n";
        struct world x, y;

        for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
                world_init(&x, document_text, configs[i].a, "", "[]");
                world_init(&y, document_text, configs[i].b, "", "[]");
                check(&x, &y, configs[i].b, configs[i].want);
                world_done(&x);
                world_done(&y);
        }
        world_init(&x, document_text, GATEWAY, "", "[]");
        world_init(&y, document_text, GATEWAY, "", "[]");
        y.side.version = SPAN("1.0.1");
        y.side.types = SPAN("entity X;");
        y.config.backend.unix_path = SPAN("/run/y.sock");
        check(&x, &y, "version, types, back-end",
              "~api version |1.0.1|1.0.0\n"
              "~entity types.cedarschema |says other things of entities|\n"
              "~backend  |unix:/run/y.sock, connect 2s, read 10s|unix:/run/x.sock, connect 2s, read "
              "10s\n");
        world_done(&x);
        world_done(&y);
        (void)state;
}

/* ---- policies and entities ---- */

#define P1 "permit (principal, action, resource) when { context.a == 1 };"
#define P2 "permit (principal, action, resource) when { context.a == 2 };"
#define F1 "forbid (principal, action, resource) when { context.a == 1 };"

static const struct {
        const char *a, *b, *want;
} policies[] = {
        { P1 P2, "// what they are\n" P2 "\n\n" P1, "" },
        { "permit(principal,action,resource)when{context.a==1};", P1, "" },
        { P1, P1 P1, "+policy  W|" P1 "|\n" },
        { P1, P1 P2, "+policy  W|" P2 "|\n" },
        { P1 P2, P1, "-policy  B||" P2 "\n" },
        { P1, P1 F1, "+policy  B|" F1 "|\n" },
        { P1 F1, P1, "-policy  W||" F1 "\n" },
        { P1, P2, "-policy  B||" P1 "\n+policy  W|" P2 "|\n" },
        { "@id(\"x\") " P1, "@id(\"x\") " P2, "~policy x BW|" P2 "|" P1 "\n" },
        { "@id(\"x\") " P1, "@id(\"y\") " P1, "~policy y |it says the same|x\n" },
        { "@id(\"x\") " P1, "@id(\"x\") @note(\"n\") " P1,
          "~policy x BW|@note(\"n\") " P1 "|" P1 "\n" },
};

#define E(id, rest) "{\"uid\":{\"type\":\"Group\",\"id\":\"" id "\"}" rest "}"
#define IN(id)      ",\"parents\":[{\"type\":\"Group\",\"id\":\"" id "\"}]"

static const struct {
        const char *a, *b, *want;
} entities[] = {
        { "[" E("a", "") "," E("b", "") "]", "[" E("b", "") "," E("a", "") "]", "" },
        { "[]", "[" E("a", "") "," E("b", IN("a")) "]",
          "+entity Group::\"a\" ||\n+entity Group::\"b\" W||\n" },
        { "[" E("a", "") "," E("b", IN("a")) "]", "[]",
          "-entity Group::\"a\" ||\n-entity Group::\"b\" B||\n" },
        { "[" E("b", IN("a")) "]", "[" E("b", IN("c")) "]",
          "~entity Group::\"b\" W|is in Group::\"c\"|\n"
          "~entity Group::\"b\" B|is not any more in Group::\"a\"|\n" },
        { "[" E("b", ",\"attrs\":{\"x\":1}") "]", "[" E("b", ",\"attrs\":{\"x\":2}") "]",
          "~entity Group::\"b\" BW|has other attributes|\n" },
        { "[{\"uid\":{\"type\":\"Api\",\"id\":\"x\"}},{\"uid\":{\"type\":\"DataClass\",\"id\":\"p\"}}"
          "]",
          "[]", "" },
};

static void test_rights(void **state)
{
        static const char document_text[] = HEAD "paths: { /x: { get: { operationId: op, " R " } } "
                                                 "}\n";
        struct world x, y;

        for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
                world_init(&x, document_text, GATEWAY, policies[i].a, "[]");
                world_init(&y, document_text, GATEWAY, policies[i].b, "[]");
                check(&x, &y, policies[i].b, policies[i].want);
                world_done(&x);
                world_done(&y);
        }
        for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
                world_init(&x, document_text, GATEWAY, "", entities[i].a);
                world_init(&y, document_text, GATEWAY, "", entities[i].b);
                check(&x, &y, entities[i].b, entities[i].want);
                world_done(&x);
                world_done(&y);
        }
        (void)state;
}

/* Sections that are none, and no memory. */
static void test_failures(void **state)
{
        struct buf b = BUF_INIT(1 << 16);
        struct err err = { 0 };
        struct world x, y;
        struct compare c;
        int rc = -ENOMEM;

        world_init(&x, document(&b, true, "{ type: string }"), GATEWAY, P1, "[" E("a", "") "]");
        world_init(&y, document(&b, true, "{ type: object, properties: { a: { enum: [x] } } }"),
                   GATEWAY, P2, "[" E("a", IN("b")) "]");
        y.side.policy = SPAN("permit (");
        assert_int_equal(compare_packages(&x.side, &y.side, &c, &err), -EINVAL);
        assert_non_null(strstr(err.text, "policy.cedar: line 1, column "));
        compare_done(&c);
        y.side.policy = SPAN(P2);
        y.side.entities = SPAN("{}");
        assert_int_equal(compare_packages(&x.side, &y.side, &c, &err), -EINVAL);
        assert_string_equal(err.text, "entities.json: no list");
        compare_done(&c);
        y.side.entities = SPAN("[" E("a", IN("b")) "]");
        for (size_t nth = 1; rc < 0; nth++) {
                alloc_fail_nth = nth;
                rc = compare_packages(&x.side, &y.side, &c, NULL);
                alloc_fail_nth = 0;
                assert_true(rc == 0 ? c.n == 5 : rc == -ENOMEM && c.n == 0);
                compare_done(&c);
        }
        world_done(&x);
        world_done(&y);
        buf_done(&b);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_schemas),    cmocka_unit_test(test_components),
                cmocka_unit_test(test_operations), cmocka_unit_test(test_configs),
                cmocka_unit_test(test_rights),     cmocka_unit_test(test_failures),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
