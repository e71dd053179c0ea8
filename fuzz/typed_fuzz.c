/* SPDX-License-Identifier: Apache-2.0 */
/* What people type: times. */
#include "base/clock.h"
#include "command/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char text[64] = "";
        int64_t ns = -1;

        memcpy(text, data, MIN_OF(size, sizeof(text) - 1));
        (void)!when_parse(text, 1795631400 * NS_PER_S, &ns, NULL);
        return 0;
}
