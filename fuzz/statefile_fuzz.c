/* SPDX-License-Identifier: Apache-2.0 */
/* Who starts the job takes all it tells, faults or facts. */
#include "fuzz.h"
#include "job/job.h"
#include "monitor/config.h"

#include <unistd.h>

FUZZ_ALLOW_LOSSES_OF("libfyaml")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct monitor_config c = { 0 };
        struct err err = { 0 };
        struct job_out out;
        int fd = -1;

        assert(monitor_config_open(NULL, &c, &fd, NULL) == 0);
        close(fd);
        job_out_init(&out, monitor_config_fact, &c);
        assert(job_statefile(&out, span_of(data, size), NULL) == 0);
        assert((monitor_config_end(&c, 0, &err, &err) == 0) == (c.faults.n == 0));
        return job_out_done(&out), monitor_config_done(&c), 0;
}
