/* SPDX-License-Identifier: Apache-2.0 */
#include "package/model/model_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted is written again byte for byte: no model has two spellings. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(buf_done) struct buf again = BUF_INIT((size_t)1 << 28);
        CLEANUP(api_freep) struct api *api = NULL;
        struct err err = { 0 };
        struct config config;

        if (model_get(span_of(data, size), &api, &config, &err)) {
                assert(err.code < 0 && err.text[0] && !api);
                return 0;
        }
        assert(model_put(&again, api, &config, NULL) == 0);
        assert(span_eq(buf_span(&again), span_of(data, size)));
        return 0;
}
