/* SPDX-License-Identifier: Apache-2.0 */
/* Who starts the job takes all it tells, faults or sinks. */
#include "fleet/deliver_config.h"
#include "fuzz.h"
#include "job/job.h"

FUZZ_ALLOW_LOSSES_OF("libfyaml")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct deliver_config c;
        struct job_out out;

        deliver_config_init(&c);
        job_out_init(&out, deliver_config_take, &c);
        assert(job_deliver(&out, span_of(data, size), NULL) == 0);
        assert((c.n > 0) != (c.faults.n > 0));
        return job_out_done(&out), deliver_config_done(&c), 0;
}
