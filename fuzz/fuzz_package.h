/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_package.h - a package from what a fuzzer says of it. */
#ifndef FUZZ_FUZZ_PACKAGE_H
#define FUZZ_FUZZ_PACKAGE_H

#include "fuzz.h"
#include "package/derive/derive.h"
#include "package/file.h"
#include "package/model/model_file.h"

/* A model, types.cedarschema, policies and entities, a byte 0 between them.  false: no package has
 * such a model or such types. */
static inline bool fuzz_package(struct span data, struct buf *out)
{
        CLEANUP(buf_done) struct buf schema = BUF_INIT(1 << 24);
        CLEANUP(api_freep) struct api *api = NULL;
        struct span part[4] = { SPAN_NONE };
        struct package_source types = { .path = SPAN("types.cedarschema") };
        struct package_file f = { .version = SPAN("1"), .sources = &types, .n_sources = 1 };
        struct config config;

        for (unsigned i = 0; i < ARRAY_LEN(part) && data.n; i++) {
                part[i] = span_of(data.p, strnlen((const char *)data.p, data.n));
                data = span_from(data, part[i].n + 1);
        }
        if (model_get(part[0], &api, &config, NULL) ||
            derive_schema(api, &config, part[1], &schema, NULL, NULL))
                return false;
        types.text = part[1];
        f.api = config.name;
        f.section[PACKAGE_API] = part[0];
        f.section[PACKAGE_SCHEMA] = buf_span(&schema);
        f.section[PACKAGE_POLICY] = part[2];
        f.section[PACKAGE_ENTITIES] = part[3];
        assert(package_file_put(out, &f, NULL) == 0);
        return true;
}

#endif
