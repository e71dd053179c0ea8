/* SPDX-License-Identifier: Apache-2.0 */
/* Lines as gpgv 2.2 writes them, and lines it would not. */
#include "job/gpgv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define G     "[GNUPG:] "
#define KEY   "563717D3B31F4892"
#define FPR   "B2EF0F6BEA49AE05B2B83703563717D3B31F4892"
#define OTHER "04B54C3CDCA79751B16BC6B5225629DF75B188BD"
#define NEW                                                                                        \
        G "NEWSIG\n" G "KEY_CONSIDERED " FPR " 0\n" G "SIG_ID Sb4kd3ejEl 2026-11-25 1795641920\n"
#define VALID(hash) G "VALIDSIG " FPR " 2026-11-25 1795641920 0 4 0 22 " hash " 01 " OTHER "\n"
#define GOOD        NEW G "GOODSIG " KEY " A B <a@example.org>\n" VALID("8")
#define NO_KEY                                                                                     \
        G "NEWSIG\n" G "ERRSIG " KEY " 22 8 01 1795641920 9 " FPR "\n" G "NO_PUBKEY " KEY "\n"

static const struct {
        const char *name, *status;
        enum signature_status want;
        size_t n;
        struct signature first;
} cases[] = {
        { "nothing", "", SIGNATURE_NONE, 0, { 0 } },
        { "no data", G "NODATA 1\n" G "NODATA 2\n", SIGNATURE_NONE, 0, { 0 } },
        { "good",
          G "PLAINTEXT 74 0 \n" GOOD,
          SIGNATURE_GOOD,
          1,
          { SIGNATURE_GOOD, OTHER, FPR, "", 1795641920 } },
        { "bad",
          NEW G "BADSIG " KEY " A <a@example.org>\n",
          SIGNATURE_BAD,
          1,
          { SIGNATURE_BAD, "", KEY, "", 0 } },
        { "no key", NO_KEY, SIGNATURE_NO_KEY, 1, { SIGNATURE_NO_KEY, "", FPR, "", 0 } },
        { "no key, its fingerprint neither",
          G "NEWSIG\n" G "ERRSIG " KEY " 1 8 00 1 9 -\n",
          SIGNATURE_NO_KEY,
          1,
          { SIGNATURE_NO_KEY, "", KEY, "", 0 } },
        { "unknown sort of key",
          G "NEWSIG\n" G "ERRSIG " KEY " 99 8 00 1 4 " FPR "\n",
          SIGNATURE_WEAK,
          1,
          { SIGNATURE_WEAK, "", FPR, "", 0 } },
        { "other error",
          G "NEWSIG\n" G "ERRSIG " KEY " 1 8 00 1 58 " FPR "\n",
          SIGNATURE_BAD,
          1,
          { SIGNATURE_BAD, "", FPR, "", 0 } },
        { "expired, though valid",
          NEW G "EXPSIG " KEY " A\n" VALID("8"),
          SIGNATURE_EXPIRED,
          1,
          { SIGNATURE_EXPIRED, OTHER, FPR, "", 1795641920 } },
        { "key expired, though valid",
          NEW G "EXPKEYSIG " KEY " A\n" VALID("8"),
          SIGNATURE_KEY_EXPIRED,
          1,
          { SIGNATURE_KEY_EXPIRED, OTHER, FPR, "", 1795641920 } },
        { "key revoked, though valid",
          NEW G "REVKEYSIG " KEY " A\n" VALID("8"),
          SIGNATURE_KEY_REVOKED,
          1,
          { SIGNATURE_KEY_REVOKED, OTHER, FPR, "", 1795641920 } },
        { "SHA-1",
          NEW G "GOODSIG " KEY " A\n" VALID("2"),
          SIGNATURE_WEAK,
          1,
          { SIGNATURE_WEAK, OTHER, FPR, "", 1795641920 } },
        { "MD5",
          NEW G "GOODSIG " KEY " A\n" VALID("1"),
          SIGNATURE_WEAK,
          1,
          { SIGNATURE_WEAK, OTHER, FPR, "", 1795641920 } },
        { "good but not valid",
          NEW G "GOODSIG " KEY " A\n",
          SIGNATURE_BAD,
          1,
          { SIGNATURE_GOOD, "", KEY, "", 0 } },
        { "nothing said of it", NEW, SIGNATURE_BAD, 1, { SIGNATURE_BAD, "", "", "", 0 } },
        { "good and one without key",
          GOOD NO_KEY,
          SIGNATURE_GOOD,
          2,
          { SIGNATURE_GOOD, OTHER, FPR, "", 1795641920 } },
        { "one bad spoils the good",
          GOOD NEW G "BADSIG " KEY " A\n",
          SIGNATURE_BAD,
          2,
          { SIGNATURE_GOOD, OTHER, FPR, "", 1795641920 } },
        { "gpgv could not go on",
          GOOD G "ERROR proc_pkt.plaintext 89_BAD_DATA\n",
          SIGNATURE_BAD,
          1,
          { SIGNATURE_GOOD, OTHER, FPR, "", 1795641920 } },
        { "expired says more than no key",
          NO_KEY NEW G "EXPSIG " KEY " A\n",
          SIGNATURE_EXPIRED,
          2,
          { SIGNATURE_NO_KEY, "", FPR, "", 0 } },
        { "a user's name like a line",
          NEW G "BADSIG " KEY " [GNUPG:] GOODSIG " KEY " x\n",
          SIGNATURE_BAD,
          1,
          { SIGNATURE_BAD, "", KEY, "", 0 } },
};

