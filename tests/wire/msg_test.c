/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* An APPEND written out by hand from the table in msg.h. */
static const uint8_t append[] = {
        0x41, 0x59, 1,    3,    53,   0,    0,    0,                   /* header */
        7,    0,    0,    0,    0,    0,    0,    0,                   /* acked */
        1,    0,                                                       /* count */
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,                /* seq */
        7,    0,    0,    0,    '{',  '"',  'k',  '"',  ':', '1', '}', /* skeleton */
        1,                                                             /* fields */
        5,    0,    'u',  'i',  'd',  ':',  '1',                       /* subject */
        8,    'w',  'h',  'o',  '.',  'u',  's',  'e',  'r',           /* name */
        3,    0,    0,    0,    '"',  'x',  '"',                       /* value */
};

static void put_append(struct buf *b)
{
        size_t begun = msg_begin(b, MSG_APPEND);

        msg_put_u64(b, 7);
        msg_put_u16(b, 1);
        msg_put_u64(b, 0x1122334455667788);
        msg_put_bytes32(b, SPAN("{\"k\":1}"));
        msg_put_u8(b, 1);
        msg_put_bytes16(b, SPAN("uid:1"));
        msg_put_bytes8(b, SPAN("who.user"));
        msg_put_bytes32(b, SPAN("\"x\""));
        msg_end(b, begun);
}

/* Everything append holds; what a failed reader gives is zero or empty. */
static int get_append(struct msg_reader *r, bool expect_whole)
{
        uint64_t acked = msg_get_u64(r);
        uint16_t count = msg_get_u16(r);
        uint64_t seq = msg_get_u64(r);
        struct span skeleton = msg_get_bytes32(r);
        uint8_t fields = msg_get_u8(r);
        struct span subject = msg_get_bytes16(r), name = msg_get_bytes8(r);
        struct span value = msg_get_bytes32(r);

        if (expect_whole) {
                assert_int_equal(acked, 7);
                assert_int_equal(count, 1);
                assert_true(seq == 0x1122334455667788);
                assert_true(span_eq_str(skeleton, "{\"k\":1}"));
                assert_int_equal(fields, 1);
                assert_true(span_eq_str(subject, "uid:1"));
                assert_true(span_eq_str(name, "who.user"));
                assert_true(span_eq_str(value, "\"x\""));
        } else {
                assert_int_equal(value.n, 0);
        }
        return msg_close(r);
}

static void writes_and_reads(void **state)
{
        struct buf b = BUF_INIT(MSG_MAX);
        struct msg_reader r;
        enum msg_type type;
        struct err err;

        buf_put_str(&b, "front");
        put_append(&b);
        assert_int_equal(b.n, 5 + sizeof append);
        assert_memory_equal(b.p + 5, append, sizeof append);
        assert_int_equal(msg_open(span_from(buf_span(&b), 5), &r, &type, &err), 0);
        assert_int_equal(type, MSG_APPEND);
        assert_int_equal(get_append(&r, true), 0);
        buf_done(&b);
}

/* Cut anywhere, with and without the length field mended: never a whole message. */
static void cut_at_every_byte(void **state)
{
        for (size_t n = 0; n < sizeof append; n++) {
                uint8_t *copy = malloc(n + 1); /* exact, so that a sanitizer sees an over-read */
                struct msg_reader r;
                enum msg_type type = MSG_HELLO;
                struct err err = { 0 };

                assert_non_null(copy);
                memcpy(copy, append, n);
                assert_int_equal(msg_open(span_of(copy, n), &r, &type, &err), -EBADMSG);
                assert_int_equal(type, MSG_HELLO);
                if (n >= MSG_HEADER) {
                        copy[4] = (uint8_t)(n - MSG_HEADER);
                        assert_int_equal(msg_open(span_of(copy, n), &r, &type, &err), 0);
                        err.code = 0;
                        assert_int_equal(get_append(&r, false), -EBADMSG);
                        assert_int_equal(err.code, -EBADMSG);
                        assert_int_equal(msg_open(span_of(copy, n), &r, &type, NULL), 0);
                        assert_int_equal(get_append(&r, false), -EBADMSG);
                }
                free(copy);
        }
}

