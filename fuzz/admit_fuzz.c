/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer sends, of the role that the first byte says: it is taken or refused, each sequence
 * once, and of its own kinds only. */
#include "../tests/recorder/admit_host.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct admit_host h;
        static unsigned runs; /* a new vault before too many subjects are in it */

        if (size == 0 || size > MSG_MAX - MSG_HEADER)
                return 0;
        if (runs++ % 4096 == 0) {
                if (h.r.ledger)
                        admit_host_done(&h);
                admit_host_new(&h);
        }
        admit_host_meet(&h, (enum role_id)(data[0] % ROLE_ADMIN));
        admit_host_hear(&h, span_of(data + 1, size - 1));
        admit_host_check(&h);
        return 0;
}
