/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/acl.h"

#include "../alloc_fail.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Values read with getfattr(1) from files that setfacl(1) had its way with, and what getfacl(1)
 * printed of them with -n; the rest worked out by hand from the table in acl.h. */
static void test_text(void **state)
{
        static const struct {
                const char *name, *hex, *want;
        } rows[] = {
                { "setfacl -m u:1000:rw,g:5:r",
                  "0200000001000600ffffffff02000600e803000004000400ffffffff0800040005000000"
                  "10000600ffffffff20000400ffffffff",
                  "user::rw-,user:1000:rw-,group::r--,group:5:r--,mask::rw-,other::r--" },
                { "setfacl -d -m u:0:rwx,g:7:---",
                  "0200000001000700ffffffff020007000000000004000500ffffffff0800000007000000"
                  "10000700ffffffff20000500ffffffff",
                  "user::rwx,user:0:rwx,group::r-x,group:7:---,mask::rwx,other::r-x" },
                { "no entries", "02000000", "" },
                { "highest id", "0200000002000100ffffffff", "user:4294967295:--x" },
        };
        struct buf b = BUF_INIT(4096);

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint8_t raw[256];
                size_t n = strlen(rows[i].hex) / 2;
                struct err err = { 0 };

                buf_clear(&b);
                assert_int_equal(text_from_hex(span_str(rows[i].hex), raw, n), 0);
                if (acl_put_text(span_of(raw, n), &b, &err) < 0)
                        fail_msg("%s: %s", rows[i].name, err.text);
                assert_string_equal(buf_cstr(&b), rows[i].want);
        }
        buf_done(&b);
        (void)state;
}

static void test_refused(void **state)
{
        static const struct {
                const char *name, *hex, *want;
        } rows[] = {
                { "empty", "", "0 bytes are no access control list" },
                { "half a version", "0200", "2 bytes are no access control list" },
                { "version 1", "01000000", "byte 0: version 1 is not known" },
                { "half an entry", "0200000001000600", "8 bytes are no access control list" },
                { "one byte more", "0200000001000600ffffffff00",
                  "13 bytes are no access control list" },
                { "tag 3", "0200000003000600ffffffff", "byte 4: tag 3 is not known" },
                { "tag 0x40 second", "0200000001000600ffffffff40000600ffffffff",
                  "byte 12: tag 64 is not known" },
                { "permission 8", "0200000001000800ffffffff",
                  "byte 6: permissions 0x8 are not known" },
                { "permission high byte", "0200000001000601ffffffff",
                  "byte 6: permissions 0x106 are not known" },
        };
        struct buf b = BUF_INIT(4096);

        buf_put_str(&b, "kept");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint8_t raw[64];
                size_t n = strlen(rows[i].hex) / 2;
                struct err err = { 0 };

                assert_int_equal(text_from_hex(span_str(rows[i].hex), raw, n), 0);
                assert_int_equal(acl_put_text(span_of(raw, n), &b, &err), -EBADMSG);
                assert_string_equal(err.text, rows[i].want);
                assert_string_equal(buf_cstr(&b), "kept");
        }
        buf_done(&b);
        (void)state;
}

static void test_entries(void **state)
{
        static const struct {
                size_t bytes, want;
        } rows[] = { { 0, 0 }, { 3, 0 }, { 4, 0 }, { 11, 0 }, { 12, 1 }, { 52, 6 } };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(acl_entries(rows[i].bytes), rows[i].want);
        (void)state;
}

/* Without memory the buf says so, whatever allocation it was. */
static void test_no_memory(void **state)
{
        uint8_t raw[4 + 512 * 8] = { 2 };
        int status = -ENOMEM;

        for (size_t at = 4; at < sizeof raw; at += 8)
                raw[at] = 1;
        for (size_t nth = 1; status; nth++) {
                struct buf b = BUF_INIT(1 << 16);

                alloc_fail_nth = nth;
                (void)!acl_put_text(span_of(raw, sizeof raw), &b, NULL);
                alloc_fail_nth = 0;
                status = buf_status(&b);
                assert_true(status == 0 || status == -ENOMEM);
                buf_done(&b);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_entries),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
