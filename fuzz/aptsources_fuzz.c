/* SPDX-License-Identifier: Apache-2.0 */
/* Every source that is told is one that a consumer parses.  Few words make very many pairs, so it
 * ends after some, as a parent ends a job. */
#include "fuzz_job.h"
#include "wire/source_fact.h"

static int check(void *ctx, struct span json)
{
        static struct source_fact f;

        assert(json_check(json, NULL) == 0);
        assert(source_fact_parse(json, &f, NULL) == 0 || span_starts(json, SPAN("{\"bad_line\"")));
        return ++*(unsigned *)ctx < 8 ? 0 : -E2BIG;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        fuzz_job(job_aptlist, check, &(unsigned){ 0 }, span_of(data, size));
        fuzz_job(job_aptsources, check, &(unsigned){ 0 }, span_of(data, size));
        return 0;
}
