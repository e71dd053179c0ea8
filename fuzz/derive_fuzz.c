/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "package/derive/derive.h"
#include "package/model/model_file.h"

/* A model, then a NUL and types.cedarschema: what is derived parses, and is the same each time. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT((size_t)1 << 26), again = text;
        const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
        struct span model = span_of(data, nul ? (size_t)(nul - data) : size);
        struct span types = span_from(span_of(data, size), model.n + 1);
        CLEANUP(cedar_schema_freep) struct cedar_schema *schema = NULL;
        CLEANUP(api_freep) struct api *api = NULL;
        struct config config;

        if (model_get(model, &api, &config, NULL) < 0 ||
            derive_schema(api, &config, types, &text, NULL, NULL) < 0)
                return 0;
        assert(cedar_schema_parse(buf_span(&text), &schema, NULL) == 0);
        assert(derive_schema(api, &config, types, &again, NULL, NULL) == 0);
        assert(span_eq(buf_span(&text), buf_span(&again)));
        return 0;
}
