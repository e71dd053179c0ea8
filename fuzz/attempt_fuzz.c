/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/attempt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf path = BUF_INIT(ATTEMPT_PATH_MAX);
        struct attempt a;
        int rc = attempt_decode(span_of(data, size), &a, &path, NULL);

        assert(rc == 0 || rc == -EBADMSG || rc == -E2BIG);
        if (rc == 0) {
                assert(path.n > 0 && path.p[0] == '/' && !memchr(path.p, 0, path.n));
                assert(path.n == 1 || path.p[path.n - 1] != '/');
                assert(attempt_op_name(a.op) && a.error < 0 && a.pid >= 0);
        }
        buf_done(&path);
        return 0;
}
