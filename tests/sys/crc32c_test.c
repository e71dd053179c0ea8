/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the three above first */
#include <cmocka.h>

/* RFC 3720 B.4; the RFC prints the bytes as they go on the wire, least significant first. */
static const uint8_t zeros[32];
static const uint8_t ones[32] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};
static const uint8_t up[32] = {
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
        0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
        0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
};
static const uint8_t down[32] = {
        0x1f, 0x1e, 0x1d, 0x1c, 0x1b, 0x1a, 0x19, 0x18, 0x17, 0x16, 0x15,
        0x14, 0x13, 0x12, 0x11, 0x10, 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a,
        0x09, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x00,
};
static const uint8_t read_command[48] = {
        0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
        0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static const struct {
        const char *name;
        struct span input;
        uint32_t want;
} cases[] = {
        { "32 zeros", { zeros, 32 }, 0x8a9136aa },
        { "32 ones", { ones, 32 }, 0x62a8ab43 },
        { "32 incrementing", { up, 32 }, 0x46dd794e },
        { "32 decrementing", { down, 32 }, 0x113fdb5c },
        { "iSCSI read command", { read_command, 48 }, 0xd9963a56 },
        { "check string", SPAN_INIT("123456789"), 0xe3069283 },
        { "empty", { NULL, 0 }, 0 },
};

static void test_vectors(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                print_message("%s\n", cases[i].name);
                assert_int_equal(crc32c(0, cases[i].input), cases[i].want);
                assert_int_equal(crc32c_portable(0, cases[i].input), cases[i].want);
        }
}

/* Any cut gives the same, and both ways agree at every length and alignment. */
static void test_continues(void **state)
{
        uint8_t data[200];
        struct span s;
        uint32_t whole;

        for (size_t i = 0; i < sizeof data; i++)
                data[i] = (uint8_t)(i * 37 + 11);
        for (size_t from = 0; from < 9; from++) {
                s = span_of(data + from, sizeof data - from);
                whole = crc32c_portable(0, s);
                for (size_t cut = 0; cut <= s.n; cut++)
                        assert_int_equal(crc32c(crc32c(0, span_of(s.p, cut)), span_from(s, cut)),
                                         whole);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_continues),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
