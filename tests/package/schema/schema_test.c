/* SPDX-License-Identifier: Apache-2.0 */
#include "package/schema/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "schema_maker.h"

/* A checker of one schema, which has to be one. */
struct bench {
        struct arena arena;
        struct api_schemas schemas;
        struct api_checker *checker;
};

static struct tree read_json(struct arena *arena, struct span text)
{
        struct err err = { 0 };
        struct tree t;

        if (tree_read_real(text, TREE_DEPTH_MAX, arena, &t, &err) < 0)
                fail_msg("%.60s: %s", (const char *)text.p, err.text);
        return t;
}

static int bench_try(struct bench *b, const char *schema, struct err *err)
{
        struct tree *t;
        int rc;

        *b = (struct bench){ .arena = ARENA_INIT((size_t)1 << 28) };
        t = arena_alloc(&b->arena, sizeof *t);
        assert_non_null(t);
        *t = read_json(&b->arena, span_str(schema));
        rc = schema_make(t, &b->arena, &b->schemas, err);
        return rc == 0 ? api_checker_new(&b->schemas, &b->checker, err) : rc;
}

static void bench_open(struct bench *b, const char *schema)
{
        struct err err = { 0 };

        if (bench_try(b, schema, &err) < 0)
                fail_msg("%.60s: %s", schema, err.text);
}

static void bench_done(struct bench *b)
{
        b->checker = api_checker_free(b->checker);
        arena_done(&b->arena);
}

static int bench_check(struct bench *b, struct span value, struct err *err)
{
        struct tree t = read_json(&b->arena, value);

        *err = (struct err){ 0 };
        return api_schema_check(b->checker, 0, &t, "body", err);
}

/* The whole text of the fault, NULL: it fits. */
struct fit_case {
        const char *schema, *value, *error;
};

static void check_cases(const struct fit_case *table, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct bench b;
                struct err err;
                int rc;

                bench_open(&b, table[i].schema);
                rc = bench_check(&b, span_str(table[i].value), &err);
                if (rc != (table[i].error ? -EINVAL : 0) ||
                    (rc && strcmp(err.text, table[i].error) != 0))
                        fail_msg("%s: %s: %s", table[i].schema, table[i].value,
                                 rc ? err.text : "taken");
                bench_done(&b);
        }
}

