/* SPDX-License-Identifier: Apache-2.0 */
/* The expected hash, keys and signatures were made by a program in another language. */
#include "package/registry/approval.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"

#define HASH   "abababababababababababababababababababababababababababababababab"
#define TIME   "2026-12-01T18:00:00.000000000Z"
#define TEXT   "assay deployment\naccounts\n1.4.0\n" HASH "\nCHG-7\n" TIME "\n"
#define DIGEST "f5f23b9dc6d7accb9d7c2e24ef84408c44a4df6d12a659f52977044d41e76dbe"
#define DASH   "\xe2\x80\x94 "
#define ANNA                                                                                         \
        DASH "anna QzH7mgAbWXOV1lgSXYOuUrI8y5Rty3hrAKXRVnoitd2rcFvtWAEJVj7g6UpGUmvB10azJyNVb18rOfSr" \
             "xUhOq537Zww=\n"
#define CARL                                                                                         \
        DASH "carl nUTrkYYa/HMp36RQ30ES3tg9KdrpfXh8gAIFkyAwVPSVfg6foKImu6NljeZLzSwnA9TygLE5MJ98NyAV" \
             "vmQLNCR2FAQ=\n"
#define NOTE TEXT "\n" ANNA

#define ANNA_KEY "anna+4331fb9a+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
#define CARL_KEY "carl+9d44eb91+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58"

static struct approval whole(void)
{
        struct approval a = { .api = "accounts",
                              .version = "1.4.0",
                              .change = "CHG-7",
                              .until_ns = 1796148000000000000 };

        memset(a.sha256, 0xab, sizeof a.sha256);
        return a;
}

static int sign(struct approval *a, enum note_alg alg, struct buf *out, struct err *err)
{
        CLEANUP(signer_freep) struct signer *s = NULL;
        uint8_t seed[ED25519_SEED];
        int r;

        memset(seed, 2, sizeof seed);
        r = signer_new(SPAN("anna"), alg, seed, &s, err);
        return r < 0 ? r : approval_sign(a, s, out, err);
}

static void is_signed_like_this(void **state)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(APPROVAL_MAX);
        struct approval a = whole();
        char hex[2 * PACKAGE_HASH + 1];

        assert_int_equal(sign(&a, NOTE_ED25519, &out, NULL), 0);
        assert_string_equal(buf_cstr(&out), NOTE);
        text_hex(span_of(a.digest, PACKAGE_HASH), hex);
        assert_string_equal(hex, DIGEST);
}

static void no_other_is_signed(void **state)
{
        static const struct {
                const char *api, *version, *change;
        } t[] = {
                { "Accounts", "1", "C" }, { "", "1", "C" },     { "a\nb", "1", "C" },
                { "a", "", "C" },         { "a", "1\n2", "C" }, { "a", "1", "" },
                { "a", "1", " C" },       { "a", "1", "C\nD" }, { "a", "1", "C\xff" },
                { "a", "1", "C\x7f" },
        };
        struct approval a;

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(APPROVAL_MAX);

                a = whole();
                snprintf(a.api, sizeof a.api, "%s", t[i].api);
                snprintf(a.version, sizeof a.version, "%s", t[i].version);
                snprintf(a.change, sizeof a.change, "%s", t[i].change);
                assert_int_equal(sign(&a, NOTE_ED25519, &out, NULL), -EINVAL);
                assert_int_equal(out.n, 0);
        }
        a = whole();
        {
                CLEANUP(buf_done) struct buf out = BUF_INIT(APPROVAL_MAX);

                assert_int_equal(sign(&a, NOTE_COSIGNATURE_V1, &out, NULL), -EINVAL);
        }
}

static void is_read(void **state)
{
        struct approval a, want = whole();
        char hex[2 * PACKAGE_HASH + 1];

        memset(&a, 0x55, sizeof a);
        assert_int_equal(approval_read(SPAN(NOTE CARL), &a, NULL), 0);
        assert_string_equal(a.api, want.api);
        assert_string_equal(a.version, want.version);
        assert_string_equal(a.change, want.change);
        assert_memory_equal(a.sha256, want.sha256, PACKAGE_HASH);
        assert_true(a.until_ns == want.until_ns);
        text_hex(span_of(a.digest, PACKAGE_HASH), hex);
        assert_string_equal(hex, DIGEST);
}

