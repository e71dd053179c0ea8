/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "integrity/watching/watchset.h"
#include "job/job.h"

FUZZ_ALLOW_LOSSES_OF("libfyaml")

static int check(void *ctx, struct span json)
{
        struct json_value v; /* faults, or lines that the sensor takes */

        return json_get(json_value_of(json), "fault", &v) ? 0 : watchset_take(ctx, json, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct watchset w = { 0 };
        struct job_out out;

        job_out_init(&out, check, &w);
        assert(job_watch(&out, span_of(data, size), NULL) == 0);
        return job_out_done(&out), watchset_done(&w), 0;
}
