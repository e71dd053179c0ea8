/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* RFC 8032 7.1, tests 1 to 3. */
static const struct {
        const char *seed, *pub, *sig;
        struct span msg;
} rfc[] = {
        { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
          "d25bf5f0595bbe24655141438e7a100b",
          SPAN_INIT("") },
        { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
          "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
          "387b2eaeb4302aeeb00d291612bb0c00",
          SPAN_INIT("\x72") },
        { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
          "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
          "4a7c15e9716ed28dc027beceea1ec40a",
          SPAN_INIT("\xaf\x82") },
};

static void unhex(const char *hex, uint8_t *out, size_t n)
{
        assert_int_equal(text_from_hex(span_str(hex), out, n), 0);
}

static void rfc_vectors(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(rfc); i++) {
                CLEANUP(ed25519_freep) struct ed25519 *pair = NULL, *pub = NULL;
                uint8_t seed[ED25519_SEED], key[ED25519_PUBLIC], want[ED25519_SIG];
                uint8_t got[ED25519_SIG];

                unhex(rfc[i].seed, seed, sizeof seed);
                unhex(rfc[i].sig, want, sizeof want);
                assert_int_equal(ed25519_from_seed(seed, &pair, NULL), 0);
                ed25519_public(pair, got);
                unhex(rfc[i].pub, key, sizeof key);
                assert_memory_equal(got, key, sizeof key);
                assert_int_equal(ed25519_sign(pair, rfc[i].msg, got, NULL), 0);
                assert_memory_equal(got, want, sizeof want);
                assert_int_equal(ed25519_from_public(key, &pub, NULL), 0);
                assert_int_equal(ed25519_verify(pub, rfc[i].msg, want, NULL), 0);
        }
}

static void every_flipped_bit_is_refused(void **state)
{
        CLEANUP(ed25519_freep) struct ed25519 *pub = NULL;
        uint8_t key[ED25519_PUBLIC], sig[ED25519_SIG];
        struct err err = { 0 };

        unhex(rfc[2].pub, key, sizeof key);
        unhex(rfc[2].sig, sig, sizeof sig);
        assert_int_equal(ed25519_from_public(key, &pub, NULL), 0);
        for (size_t i = 0; i < 8 * sizeof sig; i++) {
                sig[i / 8] ^= (uint8_t)(1 << i % 8);
                assert_int_equal(ed25519_verify(pub, rfc[2].msg, sig, &err), -EBADMSG);
                sig[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        assert_int_equal(ed25519_verify(pub, rfc[1].msg, sig, &err), -EBADMSG);
        assert_int_equal(ed25519_verify(pub, rfc[2].msg, sig, &err), 0);
}

/* RFC 8032 5.1.7: S must be below the group order L.  Adding L to a good S gives the same point. */
static void refuses_malleable_s(void **state)
{
        static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                           0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                           0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };

        for (size_t i = 0; i < ARRAY_LEN(rfc); i++) {
                CLEANUP(ed25519_freep) struct ed25519 *pub = NULL;
                uint8_t key[ED25519_PUBLIC], sig[ED25519_SIG];
                unsigned carry = 0;

                unhex(rfc[i].pub, key, sizeof key);
                unhex(rfc[i].sig, sig, sizeof sig);
                for (size_t k = 0; k < 32; k++) {
                        carry += (unsigned)sig[32 + k] + order[k];
                        sig[32 + k] = (uint8_t)carry;
                        carry >>= 8;
                }
                assert_int_equal(carry, 0);
                assert_int_equal(ed25519_from_public(key, &pub, NULL), 0);
                assert_int_equal(ed25519_verify(pub, rfc[i].msg, sig, NULL), -EBADMSG);
        }
}

static void keys_that_are_no_points(void **state)
{
        uint8_t key[ED25519_PUBLIC], sig[ED25519_SIG] = { 0 };
        CLEANUP(ed25519_freep) struct ed25519 *pub = NULL;

        /* y = 2 is on no point of the curve; OpenSSL notices when it verifies. */
        memset(key, 0, sizeof key);
        key[0] = 2;
        if (ed25519_from_public(key, &pub, NULL) == 0)
                assert_int_equal(ed25519_verify(pub, SPAN("x"), sig, NULL), -EBADMSG);
}

static void generated_keys_differ(void **state)
{
        uint8_t a[ED25519_SEED], b[ED25519_SEED];

        assert_int_equal(ed25519_generate(a, NULL), 0);
        assert_int_equal(ed25519_generate(b, NULL), 0);
        assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(rfc_vectors),
                cmocka_unit_test(every_flipped_bit_is_refused),
                cmocka_unit_test(refuses_malleable_s),
                cmocka_unit_test(keys_that_are_no_points),
                cmocka_unit_test(generated_keys_differ),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
