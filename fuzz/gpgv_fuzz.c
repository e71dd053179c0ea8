/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is good without a good signature that names its key. */
#include "job/gpgv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct gpgv_status s;
        struct err err = { 0 };
        bool good = false;

        if (gpgv_parse(span_of(data, size), &s, &err) < 0)
                return 0;
        for (size_t i = 0; i < s.n; i++)
                good |= s.sig[i].status == SIGNATURE_GOOD && s.sig[i].fingerprint[0];
        assert(good || gpgv_judge(&s) != SIGNATURE_GOOD);
        return 0;
}
