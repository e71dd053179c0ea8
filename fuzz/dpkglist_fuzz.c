/* SPDX-License-Identifier: Apache-2.0 */
#include "job/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check(void *ctx, struct span json)
{
        assert(json.n <= JOB_FACT_MAX && json_check(json, NULL) == 0);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct job_out out;
        int r;

        job_out_init(&out, check, NULL);
        r = job_dpkglist(&out, span_of(data, size), NULL);
        assert(r == 0 || r == -ENOMEM);
        job_out_done(&out);
        return 0;
}