static void headers_refused(void **state)
{
        static const struct {
                size_t at;
                uint8_t v;
                const char *want;
        } t[] = {
                { 0, 0, "byte 0: magic 0x5900, expected 0x5941" },
                { 1, 0, "byte 0: magic 0x0041, expected 0x5941" },
                { 2, 2, "byte 2: version 2, this side speaks 1" },
                { 3, 0, "byte 3: unknown message type 0" },
                { 3, 12, "byte 3: unknown message type 12" },
                { 4, 52, "byte 4: payload of 52 bytes announced, 53 came" },
                { 7, 1, "byte 4: payload of 16777269 bytes announced, 53 came" },
        };
        struct buf b = BUF_INIT(MSG_MAX + 1);
        struct msg_reader r;
        enum msg_type type;
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                uint8_t copy[sizeof append];

                memcpy(copy, append, sizeof copy);
                copy[t[i].at] = t[i].v;
                assert_int_equal(msg_open(span_of(copy, sizeof copy), &r, &type, &err), -EBADMSG);
                assert_string_equal(err.text, t[i].want);
        }
        assert_non_null(buf_extend(&b, MSG_MAX + 1));
        assert_int_equal(msg_open(buf_span(&b), &r, &type, &err), -EBADMSG);
        assert_string_equal(err.text, "message of 196609 bytes, at most 196608 are read");
        buf_done(&b);
}

static void lengths_past_the_end(void **state)
{
        static const struct {
                size_t at; /* a byte of a length field in append */
                const char *want;
        } t[] = {
                { 28, "byte 30: a field of 16711687 bytes, 31 are left" },
                { 29, "byte 30: a field of 4278190087 bytes, 31 are left" },
                { 39, "byte 40: a field of 65285 bytes, 21 are left" },
                { 45, "byte 46: a field of 255 bytes, 15 are left" },
                { 54, "byte 58: a field of 255 bytes, 3 are left" },
        };
        uint8_t copy[sizeof append];
        struct msg_reader r;
        enum msg_type type;
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                memcpy(copy, append, sizeof copy);
                copy[t[i].at] = 0xff;
                assert_int_equal(msg_open(span_of(copy, sizeof copy), &r, &type, &err), 0);
                assert_int_equal(get_append(&r, false), -EBADMSG);
                assert_string_equal(err.text, t[i].want);
        }
}

static void rest_is_refused(void **state)
{
        uint8_t copy[sizeof append + 2] = { 0 };
        struct msg_reader r;
        enum msg_type type;
        struct err err;

        memcpy(copy, append, sizeof append);
        copy[4] += 2;
        assert_int_equal(msg_open(span_of(copy, sizeof copy), &r, &type, &err), 0);
        assert_int_equal(get_append(&r, true), -EBADMSG);
        assert_string_equal(err.text, "byte 61: 2 bytes behind the message's last field");
        assert_int_equal(msg_close(&r), -EBADMSG);
}

static void first_failure_sticks(void **state)
{
        static const uint8_t short_one[] = { 0x41, 0x59, 1, 2, 4, 0, 0, 0, 1, 2, 3, 4 };
        struct msg_reader r;
        enum msg_type type;
        struct err err = { 0 };

        assert_int_equal(msg_open(span_of(short_one, sizeof short_one), &r, &type, &err), 0);
        assert_int_equal(msg_get_u64(&r), 0);
        assert_string_equal(err.text, "byte 8: a field of 8 bytes, 4 are left");
        assert_int_equal(msg_get_u8(&r), 0);
        assert_int_equal(msg_get_u32(&r), 0);
        assert_int_equal(msg_get_bytes8(&r).n, 0);
        assert_string_equal(err.text, "byte 8: a field of 8 bytes, 4 are left");
        assert_int_equal(msg_close(&r), -EBADMSG);
}

static void writer_is_bounded(void **state)
{
        static uint8_t big[MSG_MAX];
        struct buf b = BUF_INIT(2 * MSG_MAX);
        size_t begun;

        begun = msg_begin(&b, MSG_NAK);
        msg_put_bytes8(&b, span_of(big, 255));
        msg_put_bytes16(&b, span_of(big, 65535));
        msg_end(&b, begun);
        assert_int_equal(buf_status(&b), 0);
        msg_put_bytes8(&b, span_of(big, 256));
        assert_int_equal(buf_status(&b), -E2BIG);
        buf_clear(&b);
        msg_put_bytes16(&b, span_of(big, 65536));
        assert_int_equal(buf_status(&b), -E2BIG);
        buf_clear(&b);
        begun = msg_begin(&b, MSG_COMMAND);
        msg_put_bytes32(&b, span_of(big, MSG_MAX - MSG_HEADER - 4));
        msg_end(&b, begun);
        assert_int_equal(buf_status(&b), 0);
        assert_int_equal(b.n, MSG_MAX);
        buf_clear(&b);
        begun = msg_begin(&b, MSG_COMMAND);
        msg_put_bytes32(&b, span_of(big, MSG_MAX - MSG_HEADER - 3));
        msg_end(&b, begun);
        assert_int_equal(buf_status(&b), -E2BIG);
        buf_done(&b);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(writes_and_reads),  cmocka_unit_test(cut_at_every_byte),
                cmocka_unit_test(headers_refused),   cmocka_unit_test(lengths_past_the_end),
                cmocka_unit_test(rest_is_refused),   cmocka_unit_test(first_failure_sticks),
                cmocka_unit_test(writer_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
