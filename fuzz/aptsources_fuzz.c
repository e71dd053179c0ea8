/* SPDX-License-Identifier: Apache-2.0 */
/* Every source that is told is one that a consumer parses.  Few words make very many pairs, so it
 * ends after some, as a parent ends a job. */
#include "fuzz.h"
#include "job/job.h"
#include "wire/source_fact.h"

static int check(void *ctx, struct span json)
{
        static struct source_fact f;
        unsigned *told = ctx;

        assert(json_check(json, NULL) == 0);
        assert(source_fact_parse(json, &f, NULL) == 0 || span_starts(json, SPAN("{\"bad_line\"")));
        return ++*told < 8 ? 0 : -E2BIG;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct job_out out;
        struct err err = { 0 };
        unsigned told = 0;

        job_out_init(&out, check, &told);
        assert(job_aptlist(&out, span_of(data, size), &err) == 0 || err.text[0]);
        told = 0;
        assert(job_aptsources(&out, span_of(data, size), &err) == 0 || err.text[0]);
        job_out_done(&out);
        return 0;
}
