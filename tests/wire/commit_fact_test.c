/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of commits: what is put is what is parsed, and what is not a fact, is not. */
#include "wire/commit_fact.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define A  "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define ID "fc667df9abc950aea50c4f9420e4832eb8de5b85"

static const char *const good[] = {
        "{\"author_time\":1,\"commit\":\"" ID "\",\"committer_time\":2,\"fact\":\"commit\","
        "\"on\":[\"refs/heads/main\",\"refs/heads/x\"],\"signed\":\"ssh\"}",
        "{\"author_time\":0,\"commit\":\"" ID
        "\",\"committer_time\":0,\"fact\":\"commit\",\"on\":[],"
        "\"signed\":\"none\"}",
        "{\"data\":\"aGVsbG8=\",\"fact\":\"payload\"}",
        "{\"data\":\"\",\"fact\":\"signature\"}",
        "{\"fact\":\"file\",\"mode\":493,\"path\":\"a/b c\",\"sha256\":\"" A
        "\",\"size\":6,\"sub\":3}",
        "{\"fact\":\"link\",\"path_b64\":\"/w==\",\"sub\":0,\"target\":\"../x\"}",
        "{\"fact\":\"skipped\",\"path\":\"m\",\"sub\":0,\"why\":\"submodule\"}",
        "{\"fact\":\"branch\",\"had\":true,\"ref\":\"refs/heads/main\",\"tip\":\"" ID "\"}",
        "{\"fact\":\"branch\",\"had\":false,\"ref\":\"refs/heads/x\"}",
};

static void test_good(void **state)
{
        static struct commit_fact f;

        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
                struct buf b = BUF_INIT(1 << 16);
                struct json_writer w;
                struct err err = { 0 };

                if (commit_fact_parse(span_str(good[i]), &f, &err) < 0)
                        fail_msg("%s: %s", good[i], err.text);
                json_writer_init(&w, &b);
                json_begin_object(&w);
                commit_fact_put(&w, &f);
                json_end_object(&w);
                assert_string_equal(buf_cstr(&b), good[i]);
                buf_done(&b);
                switch (i) {
                case 0:
                        assert_true(f.n_on == 2 && f.signing == COMMIT_SSH && f.author_time == 1);
                        assert_string_equal(f.on[1], "refs/heads/x");
                        break;
                case 2:
                        assert_true(f.data_n == 5 && memcmp(f.data, "hello", 5) == 0);
                        break;
                case 4:
                        assert_true(f.mode == 0755 && f.sub == 3 && f.sha256[0] == 0xca);
                        break;
                case 7:
                        assert_true(f.had);
                        assert_string_equal(f.tip, ID);
                        break;
                case 8:
                        assert_true(!f.had && !f.tip[0]);
                        assert_string_equal(f.ref, "refs/heads/x");
                        break;
                }
        }
}

static const char *const bad[] = {
        "{}",
        "{\"fact\":\"branch\",\"had\":1,\"ref\":\"refs/heads/main\"}",
        "{\"fact\":\"branch\",\"had\":true}",
        "{\"fact\":\"branch\",\"had\":true,\"ref\":\"refs/heads/main\",\"tip\":\"\"}",
        "{\"fact\":\"branch\",\"had\":true,\"ref\":\"refs/heads/main\",\"tip\":\"xy\"}",
        "{\"fact\":\"other\"}",
        "{\"author_time\":1,\"commit\":\"" ID
        "0\",\"committer_time\":2,\"fact\":\"commit\",\"on\":[],"
        "\"signed\":\"ssh\"}",
        "{\"author_time\":1,\"commit\":\"xy\",\"committer_time\":2,\"fact\":\"commit\",\"on\":[],"
        "\"signed\":\"ssh\"}",
        "{\"author_time\":1,\"commit\":\"" ID
        "\",\"committer_time\":2,\"fact\":\"commit\",\"on\":1,"
        "\"signed\":\"ssh\"}",
        "{\"author_time\":1,\"commit\":\"" ID
        "\",\"committer_time\":2,\"fact\":\"commit\",\"on\":[1],"
        "\"signed\":\"ssh\"}",
        "{\"author_time\":1,\"commit\":\"" ID
        "\",\"committer_time\":2,\"fact\":\"commit\",\"on\":[],"
        "\"signed\":\"yes\"}",
        "{\"author_time\":-1,\"commit\":\"" ID
        "\",\"committer_time\":2,\"fact\":\"commit\",\"on\":[],"
        "\"signed\":\"ssh\"}",
        "{\"data\":\"aGVsbG8\",\"fact\":\"payload\"}",
        "{\"fact\":\"payload\"}",
        "{\"fact\":\"file\",\"mode\":493,\"path\":\"/a\",\"sha256\":\"" A
        "\",\"size\":6,\"sub\":0}",
        "{\"fact\":\"file\",\"mode\":493,\"path\":\"a/\",\"sha256\":\"" A
        "\",\"size\":6,\"sub\":0}",
        "{\"fact\":\"file\",\"mode\":493,\"path\":\"a/../b\",\"sha256\":\"" A
        "\",\"size\":6,\"sub\":0}",
        "{\"fact\":\"file\",\"mode\":493,\"path\":\"a\",\"sha256\":\"" A
        "\",\"size\":6,\"sub\":14}",
        "{\"fact\":\"file\",\"mode\":9999,\"path\":\"a\",\"sha256\":\"" A
        "\",\"size\":6,\"sub\":0}",
        "{\"fact\":\"link\",\"path\":\"a\",\"sub\":0}",
        "{\"fact\":\"skipped\",\"path\":\"\",\"sub\":0,\"why\":\"x\"}",
};

static void test_bad(void **state)
{
        static struct commit_fact f;
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                print_message("%s\n", bad[i]);
                assert_int_equal(json_check(span_str(bad[i]), &err), 0);
                f.size = 12345;
                assert_int_equal(commit_fact_parse(span_str(bad[i]), &f, &err), -EBADMSG);
                assert_int_equal(f.size, 12345);
        }
}

/* A piece that found no memory spoils the whole fact. */
static void test_memory(void **state)
{
        static struct commit_fact f = { .kind = COMMIT_FACT_PAYLOAD, .data = "x", .data_n = 1 };
        static uint8_t room[4096];
        size_t failures = 0;

        for (size_t nth = 1;; nth++) {
                struct buf b = { .p = room, .cap = sizeof room, .max = sizeof room };
                struct json_writer w;

                alloc_fail_nth = nth;
                json_writer_init(&w, &b);
                json_begin_object(&w);
                commit_fact_put(&w, &f);
                json_end_object(&w);
                alloc_fail_nth = 0;
                if (buf_status(&b) == 0) {
                        assert_string_equal(buf_cstr(&b),
                                            "{\"data\":\"eA==\",\"fact\":\"payload\"}");
                        break;
                }
                assert_int_equal(buf_status(&b), -ENOMEM);
                failures++;
        }
        assert_int_equal(failures, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