static void test_cases(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct gpgv_status s;
                struct err err = { 0 };

                print_message("%s\n", cases[i].name);
                assert_int_equal(gpgv_parse(span_str(cases[i].status), &s, &err), 0);
                assert_int_equal(s.n, cases[i].n);
                assert_int_equal(gpgv_judge(&s), cases[i].want);
                if (s.n == 0)
                        continue;
                assert_int_equal(s.sig[0].status, cases[i].first.status);
                assert_string_equal(s.sig[0].fingerprint, cases[i].first.fingerprint);
                assert_string_equal(s.sig[0].key, cases[i].first.key);
                assert_int_equal(s.sig[0].time, cases[i].first.time);
        }
}

static const struct {
        const char *name, *status;
} refused[] = {
        { "no prefix", "gpgv: Good signature\n" },
        { "valid before any signature", VALID("8") },
        { "key that is none", NEW G "GOODSIG xyz A\n" },
        { "no key named", NEW G "GOODSIG\n" },
        { "key too long", NEW G "GOODSIG " FPR FPR " A\n" },
        { "valid with too little", NEW G "VALIDSIG " FPR " 2026-11-25 1795641920\n" },
        { "valid with no hash", NEW VALID("x") },
        { "error with too little", NEW G "ERRSIG " KEY " 1 8\n" },
};

static void test_refused(void **state)
{
        char many[40 * 20] = "";
        struct gpgv_status s;
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
                print_message("%s\n", refused[i].name);
                assert_int_equal(gpgv_parse(span_str(refused[i].status), &s, &err), -EBADMSG);
        }
        for (size_t i = 0, n = sizeof G "NEWSIG\n" - 1; i <= GPGV_SIGS_MAX; i++)
                memcpy(many + i * n, G "NEWSIG\n", n + 1);
        assert_int_equal(gpgv_parse(span_str(many), &s, &err), -EBADMSG);
}

static void test_texts(void **state)
{
        struct gpgv_status s;

        assert_int_equal(
                gpgv_parse(SPAN(G "PLAINTEXT 74 0 \n" GOOD G "PLAINTEXT 62 0 \n"), &s, NULL), 0);
        assert_int_equal(s.texts, 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