#define OF(text) text "\n" ANNA

static void what_is_none_is_refused(void **state)
{
        static const struct {
                const char *note, *says;
        } t[] = {
                { "", "" },
                { TEXT, "" },
                { TEXT "\n", "" },
                { OF("assay package\naccounts\n1.4.0\n" HASH "\n"), "line 1: this is no approval" },
                { OF("assay deployment\n"), "line 2: no name of an API" },
                { OF("assay deployment\nA\n"), "line 2: no name of an API" },
                { OF("assay deployment\naccounts\n"), "line 3: no version" },
                { OF("assay deployment\naccounts\n../x\n"), "line 3: no version" },
                { OF("assay deployment\naccounts\n1\n" HASH "00\nC\n" TIME "\n"),
                  "line 4: no SHA" },
                { OF("assay deployment\naccounts\n1\n" HASH "\n C\n" TIME "\n"), "line 5: no id" },
                { OF("assay deployment\naccounts\n1\n" HASH "\n\x01\n" TIME "\n"),
                  "control character" },
                { OF("assay deployment\naccounts\n1\n" HASH "\nC\ntomorrow\n"), "line 6: no time" },
                { OF("assay deployment\naccounts\n1\n" HASH "\nC\n"), "line 6: no time" },
                { OF(TEXT "more\n"), "line 7: nothing" },
        };
        struct approval a = { .api = "x" };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };

                if (approval_read(span_str(t[i].note), &a, &err) != -EBADMSG ||
                    !strstr(err_text(&err), t[i].says))
                        fail_msg("%zu: %s", i, err_text(&err));
                assert_string_equal(a.api, "x");
        }
        {
                CLEANUP(buf_done) struct buf long_one = BUF_INIT(2 * APPROVAL_MAX);

                buf_put_str(&long_one, NOTE);
                while (long_one.n <= APPROVAL_MAX)
                        buf_put_str(&long_one, CARL);
                assert_int_equal(approval_read(buf_span(&long_one), &a, NULL), -EBADMSG);
        }
}

static void signatures_are_judged(void **state)
{
        static const struct span both[] = { SPAN_INIT(CARL_KEY), SPAN_INIT(ANNA_KEY) };
        static const struct span not_a_key[] = { SPAN_INIT("anna+00000000+AQID") };
        static const char altered[] =
                "assay deployment\naccounts\n1.4.1\n" HASH "\nCHG-7\n" TIME "\n\n" ANNA;
        size_t key = 99;

        assert_int_equal(approval_verify(SPAN(NOTE), both, 2, &key, NULL), 0);
        assert_int_equal(key, 1);
        assert_int_equal(approval_verify(SPAN(NOTE CARL), both, 2, &key, NULL), 0);
        assert_int_equal(key, 0);
        assert_int_equal(approval_verify(SPAN(NOTE), both, 1, &key, &(struct err){ 0 }), -ENOKEY);
        assert_int_equal(approval_verify(SPAN(NOTE), both, 0, &key, &(struct err){ 0 }), -ENOKEY);
        assert_int_equal(approval_verify(SPAN(altered), both, 2, &key, &(struct err){ 0 }),
                         -EBADMSG);
        assert_int_equal(approval_verify(SPAN("x"), both, 2, &key, &(struct err){ 0 }), -EBADMSG);
        assert_true(approval_verify(SPAN(NOTE), not_a_key, 1, &key, &(struct err){ 0 }) < 0);
}

static void out_of_memory(void **state)
{
        int r = -ENOMEM;

        for (size_t nth = 1; r; nth++) {
                struct buf out = BUF_INIT(APPROVAL_MAX);
                struct approval a = whole();

                alloc_fail_nth = nth;
                r = sign(&a, NOTE_ED25519, &out, NULL);
                if (r == 0)
                        r = buf_status(&out);
                alloc_fail_nth = 0;
                assert_true(r == 0 || r == -ENOMEM || r == -EIO);
                buf_done(&out);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(is_signed_like_this),
                cmocka_unit_test(no_other_is_signed),
                cmocka_unit_test(is_read),
                cmocka_unit_test(what_is_none_is_refused),
                cmocka_unit_test(signatures_are_judged),
                cmocka_unit_test(out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
