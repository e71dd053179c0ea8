/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with paths, operations, parameters, bodies, and where: a row for each rule. */
#include "openapi_world.h"

/* ---- paths ---- */

/* Two paths in lines 5 and 6. */
#define TWO(a, b)                                                                                  \
        HEAD "paths:\n"                                                                            \
             "  " a ": {get: {operationId: a, responses: {default: {}}}}\n"                        \
             "  " b ": {put: {operationId: b, responses: {default: {}}}}\n"
#define X "parameters: [{name: x, in: path, required: true, schema: {type: string}}], "
#define Y "parameters: [{name: y, in: path, required: true, schema: {type: string}}], "
#define TWO_XY(a, x, b, y)                                                                         \
        HEAD "paths:\n"                                                                            \
             "  " a ": {" x "get: {operationId: a, responses: {default: {}}}}\n"                   \
             "  " b ": {" y "get: {operationId: b, responses: {default: {}}}}\n"

static void templates_have_a_form(void **state)
{
        static const struct fault_case table[] = {
                { TWO("/", "/a"), "" },
                { TWO("/a/", "/a"), "" },
                { TWO("/a-b_c.d~e/!$&'()*+,=:@", "/%7Ea%20b/\xc3\xa9"), "" },
                { TWO("a", "/b"), "5:3 error: a path begins with \"/\"" },
                { TWO("'{a}'", "/b"), "5:3 error: a path begins with \"/\"" },
                { TWO("''", "/b"), "5:3 error: a path begins with \"/\"" },
                { TWO("//", "/b"), "5:3 error: two slashes follow each other" },
                { TWO("/a//b", "/b"), "5:3 error: two slashes follow each other" },
                { TWO("/a/./b", "/b"), "5:3 error: \".\" in this path is resolved before" },
                { TWO("/a/..", "/b"), "5:3 error: \"..\" in this path is resolved before" },
                { TWO("/%2e%2E/a", "/b"), "5:3 error: \"%2e%2E\" in this path is resolved" },
                { TWO("/a%", "/b"), "5:3 error: \"a%\" in this path has a \"%\" without two" },
                { TWO("/a%4", "/b"), "5:3 error: \"a%4\" in this path has a \"%\" without two" },
                { TWO("/a%4x", "/b"), "5:3 error: \"a%4x\" in this path has a \"%\" without" },
                { TWO("/a%2fb", "/b"), "5:3 error: \"a%2fb\" in this path has one of" },
                { TWO("/a%5Cb", "/b"), "5:3 error: \"a%5Cb\" in this path has one of" },
                { TWO("/a;b", "/b"), "5:3 error: \"a;b\" in this path has one of" },
                { TWO("/a%25", "/b"), "5:3 error: \"a%25\" in this path has one of" },
                { TWO("'/a?b=c'", "/b"), "5:3 error: \"a?b=c\" in this path has one of" },
                { TWO("'/a#b'", "/b"), "5:3 error: \"a#b\" in this path has one of" },
                { TWO("/a%00", "/b"), "5:3 error: \"a%00\" in this path has a control character" },
                { TWO("/a%ff", "/b"), "5:3 error: \"a%ff\" in this path is not UTF-8" },
                { TWO("/a{x}", "/b"), "5:3 error: \"a{x}\": a parameter in a path is all that" },
                { TWO("/{x}.json", "/b"), "5:3 error: \"{x}.json\": a parameter in a path is all" },
                { TWO("/{x}{y}", "/b"), "5:3 error: \"{x}{y}\": a parameter in a path is all" },
                { TWO("/{x", "/b"), "5:3 error: \"{x\": a parameter in a path is all" },
                { TWO("/x}", "/b"), "5:3 error: \"x}\": a parameter in a path is all" },
                { TWO("/{}", "/b"), "5:3 error: a parameter's name has 1 to 128 bytes" },
                { TWO("/{x}/{x}", "/b"), "5:3 error: \"{x}\" is there twice" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void no_two_paths_fit_the_same_request_alike(void **state)
{
        static const struct fault_case table[] = {
                { TWO_XY("/a/{x}", X, "/a/{y}", Y),
                  "6:3 error: this path and \"/a/{x}\" in line 5 fit the same requests" },
                { TWO_XY("/{x}/a", X, "/{x}/a/", X), "" },
                { TWO_XY("/a/{x}", X, "/{x}/a", X),
                  "6:3 warning: a request can fit this path and \"/a/{x}\" in line 5" },
                { TWO_XY("/a/{x}/b/c", X, "/a/d/{y}/c", Y), "6:3 warning: a request can fit" },
                { TWO_XY("/a/{x}/b/c", X, "/a/d/{y}/d", Y), "" },
                { TWO_XY("/a/{x}/b", X, "/a/d/{y}/c", Y), "" },
                { TWO_XY("/a/{x}/b", X, "/a/d/b", ""), "" },
                { TWO_XY("/a/{x}", X, "/a/b", ""), "" },
                { TWO("/a", "/%61"), "6:3 error: this path and \"/a\" in line 5 fit the same" },
                { TWO("/a", "/A"), "" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void parameters_of_the_path_are_declared(void **state)
{
        static const struct fault_case table[] = {
                { TWO_XY("/a/{x}", X, "/b/{y}", Y), "" },
                { TWO_XY("/a/{x}", "", "/b/{y}", Y),
                  "5:12 error: {x} of the path is not declared: it is a parameter with in: path" },
                { TWO_XY("/a/{x}", Y, "/b/{y}", Y), "5:25 error: the path has no {y} in it\n"
                                                    "5:87 error: {x} of the path is not declared" },
                { OPERATION("get", "/{x}",
                            "parameters: [{name: x, in: query, schema: {type: string}}]"),
                  "6:5 error: {x} of the path is not declared" },
                { OPERATION("get", "/{x}",
                            "parameters: [{name: x, in: path, schema: {type: string}}]"),
                  "9:27 error: a parameter in the path says required: true" },
                { OPERATION("get", "/{x}",
                            "parameters: [{name: x, in: path, required: false, schema: {type: "
                            "string}}]"),
                  "9:50 error: a parameter in the path says required: true" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void paths_have_their_members(void **state)
{
        static const struct fault_case table[] = {
                { HEAD
                  "paths:\n"
                  "  /a: {summary: s, description: d, x-b: 1, get: {operationId: a, responses: "
                  "{default: {}}}}\n"
                  "  x-c: [1]\n",
                  "" },
                { HEAD "paths: {/a: {trace: {}}, /b: {put: {operationId: b, responses: {default: "
                       "{}}}}}\n",
                  "4:14 error: TRACE is not served" },
                { HEAD "paths: {/a: {GET: {}}, /b: {put: {operationId: b, responses: {default: "
                       "{}}}}}\n",
                  "4:14 error: there is no \"GET\" in a path: is it to be \"get\"?" },
                { HEAD "paths: {/a: {servers: []}, /b: {put: {operationId: b, responses: "
                       "{default: {}}}}}\n",
                  "4:14 error: servers of its own: a package has one back-end" },
                { HEAD "paths: {/a: [], /b: {put: {operationId: b, responses: {default: {}}}}}\n",
                  "4:13 error: \"/a\" is to be a map, not a list" },
                { HEAD "paths: {/a: {get: []}, /b: {put: {operationId: b, responses: {default: "
                       "{}}}}}\n",
                  "4:19 error: \"get\" is to be a map, not a list" },
                { HEAD "paths: {/a: {parameters: {}}, /b: {put: {operationId: b, responses: "
                       "{default: {}}}}}\n",
                  "4:26 error: \"parameters\" is to be a list, not a map" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

/* ---- operations ---- */

static void operations_have_their_members(void **state)
{
        static const struct fault_case table[] = {
                { GET("summary: s\n      description: d\n      externalDocs: {}\n      deprecated: "
                      "true\n      x-b: 1\n      tags: [c, d]"),
                  "" },
                { GET("callbacks: {}"), "" },
                { GET("callbacks: {a: {}}"), "9:7 warning: callbacks are not served" },
                { GET("servers: []"), "9:7 error: servers of its own" },
                { GET("consumes: []"), "9:7 error: consumes is of Swagger 2.0" },
                { GET("produces: []"), "9:7 error: produces is of Swagger 2.0" },
                { GET("parameter: []"),
                  "9:7 error: there is no \"parameter\" in an operation: is it to be" },
                { HEAD "paths: {/a: {get: {responses: {default: {}}}}}\n",
                  "4:14 error: there is no operationId for this" },
                { HEAD "paths: {/a: {get: {operationId: a}}}\n",
                  "4:14 error: there are no \"responses\"" },
                { HEAD "paths: {/a: {get: {operationId: a, responses: {}}}}\n",
                  "4:47 error: there are no \"responses\"" },
                { HEAD "paths: {/a: {get: {operationId: a, responses: []}}}\n",
                  "4:47 error: \"responses\" is to be a map" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

#define ID(id) HEAD "paths: {/a: {get: {operationId: " id ", responses: {default: {}}}}}\n"
#define LONG_ID                                                                                    \
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"           \
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"

static void operations_have_names_of_their_own(void **state)
{
        static const struct fault_case table[] = {
                { ID("a-B_c.d9"), "" },
                { ID("reader"), "" },
                { ID("a.reads"), "" },
                { ID("aread"), "" },
                { ID("a b"), "4:33 error: operationId \"a b\" is to be made of letters" },
                { ID("a/b"), "4:33 error: operationId \"a/b\" is to be made of letters" },
                { ID("\xc3\xa9"), "4:33 error: operationId \"\xc3\xa9\" is to be made of" },
                { ID("''"), "4:33 error: \"operationId\" is empty" },
                { ID("12"), "4:33 error: \"operationId\" is to be a string, not a number" },
                { ID(LONG_ID), "4:33 error: \"operationId\" has 130 bytes, at most 128 are taken" },
                { ID("read"), "4:33 error: an operationId is not \"read\"" },
                { ID("readMasked"), "4:33 error: an operationId is not \"read\"" },
                { ID("a.read"), "4:33 error: an operationId is not \"read\"" },
                { ID("a.readMasked"), "4:33 error: an operationId is not \"read\"" },
                { ID(".read"), "4:33 error: an operationId is not \"read\"" },
                { HEAD "paths:\n"
                       "  /a: {get: {operationId: x, responses: {default: {}}}}\n"
                       "  /b: {get: {operationId: y, responses: {default: {}}}}\n"
                       "  /c: {get: {operationId: x, responses: {default: {}}}}\n"
                       "  /d: {get: {operationId: x, responses: {default: {}}}}\n",
                  "7:27 error: operationId \"x\" is that of line 5 already\n"
                  "8:27 error: operationId \"x\" is that of line 7 already" },
                { GET("tags: [b, b, c]"), "" },
                { GET("tags: b"), "9:13 error: \"tags\" is to be a list" },
                { GET("tags: [1]"), "9:14 error: a string is wanted here, not a number: write it" },
                { GET("tags: ['']"), "9:14 error: this is empty" },
                { GET("tags: [read]"), "9:14 error: a tag is not \"read\"" },
                { GET("tags: [x.readMasked]"), "9:14 error: a tag is not \"read\"" },
                { GET("tags: [b, a]"), "9:13 error: the tag \"a\" is an operationId, too" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

/* ---- parameters ---- */

static void parameters_have_a_place_a_name_and_a_schema(void **state)
{
        static const struct fault_case table[] = {
                { PARAMETER("{name: b, in: query, schema: {type: string}}"), "" },
                { PARAMETER(
                          "{name: 'filter[b]', in: query, schema: {type: string}, required: true, "
                          "description: d, deprecated: true, example: 1, examples: {}, x-c: 1}"),
                  "" },
                { PARAMETER("{name: B-c, in: header, schema: {type: string}}"), "" },
                { PARAMETER("{name: b, in: cookie, schema: {type: string}}"), "" },
                { PARAMETER("{in: query, schema: {}}"),
                  "10:11 error: there is no \"name\" for this parameter" },
                { PARAMETER("{name: b, schema: {}}"),
                  "10:11 error: there is no \"in\" for this parameter" },
                { PARAMETER("{name: b, in: querry, schema: {type: string}}"),
                  "10:25 error: \"querry\" is none of path, query, header and cookie" },
                { PARAMETER("{name: b, in: body, schema: {type: string}}"),
                  "10:25 error: \"body\" is of Swagger 2.0" },
                { PARAMETER("{name: b, in: query}"),
                  "10:18 error: there is no \"schema\" for this" },
                { PARAMETER("{name: b, in: query, type: string}"),
                  "10:18 error: there is no \"schema\" for this parameter\n"
                  "10:32 error: a type stands in the \"schema\" of a parameter" },
                { PARAMETER("{name: b, in: query, content: {application/json: {}}}"),
                  "10:32 error: \"content\" of a parameter is not understood" },
                { PARAMETER("{name: '', in: query, schema: {type: string}}"),
                  "10:18 error: \"name\" is empty" },
                { PARAMETER("{name: b c, in: header, schema: {type: string}}"),
                  "10:18 error: \"b c\" is no name of a header" },
                { PARAMETER("{name: b=c, in: cookie, schema: {type: string}}"),
                  "10:18 error: \"b=c\" is no name of a cookie" },
                { PARAMETER("{name: b, in: query, schema: {type: string}, requierd: true}"),
                  "10:56 error: there is no \"requierd\" in a parameter: is it to be" },
                { PARAMETER("{name: b, in: query, schema: {type: string}, required: 1}"),
                  "10:66 error: \"required\" is to be true or false" },
                { PARAMETER("b"), "10:11 error: a map is wanted here, not a string" },
                { PARAMETER("{name: b, in: query, schema: {type: string}, allowEmptyValue: true}"),
                  "10:56 warning: allowEmptyValue has no effect" },
                { PARAMETER("{name: b, in: query, schema: {type: string}, allowReserved: true}"),
                  "10:56 warning: allowReserved has no effect" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void some_headers_are_nobodys_business(void **state)
{
        static const struct fault_case table[] = {
                { PARAMETER("{name: Accept, in: header, schema: {type: string}}"),
                  "10:18 warning: header \"accept\" is not described by a parameter" },
                { PARAMETER("{name: content-type, in: header, schema: {type: string}}"),
                  "10:18 warning: header \"content-type\" is not described" },
                { PARAMETER("{name: Authorization, in: header, required: true, schema: {}}"),
                  "10:18 warning: header \"authorization\" is not described" },
                { PARAMETER("{name: Cookie, in: header, schema: {type: string}}"),
                  "10:18 error: a cookie is a parameter of its own: in: cookie" },
                { PARAMETER("{name: Host, in: header, schema: {type: string}}"),
                  "10:18 error: \"Host\" is made by the gateway" },
                { PARAMETER("{name: Transfer-Encoding, in: header, schema: {type: string}}"),
                  "10:18 error: \"Transfer-Encoding\" is made by the gateway" },
                { PARAMETER("{name: proxy-authorization, in: header, schema: {type: string}}"),
                  "10:18 error: \"proxy-authorization\" is made by the gateway" },
                { PARAMETER("{name: Content_Length, in: header, schema: {type: string}}"),
                  "10:18 error: \"Content_Length\" is made by the gateway" },
                { PARAMETER("{name: X-Forwarded-For, in: header, schema: {type: string}}"),
                  "10:18 error: \"X-Forwarded-For\" tells servers who calls" },
                { PARAMETER("{name: x-http-method-override, in: header, schema: {type: string}}"),
                  "10:18 error: \"x-http-method-override\" tells servers who calls" },
                { PARAMETER("{name: X-Request-Id, in: header, schema: {type: string}}"),
                  "10:18 warning: header \"x-request-id\" is the gateway's own" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void parameters_are_named_once(void **state)
{
        static const struct fault_case table[] = {
                { PARAMETER("{name: b, in: query, schema: {type: string}}\n"
                            "        - {name: b, in: header, schema: {type: string}}\n"
                            "        - {name: B, in: query, schema: {type: string}}"),
                  "" },
                { PARAMETER("{name: b, in: query, schema: {type: string}}\n"
                            "        - {name: b, in: query, schema: {type: string}}"),
                  "11:11 error: \"b\" in the query is there twice" },
                { PARAMETER("{name: b, in: header, schema: {type: string}}\n"
                            "        - {name: B, in: header, schema: {type: string}}"),
                  "11:11 error: \"b\" in the header is there twice" },
                /* an operation may say anew what its path says */
                { HEAD "paths:\n"
                       "  /a:\n"
                       "    parameters: [{name: b, in: query, schema: {type: string}}]\n"
                       "    get:\n"
                       "      operationId: a\n"
                       "      parameters: [{name: b, in: query, schema: {type: integer}}]\n"
                       "      responses: {default: {}}\n",
                  "" },
                { HEAD "paths:\n"
                       "  /a:\n"
                       "    parameters: [{name: b, in: query, schema: {type: string}}, {name: b, "
                       "in: query, schema: {type: string}}]\n"
                       "    get: {operationId: a, responses: {default: {}}}\n"
                       "    put: {operationId: b, responses: {default: {}}}\n",
                  "6:64 error: \"b\" in the query is there twice" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void styles_are_those_of_the_place(void **state)
{
        static const struct fault_case table[] = {
                { PARAMETER("{name: b, in: query, style: form, explode: false, schema: {type: "
                            "string}}"),
                  "" },
                { PARAMETER("{name: b, in: header, style: simple, explode: true, schema: {type: "
                            "string}}"),
                  "" },
                { PARAMETER("{name: b, in: query, style: simple, schema: {type: string}}"),
                  "10:39 error: style \"simple\" is not understood: in the query it is \"form\"" },
                { PARAMETER("{name: b, in: query, style: deepObject, schema: {type: string}}"),
                  "10:39 error: style \"deepObject\" is not understood: in the query it is \"form\""
                  "; make a parameter of each member" },
                { PARAMETER("{name: b, in: query, style: pipeDelimited, schema: {type: string}}"),
                  "10:39 error: style \"pipeDelimited\" is not understood" },
                { PARAMETER("{name: b, in: cookie, style: simple, schema: {type: string}}"),
                  "10:40 error: style \"simple\" is not understood: in the cookie it is \"form\"" },
                { PARAMETER("{name: b, in: header, style: form, schema: {type: string}}"),
                  "10:40 error: style \"form\" is not understood: in the header it is \"simple\"" },
                { OPERATION("get", "/{b}",
                            "parameters: [{name: b, in: path, required: true, style: matrix, "
                            "schema: {type: string}}]"),
                  "9:63 error: style \"matrix\" is not understood: in the path it is \"simple\"" },
                { PARAMETER("{name: b, in: query, explode: 1, schema: {type: string}}"),
                  "10:41 error: \"explode\" is to be true or false" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

#define TYPED(schema) PARAMETER("{name: b, in: query, schema: " schema "}")
#define COMPONENTS                                                                                 \
        "\ncomponents:\n  schemas:\n    s: {type: string}\n    n: {type: 'null'}\n"                \
        "    i: {type: integer}\n    o: {type: object}\n    l: {$ref: '#/components/schemas/s', "  \
        "minLength: 1}"

static void a_text_can_be_one_type_only(void **state)
{
        static const struct fault_case table[] = {
                { TYPED("{type: integer}"), "" },
                { TYPED("{type: number}"), "" },
                { TYPED("{type: boolean}"), "" },
                { TYPED("{type: [string, 'null']}"), "" },
                { TYPED("{enum: [a, b]}"), "" },
                { TYPED("{enum: [1, 2]}"), "" },
                { TYPED("{type: [string, integer], enum: [1, 2]}"), "" },
                { TYPED("{type: array, items: {type: string}}"), "" },
                { TYPED("{type: array, items: {type: [integer, 'null']}}"), "" },
                { TYPED("{$ref: '#/components/schemas/s'}") COMPONENTS, "" },
                { TYPED("{$ref: '#/components/schemas/l'}") COMPONENTS, "" },
                { TYPED("{anyOf: [{$ref: '#/components/schemas/s'}, {$ref: "
                        "'#/components/schemas/n'}]}") COMPONENTS,
                  "" },
                { TYPED("{allOf: [{$ref: '#/components/schemas/s'}, {minLength: 3}]}") COMPONENTS,
                  "" },
                { TYPED("{allOf: [{type: array}, {items: {$ref: '#/components/schemas/i'}}]}")
                          COMPONENTS,
                  "" },
                { TYPED("{}"), "10:18 error: the schema of this is to say one type" },
                { TYPED("true"), "10:18 error: the schema of this is to say one type" },
                { TYPED("{minLength: 1}"), "10:18 error: the schema of this is to say one type" },
                { TYPED("{type: [string, integer]}"), "10:18 error: the schema of this is to say" },
                { TYPED("{enum: [1, a]}"), "10:18 error: the schema of this is to say one type" },
                { TYPED("{oneOf: [{$ref: '#/components/schemas/s'}, {$ref: "
                        "'#/components/schemas/i'}]}") COMPONENTS,
                  "10:18 error: the schema of this is to say one type" },
                { TYPED("{type: [string, array], items: {type: string}}"),
                  "10:18 error: the schema of this is to say one type" },
                { TYPED("{$ref: '#/components/schemas/o'}") COMPONENTS,
                  "10:18 error: this is an object" },
                { TYPED("{type: object, properties: {a: {type: string}}}"),
                  "10:18 error: this is an object" },
                { TYPED("false"), "10:18 error: no value fits the schema of this" },
                { TYPED("{type: string, allOf: [{type: integer}]}"),
                  "10:18 error: no value fits the schema of this" },
                { TYPED("{type: 'null'}"), "10:18 error: no value fits the schema of this" },
                { TYPED("{type: array}"),
                  "10:18 error: items of this array are to be of one type" },
                { TYPED("{type: array, items: {type: object}}"),
                  "10:18 error: items of this array" },
                { TYPED("{type: array, items: {type: array, items: {type: string}}}"),
                  "10:18 error: items of this array are to be of one type" },
                { TYPED("{type: array, prefixItems: [{type: string}], items: {type: string}}"),
                  "10:18 error: items of this array are to be of one type" },
                { PARAMETER("{name: b, in: cookie, schema: {type: array, items: {type: string}}}"),
                  "10:18 error: an array in a cookie says explode: false" },
                { PARAMETER("{name: b, in: cookie, explode: false, schema: {type: array, items: "
                            "{type: string}}}"),
                  "" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

/* ---- bodies and responses ---- */

#define BODY(text)  POST("requestBody: " text)
#define MEDIA(type) BODY("{content: {" type ": {schema: {}}}}")

static void requests_are_json(void **state)
{
        static const struct fault_case table[] = {
                { BODY("{required: true, description: d, content: {application/json: {schema: {}, "
                       "example: 1, examples: {}, encoding: {}, x-a: 1}}, x-b: 1}"),
                  "" },
                { MEDIA("Application/JSON"), "" },
                { MEDIA("application/vnd.a.v1+json"), "" },
                { MEDIA("application/json; charset=utf-8"),
                  "9:31 warning: parameters of a media type are not looked at" },
                { MEDIA("application/x-www-form-urlencoded"),
                  "9:31 error: a request of \"application/x-www-form-urlencoded\" is not passed on" },
                { MEDIA("multipart/form-data"),
                  "9:31 error: a request of \"multipart/form-data\"" },
                { MEDIA("text/json"), "9:31 error: a request of \"text/json\" is not passed on" },
                { MEDIA("application/jsonx"), "9:31 error: a request of \"application/jsonx\"" },
                { MEDIA("'*/*'"), "9:31 error: \"*/*\" is a range" },
                { MEDIA("application/*"), "9:31 error: \"application/*\" is a range" },
                { MEDIA("json"), "9:31 error: \"json\" is no media type" },
                { MEDIA("a/b/c"), "9:31 error: \"a/b/c\" is no media type" },
                { MEDIA("/json"), "9:31 error: \"/json\" is no media type" },
                { MEDIA("a b/json"), "9:31 error: \"a b/json\" is no media type" },
                { MEDIA("''"), "9:31 error: \"\" is no media type" },
                { BODY("{content: {application/json: {}}}"),
                  "9:31 warning: no schema: any JSON fits, and nothing in it is masked" },
                { BODY("{content: {application/json: {schema: {}}, Application/Json: {schema: {}}}}"),
                  "9:21 error: \"application/json\" is there twice" },
                { BODY("{}"), "9:20 error: a request body has some \"content\"" },
                { BODY("{content: {}}"), "9:30 error: a request body has some \"content\"" },
                { BODY("{content: []}"), "9:30 error: a request body has some \"content\"" },
                { BODY("{content: [1]}"), "9:30 error: \"content\" is to be a map" },
                { BODY("[]"), "9:20 error: \"requestBody\" is to be a map" },
                { BODY("{schema: {}}"), "9:20 error: a request body has some \"content\"\n"
                                        "9:21 error: a schema stands in the media type" },
                { BODY("{content: {application/json: {shcema: {}}}}"),
                  "9:31 warning: no schema\n"
                  "9:50 error: there is no \"shcema\" in a media type: is it to be \"schema\"?" },
                { BODY("{content: {application/json: []}}"),
                  "9:49 error: \"application/json\" is to be a map" },
                { GET("requestBody: {content: {application/json: {schema: {}}}}"),
                  "9:7 error: a body of GET has no meaning" },
                { OPERATION("head", "/a",
                            "requestBody: {content: {application/json: {schema: {}}}}"),
                  "9:7 error: a body of HEAD has no meaning" },
                { OPERATION("delete", "/a",
                            "requestBody: {content: {application/json: {schema: {}}}}"),
                  "" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

/* From 4:48 on. */
#define RESPONSES(text) HEAD "paths: {/a: {get: {operationId: a, responses: {" text "}}}}\n"

static void responses_have_a_status_and_a_form(void **state)
{
        static const struct fault_case table[] = {
                { RESPONSES("'200': {}, 404: {}, 5XX: {}, default: {}, x-a: {}"), "" },
                { RESPONSES("'200': {description: d, summary: s, links: {a: 1}, headers: {}, "
                            "content: {}, x-a: 1}"),
                  "" },
                { RESPONSES("'200': {content: {text/csv: {schema: {}}, application/json: {schema: "
                            "{}}, application/problem+json: {schema: {}}}}"),
                  "" },
                { RESPONSES("200.0: {}"), "4:48 error: \"200.0\" is no status" },
                { RESPONSES("2xx: {}"), "4:48 error: \"2xx\" is no status" },
                { RESPONSES("20X: {}"), "4:48 error: \"20X\" is no status" },
                { RESPONSES("600: {}"), "4:48 error: \"600\" is no status" },
                { RESPONSES("20: {}"), "4:48 error: \"20\" is no status" },
                { RESPONSES("ok: {}"), "4:48 error: \"ok\" is no status" },
                { RESPONSES("101: {}"), "4:48 error: 101 is no answer, but announces one" },
                { RESPONSES("1XX: {}"), "4:48 error: 1XX is no answer" },
                { RESPONSES("200: []"), "4:53 error: \"200\" is to be a map" },
                { RESPONSES("200: {schema: {}}"), "4:54 error: a schema stands in the media type" },
                { RESPONSES("200: {content: {application/json: {}}}"), "4:64 warning: no schema" },
                { RESPONSES("200: {content: {text/csv: {}}}"), "" },
                { RESPONSES("200: {content: {text/csv: {schema: {nullable: true}}}}"),
                  "4:84 error: nullable" },
                { RESPONSES("200: {content: {'*/*': {schema: {}}}}"), "4:64 error: \"*/*\" is a" },
                { RESPONSES("200: {content: {text/csv: {schema: {items: {x-data-class: a.b}}}}}"),
                  "4:64 error: \"text/csv\" has a.b in it, which can be masked in JSON only" },
                { RESPONSES("200: {content: {application/json: {schema: {x-data-class: a}}}}"),
                  "" },
                { RESPONSES("200: {headers: {Location: {schema: {type: string}, required: true, "
                            "description: d, deprecated: false, style: simple, explode: false}}}"),
                  "" },
                { RESPONSES("200: {headers: {A: {schema: {type: string}}, a: {schema: {type: "
                            "string}}}}"),
                  "4:54 error: header \"a\" is there twice" },
                { RESPONSES("200: {headers: {A: {}}}"), "4:67 error: there is no \"schema\" for" },
                { RESPONSES("200: {headers: {A: {content: {}}}}"),
                  "4:68 error: \"content\" of a header is not understood" },
                { RESPONSES("200: {headers: {A: {name: a, schema: {type: string}}}}"),
                  "4:68 error: the name of a header is its key" },
                { RESPONSES("200: {headers: {A: {in: header, schema: {type: string}}}}"),
                  "4:68 error: a header of a response has no \"in\"" },
                { RESPONSES("200: {headers: {A: {style: form, schema: {type: string}}}}"),
                  "4:75 error: style \"form\" is not understood: in the header it is" },
                { RESPONSES("200: {headers: {a b: {schema: {type: string}}}}"),
                  "4:64 error: \"a b\" is no name of a header" },
                { RESPONSES("200: {headers: {Content-Type: {schema: {type: string}}}}"),
                  "4:64 warning: header \"content-type\" is not described" },
                { RESPONSES("200: {headers: {Content-Length: {schema: {type: integer}}}}"),
                  "4:64 warning: header \"content-length\" is not described" },
                { RESPONSES("200: {headers: {A: {schema: {type: object}}}}"),
                  "4:67 error: this is an object" },
                { RESPONSES("200: {headers: [A]}"), "4:63 error: \"headers\" is to be a map" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

/* ---- the object it is about ---- */

#define OBJECT(text)                                                                               \
        OPERATION("get", "/{b}",                                                                   \
                  "parameters: [{name: b, in: path, required: true, schema: {type: string}}, "     \
                  "{name: c, in: query, schema: {type: string}}, {name: D, in: header, required: " \
                  "true, schema: {type: integer}}, {name: e, in: cookie, required: true, schema: " \
                  "{type: boolean}}]\n"                                                            \
                  "      x-object: " text)

static void an_object_is_named_by_a_parameter(void **state)
{
        static const struct fault_case table[] = {
                { OBJECT("{type: Account, id: path.b}"), "" },
                { OBJECT("{type: 'Bank::Account', id: header.d}"), "" },
                { OBJECT("{type: Account}"), "10:17 error: x-object has a type and an id" },
                { OBJECT("{id: path.b}"), "10:17 error: x-object has a type and an id" },
                { OBJECT("Account"), "10:17 error: \"x-object\" is to be a map" },
                { OBJECT("{type: Account, id: path.b, kind: x}"),
                  "10:45 error: there is no \"kind\" in x-object" },
                { OBJECT("{type: 'an account', id: path.b}"),
                  "10:24 error: \"an account\" is no name of an entity type in Cedar" },
                { OBJECT("{type: __cedar, id: path.b}"), "10:24 error: \"__cedar\" is no name" },
                { OBJECT("{type: if, id: path.b}"), "10:24 error: \"if\" is no name" },
                { OBJECT("{type: Api, id: path.b}"), "10:24 error: the type Api has a meaning" },
                { OBJECT("{type: DataClass, id: path.b}"), "10:24 error: the type DataClass has" },
                { OBJECT("{type: Action, id: path.b}"), "10:24 error: the type Action has" },
                { OBJECT("{type: caller, id: path.b}"), "10:24 error: the type caller has" },
                { OBJECT("{type: Caller, id: path.b}"), "" },
                { OBJECT("{type: address, id: path.b}"), "10:24 error: the type address has" },
                { OBJECT("{type: Account, id: b}"),
                  "10:37 error: operation \"a\" has no parameter \"b\"" },
                { OBJECT("{type: Account, id: query.b}"),
                  "10:37 error: operation \"a\" has no parameter \"query.b\"" },
                { OBJECT("{type: Account, id: path.}"), "10:37 error: operation \"a\" has no" },
                { OBJECT("{type: Account, id: header.D}"), "10:37 error: operation \"a\" has no" },
                { OBJECT("{type: Account, id: body.b}"), "10:37 error: operation \"a\" has no" },
                { OBJECT("{type: Account, id: query.c}"),
                  "10:37 error: \"query.c\" is not required" },
                { OBJECT("{type: Account, id: cookie.e}"),
                  "10:17 error: the id of an object is a string or an integer" },
                { OBJECT("{type: Account, id: 1}"), "10:37 error: \"id\" is to be a string" },
                /* of a path, for all under it that do not say their own */
                { HEAD "paths:\n"
                       "  /a:\n"
                       "    x-object: {type: Account, id: query.b}\n"
                       "    get: {operationId: a, responses: {default: {}}}\n"
                       "    put: {operationId: b, responses: {default: {}}, parameters: [{name: b, "
                       "in: query, required: true, schema: {type: string}}]}\n",
                  "6:35 error: operation \"a\" has no parameter \"query.b\"" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(templates_have_a_form),
                cmocka_unit_test(no_two_paths_fit_the_same_request_alike),
                cmocka_unit_test(parameters_of_the_path_are_declared),
                cmocka_unit_test(paths_have_their_members),
                cmocka_unit_test(operations_have_their_members),
                cmocka_unit_test(operations_have_names_of_their_own),
                cmocka_unit_test(parameters_have_a_place_a_name_and_a_schema),
                cmocka_unit_test(some_headers_are_nobodys_business),
                cmocka_unit_test(parameters_are_named_once),
                cmocka_unit_test(styles_are_those_of_the_place),
                cmocka_unit_test(a_text_can_be_one_type_only),
                cmocka_unit_test(requests_are_json),
                cmocka_unit_test(responses_have_a_status_and_a_form),
                cmocka_unit_test(an_object_is_named_by_a_parameter),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
