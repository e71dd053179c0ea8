/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what targets share: libFuzzer's entry, and helpers too long for a target. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/buf.h"
#include "base/le.h"
#include "base/text.h"
#include "sys/crc32c.h"
#include "wire/json.h"
#include "wire/msg.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libfyaml loses memory in some errors; the jobs that use it end soon. */
#define FUZZ_ALLOW_LOSSES_OF(library)                                                              \
        const char *__lsan_default_suppressions(void);                                             \
        const char *__lsan_default_suppressions(void)                                              \
        {                                                                                          \
                return "leak:" library;                                                            \
        }

/* None; else absolute, without NUL and slash at its end. */
static inline void fuzz_check_path(struct span path)
{
        assert(path.n == 0 || (path.p[0] == '/' && !memchr(path.p, 0, path.n)));
        assert(path.n < 2 || path.p[path.n - 1] != '/');
}

/* For people to read: UTF-8 without controls. */
static inline void fuzz_check_text(struct span text)
{
        for (size_t i = 0; i < text.n; i++)
                assert(text.p[i] >= ' ' && text.p[i] != 0x7f);
        assert(text_is_utf8(text, NULL));
}

/* The next line, without its end; false: there is no more. */
static inline bool fuzz_cut_line(struct span *rest, struct span *ret)
{
        const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
        bool more = rest->n > 0;

        *ret = span_of(rest->p, end ? (size_t)(end - rest->p) : rest->n);
        *rest = span_from(*rest, ret->n + 1);
        return more;
}

/* The caller's to free: of exactly its size, so that a sanitizer sees what reads behind it. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size ? size : 1);

        assert(copy);
        return size ? memcpy(copy, data, size) : copy;
}

/* The input with the CRC-32C at `at`, of all bytes but its own four, made right: or the fuzzer
 * would never get past it. */
static inline void fuzz_put_sealed(struct buf *b, struct span s, size_t at)
{
        assert(at + 4 <= s.n);
        buf_put(b, s);
        le_put32(b->p + at, crc32c(crc32c(0, span_of(s.p, at)), span_from(s, at + 4)));
}

/* A checked value, walked by the readers and written again. */
static inline void fuzz_rewrite(struct json_value v, struct json_writer *w)
{
        bool object = v.type == JSON_OBJECT;
        struct buf text = BUF_INIT(1 << 20);
        struct span key = SPAN_NONE;
        struct json_value item;
        struct json_iter it;

        if (object || v.type == JSON_ARRAY) {
                (object ? json_begin_object : json_begin_array)(w);
                for (it = json_iter_of(v); json_next(&it, object ? &key : NULL, &item);) {
                        buf_clear(&text);
                        buf_put(&text, key);
                        if (object)
                                json_put_key(w, buf_cstr(&text));
                        fuzz_rewrite(item, w);
                }
                (object ? json_end_object : json_end_array)(w);
        } else if (json_value_text(v, &text)) {
                json_put_string(w, buf_span(&text));
        } else {
                json_put_raw(w, v.raw);
        }
        buf_done(&text);
}

/* One field of a message, of the type that `which` says, into another message. */
static inline void fuzz_copy_field(unsigned which, struct msg_reader *r, struct buf *b)
{
        switch (which % 7) {
        case 0:
                msg_put_u8(b, msg_get_u8(r));
                break;
        case 1:
                msg_put_u16(b, msg_get_u16(r));
                break;
        case 2:
                msg_put_u32(b, msg_get_u32(r));
                break;
        case 3:
                msg_put_u64(b, msg_get_u64(r));
                break;
        case 4:
                msg_put_bytes8(b, msg_get_bytes8(r));
                break;
        case 5:
                msg_put_bytes16(b, msg_get_bytes16(r));
                break;
        default:
                msg_put_bytes32(b, msg_get_bytes32(r));
        }
}

#endif
