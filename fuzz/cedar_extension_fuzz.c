/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/value/extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the format.  What is read is written so that it reads as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        enum cedar_fn fn = size ? (enum cedar_fn)(data[0] % (FN_DURATION + 1)) : FN_DECIMAL;
        struct buf out = BUF_INIT(1 << 10);
        struct cedar_value v, again;
        struct cedar_ip room[2];
        struct span s;

        if (size == 0 || cedar_value_make_in(fn, span_of(data + 1, size - 1), room, &v, NULL))
                return 0;
        cedar_value_print(&v, &out);
        s = span_from(buf_span(&out), strlen(cedar_fn_shape(fn)->name) + 2); /* behind `ip("` */
        s.n = (size_t)((const uint8_t *)memchr(s.p, '"', s.n) - s.p);
        assert(cedar_value_make_in(fn, s, room + 1, &again, NULL) == 0);
        assert(cedar_value_eq(&v, &again) ||
               (fn == FN_DATETIME && !cedar_datetime_has_spelling(v.number)));
        buf_done(&out);
        return 0;
}
