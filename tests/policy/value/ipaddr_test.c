/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/value/extension.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct cedar_ip ip(const char *text)
{
        struct cedar_ip v;

        if (cedar_ip_parse(span_str(text), &v, NULL))
                fail_msg("%s is not read", text);
        return v;
}

static void addresses_are_read(void **state)
{
        static const struct {
                const char *text;
                struct cedar_ip want;
        } table[] = {
                { "192.168.0.1", { { 192, 168, 0, 1 }, 32, false } },
                { "0.0.0.0/0", { { 0 }, 0, false } },
                { "10.1.2.3/8", { { 10, 1, 2, 3 }, 8, false } },
                { "255.255.255.255/32", { { 255, 255, 255, 255 }, 32, false } },
                { "::", { { 0 }, 128, true } },
                { "::/0", { { 0 }, 0, true } },
                { "::1", { { [15] = 1 }, 128, true } },
                { "1::", { { [1] = 1 }, 128, true } },
                { "1:2:3:4::/48", { { 0, 1, 0, 2, 0, 3, 0, 4 }, 48, true } },
                { "ABCD:ef01::00a", { { 0xab, 0xcd, 0xef, 1, [15] = 10 }, 128, true } },
                { "1:2:3:4:5:6:7:8",
                  { { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8 }, 128, true } },
                { "1:2:3:4:5:6:7::", { { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7 }, 128, true } },
                { "::2:3:4:5:6:7:8",
                  { { 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8 }, 128, true } },
                { "1::4:5:6:7:8",
                  { { 0, 1, 0, 0, 0, 0, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8 }, 128, true } },
                { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
                  { { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                      255 },
                    128,
                    true } },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_ip v = ip(table[i].text);

                if (cedar_ip_cmp(&v, &table[i].want))
                        fail_msg("%s is read as something else", table[i].text);
        }
}

static void other_spellings_are_refused(void **state)
{
        static const char *const table[] = {
                "",
                "1",
                "1.2.3",
                "1.2.3.4.5",
                "1.2.3.",
                ".1.2.3",
                "1..2.3",
                "256.0.0.1",
                "1000.0.0.1",
                "01.2.3.4",
                "1.2.3.00",
                "1.2.3.-4",
                "+1.2.3.4",
                "0x1.2.3.4",
                " 1.2.3.4",
                "1.2.3.4 ",
                "1.2.3.4\n",
                "1.2.3.4/",
                "1.2.3.4/33",
                "1.2.3.4/032",
                "1.2.3.4/00",
                "1.2.3.4/-1",
                "1.2.3.4/+8",
                "1.2.3.4/8/8",
                "1.2.3.4/ 8",
                "1.2.3.4/256",
                "/8",
                "1.2.3.4:80",
                "1.2.3.a",
                ":",
                ":::",
                "1:",
                ":1",
                "1:2:3:4:5:6:7",
                "1:2:3:4:5:6:7:8:9",
                "1:2:3:4:5:6:7:8::",
                "::1:2:3:4:5:6:7:8",
                "1:2:3:4::5:6:7:8",
                "1::2::3",
                "1:::2",
                "1::2:",
                "12345::",
                "00001::",
                "g::",
                "::1/129",
                "::1/1000",
                "::1/0128",
                "::1/",
                "::ffff:1.2.3.4",
                "::1.2.3.4",
                "1:2:3:4:5:6:1.2.3.4",
                "fe80::1%eth0",
                "fe80::1%1",
                "[::1]",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_ip v = { .prefix = 7 };
                struct err err = { 0 };

                if (cedar_ip_parse(span_str(table[i]), &v, &err) != -EINVAL)
                        fail_msg("\"%s\" is read", table[i]);
                assert_int_equal(v.prefix, 7);
                assert_int_equal(err.code, -EINVAL);
        }
}

