/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct process_scratch scratch;
        struct process_event e;
        int r = process_decode(span_of(data, size), &scratch, &e, NULL);

        assert(r == 0 || r == -EBADMSG);
        if (r < 0)
                return 0;
        assert(e.exe.n <= PROCESS_EXE_MAX && (e.exe.n == 0 || e.exe.p[0] == '/'));
        assert(e.cgroup_path.n <= PROCESS_CGROUP_MAX && e.args.n <= PROCESS_ARGS_MAX);
        assert(e.comm.n <= PROCESS_COMM_MAX && e.pid >= 0 && e.ppid >= 0);
        assert(e.exe.n == 0 || !memchr(e.exe.p, 0, e.exe.n));
        return 0;
}
