/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about signatures and releases: what is put is what is parsed, and what is not, is not. */
#include "wire/release_fact.h"
#include "wire/signature_fact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"

static const struct {
        const char *json;
        bool verdict;
        struct signature want;
} signatures[] = {
        { "{\"fact\":\"signature\",\"fingerprint\":\"AB12\",\"key\":\"CD34\",\"signer\":\"a@b\","
          "\"status\":\"good\",\"time\":17}",
          false,
          { SIGNATURE_GOOD, "AB12", "CD34", "a@b", 17 } },
        { "{\"fact\":\"signature\",\"signer_b64\":\"/w==\",\"status\":\"no_key\"}",
          false,
          { SIGNATURE_NO_KEY, "", "", "\xff", 0 } },
        { "{\"fact\":\"verdict\",\"status\":\"weak\"}", true, { SIGNATURE_WEAK, "", "", "", 0 } },
};

static void test_signatures(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(signatures); i++) {
                struct buf b = BUF_INIT(1024);
                struct json_writer w;
                struct signature s;
                bool verdict;

                assert_int_equal(signature_parse(span_str(signatures[i].json), &verdict, &s, NULL),
                                 0);
                assert_int_equal(verdict, signatures[i].verdict);
                assert_int_equal(s.status, signatures[i].want.status);
                assert_string_equal(s.fingerprint, signatures[i].want.fingerprint);
                assert_string_equal(s.key, signatures[i].want.key);
                assert_string_equal(s.signer, signatures[i].want.signer);
                assert_int_equal(s.time, signatures[i].want.time);
                json_writer_init(&w, &b);
                json_begin_object(&w);
                if (verdict)
                        signature_put_verdict(&w, s.status);
                else
                        signature_put(&w, &s);
                json_end_object(&w);
                assert_string_equal(buf_cstr(&b), signatures[i].json);
                buf_done(&b);
        }
}

static const char *const bad_signatures[] = {
        "{}",
        "{\"fact\":\"verdict\"}",
        "{\"fact\":\"other\",\"status\":\"good\"}",
        "{\"fact\":\"verdict\",\"status\":\"GOOD\"}",
        "{\"fact\":\"signature\",\"status\":\"good\",\"time\":\"1\"}",
        "{\"fact\":\"signature\",\"fingerprint\":7,\"status\":\"good\"}",
        "{\"fact\":\"signature\",\"fingerprint\":\"" A "0\",\"status\":\"good\"}",
};

static const char *const releases[] = {
        "{\"codename\":\"c\",\"date\":1,\"fact\":\"release\",\"suite\":\"s\",\"valid_until\":2}",
        "{\"fact\":\"release\"}",
        "{\"architecture\":\"all\",\"fact\":\"listed\",\"package\":\"p\",\"sha256\":\"" A
        "\",\"version\":\"1\"}",
        "{\"fact\":\"index\",\"listed\":true,\"sha256\":\"" A "\"}",
        "{\"codename_b64\":\"/w==\",\"fact\":\"release\"}",
};

static void test_releases(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(releases); i++) {
                struct buf b = BUF_INIT(1024);
                struct release_fact f;
                struct json_writer w;

                assert_int_equal(release_fact_parse(span_str(releases[i]), &f, NULL), 0);
                json_writer_init(&w, &b);
                json_begin_object(&w);
                release_fact_put(&w, &f);
                json_end_object(&w);
                assert_string_equal(buf_cstr(&b), releases[i]);
                buf_done(&b);
                if (i == 0) {
                        assert_true(f.date == 1 && f.valid_until == 2);
                        assert_string_equal(f.codename, "c");
                        assert_string_equal(f.suite, "s");
                }
                if (i == 2)
                        assert_true(strcmp(f.package, "p") == 0 && f.sha256[0] == 0xca);
        }
}

static const char *const bad_releases[] = {
        "{}",
        "{\"fact\":\"index\",\"listed\":1,\"sha256\":\"" A "\"}",
        "{\"fact\":\"index\",\"listed\":true}",
        "{\"date\":-1,\"fact\":\"release\"}",
        "{\"architecture\":\"all\",\"fact\":\"listed\",\"package\":\"p\",\"sha256\":\"" A "\"}",
};

static void test_bad(void **state)
{
        struct signature s = { .time = 5 };
        struct release_fact f = { .date = 5 };
        struct err err = { 0 };
        bool verdict;

        for (size_t i = 0; i < ARRAY_LEN(bad_signatures); i++)
                assert_int_equal(signature_parse(span_str(bad_signatures[i]), &verdict, &s, &err),
                                 -EBADMSG);
        for (size_t i = 0; i < ARRAY_LEN(bad_releases); i++)
                assert_int_equal(release_fact_parse(span_str(bad_releases[i]), &f, &err), -EBADMSG);
        assert_true(s.time == 5 && f.date == 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_signatures),
                cmocka_unit_test(test_releases),
                cmocka_unit_test(test_bad),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
