/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/logins.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf text = BUF_INIT(128);
        struct login_record r;

        if (logins_decode(data, size, &r) != 1)
                return 0;
        assert(size == logins_record_size() && r.pid > 0 && r.line_n <= LOGINS_LINE_MAX);
        assert(!memchr(r.line, 0, r.line_n));
        sock_addr_put(&text, &r.addr);
        assert(buf_status(&text) == 0 && (text.n > 0) == (r.addr.family != 0));
        buf_done(&text);
        return 0;
}
