/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_package.h"
#include "package/package.h"

/* A model, types.cedarschema, policies and entities, a byte 0 between them, as a package whose
 * schema is derived: it opens, or is refused with its place. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 26);
        CLEANUP(package_unrefp) struct package *p = NULL;
        struct err err = { 0 };

        if (!fuzz_package(span_of(data, size), &file))
                return 0;
        if (package_open_bytes(buf_span(&file), NULL, 0, &p, &err))
                assert(err.code < 0 && strchr(err.text, ':') && !p);
        else
                assert(p->api && p->checker && p->schema && p->program && p->entities);
        return 0;
}
