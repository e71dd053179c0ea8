/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a schema, and where: a row for each rule. */
#include "openapi_world.h"

#define ODD(text) " warning: " text " is a number that JSON has not, and is not taken where one is "

/* 0123, 0x1F, .nan: real documents have them where nobody looks. */
static void odd_numbers_are_refused_where_they_are_used(void **state)
{
        static const struct fault_case table[] = {
                { SCHEMA("{example: 0123, examples: [0x1F], default: {a: .inf}, x-a: [007]}"),
                  "8:17" ODD("0123") },
                { PARAMETER("{name: b, in: query, schema: {type: string}, example: 01}"),
                  "10:65" ODD("01") },
                { SCHEMA("{enum: [1, 0123]}"),
                  "8:18" ODD("0123") "\n8:18 error: 0123 is a number that JSON has not: write it "
                                     "in decimal without a 0 in front, or in quotes" },
                { SCHEMA("{const: {a: [0x1F]}}"),
                  "8:20" ODD("0x1F") "\n8:20 error: 0x1F is a number that JSON has not" },
                { SCHEMA("{minimum: 010}"),
                  "8:17" ODD(
                          "010") "\n8:17 error: \"minimum\" is to be a number, not a number that "
                                 "JSON has not: write it in decimal without a 0" },
                { SCHEMA("{maxLength: 08}"),
                  "8:19" ODD("08") "\n8:19 error: \"maxLength\" is to be a number" },
                { SCHEMA("{multipleOf: .inf}"),
                  "8:20" ODD(".inf") "\n8:20 error: \"multipleOf\" is to be a number" },
                { SCHEMA("{x-data-class: 0123}"),
                  "8:22" ODD("0123") "\n8:22 error: \"x-data-class\" is to be a string, not a "
                                     "number that JSON has not: write it in quotes" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void what_is_understood_is_taken(void **state)
{
        static const struct fault_case table[] = {
                { SCHEMA("{}"), "" },
                { SCHEMA("true"), "" },
                { SCHEMA("false"), "" },
                { SCHEMA("{type: string}"), "" },
                { SCHEMA("{type: [string, 'null']}"), "" },
                { SCHEMA("{type: object, properties: {a: {}, b: true}, required: [a, c]}"), "" },
                { SCHEMA("{type: array, items: {type: integer}, prefixItems: [{}, false]}"), "" },
                { SCHEMA("{enum: [a, 1, 1.5, null, true, [], {}]}"), "" },
                { SCHEMA("{const: {a: [1]}}"), "" },
                { SCHEMA("{minimum: -1, maximum: 1e3, exclusiveMinimum: 0.5, exclusiveMaximum: 2, "
                         "multipleOf: 0.01}"),
                  "" },
                { SCHEMA("{minLength: 0, maxLength: 10, pattern: '^a', format: uuid}"), "" },
                { SCHEMA("{minItems: 0, maxItems: 1, uniqueItems: true, contains: {}, "
                         "minContains: 0, maxContains: 18446744073709551615}"),
                  "" },
                { SCHEMA("{minProperties: 1, maxProperties: 2, additionalProperties: false, "
                         "patternProperties: {'^x': {}}, propertyNames: {maxLength: 3}}"),
                  "" },
                { SCHEMA("{dependentRequired: {a: [b, c]}, dependentSchemas: {a: {}, b: false}}"),
                  "" },
                { SCHEMA("{allOf: [{}], anyOf: [{}], oneOf: [{}], not: {}, if: {}, then: {}, "
                         "else: {}}"),
                  "" },
                { SCHEMA("{allOf: [{$ref: '#/components/schemas/B'}], unevaluatedProperties: false, "
                         "unevaluatedItems: {type: string}}\n    B: {properties: {a: {}}}"),
                  "" },
                { SCHEMA("{title: t, description: d, default: 1, example: 2, examples: [3], "
                         "deprecated: true, externalDocs: {}, xml: {}, contentMediaType: a/b, "
                         "contentEncoding: base64, $comment: c, $anchor: a, $defs: {b: {}}}"),
                  "" },
                { SCHEMA("{$schema: 'https://spec.openapis.org/oas/3.1/dialect/base'}"), "" },
                { SCHEMA("{$schema: 'https://json-schema.org/draft/2020-12/schema#'}"), "" },
                { SCHEMA("{x-anything: [1, {nullable: true}], x-internal-id: 7}"), "" },
                { SCHEMA("{format: double}"), "" },
                { SCHEMA("{format: password}"), "" },
                { SCHEMA("{readOnly: false, writeOnly: false}"), "" },
                { SCHEMA("{x-data-class: pii}"), "" },
                { SCHEMA("{x-data-class: a1.b-2.c}"), "" },
                { SCHEMA("{type: number, enum: [1, 2.5]}"), "" },
                { SCHEMA("{type: integer, enum: [1]}"), "" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void keywords_have_their_forms(void **state)
{
        static const struct fault_case table[] = {
                { SCHEMA("a string"), "8:7 error: \"A\" is to be a map, not a string" },
                { SCHEMA("[1]"), "8:7 error: \"A\" is to be a map, not a list" },
                { SCHEMA("{type: strnig}"), "8:14 error: \"strnig\" is no type" },
                { SCHEMA("{type: null}"), "8:14 error: the type null is written in quotes" },
                { SCHEMA("{type: 1}"), "8:14 error: \"type\" is to be a string, not a number" },
                { SCHEMA("{type: []}"), "8:14 error: a list of types has one at least" },
                { SCHEMA("{type: [string, string]}"), "8:23 error: \"string\" is there twice" },
                { SCHEMA("{type: [string, null]}"), "8:23 error: the type null is written" },
                { SCHEMA("{type: [string, any]}"), "8:23 error: \"any\" is no type" },
                { SCHEMA("{properties: []}"), "8:20 error: \"properties\" is to be a map" },
                { SCHEMA("{properties: {a: 1}}"),
                  "8:24 error: \"a\" is to be a map, not a number" },
                { SCHEMA("{required: true}"), "8:18 error: \"required\" is a list of names" },
                { SCHEMA("{required: {a: 1}}"), "8:18 error: \"required\" is to be a list" },
                { SCHEMA("{required: [1]}"), "8:19 error: a string is wanted here, not a number" },
                { SCHEMA("{required: [a, a]}"), "8:18 error: \"a\" is required twice" },
                { SCHEMA("{properties: {a: {}}, required: [a, a]}"),
                  "8:43 error: \"a\" is required twice" },
                { SCHEMA("{items: [{}]}"), "8:15 error: a list of schemas is \"prefixItems\"" },
                { SCHEMA("{prefixItems: {}}"), "8:21 error: \"prefixItems\" is to be a list" },
                { SCHEMA("{allOf: {}}"), "8:15 error: \"allOf\" is to be a list, not a map" },
                { SCHEMA("{allOf: []}"), "8:15 error: \"allOf\" has one schema at least" },
                { SCHEMA("{unevaluatedProperties: no}"),
                  "8:31 warning: no is a string and no boolean\n8:31 error: \"unevaluatedProperties\" "
                  "is to be a map, not a string" },
                { SCHEMA("{unevaluatedItems: [{}]}"),
                  "8:26 error: \"unevaluatedItems\" is to be a map, not a list" },
                { SCHEMA("{anyOf: [1]}"), "8:16 error: a map is wanted here, not a number" },
                { SCHEMA("{oneOf: null}"), "8:15 error: \"oneOf\" is to be a list, not null" },
                { SCHEMA("{not: 1}"), "8:13 error: \"not\" is to be a map, not a number" },
                { SCHEMA("{then: {}}"), "8:8 error: there is no \"if\" for this" },
                { SCHEMA("{else: {}}"), "8:8 error: there is no \"if\" for this" },
                { SCHEMA("{enum: a}"), "8:14 error: \"enum\" is to be a list, not a string" },
                { SCHEMA("{enum: []}"), "8:14 error: an enum has one value at least" },
                { SCHEMA("{enum: [a], const: a}"), "8:19 error: say one of enum and const" },
                { SCHEMA("{minimum: '1'}"), "8:17 error: \"minimum\" is to be a number" },
                { SCHEMA("{exclusiveMinimum: true}"),
                  "8:26 error: \"exclusiveMinimum\" is a number since OpenAPI 3.1" },
                { SCHEMA("{exclusiveMaximum: false}"),
                  "8:26 error: \"exclusiveMaximum\" is a number since OpenAPI 3.1" },
                { SCHEMA("{multipleOf: 0}"), "8:20 error: \"multipleOf\" is to be greater than 0" },
                { SCHEMA("{multipleOf: 0.0e7}"), "8:20 error: \"multipleOf\" is to be greater" },
                { SCHEMA("{multipleOf: -1}"), "8:20 error: \"multipleOf\" is to be greater" },
                { SCHEMA("{maxLength: -1}"), "8:19 error: \"maxLength\" is to be a whole number" },
                { SCHEMA("{maxItems: 1.5}"), "8:18 error: \"maxItems\" is to be a whole number" },
                { SCHEMA("{minItems: '1'}"), "8:18 error: \"minItems\" is to be a number" },
                { SCHEMA("{maxProperties: 18446744073709551616}"),
                  "8:23 error: \"maxProperties\" is to be a whole number" },
                { SCHEMA("{uniqueItems: 1}"),
                  "8:21 error: \"uniqueItems\" is to be true or false" },
                { SCHEMA("{pattern: 1}"), "8:17 error: \"pattern\" is to be a string" },
                { SCHEMA("{pattern: '*'}"), "8:17 error: this pattern is not understood: " },
                { SCHEMA("{patternProperties: {'*': {}}}"), "8:28 error: this pattern is not" },
                { SCHEMA("{format: 1}"), "8:16 error: \"format\" is to be a string" },
                { SCHEMA("{dependentRequired: {a: b}}"), "8:31 error: \"a\" is to be a list" },
                { SCHEMA("{dependentSchemas: []}"), "8:26 error: \"dependentSchemas\" is to be a" },
                { SCHEMA("{readOnly: yes please}"), "8:18 error: \"readOnly\" is to be true or" },
                { SCHEMA("{discriminator: kind}"), "8:23 error: \"discriminator\" is to be a map" },
                { SCHEMA("{$schema: 'http://json-schema.org/draft-07/schema#'}"),
                  "8:17 error: schemas are those of OpenAPI 3.1" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void what_is_not_understood_is_refused(void **state)
{
        static const struct fault_case table[] = {
                { SCHEMA("{maxlength: 1}"),
                  "8:8 error: there is no \"maxlength\" in a schema: is it to be \"maxLength\"?" },
                { SCHEMA("{whatever: 1}"), "8:8 error: there is no \"whatever\" in a schema" },
                { SCHEMA("{nullable: true}"), "8:8 error: nullable is of OpenAPI 3.0: write type" },
                { SCHEMA("{nullable: false}"), "8:8 error: nullable is of OpenAPI 3.0" },
                { SCHEMA("{definitions: {}}"), "8:8 error: definitions are of older drafts" },
                { SCHEMA("{dependencies: {}}"), "8:8 error: dependencies are of older drafts" },
                { SCHEMA("{additionalItems: {}}"), "8:8 error: additionalItems is of older" },
                { SCHEMA("{id: a}"), "8:8 error: id is of older drafts" },
                { SCHEMA("{$id: a}"), "8:8 error: $id is not understood" },
                { SCHEMA("{$vocabulary: {}}"), "8:8 error: $vocabulary is not understood" },
                { SCHEMA("{$dynamicRef: '#a'}"), "8:8 error: $dynamicRef is not understood" },
                { SCHEMA("{$dynamicAnchor: a}"), "8:8 error: $dynamicAnchor is not understood" },
                { SCHEMA("{$recursiveRef: '#'}"), "8:8 error: $recursiveRef is of an older" },
                { SCHEMA("{$recursiveAnchor: true}"), "8:8 error: $recursiveAnchor is of an" },
                { SCHEMA("{contentSchema: {}}"), "8:8 error: contentSchema is not understood" },
                /* within others, too */
                { SCHEMA("{properties: {a: {items: {nullable: true}}}}"), "8:33 error: nullable" },
                { SCHEMA("{allOf: [{anyOf: [{x: 1}]}]}"), "8:26 error: there is no \"x\"" },
                /* examples and extensions are nobody's schema */
                { SCHEMA("{default: {nullable: true}, example: {x: 1}}"), "" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void what_has_no_effect_is_told(void **state)
{
        static const struct fault_case table[] = {
                { SCHEMA("{format: binary}"), "8:16 warning: format \"binary\" is not known here" },
                { SCHEMA("{readOnly: true}"), "8:8 warning: readOnly and writeOnly are not" },
                { SCHEMA("{writeOnly: true}"), "8:8 warning: readOnly and writeOnly are not" },
                { SCHEMA("{discriminator: {propertyName: kind}}"),
                  "8:8 warning: discriminator chooses nothing" },
                { SCHEMA("{type: string, enum: [a, 1]}"),
                  "8:32 warning: a number never fits the type that is said here: write it in" },
                { SCHEMA("{type: [string, 'null'], enum: [true, null]}"),
                  "8:39 warning: true or false never fits the type that is said here: write it" },
                { SCHEMA("{type: integer, const: a}"),
                  "8:30 warning: a string never fits the type" },
                { SCHEMA("{type: array, enum: [a]}"), "8:28 warning: a string never fits" },
                { SCHEMA("{required: [a], additionalProperties: false}"),
                  "8:19 warning: \"a\" is required, but is none of the properties" },
                { SCHEMA("{required: [a], additionalProperties: {}}"), "" },
                { SCHEMA("{required: [a], additionalProperties: false, patternProperties: {a: {}}}"),
                  "" },
                /* keys are shown */
                { SCHEMA("{additionalProperties: {type: string, x-data-class: pii.name}}"),
                  "8:8 warning: what is in this map has a data class, and its keys are shown to "
                  "all: if they may be personal, give the map a class, otherwise say "
                  "propertyNames" },
                { SCHEMA("{additionalProperties: {properties: {a: {items: {x-data-class: b}}}}}"),
                  "8:8 warning: what is in this map has a data class" },
                { SCHEMA("{properties: {m: {additionalProperties: {x-data-class: b}}}}"),
                  "8:25 warning: what is in this map has a data class" },
                { SCHEMA("{additionalProperties: {x-data-class: b}, x-data-class: c}"), "" },
                { SCHEMA("{additionalProperties: {x-data-class: b}, "
                         "propertyNames: {enum: [home, work]}}"),
                  "" },
                { SCHEMA("{additionalProperties: {type: string}}"), "" },
                { SCHEMA("{additionalProperties: false, properties: {a: {x-data-class: b}}}"), "" },
                /* once, with how often */
                { SCHEMA("{anyOf: [{readOnly: true}, {writeOnly: true}, {readOnly: true}]}"),
                  "8:17 warning: readOnly and writeOnly are not enforced: give requests a schema "
                  "of their own without what callers may not send (the first of 3 places)" },
                { SCHEMA("{anyOf: [{format: x}, {format: y}, {format: x}]}"),
                  "8:25 warning: format \"x\" is not known here and not checked (the first of 2 "
                  "places)\n"
                  "8:38 warning: format \"y\" is not known here and not checked" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void data_classes_have_a_grammar_and_a_place(void **state)
{
        static const struct fault_case table[] = {
                { SCHEMA("{x-data-class: Pii}"), "8:22 error: \"Pii\" is no data class" },
                { SCHEMA("{x-data-class: pii.}"), "8:22 error: \"pii.\" is no data class" },
                { SCHEMA("{x-data-class: .pii}"), "8:22 error: \".pii\" is no data class" },
                { SCHEMA("{x-data-class: a..b}"), "8:22 error: \"a..b\" is no data class" },
                { SCHEMA("{x-data-class: a.1b}"), "8:22 error: \"a.1b\" is no data class" },
                { SCHEMA("{x-data-class: -a}"), "8:22 error: \"-a\" is no data class" },
                { SCHEMA("{x-data-class: a_b}"), "8:22 error: \"a_b\" is no data class" },
                { SCHEMA("{x-data-class: ''}"), "8:22 error: \"\" is no data class" },
                { SCHEMA("{x-data-class: \xc3\xa9}"), "8:22 error: \"\xc3\xa9\" is no data class" },
                { SCHEMA("{x-data-class: [pii]}"),
                  "8:22 error: \"x-data-class\" is to be a string" },
                { SCHEMA("{not: {x-data-class: a}}"), "8:14 error: x-data-class has no effect" },
                { SCHEMA("{if: {items: {x-data-class: a}}, then: {}}"),
                  "8:21 error: x-data-class has no effect within" },
                { SCHEMA("{propertyNames: {x-data-class: a}}"), "8:24 error: x-data-class has no" },
                { SCHEMA("{if: {}, then: {x-data-class: a}, else: {x-data-class: b}}"), "" },
                { SCHEMA("{x-dataclass: a}"),
                  "8:8 error: \"x-dataclass\" means nothing: is it to be x-data-class?" },
                { SCHEMA("{x-Data_Classes: a}"), "8:8 error: \"x-Data_Classes\" means nothing" },
                { SCHEMA("{x-data-clas: a, x-datta-class: a, x-data-calss: a, x-date-class: a}"),
                  "8:8 error: \"x-data-clas\" means nothing: is it to be x-data-class?\n8:24 "
                  "error: \"x-datta-class\" means nothing: is it to be x-data-class?\n8:42 error: "
                  "\"x-data-calss\" means nothing: is it to be x-data-class?\n8:59 error: "
                  "\"x-date-class\" means nothing: is it to be x-data-class?" },
                { SCHEMA("{x-class: a, x-database: a, x-subject: a, x-dataset: a}"), "" },
                { GET("x-objet: {type: A, id: path.a}"),
                  "9:7 error: \"x-objet\" means nothing: is it to be x-object?" },
                { SCHEMA("{x-object: {}}"), "8:8 error: x-object belongs in an operation" },
                { PARAMETER("{name: b, in: query, schema: {type: string}, x-data-class: a}"),
                  "10:56 error: x-data-class belongs in a schema, not in a parameter" },
                { HEAD PATHS "x-data-class: a\n",
                  "5:1 error: x-data-class belongs in a schema, not in an OpenAPI document" },
                { GET("x-data-class: a"), "9:7 error: x-data-class belongs in a schema" },
                /* beside a reference, which it is not part of */
                { SCHEMA("{$ref: '#/components/schemas/B', x-data-class: a}\n    B: {}"), "" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

static void references_lead_to_schemas_of_the_document(void **state)
{
        static const struct fault_case table[] = {
                { SCHEMA("{$ref: '#/components/schemas/B'}\n    B: {}"), "" },
                { SCHEMA("{$ref: '#/components/schemas/A/properties/b', properties: {b: {}}}"),
                  "" },
                { SCHEMA("{properties: {b: {$ref: '#/components/schemas/A'}}}"), "" },
                { SCHEMA("{items: {$ref: '#/components/schemas/A'}}"), "" },
                { SCHEMA("{$ref: '#/components/schemas/B'}"),
                  "8:14 error: there is no \"#/components/schemas/B\" in this document" },
                { SCHEMA("{$ref: 'other.yaml#/A'}"),
                  "8:14 error: \"other.yaml#/A\" is in another" },
                { SCHEMA("{$ref: 'https://a.example/b.json'}"),
                  "8:14 error: \"https://a.example/" },
                { SCHEMA("{$ref: A}"), "8:14 error: \"A\" is in another file" },
                { SCHEMA("{$ref: '#A'}"), "8:14 error: \"#A\" is no reference to a place such as" },
                { SCHEMA("{$ref: '#'}"), "8:14 error: \"#\" is no reference to a place" },
                { SCHEMA("{$ref: 1}"), "8:14 error: \"$ref\" is to be a string, not a number" },
                { SCHEMA("{$ref: ''}"), "8:14 error: \"$ref\" is empty" },
                { SCHEMA("{$ref: '#/info/title'}"),
                  "8:14 error: \"#/info/title\" is no schema, but a string" },
                /* pointers with what pointers escape: "a/b", "c~d", "e f", "%" */
                { SCHEMA("{anyOf: [{$ref: '#/components/schemas/A/$defs/a~1b'}, "
                         "{$ref: '#/components/schemas/A/$defs/c~0d'}, "
                         "{$ref: '#/components/schemas/A/$defs/e%20f'}, "
                         "{$ref: '#/components/schemas/A/%24defs/%25'}], "
                         "$defs: {a/b: {}, c~d: {}, e f: {}, '%': {}}}"),
                  "" },
                { SCHEMA("{$ref: '#/components/schemas/A/$defs/c~2d', $defs: {c~2d: {}}}"),
                  "8:14 error: there is no \"#/components/schemas/A/$defs/c~2d\"" },
                { SCHEMA("{$ref: '#/components/schemas/A/$defs/%4', $defs: {'%4': {}}}"),
                  "8:14 error: there is no" },
                { SCHEMA("{$ref: '#/components/schemas/A/allOf/1', allOf: [{}, {}]}"), "" },
                { SCHEMA("{$ref: '#/components/schemas/A/allOf/2', allOf: [{}, {}]}"),
                  "8:14 error: there is no \"#/components/schemas/A/allOf/2\"" },
                { SCHEMA("{$ref: '#/components/schemas/A/allOf/-', allOf: [{}, {}]}"),
                  "8:14 error: there is no" },
                /* circles: nothing to find at their end */
                { SCHEMA("{$ref: '#/components/schemas/A'}"),
                  "8:14 error: this $ref leads through more than 32 others, or in a circle" },
                { SCHEMA("{$ref: '#/components/schemas/B'}\n"
                         "    B: {$ref: '#/components/schemas/A'}"),
                  "8:14 error: this $ref leads\n"
                  "9:15 error: this $ref leads" },
                { SCHEMA("{allOf: [{$ref: '#/components/schemas/A'}]}"),
                  "8:7 error: this schema leads back to itself" },
                { SCHEMA("{not: {$ref: '#/components/schemas/A'}}"),
                  "8:7 error: this schema leads back to itself" },
                { SCHEMA("{if: {anyOf: [{}, {$ref: '#/components/schemas/A'}]}}"),
                  "8:7 error: this schema leads back to itself" },
                { SCHEMA("{dependentSchemas: {a: {$ref: '#/components/schemas/A'}}}"),
                  "8:7 error: this schema leads back to itself" },
                { SCHEMA("{oneOf: [{$ref: '#/components/schemas/B'}]}\n"
                         "    B: {type: object, $ref: '#/components/schemas/A'}"),
                  "8:7 error: this schema leads back to itself" },
                { SCHEMA("{oneOf: [{items: {$ref: '#/components/schemas/A'}}]}"), "" },
                { SCHEMA("{unevaluatedProperties: {$ref: '#/components/schemas/A'}, "
                         "unevaluatedItems: {$ref: '#/components/schemas/A'}}"),
                  "" },
                { SCHEMA("{propertyNames: {$ref: '#/components/schemas/A'}}"), "" },
        };

        (void)state;
        world_check_table(table, ARRAY_LEN(table));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(odd_numbers_are_refused_where_they_are_used),
                cmocka_unit_test(what_is_understood_is_taken),
                cmocka_unit_test(keywords_have_their_forms),
                cmocka_unit_test(what_is_not_understood_is_refused),
                cmocka_unit_test(what_has_no_effect_is_told),
                cmocka_unit_test(data_classes_have_a_grammar_and_a_place),
                cmocka_unit_test(references_lead_to_schemas_of_the_document),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
