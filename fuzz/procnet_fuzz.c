/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/procnet.h"

#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf text = BUF_INIT(128);
        struct sockdiag_tcp t;

        for (int i = 0; i < 2; i++) {
                if (procnet_line(span_of(data, size), i ? AF_INET6 : AF_INET, &t) < 0)
                        continue;
                buf_clear(&text);
                sock_addr_put(&text, &t.local);
                assert(buf_status(&text) == 0 && text.n > 0);
        }
        buf_done(&text);
        return 0;
}
