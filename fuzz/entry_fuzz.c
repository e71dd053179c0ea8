/* SPDX-License-Identifier: Apache-2.0 */
/* A composed entry is canonical, and parsing it gives back the stamp. */
#include "fuzz.h"
#include "wire/entry.h"
#include "wire/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct span l[] = { SPAN_INIT("AAAAAAAAAAAAAAAAAAAAAA") };
        struct entry_stamp stamp = { SPAN("host-1"), SPAN("p"), 4, size, -1, l, size & 1, l, 1 };
        CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
        struct span s = span_of(data, size);
        struct entry e;
        struct err err;

        if (json_check(s, NULL) < 0 || kind_check(s, "sensor", NULL, 0, &err) > 0 ||
            entry_parse(s, &e, &err) > 0 || entry_compose(s, &stamp, &out, &err) < 0)
                return 0; /* of which the two in the middle are never above 0 */
        assert(json_check(buf_span(&out), &err) == 0);
        if (entry_parse(buf_span(&out), &e, &err) == 0)
                assert(e.run == 4 && e.seq == (int64_t)size && span_eq_str(e.host, "host-1") &&
                       e.kind.n + e.time.n < size);
        return 0;
}
