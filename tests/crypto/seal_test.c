/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* AES-256-GCM, the GCM specification's test case 16: key, nonce, text, additional data, tag. */
static void known_answer(void **state)
{
        static const char key_hex[] =
                "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
        static const char sealed_hex[] =
                "cafebabefacedbaddecaf888"
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                "76fc6ece0f4e1768cddf8853bb2d551b";
        static const char context_hex[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
        static const char want_hex[] =
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
        uint8_t key[SEAL_KEY], sealed[60 + SEAL_EXTRA], context[20], want[60], got[60];
        CLEANUP(seal_freep) struct seal *s = NULL;

        assert_int_equal(text_from_hex(span_str(key_hex), key, sizeof key), 0);
        assert_int_equal(text_from_hex(span_str(sealed_hex), sealed, sizeof sealed), 0);
        assert_int_equal(text_from_hex(span_str(context_hex), context, sizeof context), 0);
        assert_int_equal(text_from_hex(span_str(want_hex), want, sizeof want), 0);
        s = seal_new(key);
        assert_non_null(s);
        assert_int_equal(seal_open(s, span_of(sealed, sizeof sealed),
                                   span_of(context, sizeof context), got, NULL),
                         0);
        assert_memory_equal(got, want, sizeof want);
}

static void every_change_is_noticed(void **state)
{
        static const uint8_t key[SEAL_KEY] = { 1, 2, 3 }, other[SEAL_KEY] = { 1, 2, 4 };
        CLEANUP(seal_freep) struct seal *s = seal_new(key), *o = seal_new(other);
        uint8_t sealed[5 + SEAL_EXTRA], out[5];
        struct span all = span_of(sealed, sizeof sealed);

        assert_non_null(s);
        assert_non_null(o);
        assert_int_equal(seal_close(s, SPAN("alice"), SPAN("who"), sealed, NULL), 0);
        assert_int_equal(seal_open(s, all, SPAN("who"), out, NULL), 0);
        assert_memory_equal(out, "alice", 5);
        for (size_t i = 0; i < 8 * sizeof sealed; i++) {
                sealed[i / 8] ^= (uint8_t)(1 << i % 8);
                assert_int_equal(seal_open(s, all, SPAN("who"), out, NULL), -EBADMSG);
                assert_memory_equal(out, "\0\0\0\0\0", 5);
                sealed[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        assert_int_equal(seal_open(s, all, SPAN("wha"), out, NULL), -EBADMSG);
        assert_int_equal(seal_open(s, all, SPAN_NONE, out, NULL), -EBADMSG);
        assert_int_equal(seal_open(o, all, SPAN("who"), out, NULL), -EBADMSG);
        for (size_t n = 0; n < sizeof sealed; n++)
                assert_int_equal(seal_open(s, span_of(sealed, n), SPAN("who"), out, NULL),
                                 -EBADMSG);
        /* A refused value does not spoil the key for the next. */
        assert_int_equal(seal_open(s, all, SPAN("who"), out, NULL), 0);
}

static void empty_values_and_fresh_nonces(void **state)
{
        static const uint8_t key[SEAL_KEY] = { 9 };
        CLEANUP(seal_freep) struct seal *s = seal_new(key);
        uint8_t a[SEAL_EXTRA], b[SEAL_EXTRA], none[1];

        assert_non_null(s);
        assert_int_equal(seal_close(s, SPAN_NONE, SPAN_NONE, a, NULL), 0);
        assert_int_equal(seal_close(s, SPAN_NONE, SPAN_NONE, b, NULL), 0);
        assert_memory_not_equal(a, b, SEAL_NONCE);
        assert_int_equal(seal_open(s, span_of(a, sizeof a), SPAN_NONE, none, NULL), 0);
        assert_int_equal(seal_open(s, span_of(b, sizeof b), SPAN_NONE, none, NULL), 0);
}

/* As one number each is one more than the last, over the carries; another start begins elsewhere.
 */
static void nonces_never_twice(void **state)
{
        static const uint8_t key[SEAL_KEY] = { 9 };
        CLEANUP(seal_freep) struct seal *s = seal_new(key), *again = seal_new(key);
        uint8_t sealed[SEAL_EXTRA], first[SEAL_EXTRA];
        uint32_t last = 0;

        assert_non_null(s);
        assert_non_null(again);
        assert_int_equal(seal_close(again, SPAN_NONE, SPAN_NONE, first, NULL), 0);
        for (size_t i = 0; i < 70000; i++) {
                uint32_t low;

                assert_int_equal(seal_close(s, SPAN_NONE, SPAN_NONE, sealed, NULL), 0);
                low = (uint32_t)sealed[8] << 24 | (uint32_t)sealed[9] << 16 |
                      (uint32_t)sealed[10] << 8 | sealed[11];
                assert_true(i == 0 || low == last + 1);
                assert_memory_not_equal(first, sealed, SEAL_NONCE);
                last = low;
        }
}

static void helpers(void **state)
{
        uint8_t a[600] = { 0 }, b[600] = { 0 };

        assert_true(secret_eq(a, b, sizeof a));
        random_bytes(a, sizeof a);
        random_bytes(b, sizeof b);
        assert_false(secret_eq(a, b, sizeof a));
        assert_true(secret_eq(a, b, 0));
        wipe(a, sizeof a);
        for (size_t i = 0; i < sizeof a; i++)
                assert_int_equal(a[i], 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(known_answer),
                cmocka_unit_test(every_change_is_noticed),
                cmocka_unit_test(empty_values_and_fresh_nonces),
                cmocka_unit_test(nonces_never_twice),
                cmocka_unit_test(helpers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
