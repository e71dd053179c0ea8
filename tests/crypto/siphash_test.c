/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/siphash.h"

#include "../chance.h"
#include "base/le.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Appendix A of the paper: key 00 01 ... 0f, fifteen bytes 00 01 ... 0e. */
static void vector_of_the_paper(void **state)
{
        uint8_t bytes[16];

        for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = (uint8_t)i;
        assert_true(siphash(bytes, span_of(bytes, 15)) == 0xa129ca6149be45e5);
}

static uint64_t by_openssl(const uint8_t *key, struct span s)
{
        EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
        EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);
        size_t eight = 8, n = 0;
        OSSL_PARAM p[] = { OSSL_PARAM_size_t("size", &eight), OSSL_PARAM_END };
        uint8_t out[8];

        assert_int_equal(EVP_MAC_init(c, key, SIPHASH_KEY, p), 1);
        assert_int_equal(EVP_MAC_update(c, s.p, s.n), 1);
        assert_int_equal(EVP_MAC_final(c, out, &n, sizeof out), 1);
        assert_int_equal(n, sizeof out);
        EVP_MAC_CTX_free(c);
        EVP_MAC_free(mac);
        return le_get64(out);
}

static void as_openssl_has_it(void **state)
{
        struct chance c = chance_of(1);
        uint8_t key[SIPHASH_KEY], bytes[300];

        for (size_t n = 0; n <= sizeof bytes; n++) {
                for (size_t i = 0; i < sizeof bytes; i++)
                        bytes[i] = (uint8_t)chance_below(&c, 256);
                for (size_t i = 0; i < sizeof key; i++)
                        key[i] = (uint8_t)chance_below(&c, 256);
                assert_true(siphash(key, span_of(bytes, n)) == by_openssl(key, span_of(bytes, n)));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(vector_of_the_paper),
                cmocka_unit_test(as_openssl_has_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
