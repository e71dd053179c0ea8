/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of packages: what is put is what is parsed, and what is not a fact, is not. */
#include "wire/package_fact.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"

static const char *const good[] = {
        "{\"column\":3,\"fact\":\"fault\",\"file\":\"openapi.yaml\",\"level\":\"error\",\"line\":5,"
        "\"text\":\"no \\\"paths\\\"\"}",
        "{\"column\":0,\"fact\":\"fault\",\"file\":\"\",\"level\":\"warning\",\"line\":0,"
        "\"text\":\"\"}",
        "{\"data\":\"aGVsbG8=\",\"fact\":\"piece\"}",
        "{\"errors\":0,\"fact\":\"built\",\"more\":1,\"sha256\":\"" A
        "\",\"size\":67108864,\"warnings\":3}",
        "{\"errors\":201,\"fact\":\"built\",\"more\":1,\"warnings\":0}",
};

static void check_good(size_t i, const struct package_fact *f)
{
        switch (i) {
        case 0:
                assert_true(f->kind == PACKAGE_FACT_FAULT && !f->warning);
                assert_true(f->line == 5 && f->column == 3);
                assert_string_equal(f->file, "openapi.yaml");
                assert_string_equal(f->text, "no \"paths\"");
                break;
        case 1:
                assert_true(f->warning && f->line == 0);
                break;
        case 2:
                assert_true(f->data_n == 5 && memcmp(f->data, "hello", 5) == 0);
                break;
        case 3:
                assert_true(f->whole && f->sha256[1] == 0x97 && f->size == 67108864);
                assert_true(f->errors == 0 && f->more == 1 && f->warnings == 3);
                break;
        case 4:
                assert_true(!f->whole && f->errors == 201);
                break;
        }
}

static void test_good(void **state)
{
        static struct package_fact f;

        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
                struct buf b = BUF_INIT(1 << 16);
                struct json_writer w;
                struct err err = { 0 };

                assert_int_equal(json_check(span_str(good[i]), &err), 0);
                if (package_fact_parse(span_str(good[i]), &f, &err) < 0)
                        fail_msg("%s: %s", good[i], err.text);
                json_writer_init(&w, &b);
                json_begin_object(&w);
                package_fact_put(&w, &f);
                json_end_object(&w);
                assert_string_equal(buf_cstr(&b), good[i]);
                buf_done(&b);
                check_good(i, &f);
        }
        (void)state;
}

static const char *const bad[] = {
        "{}",
        "{\"fact\":\"other\"}",
        "{\"fact\":1}",
        "{\"fact\":\"piece\"}",
        "{\"data\":\"aGVsbG8\",\"fact\":\"piece\"}",
        "{\"data\":5,\"fact\":\"piece\"}",
        "{\"column\":3,\"fact\":\"fault\",\"file\":\"x\",\"level\":\"bad\",\"line\":5,"
        "\"text\":\"y\"}",
        "{\"column\":-1,\"fact\":\"fault\",\"file\":\"x\",\"level\":\"error\",\"line\":5,"
        "\"text\":\"y\"}",
        "{\"column\":1,\"fact\":\"fault\",\"file\":\"x\",\"level\":\"error\",\"line\":4294967296,"
        "\"text\":\"y\"}",
        "{\"column\":1,\"fact\":\"fault\",\"file\":\"x\\u0000\",\"level\":\"error\",\"line\":1,"
        "\"text\":\"y\"}",
        "{\"column\":1,\"fact\":\"fault\",\"file\":\"x\",\"level\":\"error\",\"line\":1}",
        "{\"errors\":0,\"fact\":\"built\",\"more\":1,\"sha256\":\"" A "\",\"warnings\":3}",
        "{\"errors\":0,\"fact\":\"built\",\"more\":1,\"sha256\":\"" A
        "0\",\"size\":1,\"warnings\":3}",
        /* errors and a body, neither of them */
        "{\"errors\":1,\"fact\":\"built\",\"more\":0,\"sha256\":\"" A
        "\",\"size\":1,\"warnings\":3}",
        "{\"errors\":0,\"fact\":\"built\",\"more\":0,\"warnings\":3}",
};

static void check_bad(const char *text, struct package_fact *f)
{
        struct err err = { 0 };

        assert_int_equal(json_check(span_str(text), &err), 0);
        f->size = 12345;
        if (package_fact_parse(span_str(text), f, &err) != -EBADMSG)
                fail_msg("%s", text);
        assert_int_equal(f->size, 12345);
}

static void test_bad(void **state)
{
        static struct package_fact f;
        struct buf b = BUF_INIT(1 << 16);

        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                check_bad(bad[i], &f);
        buf_put_str(&b, "{\"column\":1,\"fact\":\"fault\",\"file\":\"x\",\"level\":\"error\","
                        "\"line\":1,\"text\":\"");
        for (int i = 0; i < PACKAGE_FACT_TEXT_MAX + 1; i++)
                buf_put_byte(&b, 'x');
        buf_put_str(&b, "\"}");
        check_bad(buf_cstr(&b), &f);
        buf_clear(&b);
        buf_put_str(&b, "{\"data\":\"");
        for (int i = 0; i < PACKAGE_FACT_PIECE_MAX / 3 + 1; i++)
                buf_put_str(&b, "AAAA");
        buf_put_str(&b, "\",\"fact\":\"piece\"}");
        check_bad(buf_cstr(&b), &f);
        buf_done(&b);
        (void)state;
}

/* A piece that found no memory spoils the whole fact. */
static void test_memory(void **state)
{
        static struct package_fact f = { .kind = PACKAGE_FACT_PIECE, .data = "x", .data_n = 1 };
        static uint8_t room[4096];
        size_t failures = 0;

        for (size_t nth = 1;; nth++) {
                struct buf b = { .p = room, .cap = sizeof room, .max = sizeof room };
                struct json_writer w;

                alloc_fail_nth = nth;
                json_writer_init(&w, &b);
                json_begin_object(&w);
                package_fact_put(&w, &f);
                json_end_object(&w);
                alloc_fail_nth = 0;
                if (buf_status(&b) == 0) {
                        assert_string_equal(buf_cstr(&b), "{\"data\":\"eA==\",\"fact\":\"piece\"}");
                        break;
                }
                assert_int_equal(buf_status(&b), -ENOMEM);
                failures++;
        }
        assert_int_equal(failures, 1);
        (void)state;
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
