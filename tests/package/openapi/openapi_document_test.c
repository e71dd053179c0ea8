/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a document as a whole, its components and its security: a row for each rule.
 */
#include "openapi_world.h"

#define REST                                                                                       \
        "security: []\n"                                                                           \
        "paths: {/a: {get: {operationId: a, responses: {default: {}}}}}\n"
#define INFO "info: {title: T, version: '1'}\n"

static void only_openapi_3_1_is_read(void **state)
{
        static const struct fault_case table[] = {
                { "openapi: 3.1.0\n" INFO REST, "" },
                { "openapi: 3.1.1\n" INFO REST, "" },
                { "openapi: '3.1.2-rc1'\n" INFO REST, "" },
                { "openapi: 3.0.3\n", "1:10 error: this is OpenAPI 3.0.3: 3.1 is read, convert" },
                { "openapi: 3.0\n", "1:10 error: this is OpenAPI 3.0: 3.1 is read" },
                { "openapi: 3.1\n" INFO REST, "1:10 error: version \"3.1\" is not read: 3.1 is" },
                { "openapi: 3.2.0\n", "1:10 error: version \"3.2.0\" is not read" },
                { "openapi: 3.10.0\n", "1:10 error: version \"3.10.0\" is not read" },
                { "openapi: 4\n", "1:10 error: version \"4\" is not read" },
                { "openapi: ''\n", "1:10 error: version \"\" is not read" },
                { "openapi: [3]\n", "1:10 error: \"openapi\" is to be a string, not a list" },
                { "swagger: '2.0'\nnonsense: 1\n",
                  "1:1 error: this is Swagger 2.0: OpenAPI 3.1 is read, convert it first" },
                { "asyncapi: 3.0.0\n", "1:1 error: this is no OpenAPI document: it says" },
                { "[openapi]\n", "1:1 error: a map is wanted here, not a list" },
                { "text\n", "1:1 error: a map is wanted here, not a string" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void the_document_has_its_members(void **state)
{
        static const struct fault_case table[] = {
                { HEAD PATHS "tags: [{name: a}]\nexternalDocs: {url: x}\nx-a: {nullable: 1}\n",
                  "" },
                { HEAD PATHS "servers: []\nwebhooks: {}\ncomponents: {}\n", "" },
                { HEAD PATHS "servers: [{url: 'https://{a}.example', variables: {a: {}}}]\n",
                  "5:1 warning: servers are not looked at: backend.yaml says" },
                { HEAD PATHS "webhooks: {a: {post: {}}}\n",
                  "5:1 warning: webhooks are not served" },
                { HEAD PATHS "jsonSchemaDialect: https://spec.openapis.org/oas/3.1/dialect/base\n",
                  "" },
                { HEAD PATHS "jsonSchemaDialect: https://a.example/\n",
                  "5:20 error: schemas are those of OpenAPI 3.1" },
                { HEAD PATHS "path: {}\n",
                  "5:1 error: there is no \"path\" in an OpenAPI document: is it to be \"paths\"?" },
                { HEAD PATHS "definitions: {}\n", "5:1 error: definitions are of Swagger 2.0" },
                { HEAD PATHS "host: a\nbasePath: /b\n",
                  "5:1 error: host is of Swagger 2.0\n6:1 error: basePath is of Swagger" },
                { HEAD, "1:1 error: there are no operations" },
                { HEAD "paths: {}\n", "4:1 error: there are no operations" },
                { HEAD "paths: {/a: {}, x-b: 1}\n", "4:1 error: there are no operations" },
                { HEAD "paths: []\n", "4:8 error: \"paths\" is to be a map, not a list" },
                { "openapi: 3.1.1\n" REST, "1:1 error: there is no info" },
                { "openapi: 3.1.1\ninfo: {}\n" REST, "2:7 error: the info has a title and a" },
                { "openapi: 3.1.1\ninfo: {title: T}\n" REST, "2:7 error: the info has a title" },
                { "openapi: 3.1.1\ninfo: x\n" REST, "2:7 error: \"info\" is to be a map" },
                { "openapi: 3.1.1\ninfo: {title: T, version: 1.0}\n" REST,
                  "2:27 error: \"version\" is to be a string, not a number: write it in quotes" },
                { "openapi: 3.1.1\ninfo: {title: '', version: '1'}\n" REST,
                  "2:15 error: \"title\" is empty" },
                { "openapi: 3.1.1\ninfo: {title: \"a\\nb\", version: '1'}\n" REST,
                  "2:15 error: \"title\" has a control character in it" },
                { "openapi: 3.1.1\ninfo: {title: T, version: '1', licence: MIT}\n" REST,
                  "2:32 error: there is no \"licence\" in the info: is it to be \"license\"?" },
                { "openapi: 3.1.1\n"
                  "info: {title: T, version: '1', summary: s, description: d, contact: {}, "
                  "license: {}, termsOfService: t}\n" REST,
                  "" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

/* Those that nothing refers to as well. */
static void components_are_read_whole(void **state)
{
        static const struct fault_case table[] = {
                { HEAD PATHS "components: {examples: {a: {nullable: 1}}, links: {b: 1}, "
                             "callbacks: {c: 1}, pathItems: {d: 1}, x-e: 1}\n",
                  "" },
                { HEAD PATHS "components: []\n", "5:13 error: \"components\" is to be a map" },
                { HEAD PATHS "components: {schema: {}}\n",
                  "5:14 error: there is no \"schema\" in the components: is it to be" },
                { HEAD PATHS "components: {schemas: []}\n",
                  "5:23 error: \"schemas\" is to be a map" },
                { HEAD PATHS "components: {schemas: {a b: {}}}\n",
                  "5:24 error: \"a b\" is no name of a component" },
                { HEAD PATHS "components: {parameters: {'': {name: a, in: query, schema: {type: "
                             "string}}}}\n",
                  "5:27 error: \"\" is no name of a component" },
                { HEAD PATHS "components:\n"
                             "  schemas: {a: {nullable: true}}\n"
                             "  parameters: {a: {in: query}}\n"
                             "  headers: {a: {}}\n"
                             "  requestBodies: {a: {}}\n"
                             "  responses: {a: {content: 1}}\n",
                  "6:17 error: nullable\n"
                  "7:19 error: there is no \"name\" for this parameter\n"
                  "8:16 error: there is no \"schema\" for this header\n"
                  "9:22 error: a request body has some \"content\"\n"
                  "10:28 error: \"content\" is to be a map, not a number" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void what_many_refer_to_is_told_once(void **state)
{
        static const struct fault_case table[] = {
                { HEAD
                  "paths:\n"
                  "  /a: {parameters: [{$ref: '#/components/parameters/p'}], get: {operationId: "
                  "a, responses: {default: {$ref: '#/components/responses/r'}}}}\n"
                  "  /b: {parameters: [{$ref: '#/components/parameters/p'}], get: {operationId: "
                  "b, responses: {default: {$ref: '#/components/responses/r'}}}}\n"
                  "components:\n"
                  "  parameters: {p: {name: p, in: query, schema: {type: object}}}\n"
                  "  responses: {r: {content: {application/json: {schema: {$ref: "
                  "'#/components/schemas/s'}}}}}\n"
                  "  schemas: {s: {minimum: a}}\n",
                  "8:26 error: this is an object\n"
                  "10:26 error: \"minimum\" is to be a number" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

/* What is not a schema refers to its own section, and nothing stands beside a reference. */
static void references_have_rules(void **state)
{
        static const struct fault_case table[] = {
                { GET("parameters: [{$ref: '#/components/parameters/p'}]\n"
                      "components: {parameters: {p: {$ref: '#/components/parameters/q'},\n"
                      "  q: {name: q, in: query, schema: {type: string}}}}"),
                  "" },
                { GET("parameters: [{$ref: '#/components/parameters/p', summary: s, description: "
                      "d}]\n"
                      "components: {parameters: {p: {name: q, in: query, schema: {type: string}}}}"),
                  "" },
                { GET("parameters: [{$ref: '#/components/parameters/p', required: true}]\n"
                      "components: {parameters: {p: {name: q, in: query, schema: {type: string}}}}"),
                  "9:56 error: \"required\" stands beside a $ref and has no effect" },
                { GET("parameters: [{$ref: '#/components/headers/p'}]\n"
                      "components: {headers: {p: {schema: {type: string}}}}"),
                  "9:27 error: \"#/components/headers/p\" is none of #/components/parameters" },
                { GET("parameters: [{$ref: '#/components/parameters/p'}]\n"
                      "components: {parameters: {p: {$ref: '#/components/parameters/p'}}}"),
                  "9:20 error: this $ref leads through more than 32 others, or in a circle\n"
                  "10:30 error: this $ref leads through" },
                { GET("parameters: [{$ref: '#/components/parameters/p'}]"),
                  "9:27 error: there is no \"#/components/parameters/p\" in this document" },
                { GET("parameters: [{$ref: 'a.yaml'}]"),
                  "9:27 error: \"a.yaml\" is in another file" },
                { HEAD "paths:\n"
                       "  /a: {$ref: '#/components/pathItems/a'}\n"
                       "  /b: {$ref: '#/paths/~1c'}\n"
                       "  /c: {get: {operationId: c, responses: {default: {}}}}\n"
                       "components: {pathItems: {a: {get: {operationId: a, responses: {default: "
                       "{}}}}}}\n",
                  "7:27 error: operationId \"c\" is that of line 7 already" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

#define SCHEME(text)                                                                               \
        HEAD PATHS "components:\n"                                                                 \
                   "  securitySchemes:\n"                                                          \
                   "    s: " text "\n"

static void security_schemes_are_understood_or_refused(void **state)
{
        static const struct fault_case table[] = {
                { SCHEME("{type: http, scheme: bearer, bearerFormat: JWT, description: d}"), "" },
                { SCHEME("{type: http, scheme: Bearer}"), "" },
                { SCHEME("{type: http, scheme: BASIC}"), "" },
                { SCHEME("{type: mutualTLS}"), "" },
                { SCHEME("{type: oauth2, flows: {}}"), "" },
                { SCHEME("{type: openIdConnect, openIdConnectUrl: 'https://a.example'}"), "" },
                { SCHEME("{$ref: '#/components/securitySchemes/t'}\n    t: {type: mutualTLS}"),
                  "" },
                { SCHEME("{type: http}"), "7:8 error: type http wants a \"scheme\"" },
                { SCHEME("{type: http, scheme: digest}"),
                  "7:29 error: scheme \"digest\" is not understood: bearer and basic are" },
                { SCHEME("{type: http, scheme: bear}"), "7:29 error: scheme \"bear\" is not" },
                { SCHEME("{type: http, scheme: 1}"), "7:29 error: \"scheme\" is to be a string" },
                { SCHEME("{type: apiKey, name: k, in: header}"),
                  "7:15 error: apiKey is not understood: a key in a header or query names nobody" },
                { SCHEME("{type: token}"),
                  "7:15 error: \"token\" is no type of a security scheme" },
                { SCHEME("{type: [http]}"), "7:15 error: \"type\" is to be a string, not a list" },
                { SCHEME("{scheme: bearer}"), "7:8 error: there is no \"type\" for this" },
                { SCHEME("{type: mutualTLS, shceme: x}"),
                  "7:26 error: there is no \"shceme\" in a security scheme: is it to be" },
                { SCHEME("bearer"), "7:8 error: \"s\" is to be a map, not a string" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

#define SECURITY(text)                                                                             \
        "openapi: 3.1.1\n" INFO "security: " text "\n" PATHS                                       \
        "components: {securitySchemes: {s: {type: mutualTLS}, t: {type: http, scheme: bearer}, "   \
        "k: {type: apiKey}}}\n"
#define KEY "5:97 error: apiKey is not understood"

static void what_is_asked_for_is_declared(void **state)
{
        static const struct fault_case table[] = {
                { SECURITY("[]"), KEY },
                { SECURITY("[{}]"), KEY },
                { SECURITY("[{s: []}, {s: [], t: []}, {}]"), KEY },
                { SECURITY("[{k: []}]"), KEY }, /* told once */
                { SECURITY("[{u: []}]"),
                  "3:13 error: there is no \"u\" in components: securitySchemes\n" KEY },
                { SECURITY("{s: []}"),
                  "3:11 error: \"security\" is to be a list, not a map\n" KEY },
                { SECURITY("[s]"), "3:12 error: a map is wanted here, not a string\n" KEY },
                { SECURITY("[{s: admin}]"), "3:16 error: \"s\" is to be a list\n" KEY },
                { SECURITY("[{t: [admin]}]"), "3:16 warning: scopes are not checked\n" KEY },
                { "openapi: 3.1.1\n" INFO PATHS,
                  "3:14 warning: no security is said: anybody may call this" },
                { "openapi: 3.1.1\n" INFO
                  "paths: {/a: {get: {operationId: a, responses: {default: {}}, security: []}}}\n",
                  "" },
                { "openapi: 3.1.1\n" INFO
                  "paths: {/a: {get: {operationId: a, responses: {default: {}}}, put: {operationId: "
                  "b, responses: {default: {}}}}}\n",
                  "3:14 warning: no security is said: anybody may call this, as far as policies let "
                  "them; say security: [] where this is meant (the first of 2 places)" },
                { "openapi: 3.1.1\n" INFO PATHS "components: {}\nsecurity: [{a: []}]\n",
                  "5:13 error: there is no \"a\" in components: securitySchemes" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_openapi_3_1_is_read),
                cmocka_unit_test(the_document_has_its_members),
                cmocka_unit_test(components_are_read_whole),
                cmocka_unit_test(what_many_refer_to_is_told_once),
                cmocka_unit_test(references_have_rules),
                cmocka_unit_test(security_schemes_are_understood_or_refused),
                cmocka_unit_test(what_is_asked_for_is_declared),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
