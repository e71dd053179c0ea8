/* SPDX-License-Identifier: Apache-2.0 */
/* A model whose schemas can be checked by, and which can be written down and read again. */
#include "fuzz_openapi.h"

FUZZ_ALLOW_LOSSES_OF("libfyaml")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct arena arena = ARENA_INIT(64 << 20);
        CLEANUP(api_freep) struct api *api = NULL;
        const struct source_node *root = NULL;
        struct lint l;

        lint_init(&l);
        if (yaml_source(NULL, span_of(data, size), &arena, &l, &root, NULL) == 0 && root) {
                int rc = openapi_read(root, &l, &api, NULL);

                assert(rc == 0 || rc == -E2BIG || (rc == -EINVAL && l.errors > 0));
                assert((rc == 0) == (api != NULL));
        }
        arena_done(&arena); /* nothing of the model lies there */
        if (api)
                fuzz_use_api(api);
        return lint_done(&l), 0;
}
