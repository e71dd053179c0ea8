/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/cgroup.h"
#include "sys/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span s = span_of(data, size);
        struct cgroup_names names;
        struct span path;
        struct proc_ids ids;
        struct proc_stat st;
        int r;

        r = proc_parse_status(s, &ids);
        assert(r == 0 || r == -EBADMSG);
        r = proc_parse_stat(s, &st);
        assert(r == 0 || r == -EBADMSG);
        if (proc_parse_cgroup(s, &path) == 0) {
                assert(path.n > 0 && path.n <= size);
                cgroup_names(path, true, &names);
                assert(names.outer_n <= names.container_n && names.unit.n <= path.n);
        }
        return 0;
}