/* RFC 5952, section 4. */
static void addresses_are_written_in_one_way(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "10.0.0.1/32", "10.0.0.1" },
                { "10.0.0.1/8", "10.0.0.1/8" },
                { "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
                { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
                { "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
                { "0:0:0:0:0:0:0:0/128", "::" },
                { "0:0:0:0:0:0:0:1/64", "::1/64" },
                { "1:0:0:0:0:0:0:0", "1::" },
                { "0:0:1::", "0:0:1::" },
                { "::ffff:102:304", "::ffff:102:304" },
                { "0001:0020:0300:4000:5:6:7:8", "1:20:300:4000:5:6:7:8" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_ip v = ip(table[i].text), back;
                struct buf out = BUF_INIT(100);

                cedar_ip_print(&v, &out);
                assert_string_equal(buf_cstr(&out), table[i].want);
                assert_int_equal(cedar_ip_parse(buf_span(&out), &back, NULL), 0);
                assert_int_equal(cedar_ip_cmp(&v, &back), 0);
                buf_done(&out);
        }
}

static void ranges_lie_in_ranges(void **state)
{
        static const struct {
                const char *a, *b;
                bool want;
        } table[] = {
                { "192.168.0.1", "192.168.0.1/24", true },
                { "192.168.0.1", "192.168.0.1/28", true },
                { "192.168.0.75", "192.168.0.1/24", true },
                { "192.168.0.75", "192.168.0.1/28", false },
                { "1:2:3:4::", "1:2:3:4::/48", true },
                { "192.168.0.1", "1:2:3:4::", false },
                { "0.0.0.1", "::/0", false },
                { "::1", "0.0.0.0/0", false },
                { "10.0.0.0/24", "10.0.0.0/24", true },
                { "10.0.0.77/24", "10.0.0.5/24", true },
                { "10.0.0.0/24", "10.0.0.0/25", false },
                { "10.0.0.0/25", "10.0.0.0/24", true },
                { "10.0.0.128/25", "10.0.0.0/25", false },
                { "1.2.3.4", "0.0.0.0/0", true },
                { "0.0.0.0/0", "0.0.0.0/0", true },
                { "0.0.0.0/0", "0.0.0.0/1", false },
                { "1.2.3.4", "1.2.3.4", true },
                { "1.2.3.4", "1.2.3.5", false },
                { "1.2.3.4", "1.2.3.5/31", true },
                { "2001:db8::1", "2001:db8::/127", true },
                { "2001:db8::2", "2001:db8::/127", false },
                { "8000::", "::/0", true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_ip a = ip(table[i].a), b = ip(table[i].b);

                if (cedar_ip_in_range(&a, &b) != table[i].want)
                        fail_msg("%s in %s", table[i].a, table[i].b);
        }
}

static void loopback_and_multicast_are_of_whole_ranges(void **state)
{
        static const struct {
                const char *text;
                bool loopback, multicast;
        } table[] = {
                { "127.0.0.1", true, false },
                { "127.0.0.2", true, false },
                { "127.255.255.255", true, false },
                { "127.0.0.1/8", true, false },
                { "127.0.0.1/7", false, false },
                { "128.0.0.1", false, false },
                { "::1", true, false },
                { "::1/127", false, false },
                { "::2", false, false },
                { "::ffff:7f00:1", false, false },
                { "224.0.0.1", false, true },
                { "239.255.255.255", false, true },
                { "240.0.0.0", false, false },
                { "224.0.0.0/4", false, true },
                { "224.0.0.0/3", false, false },
                { "ff00::2", false, true },
                { "ff00::/8", false, true },
                { "ff00::/7", false, false },
                { "fe80::1", false, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_ip v = ip(table[i].text);

                if (cedar_ip_is_loopback(&v) != table[i].loopback ||
                    cedar_ip_is_multicast(&v) != table[i].multicast)
                        fail_msg("%s", table[i].text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(addresses_are_read),
                cmocka_unit_test(other_spellings_are_refused),
                cmocka_unit_test(addresses_are_written_in_one_way),
                cmocka_unit_test(ranges_lie_in_ranges),
                cmocka_unit_test(loopback_and_multicast_are_of_whole_ranges),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
