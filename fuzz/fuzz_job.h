/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_job.h - for targets of jobs. */
#ifndef FUZZ_FUZZ_JOB_H
#define FUZZ_FUZZ_JOB_H

#include "fuzz.h"
#include "job/job.h"

/* Takes every fact that is canonical. */
static inline int fuzz_check_json(void *ctx, struct span json)
{
        assert(json.n <= JOB_FACT_MAX && json_check(json, NULL) == 0);
        return 0;
}

/* A job that ends well, or with words. */
static inline void fuzz_job(int (*job)(struct job_out *, struct span, struct err *),
                            int (*take)(void *, struct span), void *ctx, struct span input)
{
        struct err err = { 0 };
        struct job_out out;

        job_out_init(&out, take, ctx);
        assert(job(&out, input, &err) == 0 || err.text[0]);
        job_out_done(&out);
}

/* One to which no input is wrong. */
static inline void fuzz_job_of_any(int (*job)(struct job_out *, struct span, struct err *),
                                   struct span input)
{
        struct job_out out;
        int r;

        job_out_init(&out, fuzz_check_json, NULL);
        r = job(&out, input, NULL);
        assert(r == 0 || r == -ENOMEM);
        job_out_done(&out);
}

#endif
