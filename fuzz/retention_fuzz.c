/* SPDX-License-Identifier: Apache-2.0 */
/* Who starts the job takes all it tells, faults or facts. */
#include "command/ledger/policy.h"
#include "fuzz.h"
#include "job/job.h"

FUZZ_ALLOW_LOSSES_OF("libfyaml")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct job_out out;
        struct policy p;

        policy_init(&p);
        job_out_init(&out, policy_take, &p);
        assert(job_retention(&out, span_of(data, size), NULL) == 0);
        assert(p.has_base != (p.faults.n > 0));
        return job_out_done(&out), policy_done(&p), 0;
}
