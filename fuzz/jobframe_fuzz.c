/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/jobframe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf b = BUF_INIT(JOB_FRAME_MAX);
        struct job_frame f;
        struct err err;

        if (job_frame_parse(span_of(data, size), &f, &err) != 0)
                return 0;
        if (f.type == JOB_FRAME_FACT)
                job_frame_put_fact(&b, f.fact);
        else if (f.type == JOB_FRAME_END)
                job_frame_put_end(&b, f.count);
        if (f.type != JOB_FRAME_FAILED) /* one spelling per frame */
                assert(span_eq(buf_span(&b), span_of(data, size)));
        buf_done(&b);
        return 0;
}
