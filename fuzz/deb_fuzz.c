/* SPDX-License-Identifier: Apache-2.0 */
/* A package ends in a refusal with words, or in facts that are canonical. */
#include "fuzz_job.h"
#include "job/deb.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct deb_limits limits = { 1 << 20, 4 << 20, 1 << 20, 1000, 1 << 16 };
        int fd = memfd_create("deb", MFD_CLOEXEC);
        struct job_out out;
        struct err err = { 0 };

        assert(write(fd, data, size) == (ssize_t)size);
        job_out_init(&out, fuzz_check_json, NULL);
        assert(deb_read(&out, fd, &limits, &err) == 0 || err.text[0]);
        return job_out_done(&out), close(fd);
}
