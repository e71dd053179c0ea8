/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/file_caps.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What getfattr(1) read where setcap(8) had written, and what getcap(8) printed of it; but for the
 * second clause, which libcap 2.66 writes first and with "+". */
static void test_text(void **state)
{
        static const struct {
                const char *hex, *want;
        } rows[] = {
                { "0100000200200000000000000000000000000000", "cap_net_raw=ep" },
                { "0100000221000000210000000000000000000000", "cap_chown,cap_kill=eip" },
                { "0100000201000000200000000000000000000000", "cap_chown=ep cap_kill=ei" },
                { "0000000200100000000000000000000000000000", "cap_net_admin=p" },
                { "0000000200000000200000000000000000000000", "cap_kill=i" },
                { "01000002ffffffff00000000ff01000000000000", "=ep" },
                { "0000000200000000000000000000000000000000", "=" },
                { "0100000200000000000000000001000000000000", "cap_checkpoint_restore=ep" },
                { "0100000300200000000000000000000000000000e8030000", "cap_net_raw=ep root=1000" },
                { "010000030020000000000000000000000000000000000000", "cap_net_raw=ep" },
                { "010000010020000000000000", "cap_net_raw=ep" }, /* revision 1, by hand */
                /* By hand: capability 63, which has no name yet, beside one that has. */
                { "0100000200200000000000000000008000000000", "cap_net_raw,63=ep" },
        };
        struct buf b = BUF_INIT(4096);

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint8_t raw[32];
                size_t n = strlen(rows[i].hex) / 2;
                struct file_caps c;
                struct err err = { 0 };

                buf_clear(&b);
                assert_int_equal(text_from_hex(span_str(rows[i].hex), raw, n), 0);
                if (file_caps_decode(span_of(raw, n), &c, &err) < 0)
                        fail_msg("%s: %s", rows[i].hex, err.text);
                file_caps_put_text(&c, &b);
                assert_string_equal(buf_cstr(&b), rows[i].want);
        }
        buf_done(&b);
        (void)state;
}

static void test_refused(void **state)
{
        static const struct {
                const char *hex, *want;
        } rows[] = {
                { "", "0 bytes are no capabilities" },
                { "010000", "3 bytes are no capabilities" },
                { "01000000", "byte 3: revision 0 is not known" },
                { "0100000400200000000000000000000000000000", "byte 3: revision 4 is not known" },
                { "0200000200200000000000000000000000000000", "byte 0: flags 0x2 are not known" },
                { "0100010200200000000000000000000000000000",
                  "byte 0: flags 0x10001 are not known" },
                { "01000002002000000000000000000000000000", "19 bytes where revision 2 has 20" },
                { "010000020020000000000000", "12 bytes where revision 2 has 20" },
                { "0100000300200000000000000000000000000000", "20 bytes where revision 3 has 24" },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint8_t raw[32];
                size_t n = strlen(rows[i].hex) / 2;
                struct file_caps c = { .root = 7 };
                struct err err = { 0 };

                assert_int_equal(text_from_hex(span_str(rows[i].hex), raw, n), 0);
                assert_int_equal(file_caps_decode(span_of(raw, n), &c, &err), -EBADMSG);
                assert_string_equal(err.text, rows[i].want);
                assert_int_equal(c.root, 7);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