static void types_and_values_are_checked(void **state)
{
        static const struct fit_case table[] = {
                { "true", "1", NULL },
                { "false", "1", "body: is not allowed" },
                { "{\"type\": \"string\"}", "1", "body: a string is wanted, not a number" },
                { "{\"type\": [\"string\", \"null\"]}", "[]",
                  "body: null or a string is wanted, not an array" },
                { "{\"type\": [\"string\", \"null\"]}", "null", NULL },
                { "{\"type\": \"integer\"}", "1.0", NULL },
                { "{\"type\": \"integer\"}", "1e400000000", NULL },
                { "{\"type\": \"integer\"}", "1.5",
                  "body: an integer is wanted, not a number with a fraction" },
                { "{\"type\": \"number\"}", "1.5", NULL },
                { "{\"type\": [\"integer\", \"number\"]}", "1.5", NULL },
                { "{\"type\": \"boolean\"}", "false", NULL },
                { "{\"type\": \"object\"}", "{}", NULL },
                { "{\"enum\": [1, \"1\", null, [2, {\"b\": 1, \"a\": 2.50}]]}",
                  "[2.0, {\"a\": 25e-1, \"b\": 1}]", NULL },
                { "{\"enum\": [1, \"1\", null, [2, {\"b\": 1, \"a\": 2.50}]]}", "true",
                  "body: is none of the values that are wanted" },
                { "{\"enum\": [1, true]}", "0", "body: is none of the values that are wanted" },
                { "{\"const\": 1}", "1.000", NULL },
                { "{\"const\": 1}", "true", "body: is not the value that is wanted" },
                { "{\"const\": false}", "0", "body: is not the value that is wanted" },
                { "{\"const\": {\"a\": 1}}", "{\"a\": 1, \"b\": 2}",
                  "body: is not the value that is wanted" },
                { "{\"enum\": []}", "1", "body: is not allowed" },
                { "{\"enum\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}", "\"d\"", NULL },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

static void numbers_are_checked_exactly(void **state)
{
        static const struct fit_case table[] = {
                { "{\"minimum\": 10}", "9.999999999999999999999999999999999999999",
                  "body: less than 10" },
                { "{\"minimum\": 10}", "1e1", NULL },
                { "{\"minimum\": 10}", "10", NULL },
                { "{\"minimum\": 10}", "9", "body: less than 10" },
                { "{\"minimum\": 10.5}", "10", "body: less than 10.5" },
                { "{\"maximum\": 1e400000000}", "9e399999999", NULL },
                { "{\"maximum\": 1e400000000}", "1.1e400000000", "body: more than 1e400000000" },
                { "{\"maximum\": 9223372036854775807}", "9223372036854775808",
                  "body: more than 9223372036854775807" },
                { "{\"exclusiveMinimum\": 0}", "0", "body: not more than 0" },
                { "{\"exclusiveMinimum\": 0}", "1e-400000000", NULL },
                { "{\"exclusiveMaximum\": 0}", "-0.0", "body: not less than 0" },
                { "{\"multipleOf\": 0.01}", "19.99", NULL },
                { "{\"multipleOf\": 0.01}", "19.999", "body: no multiple of 0.01" },
                { "{\"multipleOf\": 3}", "-9", NULL },
                { "{\"multipleOf\": 3}", "10", "body: no multiple of 3" },
                { "{\"multipleOf\": 1}", "-9223372036854775808", NULL },
                { "{\"format\": \"int32\"}", "2147483647", NULL },
                { "{\"format\": \"int32\"}", "2147483648", "body: is no int32" },
                { "{\"format\": \"int32\"}", "-2147483648.0", NULL },
                { "{\"format\": \"int32\"}", "0.5", "body: is no int32" },
                { "{\"format\": \"int32\"}", "\"x\"", NULL },
                { "{\"format\": \"int64\"}", "9223372036854775807", NULL },
                { "{\"format\": \"int64\"}", "9.223372036854775808e18", "body: is no int64" },
                { "{\"format\": \"date\"}", "5", NULL },
                { "{\"minimum\": 10}", "\"9\"", NULL },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

static void strings_are_checked_by_characters(void **state)
{
        static const struct fit_case table[] = {
                { "{\"minLength\": 2}", "\"\\ud83d\\ude00\"", "body: shorter than 2 characters" },
                { "{\"minLength\": 2}", "\"ab\"", NULL },
                { "{\"minLength\": 2}", "\"\\u00e9\\u00e9\"", NULL },
                { "{\"maxLength\": 2}", "\"\\ud83d\\ude00\\ud83d\\ude00\"", NULL },
                { "{\"maxLength\": 2}", "\"abc\"", "body: longer than 2 characters" },
                { "{\"maxLength\": 0}", "\"\"", NULL },
                { "{\"minLength\": 1, \"maxLength\": 1}", "\"\\u0000\"", NULL },
                { "{\"pattern\": \"^[A-Z]{2}$\"}", "\"DE\"", NULL },
                { "{\"pattern\": \"^[A-Z]{2}$\"}", "\"de\"",
                  "body: does not match the pattern ^[A-Z]{2}$" },
                { "{\"pattern\": \"b\"}", "\"abc\"", NULL },
                { "{\"pattern\": \"b\"}", "17", NULL },
                { "{\"pattern\": \"\\n\"}", "\"\"", "body: does not match the pattern \\x0a" },
                { "{\"format\": \"uuid\"}", "\"x\"", "body: is no uuid" },
                { "{\"format\": \"colour\"}", "\"x\"", NULL },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

static void arrays_are_checked(void **state)
{
        static const struct fit_case table[] = {
                { "{\"minItems\": 2}", "[1]", "body: fewer than 2 items" },
                { "{\"maxItems\": 1}", "[1, 2]", "body: more than 1 items" },
                { "{\"items\": {\"type\": \"string\"}}", "[\"a\", 1]",
                  "body[1]: a string is wanted, not a number" },
                { "{\"prefixItems\": [{\"type\": \"string\"}], \"items\": false}", "[\"a\"]",
                  NULL },
                { "{\"prefixItems\": [{\"type\": \"string\"}], \"items\": false}", "[\"a\", 1]",
                  "body[1]: is not allowed" },
                { "{\"prefixItems\": [{\"type\": \"string\"}]}", "[1]",
                  "body[0]: a string is wanted, not a number" },
                { "{\"prefixItems\": [true, true]}", "[1, 2, 3]", NULL },
                { "{\"contains\": {\"const\": 2}}", "[1, 2.0]", NULL },
                { "{\"contains\": {\"const\": 2}}", "[1]",
                  "body: contains fewer than 1 of the items wanted" },
                { "{\"contains\": {\"const\": 2}, \"minContains\": 0}", "[]", NULL },
                { "{\"contains\": {\"const\": 2}, \"prefixItems\": [true, true]}", "[]",
                  "body: contains fewer than 1 of the items wanted" },
                { "{\"contains\": {\"const\": 2}, \"minContains\": 2}", "[2, 1]",
                  "body: contains fewer than 2 of the items wanted" },
                { "{\"contains\": {\"const\": 2}, \"maxContains\": 1}", "[2, 1, 2]",
                  "body: contains more than 1 of certain items" },
                { "{\"contains\": {\"const\": 2}, \"minContains\": 0, \"maxContains\": 0}", "[2]",
                  "body: contains more than 0 of certain items" },
                { "{\"minContains\": 7}", "[]", NULL },
                { "{\"uniqueItems\": true}", "[1, 2, 1.0]", "body: items 0 and 2 are the same" },
                { "{\"uniqueItems\": true}", "[1, true, \"1\", [1], {\"a\": 1}, null, false, 0]",
                  NULL },
                { "{\"uniqueItems\": true}", "[{\"a\": 1, \"b\": 2}, {\"b\": 2, \"a\": 1e0}]",
                  "body: items 0 and 1 are the same" },
                { "{\"uniqueItems\": true}", "[[1, 2], [2, 1], [1], []]", NULL },
                { "{\"uniqueItems\": true}", "[1e400000000, 1e400000001, 10e399999999]",
                  "body: items 0 and 2 are the same" },
                { "{\"uniqueItems\": false}", "[1, 1]", NULL },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

static void objects_are_checked(void **state)
{
        static const struct fit_case table[] = {
                { "{\"minProperties\": 1}", "{}", "body: fewer than 1 members" },
                { "{\"maxProperties\": 1}", "{\"a\": 1, \"b\": 2}", "body: more than 1 members" },
                { "{\"required\": [\"b\", \"a\"]}", "{\"b\": 1}", "body.a: is missing" },
                { "{\"required\": [\"a\"]}", "[]", NULL },
                { "{\"properties\": {\"a\": {\"type\": \"null\"}, \"c\": true}}", "{\"b\": 1}",
                  NULL },
                { "{\"properties\": {\"a\": {\"type\": \"null\"}}}", "{\"a\": 1}",
                  "body.a: null is wanted, not a number" },
                { "{\"properties\": {\"a\": true}, \"additionalProperties\": false}",
                  "{\"a\": 1, \"b\": 1}", "body.*: is not allowed" },
                /* Only named as required, it is an additional one. */
                { "{\"required\": [\"a\"], \"additionalProperties\": false}", "{\"a\": 1}",
                  "body.a: is not allowed" },
                { "{\"patternProperties\": {\"^x-\": {\"type\": \"string\"}}, "
                  "\"additionalProperties\": false}",
                  "{\"x-a\": \"\"}", NULL },
                { "{\"patternProperties\": {\"^x-\": {\"type\": \"string\"}}}", "{\"x-a\": 1}",
                  "body.*: a string is wanted, not a number" },
                { "{\"properties\": {\"ab\": {\"minimum\": 1}}, \"patternProperties\": {\"a\": "
                  "{\"maximum\": 2}, \"b\": {\"multipleOf\": 2}}, \"additionalProperties\": false}",
                  "{\"ab\": 1}", "body.ab: no multiple of 2" },
                { "{\"additionalProperties\": {\"type\": \"string\"}}", "{\"a\": 1}",
                  "body.*: a string is wanted, not a number" },
                { "{\"propertyNames\": {\"maxLength\": 1}}", "{\"ab\": 1}",
                  "body.* (the name): longer than 1 characters" },
                { "{\"dependentRequired\": {\"a\": [\"b\"]}}", "{\"a\": 1}", "body.b: is missing" },
                { "{\"dependentRequired\": {\"a\": [\"b\"]}}", "{\"c\": 1}", NULL },
                { "{\"dependentSchemas\": {\"a\": {\"maxProperties\": 1}}}", "{\"a\": 1, \"c\": 1}",
                  "body: more than 1 members" },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

static void combinations_are_checked(void **state)
{
        static const struct fit_case table[] = {
                { "{\"allOf\": [{\"minimum\": 1}, {\"maximum\": 2}]}", "3", "body: more than 2" },
                { "{\"anyOf\": [{\"minimum\": 3}, {\"maximum\": 1}]}", "2",
                  "body: is none of the things it may be (anyOf)" },
                { "{\"anyOf\": [{\"minimum\": 3}, {\"maximum\": 1}]}", "0", NULL },
                { "{\"oneOf\": [{\"minimum\": 3}, {\"maximum\": 1}]}", "2",
                  "body: is none of the things it may be (oneOf)" },
                { "{\"oneOf\": [{\"minimum\": 3}, {\"maximum\": 5}, true]}", "4",
                  "body: is more than one of the things it may be (oneOf)" },
                { "{\"oneOf\": [{\"minimum\": 3}, {\"maximum\": 1}]}", "3", NULL },
                { "{\"not\": {\"type\": \"null\"}}", "null", "body: is what it must not be (not)" },
                { "{\"not\": {\"type\": \"null\"}}", "1", NULL },
                { "{\"if\": {\"type\": \"string\"}, \"then\": {\"minLength\": 1}, \"else\": "
                  "{\"minimum\": 1}}",
                  "\"\"", "body: shorter than 1 characters" },
                { "{\"if\": {\"type\": \"string\"}, \"then\": {\"minLength\": 1}, \"else\": "
                  "{\"minimum\": 1}}",
                  "0", "body: less than 1" },
                { "{\"then\": false}", "0", NULL },
                { "{\"if\": false, \"then\": false}", "0", NULL },
                { "{\"$ref\": \"#/$defs/a\", \"minimum\": 2, \"$defs\": {\"a\": {\"maximum\": 5}}}",
                  "6", "body: more than 5" },
                { "{\"$ref\": \"#/$defs/a\", \"minimum\": 2, \"$defs\": {\"a\": {\"maximum\": 5}}}",
                  "1", "body: less than 2" },
                { "{\"properties\": {\"next\": {\"$ref\": \"#\"}, \"n\": {\"type\": \"integer\"}}}",
                  "{\"next\": {\"next\": {\"n\": \"x\"}}}",
                  "body.next.next.n: an integer is wanted, not a string" },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

/* Names are shown, cut and safe; values never are. */
#define BESIDE(branches) "{" branches ", \"unevaluatedProperties\": false}"
#define A                "{\"properties\": {\"a\": {\"type\": \"string\"}}}"
#define B                "{\"properties\": {\"b\": {\"type\": \"string\"}}}"

/* JSON Schema draft 2020-12, Core, 11.2 and 11.3. */
static void what_nothing_evaluates_is_checked(void **state)
{
        static const struct fit_case table[] = {
                { BESIDE("\"allOf\": [" A "], \"properties\": {\"c\": true}"),
                  "{\"a\": \"x\", \"c\": 1}", NULL },
                { BESIDE("\"allOf\": [" A "]"), "{\"a\": \"x\", \"b\": 1}",
                  "body.*: is not allowed" },
                { BESIDE("\"allOf\": [" A "]"), "[1]", NULL },
                { BESIDE("\"required\": [\"b\"]"), "{\"b\": 1}", "body.b: is not allowed" },
                { BESIDE("\"anyOf\": [" A ", " B "]"), "{\"a\": \"x\", \"b\": \"y\"}", NULL },
                { BESIDE("\"anyOf\": [" A ", " B "]"), "{\"a\": \"x\", \"b\": 1}",
                  "body.b: is not allowed" },
                { BESIDE("\"not\": {\"not\": " A "}"), "{\"a\": \"x\"}", "body.a: is not allowed" },
                { BESIDE("\"if\": " A ", \"then\": " B), "{\"a\": \"x\", \"b\": \"y\"}", NULL },
                { BESIDE("\"if\": " A ", \"else\": " B), "{\"a\": 1, \"b\": \"y\"}",
                  "body.a: is not allowed" },
                { BESIDE("\"if\": " A), "{\"a\": \"x\"}", NULL },
                { BESIDE("\"dependentSchemas\": {\"a\": {\"patternProperties\": {\"^[ab]$\": "
                         "true}}}"),
                  "{\"a\": 1, \"b\": 2}", NULL },
                { BESIDE("\"dependentSchemas\": {\"a\": {\"patternProperties\": {\"^[ab]$\": "
                         "true}}}"),
                  "{\"b\": 2}", "body.*: is not allowed" },
                { BESIDE("\"anyOf\": [{\"additionalProperties\": {\"type\": \"null\"}}, true]"),
                  "{\"x\": null}", NULL },
                { BESIDE("\"anyOf\": [{\"additionalProperties\": {\"type\": \"null\"}}, true]"),
                  "{\"x\": 1}", "body.*: is not allowed" },
                /* one within another: what the inner one saw is evaluated, when it fits */
                { BESIDE("\"anyOf\": [{\"allOf\": [" A "], \"unevaluatedProperties\": {\"type\": "
                         "\"null\"}}, true]"),
                  "{\"a\": \"x\", \"z\": null}", NULL },
                { BESIDE("\"anyOf\": [{\"allOf\": [" A "], \"unevaluatedProperties\": {\"type\": "
                         "\"null\"}}, true]"),
                  "{\"a\": \"x\", \"z\": 1}", "body.a: is not allowed" },
                { "{\"properties\": {\"o\": " BESIDE("\"$ref\": \"#/$defs/a\"") "}, \"$defs\": "
                                                                                "{\"a\": " A "}}",
                  "{\"o\": {\"a\": \"x\", \"q\": 1}, \"q\": 1}", "body.o.*: is not allowed" },
                { "{\"unevaluatedProperties\": {\"type\": \"string\"}}", "{\"a\": \"x\", \"b\": 1}",
                  "body.*: a string is wanted, not a number" },
                /* items */
                { "{\"allOf\": [{\"prefixItems\": [true]}], \"unevaluatedItems\": false}", "[1]",
                  NULL },
                { "{\"allOf\": [{\"prefixItems\": [true]}], \"unevaluatedItems\": false}", "[1, 2]",
                  "body[1]: is not allowed" },
                { "{\"contains\": {\"type\": \"string\"}, \"unevaluatedItems\": {\"type\": "
                  "\"null\"}}",
                  "[null, \"a\", null]", NULL },
                { "{\"contains\": {\"type\": \"string\"}, \"unevaluatedItems\": {\"type\": "
                  "\"null\"}}",
                  "[null, \"a\", 1]", "body[2]: null is wanted, not a number" },
                { "{\"anyOf\": [{\"items\": {\"type\": \"null\"}}, true], \"unevaluatedItems\": "
                  "false}",
                  "[null, null]", NULL },
                { "{\"unevaluatedItems\": false}", "[]", NULL },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}
#undef BESIDE
#undef A
#undef B

static void faults_name_the_place(void **state)
{
#define DEEP(inner) "{\"" LONG "\": [" inner "]}"
#define LONG        "a-rather-long-name-of-a-member-0123456789abcdefgh"
#define NAMES                                                                                       \
        "\"accounts\": true, \"iban\": true, \"\": true, \"a b\": true, \"1a\": true, "             \
        "\"\\u001b[2J\\u202e\": true, \"123456789012345678901234567890123456789012345678\": true, " \
        "\"12345678901234567890123456789012345678901234567\u00e9\": true, \"" LONG "\": true"
#define ANYWHERE                                                                                   \
        "{\"type\": [\"object\", \"array\"], \"additionalProperties\": {\"$ref\": \"#\"}, "        \
        "\"items\": {\"$ref\": \"#\"}, \"if\": {\"properties\": {" NAMES "}}}"
        static const struct fit_case table[] = {
                { ANYWHERE, "{\"accounts\": [{}, [], {\"iban\": \"secret\"}]}",
                  "body.accounts[2].iban: an array or an object is wanted, not a string" },
                /* A name that no schema has may be anything. */
                { ANYWHERE, "{\"accounts\": [{\"ada@mail.example\": 1}]}",
                  "body.accounts[0].*: an array or an object is wanted, not a number" },
                { ANYWHERE, "{\"Iban\": {\"iban\": 1}}",
                  "body.*.iban: an array or an object is wanted, not a number" },
                { ANYWHERE, "{\"\": 1}",
                  "body[\"\"]: an array or an object is wanted, not a number" },
                { ANYWHERE, "{\"a b\": 1}",
                  "body[\"a b\"]: an array or an object is wanted, not a number" },
                { ANYWHERE, "{\"1a\": 1}",
                  "body[\"1a\"]: an array or an object is wanted, not a number" },
                { ANYWHERE, "{\"\\u001b[2J\\u202e\": 1}",
                  "body[\"\\x1b[2J\\xe2\\x80\\xae\"]: an array or an object is wanted, not a "
                  "number" },
                { ANYWHERE, "{\"123456789012345678901234567890123456789012345678\": 1}",
                  "body[\"123456789012345678901234567890123456789012345678\"]: an array or an "
                  "object is wanted, not a number" },
                { ANYWHERE, "{\"12345678901234567890123456789012345678901234567\u00e9\": 1}",
                  "body[\"12345678901234567890123456789012345678901234567...\"]: an array or an "
                  "object is wanted, not a number" },
                { ANYWHERE, DEEP(DEEP(DEEP(DEEP(DEEP(DEEP("1")))))),
                  "body[\"a-rather-long-name-of-a-member-0123456789abcdefg...\"][0]"
                  "[\"a-rather-long-name-of-a-member-0123456789abcdefg...\"][0]"
                  "[\"a-rather-long-name-of-a-member-0123456789abcdefg...\"][0]"
                  "[\"a-rather-long-name-of-a-member-0123456789abcdefg...\"][0]"
                  "[\"a-rather-long-name-of-a-member-0123456789abcdefg...\"]...: an array or an "
                  "object is wanted, not a number" },
        };

        (void)state;
        check_cases(table, ARRAY_LEN(table));
}

/* What no schema may be, and how that is said. */
static void tables_are_refused(void **state)
{
        static const struct {
                const char *schema, *error;
        } table[] = {
                { "{\"pattern\": \"a++\"}",
                  "schema 0: pattern a++: character 3: there is nothing to repeat" },
                { "{\"items\": {\"patternProperties\": {\"(\": true}}}",
                  "schema 1: pattern (: character 2: `(` has no `)`" },
                { "{\"multipleOf\": 0}", "schema 0: multipleOf is not above 0" },
                { "{\"multipleOf\": -0.5}", "schema 0: multipleOf is not above 0" },
                { "{\"$ref\": \"#\"}",
                  "schema 0: comes back to itself about the same value, without end" },
                { "{\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"anyOf\": [true, {\"$ref\": "
                  "\"#\"}]}}}",
                  "schema 0: comes back to itself about the same value, without end" },
                { "{\"if\": true, \"then\": {\"not\": {\"$ref\": \"#\"}}}",
                  "schema 0: comes back to itself about the same value, without end" },
                { "{\"dependentSchemas\": {\"a\": {\"$ref\": \"#\"}}}",
                  "schema 0: comes back to itself about the same value, without end" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct err err = { 0 };
                struct bench b;

                if (bench_try(&b, table[i].schema, &err) != -EINVAL ||
                    strcmp(err.text, table[i].error) != 0)
                        fail_msg("%s: %s", table[i].schema, err.text);
                bench_done(&b);
        }
}

/* Tables that no document makes. */
static void broken_tables_are_refused(void **state)
{
        static const uint32_t beyond = 2;
        static const struct api_property unsorted[] = { { SPAN_INIT("b"), API_NONE, true },
                                                        { SPAN_INIT("a"), API_NONE, true } };
        static const struct api_property lost = { SPAN_INIT("a"), 2, false };
        static const struct api_dependent dependent = { .name = SPAN_INIT("a"), .schema = 2 };
        static const struct api_pattern_property pattern = { SPAN_INIT("a"), 2 };
        struct api_schema all[2] = { api_schema_any, api_schema_any };
        const struct api_schemas s = { all, 2 };
        static const char *const said[] = {
                "schema Account\\x0a: refers to a schema that there is not",
                "schema Account\\x0a: properties are not in order",
                "schema Account\\x0a: a limit that is no number",
        };

        (void)state;
        for (unsigned i = 0; i < 10; i++) {
                struct api_checker *c = NULL;
                struct err err = { 0 };

                all[1] = api_schema_any;
                all[1].name = SPAN("Account\n");
                switch (i) {
                case 0:
                        all[1].ref = 2;
                        break;
                case 1:
                        all[1].else_of = 2;
                        break;
                case 2:
                        all[1].all_of = (struct api_places){ &beyond, 1 };
                        break;
                case 3:
                        all[1].prefix_items = (struct api_places){ &beyond, 1 };
                        break;
                case 4:
                        all[1].properties = &lost;
                        all[1].n_properties = 1;
                        break;
                case 5:
                        all[1].dependents = &dependent;
                        all[1].n_dependents = 1;
                        break;
                case 6:
                        all[1].patterns = &pattern;
                        all[1].n_patterns = 1;
                        break;
                case 7:
                        all[1].properties = unsorted;
                        all[1].n_properties = 2;
                        break;
                case 8:
                        all[1].maximum = SPAN("1.");
                        break;
                default:
                        all[1].above = SPAN("12345678901234567890123456789012345678901234567890123"
                                            "456789012345");
                }
                assert_int_equal(api_checker_new(&s, &c, &err), -EINVAL);
                assert_string_equal(err.text, said[i < 7 ? 0 : i == 7 ? 1 : 2]);
        }
}

/* A chain of references, and one that is too long. */
static void nesting_has_a_ceiling(void **state)
{
        struct api_schema all[API_SCHEMA_NEST_MAX + 1];
        struct tree t = { .kind = TREE_NULL };

        (void)state;
        for (uint32_t i = 0; i <= API_SCHEMA_NEST_MAX; i++) {
                all[i] = api_schema_any;
                all[i].ref = i + 1;
        }
        for (uint32_t n = API_SCHEMA_NEST_MAX; n <= API_SCHEMA_NEST_MAX + 1; n++) {
                const struct api_schemas s = { all, n };
                struct api_checker *c = NULL;
                struct err err = { 0 };

                all[n - 1].ref = API_NONE;
                all[n - 1].types = API_STRING;
                if (n == API_SCHEMA_NEST_MAX) {
                        assert_int_equal(api_checker_new(&s, &c, &err), 0);
                        assert_int_equal(api_schema_check(c, 0, &t, "x", &err), -EINVAL);
                        assert_string_equal(err.text, "x: a string is wanted, not null");
                } else {
                        assert_int_equal(api_checker_new(&s, &c, &err), -EINVAL);
                        assert_string_equal(err.text,
                                            "schema 32: refers to too many others about the same "
                                            "value");
                }
                api_checker_free(c);
                all[n - 1] = api_schema_any;
                all[n - 1].ref = n;
        }
}

/* The deepest value under the deepest nesting, on the stack that there is. */
static void the_worst_depth_is_survived(void **state)
{
        struct api_schema all[API_SCHEMA_NEST_MAX];
        const struct api_schemas s = { all, API_SCHEMA_NEST_MAX };
        static const uint32_t next[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                         12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                                         23, 24, 25, 26, 27, 28, 29, 30, 31 };
        struct arena arena = ARENA_INIT(1 << 20);
        char text[2 * TREE_DEPTH_MAX];
        struct api_checker *c = NULL;
        struct err err = { 0 };
        struct tree t;

        (void)state;
        STATIC_ASSERT(ARRAY_LEN(next) == API_SCHEMA_NEST_MAX - 1, "one less than there are");
        for (uint32_t i = 0; i < API_SCHEMA_NEST_MAX; i++) {
                all[i] = api_schema_any;
                if (i + 1 < API_SCHEMA_NEST_MAX)
                        all[i].any_of = (struct api_places){ &next[i], 1 };
                else
                        all[i].items = 0;
        }
        memset(text, '[', TREE_DEPTH_MAX);
        memset(text + TREE_DEPTH_MAX, ']', TREE_DEPTH_MAX);
        t = read_json(&arena, span_of(text, sizeof text));
        assert_int_equal(api_checker_new(&s, &c, &err), 0);
        assert_int_equal(api_schema_check(c, 0, &t, "body", &err), 0);
        api_checker_free(c);
        arena_done(&arena);
}

/* [ITEM,ITEM,...]; the text is the caller's to free. */
static struct span repeat(const char *item, size_t n)
{
        struct buf b = BUF_INIT((size_t)1 << 27);

        buf_put_byte(&b, '[');
        for (size_t i = 0; i < n; i++)
                buf_printf(&b, "%s%s", i > 0 ? "," : "", item);
        buf_put_byte(&b, ']');
        assert_int_equal(buf_status(&b), 0);
        return buf_span(&b);
}

/* Values and schemas that together would be worked on for hours. */
static void work_has_a_ceiling(void **state)
{
        static const struct {
                const char *schema, *item;
                size_t n;
                int want;
        } table[] = {
                { "{\"items\": {\"type\": \"integer\"}}", "1", 100000, 0 },
                { "{\"items\": {\"type\": \"integer\"}}", "1", 1000001, -E2BIG },
                { "{\"uniqueItems\": true}", "1.5", 200000, -E2BIG },
                { "{\"uniqueItems\": true}", "1.5", 20000, -EINVAL },
                { "{\"uniqueItems\": true}", "[[[[[[1]]]]]]", 5000, -EINVAL },
                { "{\"uniqueItems\": true}", "{\"aaaaaaaa\": {\"aaaaaaaa\": {}}}", 100000, -E2BIG },
                { "{\"items\": {\"pattern\": \"^(a+)+$\"}}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"",
                  2, -E2BIG },
                { "{\"items\": {\"pattern\": \"^(a+)+$\"}}", "\"aaaaaaaaaaaaaaaaaaaa\"", 10000, 0 },
                { "{\"items\": {\"anyOf\": [{\"pattern\": \"(a|aa)+$\"}, true]}}",
                  "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"", 10, -E2BIG },
                { "{\"unevaluatedItems\": {\"type\": \"integer\"}}", "1", 100000, 0 },
                { "{\"unevaluatedItems\": {\"type\": \"integer\"}}", "1", 1000001, -E2BIG },
                { "{\"anyOf\": [{\"contains\": {\"anyOf\": [false, false, false, false, false]}}, "
                  "true], \"unevaluatedItems\": true}",
                  "1", 200000, -E2BIG },
                { "{\"items\": {\"oneOf\": [{\"items\": {\"$ref\": \"#\"}}, {\"items\": {\"$ref\": "
                  "\"#\"}}]}}",
                  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
                  1, -E2BIG },
                { "{\"items\": {\"multipleOf\": "
                  "9999999999999999999999999999999999999999999999999999999999999999}}",
                  "1e400000000", 1000, -EINVAL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct span text = repeat(table[i].item, table[i].n);
                struct bench b;
                struct err err;
                int rc;

                bench_open(&b, table[i].schema);
                rc = bench_check(&b, text, &err);
                if (rc != table[i].want)
                        fail_msg("%s: %s: %d, %s", table[i].schema, table[i].item, rc, err.text);
                if (rc == -E2BIG)
                        assert_string_equal(err.text, "body: takes too long to check");
                bench_done(&b);
                free((void *)text.p);
        }
}

/* Once a check was the largest, the next one takes no memory. */
static void checks_that_fit_allocate_nothing(void **state)
{
        struct bench b;
        struct tree t;

        (void)state;
        bench_open(
                &b,
                "{\"uniqueItems\": true, \"items\": {\"pattern\": \"^[a-z]+$\", \"format\": "
                "\"hostname\"}, \"contains\": {\"enum\": [\"x\", \"b\"]}, \"unevaluatedItems\": false}");
        t = read_json(&b.arena, SPAN("[\"a\", \"b\", \"c\"]"));
        assert_int_equal(api_schema_check(b.checker, 0, &t, "body", NULL), 0);
        alloc_fail_nth = 1;
        assert_int_equal(api_schema_check(b.checker, 0, &t, "body", NULL), 0);
        assert_int_equal(alloc_fail_nth, 1);
        alloc_fail_nth = 0;
        bench_done(&b);
}

static void memory_that_is_missing_is_told(void **state)
{
        static const char schema[] =
                "{\"$defs\": {\"a\": {\"minimum\": 1.5, \"enum\": [3, 2]}}, \"uniqueItems\": true, "
                "\"items\": {\"anyOf\": [{\"$ref\": \"#/$defs/a\"}, {\"pattern\": \"^a\"}]}, "
                "\"patternProperties\": {\"a\": true, \"b\": true}, \"unevaluatedItems\": false}";
        struct arena arena = ARENA_INIT(1 << 20);
        struct tree document = read_json(&arena, SPAN(schema));
        struct tree t = read_json(&arena, SPAN("[2.0, \"ab\"]"));
        struct api_schemas s;

        (void)state;
        assert_int_equal(schema_make(&document, &arena, &s, NULL), 0);
        for (size_t nth = 1;; nth++) {
                struct api_checker *c = NULL;
                struct err err = { 0 };
                int rc;

                alloc_fail_nth = nth;
                rc = api_checker_new(&s, &c, &err);
                if (rc == 0)
                        rc = api_schema_check(c, 0, &t, "body", &err);
                alloc_fail_nth = 0;
                api_checker_free(c);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_int_equal(err.code, -ENOMEM);
                assert_true(nth < 100);
        }
        arena_done(&arena);
}

static void formats_have_names(void **state)
{
        (void)state;
        for (unsigned f = API_FORMAT_NONE + 1; f < API_FORMATS; f++)
                assert_int_equal(api_format_of(span_str(api_format_name(f))), f);
        assert_string_equal(api_format_name(API_FORMAT_DATE_TIME), "date-time");
        assert_int_equal(api_format_of(SPAN("ipv6")), API_FORMAT_IPV6);
        assert_int_equal(api_format_of(SPAN("")), API_FORMATS);
        assert_int_equal(api_format_of(SPAN("Date")), API_FORMATS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(types_and_values_are_checked),
                cmocka_unit_test(numbers_are_checked_exactly),
                cmocka_unit_test(strings_are_checked_by_characters),
                cmocka_unit_test(arrays_are_checked),
                cmocka_unit_test(objects_are_checked),
                cmocka_unit_test(combinations_are_checked),
                cmocka_unit_test(what_nothing_evaluates_is_checked),
                cmocka_unit_test(faults_name_the_place),
                cmocka_unit_test(tables_are_refused),
                cmocka_unit_test(broken_tables_are_refused),
                cmocka_unit_test(nesting_has_a_ceiling),
                cmocka_unit_test(the_worst_depth_is_survived),
                cmocka_unit_test(work_has_a_ceiling),
                cmocka_unit_test(checks_that_fit_allocate_nothing),
                cmocka_unit_test(memory_that_is_missing_is_told),
                cmocka_unit_test(formats_have_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
