/* SPDX-License-Identifier: Apache-2.0 */
/* What the checker accepts is canonical: canonicalizing changes nothing, and walking it rebuilds
 * it. */
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rebuild(struct json_value v, struct json_writer *w)
{
        struct json_iter it;
        struct json_value item;
        struct buf text = BUF_INIT(1 << 20);
        struct span key = SPAN_NONE;
        char name[4096];

        if (v.type == JSON_OBJECT || v.type == JSON_ARRAY) {
                bool object = v.type == JSON_OBJECT;

                (object ? json_begin_object : json_begin_array)(w);
                for (it = json_iter_of(v); json_next(&it, object ? &key : NULL, &item);) {
                        if (object && key.n < sizeof name) {
                                memcpy(name, key.p, key.n);
                                name[key.n] = '\0';
                                json_put_key(w, name);
                        }
                        rebuild(item, w);
                }
                (object ? json_end_object : json_end_array)(w);
        } else if (json_value_text(v, &text)) {
                json_put_string(w, buf_span(&text));
        } else {
                json_put_raw(w, v.raw);
        }
        buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span s = span_of(data, size);
        struct buf same = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
        struct json_writer w;
        struct err err = { 0 };

        assert(json_check(s, &err) == 0 || (err.code < 0 && err.text[0]));
        if (size < 4096 && json_check_value(s, &err) == 0) {
                assert(json_canonicalize(s, 0, &same, &err) == 0);
                assert(span_eq(buf_span(&same), s));
                json_writer_init(&w, &again);
                rebuild(json_value_of(s), &w);
                assert(span_eq(buf_span(&again), s));
        }
        buf_done(&same);
        buf_done(&again);
        return 0;
}
