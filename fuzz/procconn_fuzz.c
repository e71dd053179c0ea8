/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/procconn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct process_event e;
        int r = procconn_decode(span_of(data, size), 5, &e, NULL);

        assert(r == 0 || r == 1 || r == -EBADMSG);
        if (r == 1) {
                assert(e.pid > 0 && e.ppid >= 0 && e.comm.n <= PROCESS_COMM_MAX);
                assert((e.what == PROCESS_FORKED) == !!(e.has & PROCESS_HAS_PARENT));
        }
        return 0;
}
