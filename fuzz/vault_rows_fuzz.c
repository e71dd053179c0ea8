/* SPDX-License-Identifier: Apache-2.0 */
/* A file of sealed rows gives its disclosures, or is refused as damaged. */
#include "fuzz_vault.h"

static int ignore(void *ctx, struct span id, struct span disclosure)
{
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct vault *v;
        size_t erased = 0;
        int r;

        v = v ? v : fuzz_vault();
        fuzz_rows = span_of(data, size);
        for (uint64_t index = 0; index < 2; index++) {
                r = vault_disclose(v, index, ignore, NULL, &erased, NULL);
                assert(r == 0 || r == -EBADMSG);
        }
        return 0;
}
