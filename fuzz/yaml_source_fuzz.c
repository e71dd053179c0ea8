/* SPDX-License-Identifier: Apache-2.0 */
/* A file of a package gives values, or faults, or both. */
#include "fuzz.h"
#include "job/yaml_source.h"

FUZZ_ALLOW_LOSSES_OF("libfyaml")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct arena arena = ARENA_INIT(64 << 20);
        const struct source_node *root = NULL;
        struct lint l;
        int rc;

        lint_init(&l);
        rc = yaml_source(NULL, span_of(data, size), &arena, &l, &root, NULL);
        assert(rc == 0 || (rc == -EINVAL && l.errors > 0 && !root));
        return lint_done(&l), arena_done(&arena), 0;
}
