/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sockdiag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf text = BUF_INIT(128);
        struct span rest = span_of(data, size);
        struct sockdiag_tcp t;
        uint32_t inode;

        for (size_t before = size; sockdiag_next(&rest, 4, &t) == 1; before = rest.n) {
                assert(rest.n < before && sock_addr_eq(&t.peer, &t.peer));
                buf_clear(&text);
                sock_addr_put(&text, &t.peer);
                assert(buf_status(&text) == 0 && text.n > 0);
        }
        buf_done(&text);
        if (sockdiag_link(span_of(data, size), &inode) == 0)
                assert(inode > 0);
        return 0;
}
