/* SPDX-License-Identifier: Apache-2.0 */
/* Two mountinfos, a NUL between: what of the second is not so on the host becomes a table. */
#include "fuzz_state.h"
#include "monitor/mount_list.h"
#include "state/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct mount_owner of = { .inode = 1, .name = SPAN("x"), .nth = 1, .pid = 7 };
        static struct mount_list host, here;
        struct span first = SPAN_NONE, rest = span_of(data, size);
        struct state_part part = { .name = SPAN("namespace_mounts") };
        struct buf told = BUF_INIT(1 << 24), bundle = BUF_INIT(1 << 24);

        (void)!field_cut(&rest, 0, &first);
        mount_list_take(&host, fuzz_copy(first.p, first.n), first.n);
        mount_list_take(&here, fuzz_copy(rest.p, rest.n), rest.n);
        for (size_t i = 0; i < here.n; i++)
                if (!mount_list_shows(&host, &here.at[i]))
                        mount_list_put(&here, i, &of, &told);
        part.bytes = buf_span(&told);
        bundle_begin(&bundle);
        bundle_put(&bundle, &part);
        assert(fuzz_read_table(&state_namespace_mounts, buf_span(&bundle)) == 0);
        return buf_done(&told), buf_done(&bundle), 0;
}
