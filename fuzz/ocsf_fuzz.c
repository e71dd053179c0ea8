/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever an entry holds, its event is canonical JSON (but may be one level deeper). */
#include "command/log/view.h"
#include "fuzz.h"
#include "wire/ocsf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const uint8_t leaf[TILE_HASH];
        struct ocsf *o = NULL;
        struct buf out = BUF_INIT(1 << 24);
        struct view v;

        view_init(&v);
        if (ocsf_new(&o, NULL) == 0 && view_open(&v, size, span_of(data, size), NULL) == 0) {
                struct ocsf_input in = {
                        "a/b", size,      span_of(leaf, TILE_HASH), v.bytes, &v.entry, v.kind, NULL,
                        0,     SPAN_NONE, span_of(leaf, TILE_HASH)
                };

                assert(ocsf_put(o, &in, &out, NULL) == 0);
                assert(json_check(buf_span(&out), NULL) != -EINVAL);
        }
        return ocsf_free(o), view_done(&v), buf_done(&out), 0;
}
