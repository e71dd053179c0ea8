/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tlogproof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf extra = BUF_INIT(TLOG_PROOF_EXTRA_MAX), again = BUF_INIT(TLOG_PROOF_MAX);
        struct tlog_proof p;

        if (tlog_proof_parse(span_of(data, size), &extra, &p, NULL) == 0) {
                tlog_proof_put(&again, &p);
                assert(span_eq(buf_span(&again), span_of(data, size)));
        }
        buf_done(&again);
        buf_done(&extra);
        return 0;
}
