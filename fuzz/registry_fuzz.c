/* SPDX-License-Identifier: Apache-2.0 */
/* What the job tells is taken; what is JSON is taken for a fact from elsewhere. */
#include "fuzz.h"
#include "job/job.h"
#include "wire/registry_fact.h"

FUZZ_ALLOW_LOSSES_OF("libfyaml")

static int take(void *ctx, struct span s)
{
        return span_starts(s, SPAN("{\"column\"")) ? 0 : registry_fact_parse(s, ctx, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct registry_fact f;
        struct job_out out;

        if (json_check(span_of(data, size), NULL) == 0)
                return registry_fact_parse(span_of(data, size), &f, NULL) > 0;
        job_out_init(&out, take, &f);
        assert(job_registry(&out, span_of(data, size), NULL) == 0);
        return job_out_done(&out), 0;
}
