/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/registry_fact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

static const struct {
        const char *json;
        struct registry_fact fact;
} pairs[] = {
        { "{\"fact\":\"repository\",\"name\":\"services\",\"value\":\"/srv/git/x.git\"}",
          { REGISTRY_REPOSITORY, "services", "", "/srv/git/x.git" } },
        { "{\"fact\":\"protected\",\"name\":\"s.1\",\"value\":\"refs/heads/main\"}",
          { REGISTRY_PROTECTED, "s.1", "", "refs/heads/main" } },
        { "{\"fact\":\"signers\",\"name\":\"s\",\"value_b64\":\"L/8=\"}",
          { REGISTRY_SIGNERS, "s", "", "/\xff" } },
        { "{\"fact\":\"keyring\",\"name\":\"s\",\"value\":\"/k\"}",
          { REGISTRY_KEYRING, "s", "", "/k" } },
        { "{\"fact\":\"api\",\"name\":\"s\",\"of\":\"accounts\",\"value\":\"\"}",
          { REGISTRY_API, "s", "accounts", "" } },
        { "{\"fact\":\"builder\",\"name\":\"the build server\",\"value\":\"v\"}",
          { REGISTRY_BUILDER, "the build server", "", "v" } },
        { "{\"fact\":\"approver\",\"name\":\"J\xc3\xb6rg\",\"value\":\"v\"}",
          { REGISTRY_APPROVER, "J\xc3\xb6rg", "", "v" } },
        { "{\"fact\":\"author\",\"name\":\"a\",\"value\":\"a@example.org\"}",
          { REGISTRY_AUTHOR, "a", "", "a@example.org" } },
};

static void goes_both_ways(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
                struct buf out = BUF_INIT(16384);
                struct registry_fact f;
                struct json_writer w;

                json_writer_init(&w, &out);
                json_begin_object(&w);
                registry_fact_put(&w, &pairs[i].fact);
                json_end_object(&w);
                assert_int_equal(buf_status(&out), 0);
                assert_string_equal(buf_cstr(&out), pairs[i].json);
                assert_int_equal(registry_fact_parse(span_str(pairs[i].json), &f, NULL), 0);
                assert_int_equal(f.kind, pairs[i].fact.kind);
                assert_string_equal(f.name, pairs[i].fact.name);
                assert_string_equal(f.of, pairs[i].fact.of);
                assert_string_equal(f.value, pairs[i].fact.value);
                buf_done(&out);
        }
}

#define N64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void refuses(void **state)
{
        static const struct {
                const char *json, *want;
        } t[] = {
                { "{}", "fact: fact" },
                { "{\"fact\":\"other\",\"name\":\"a\",\"value\":\"b\"}", "fact: fact" },
                { "{\"fact\":\"author\",\"value\":\"b\"}", "fact: name" },
                { "{\"fact\":\"author\",\"name\":\"\",\"value\":\"b\"}", "fact: name" },
                { "{\"fact\":\"author\",\"name\":\" a\",\"value\":\"b\"}", "fact: name" },
                { "{\"fact\":\"author\",\"name\":\"a\\n\",\"value\":\"b\"}", "fact: name" },
                { "{\"fact\":\"author\",\"name\":\"" N64 "a\",\"value\":\"b\"}", "fact: name" },
                { "{\"fact\":\"author\",\"name\":\"a\"}", "fact: value" },
                { "{\"fact\":\"author\",\"name\":\"a\",\"value\":1}", "fact: value" },
                { "{\"fact\":\"repository\",\"name\":\"A\",\"value\":\"b\"}", "fact: name" },
                { "{\"fact\":\"repository\",\"name\":\"../x\",\"value\":\"b\"}", "fact: name" },
                { "{\"fact\":\"repository\",\"name\":\".x\",\"value\":\"b\"}", "fact: name" },
                { "{\"fact\":\"repository\",\"name\":\"a\\u0000\",\"value\":\"b\"}", "fact: name" },
                { "{\"fact\":\"api\",\"name\":\"s\",\"value\":\"\"}", "fact: of" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct registry_fact f = { .kind = REGISTRY_API };
                struct err err = { 0 };

                assert_int_equal(registry_fact_parse(span_str(t[i].json), &f, &err), -EBADMSG);
                if (strncmp(err_text(&err), t[i].want, strlen(t[i].want)) != 0)
                        fail_msg("%s: %s, wanted %s", t[i].json, err_text(&err), t[i].want);
                assert_int_equal(f.kind, REGISTRY_API);
        }
}

static void names(void **state)
{
        static const struct {
                struct span name;
                bool repository, person;
        } t[] = {
                { SPAN_INIT("a"), true, true },       { SPAN_INIT("a.b-c_9"), true, true },
                { SPAN_INIT(N64), true, true },       { SPAN_INIT(N64 "a"), false, false },
                { SPAN_INIT(""), false, false },      { SPAN_INIT("a/b"), false, true },
                { SPAN_INIT("-a"), false, true },     { SPAN_INIT("a b"), false, true },
                { SPAN_INIT("a "), false, false },    { SPAN_INIT("\xc3\xa4"), false, true },
                { SPAN_INIT("\xc3"), false, false },  { SPAN_INIT("a\0b"), false, false },
                { SPAN_INIT("a\x7f"), false, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                assert_int_equal(registry_repository_ok(t[i].name), t[i].repository);
                assert_int_equal(registry_person_ok(t[i].name), t[i].person);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(goes_both_ways),
                cmocka_unit_test(refuses),
                cmocka_unit_test(names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
