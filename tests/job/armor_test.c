/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks as gpg --enarmor wrote them, but for their names. */
#include "job/armor.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
#define END   "-----END PGP PUBLIC KEY BLOCK-----\n"
#define LONG                                                                                       \
        "mWhlbGxvLCB3b3JsZC4gdGhpcyBpcyBhIGxvbmdlciB0ZXh0IHNvIHRoYXQgaXQg\n"                       \
        "bmVlZHMgdHdvIGxpbmVzIG9mIGJhc2U2NA==\n"
#define LONG_IS "\x99hello, world. this is a longer text so that it needs two lines of base64"

static const struct {
        const char *name;
        struct span in;
        const char *want; /* NULL: refused, for this reason */
        const char *why;
} cases[] = {
        { "nothing", SPAN_INIT(""), "", NULL },
        { "packets", SPAN_INIT("\x99hello"), "\x99hello", NULL },
        { "block", SPAN_INIT(BEGIN "\nmWhlbGxv\n=FKcF\n" END), "\x99hello", NULL },
        { "headers", SPAN_INIT(BEGIN "Comment: x\nVersion: y\n\n" LONG "=eXUZ\n" END), LONG_IS,
          NULL },
        { "no checksum", SPAN_INIT(BEGIN "\n" LONG END), LONG_IS, NULL },
        { "text around, and ends of lines",
          SPAN_INIT("x\r\n-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n"
                    "\r\nmWhlbGxv\r\n=FKcF \r\n"
                    "-----END PGP PUBLIC KEY BLOCK-----\ny"),
          "\x99hello", NULL },
        { "two", SPAN_INIT(BEGIN "\nmWhlbGxv\n=FKcF\n" END BEGIN "\nmWhlbGxv\n" END),
          "\x99hello\x99hello", NULL },
        { "neither", SPAN_INIT("hello"), NULL, "neither packets nor a block" },
        { "another sort of block",
          SPAN_INIT("-----BEGIN PGP SIGNATURE-----\n\nmWhlbGxv\n-----END PGP SIGNATURE-----\n"),
          NULL, "neither packets nor a block" },
        { "no end", SPAN_INIT(BEGIN "\nmWhlbGxv\n=FKcF\n"), NULL, "no end" },
        { "no base64", SPAN_INIT(BEGIN "\nmWh!bGxv\n" END), NULL, "no base64" },
        { "bits too many", SPAN_INIT(BEGIN "\nmWhlbGx\n" END), NULL, "no base64" },
        { "checksum of another", SPAN_INIT(BEGIN "\nmWhlbGxv\n=eXUZ\n" END), NULL, "checksum" },
        { "checksum too short", SPAN_INIT(BEGIN "\nmWhlbGxv\n=FK==\n" END), NULL, "checksum" },
        { "second is bad", SPAN_INIT(BEGIN "\nmWhlbGxv\n" END BEGIN "\nmWhlbGxv\n=eXUZ\n" END),
          NULL, "checksum" },
};

static void test_cases(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct buf out = BUF_INIT(1 << 16);
                struct err err = { 0 };
                int r = armor_put_keys(cases[i].in, &out, &err);

                print_message("%s\n", cases[i].name);
                if (cases[i].want) {
                        assert_int_equal(r, 0);
                        assert_string_equal(buf_cstr(&out), cases[i].want);
                } else {
                        assert_int_equal(r, -EBADMSG);
                        assert_non_null(strstr(err.text, cases[i].why));
                }
                buf_done(&out);
        }
}

static void test_ceiling(void **state)
{
        struct buf out = BUF_INIT(5);

        assert_int_equal(armor_put_keys(cases[1].in, &out, NULL), -E2BIG);
        buf_done(&out);
        out = BUF_INIT(5);
        assert_int_equal(armor_put_keys(cases[2].in, &out, NULL), -E2BIG);
        buf_done(&out);
}

static void test_memory(void **state)
{
        size_t failures = 0;

        for (size_t nth = 1;; nth++) {
                struct buf out = BUF_INIT(1 << 16);
                int r;

                alloc_fail_nth = nth;
                r = armor_put_keys(cases[3].in, &out, NULL);
                alloc_fail_nth = 0;
                buf_done(&out);
                if (r == 0)
                        break;
                assert_int_equal(r, -ENOMEM);
                failures++;
        }
        assert_true(failures >= 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_ceiling),
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
