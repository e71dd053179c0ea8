/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever is let in has a name that a caller may have and a token that is not over. */
#include "fuzz_jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char set[] =
                "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X
                "\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"" RFC_EC_Y
                "\",\"kid\":\"e\"}]}";
        static struct jwks *keys;
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(2 * JWT_ARENA_MAX);
        CLEANUP(buf_done) struct buf token = BUF_INIT(4 * JWT_MAX);
        struct jwt_caller caller;
        enum jwt_fault f;

        assert(keys || jwks_read(SPAN(set), &keys, NULL) == 0);
        fuzz_put_token(span_of(data, size), &token);
        f = jwt_verify(buf_span(&token), keys, &fuzz_identity, FUZZ_NOW, &arena, &caller);
        assert(f < JWT_NO_MEMORY && arena.used <= JWT_ARENA_MAX);
        if (f == JWT_GOOD)
                fuzz_check_caller(&caller, &arena);
        return 0;
}
