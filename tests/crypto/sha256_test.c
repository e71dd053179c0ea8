/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sha256.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const uint8_t got[SHA256_LEN], const char *want)
{
        char hex[2 * SHA256_LEN + 1];

        text_hex(span_of(got, SHA256_LEN), hex);
        assert_string_equal(hex, want);
}

/* FIPS 180-2 appendix B, and a million times "a". */
static const char fips_two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

static void fips_vectors(void **state)
{
        static const struct {
                struct span in;
                const char *want;
        } rows[] = {
                { SPAN_INIT(""),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
                { SPAN_INIT("abc"),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
                { SPAN_INIT(fips_two_blocks),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        };
        uint8_t got[SHA256_LEN];

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                sha256(rows[i].in, got);
                expect(got, rows[i].want);
        }
        expect(sha256_empty, rows[0].want);
}

static void in_pieces(void **state)
{
        CLEANUP(sha256_freep) struct sha256_ctx *c = sha256_new();
        uint8_t block[1000], got[SHA256_LEN];

        assert_non_null(c);
        memset(block, 'a', sizeof block);
        for (int round = 0; round < 2; round++) {
                sha256_begin(c);
                for (int i = 0; i < 1000; i++) {
                        sha256_add(c, span_of(block, (size_t)i));
                        sha256_add(c, span_of(block, sizeof block - (size_t)i));
                }
                sha256_end(c, got);
                expect(got, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
        }
}

/* The first leaves and nodes of the tree in Certificate Transparency's reference tests. */
static void leaves_and_nodes(void **state)
{
        uint8_t l[SHA256_LEN], r[SHA256_LEN];

        sha256_leaf(SPAN_NONE, l);
        expect(l, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        sha256_leaf(span_of("", 1), r);
        expect(r, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7");
        sha256_node(l, r, r); /* out is an input */
        expect(r, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
}

/* RFC 4231 test cases 1, 2, 3, 6 and 7. */
static void hmac_vectors(void **state)
{
        uint8_t aa[131], dd[50], b0[20];
        const struct {
                struct span key, data;
                const char *want;
        } rows[] = {
                { span_of(b0, 20), SPAN("Hi There"),
                  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
                { SPAN("Jefe"), SPAN("what do ya want for nothing?"),
                  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
                { span_of(aa, 20), span_of(dd, 50),
                  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
                { span_of(aa, 131), SPAN("Test Using Larger Than Block-Size Key - Hash Key First"),
                  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
                { span_of(aa, 131),
                  SPAN("This is a test using a larger than block-size key and a larger than "
                       "block-size data. The key needs to be hashed before being used by the HMAC "
                       "algorithm."),
                  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
        };

        memset(aa, 0xaa, sizeof aa);
        memset(dd, 0xdd, sizeof dd);
        memset(b0, 0x0b, sizeof b0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(hmac_key_freep) struct hmac_key *k = hmac_key_new(rows[i].key);
                struct span d = rows[i].data, parts[3];
                uint8_t got[SHA256_LEN];

                assert_non_null(k);
                hmac_sha256(k, &d, 1, got);
                expect(got, rows[i].want);
                /* The same key again, the data in pieces. */
                parts[0] = span_of(d.p, 3);
                parts[1] = SPAN_NONE;
                parts[2] = span_from(d, 3);
                hmac_sha256(k, parts, 3, got);
                expect(got, rows[i].want);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(fips_vectors),
                cmocka_unit_test(in_pieces),
                cmocka_unit_test(leaves_and_nodes),
                cmocka_unit_test(hmac_vectors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
