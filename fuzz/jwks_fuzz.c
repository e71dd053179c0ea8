/* SPDX-License-Identifier: Apache-2.0 */
/* What is read is handed on, and read again as the same keys. */
#include "fuzz.h"
#include "gateway/authentication/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(buf_done) struct buf once = BUF_INIT(JWKS_MAX), twice = once;
        CLEANUP(jwks_freep) struct jwks *k = NULL, *again = NULL;
        uint8_t a[JWKS_DIGEST], b[JWKS_DIGEST];
        struct err err = { 0 };

        if (jwks_read(span_of(data, size), &k, &err) < 0) {
                assert((err.code == -EINVAL || err.code == -E2BIG) && err.text[0]);
                return 0;
        }
        jwks_put(k, &once);
        assert(jwks_read(buf_span(&once), &again, &err) == 0);
        jwks_put(again, &twice);
        jwks_digest(k, a);
        jwks_digest(again, b);
        assert(span_eq(buf_span(&once), buf_span(&twice)) && memcmp(a, b, sizeof a) == 0);
        return 0;
}
