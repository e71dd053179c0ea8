/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        fuzz_job_of_any(job_passwd, span_of(data, size));
        fuzz_job_of_any(job_group, span_of(data, size));
        return 0;
}
