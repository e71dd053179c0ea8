/* SPDX-License-Identifier: Apache-2.0 */
#include "package/call/call_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What Python's datetime says of them. */
static void times_are_milliseconds(void **state)
{
        static const struct {
                struct span text;
                bool is;
                int64_t ms;
        } table[] = {
                { SPAN_INIT("1970-01-01T00:00:00Z"), true, 0 },
                { SPAN_INIT("2026-11-26T12:30:45Z"), true, 1795696245000 },
                { SPAN_INIT("2026-11-26t12:30:45z"), true, 1795696245000 },
                { SPAN_INIT("2026-11-26T12:30:45.123+01:30"), true, 1795690845123 },
                { SPAN_INIT("2026-11-26T12:30:45.1+01:30"), true, 1795690845100 },
                { SPAN_INIT("2026-11-26T12:30:45.02+01:30"), true, 1795690845020 },
                { SPAN_INIT("2024-02-29T00:00:00-23:59"), true, 1709251140000 },
                { SPAN_INIT("1970-01-01T00:00:00-00:00"), true, 0 },
                { SPAN_INIT("0001-01-01T00:00:00+00:00"), true, -62135596800000 },
                { SPAN_INIT("9999-12-31T23:59:59.999-23:59"), true, 253402387139999 },
                /* cut off, before 1970 too: the millisecond that it is in */
                { SPAN_INIT("2026-11-26T12:30:45.1239999999999Z"), true, 1795696245123 },
                { SPAN_INIT("1969-12-31T23:59:59.999999Z"), true, -1 },
                { SPAN_INIT("1969-12-31T23:59:59.9990000Z"), true, -1 },
                /* leap seconds, and no times */
                { SPAN_INIT("1990-12-31T23:59:60Z"), false, 0 },
                { SPAN_INIT("1990-12-31T15:59:60.5-08:00"), false, 0 },
                { SPAN_INIT("2026-11-26"), false, 0 },
                { SPAN_INIT("2026-11-26T12:30:45"), false, 0 },
                { SPAN_INIT("2026-11-26T12:30:45.Z"), false, 0 },
                { SPAN_INIT("2026-11-26T12:30:45+0100"), false, 0 },
                { SPAN_INIT("2026-11-26T12:30:45+01:3"), false, 0 },
                { SPAN_INIT("2026-11-26T12:30:45Z\0"), false, 0 },
                { SPAN_INIT("2023-02-29T00:00:00Z"), false, 0 },
                { SPAN_INIT(""), false, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                int64_t ms = 4711;
                bool is = call_time(table[i].text, &ms);

                if (is != table[i].is || ms != (is ? table[i].ms : 4711))
                        fail_msg("%.*s: %d, %lld", (int)table[i].text.n,
                                 (const char *)table[i].text.p, is, (long long)ms);
        }
}

static void addresses_are_bytes(void **state)
{
        static const struct {
                struct span text;
                bool is, v6;
                uint8_t address[16];
        } table[] = {
                { SPAN_INIT("10.0.0.1"), true, false, { 10, 0, 0, 1 } },
                { SPAN_INIT("255.255.255.255"), true, false, { 255, 255, 255, 255 } },
                { SPAN_INIT("::"), true, true, { 0 } },
                { SPAN_INIT("2001:DB8::1"), true, true, { 0x20, 1, 0x0d, 0xb8, [15] = 1 } },
                { SPAN_INIT("::ffff:10.0.0.1"),
                  true,
                  true,
                  { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 } },
                { SPAN_INIT("0001:0002:0003:0004:0005:0006:255.255.255.254"),
                  true,
                  true,
                  { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 255, 255, 255, 254 } },
                { SPAN_INIT("10.0.0.0/8"), false, false, { 0 } },
                { SPAN_INIT("10.0.0.01"), false, false, { 0 } },
                { SPAN_INIT("10.1"), false, false, { 0 } },
                { SPAN_INIT("fe80::1%eth0"), false, false, { 0 } },
                { SPAN_INIT("::1/128"), false, false, { 0 } },
                { SPAN_INIT("::1\0"), false, false, { 0 } },
                { SPAN_INIT("0001:0002:0003:0004:0005:0006:255.255.255.2540"),
                  false,
                  false,
                  { 0 } },
                { SPAN_INIT(""), false, false, { 0 } },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_ip ip = { .prefix = 99 };
                bool is = call_address(table[i].text, &ip);

                if (is != table[i].is || ip.v6 != table[i].v6 ||
                    ip.prefix != (!is     ? 99
                                  : ip.v6 ? 128
                                          : 32) ||
                    memcmp(ip.address, table[i].address, sizeof ip.address) != 0)
                        fail_msg("%.*s", (int)table[i].text.n, (const char *)table[i].text.p);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(times_are_milliseconds),
                cmocka_unit_test(addresses_are_bytes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
