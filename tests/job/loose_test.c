/* SPDX-License-Identifier: Apache-2.0 */
/* Loose objects, packed by zlib itself: good ones, and ones that say something else than they are.
 */
#include "job/loose.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { PACKED_MAX = 4096 };

static size_t pack(struct span s, uint8_t out[PACKED_MAX])
{
        uLongf n = PACKED_MAX;

        assert_int_equal(compress2(out, &n, s.p, s.n, 9), Z_OK);
        return n;
}

static const struct {
        const char *name;
        struct span object;
        int header, content; /* results */
        size_t size;
} cases[] = {
        { "blob", SPAN_INIT("blob 5\0hello"), 0, 0, 5 },
        { "empty blob", SPAN_INIT("blob 0\0"), 0, 0, 0 },
        { "tree", SPAN_INIT("tree 3\0abc"), 0, 0, 3 },
        { "longer than a header",
          SPAN_INIT("commit 40\0"
                    "0123456789012345678901234567890123456789"),
          0, 0, 40 },
        { "no type", SPAN_INIT("glob 5\0hello"), -EBADMSG, 0, 0 },
        { "a type only packs have", SPAN_INIT("OFS_DELTA 5\0hello"), -EBADMSG, 0, 0 },
        { "no size", SPAN_INIT("blob \0hello"), -EBADMSG, 0, 0 },
        { "size with a sign", SPAN_INIT("blob +5\0hello"), -EBADMSG, 0, 0 },
        { "size of more than 32 bits", SPAN_INIT("blob 4294967296\0hello"), -EBADMSG, 0, 0 },
        { "no end of the header", SPAN_INIT("blob 5 hello"), -EBADMSG, 0, 0 },
        { "header too long", SPAN_INIT("blob 0000000000000000000000000000000000005\0hello"),
          -EBADMSG, 0, 0 },
        { "no blank", SPAN_INIT("blob5\0hel lo"), -EBADMSG, 0, 0 },
        { "nothing", SPAN_INIT(""), -EBADMSG, 0, 0 },
        { "shorter than it says", SPAN_INIT("blob 6\0hello"), 0, -EBADMSG, 6 },
        { "longer than it says", SPAN_INIT("blob 4\0hello"), 0, -EBADMSG, 4 },
        { "says nothing, has something", SPAN_INIT("blob 0\0h"), 0, -EBADMSG, 0 },
};

static void test_cases(void **state)
{
        uint8_t packed[PACKED_MAX], out[64];
        struct loose l;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct span s = span_of(packed, pack(cases[i].object, packed));

                print_message("%s\n", cases[i].name);
                assert_int_equal(loose_header(s, &l), cases[i].header);
                if (cases[i].header < 0)
                        continue;
                assert_int_equal(l.size, cases[i].size);
                assert_int_equal(loose_content(s, &l, out), cases[i].content);
                if (cases[i].content == 0)
                        assert_memory_equal(out, cases[i].object.p + cases[i].object.n - l.size,
                                            l.size);
        }
}

/* Cut anywhere, or with a byte behind it, or with any bit of its checksum changed: none. */
static void test_broken(void **state)
{
        uint8_t packed[PACKED_MAX], out[64];
        struct loose l;

        for (size_t i = 0; i < 4; i++) {
                size_t n = pack(cases[i].object, packed);

                assert_int_equal(loose_header(span_of(packed, n), &l), 0);
                for (size_t cut = 0; cut < n; cut++) {
                        struct loose h;

                        assert_int_equal(loose_content(span_of(packed, cut), &l, out), -EBADMSG);
                        assert_true(loose_header(span_of(packed, cut), &h) <= 0);
                }
                packed[n] = 'x';
                assert_int_equal(loose_content(span_of(packed, n + 1), &l, out), -EBADMSG);
                for (unsigned bit = 0; bit < 32; bit++) {
                        packed[n - 4 + bit / 8] ^= (uint8_t)(1u << bit % 8);
                        assert_int_equal(loose_content(span_of(packed, n), &l, out), -EBADMSG);
                        packed[n - 4 + bit / 8] ^= (uint8_t)(1u << bit % 8);
                }
                assert_int_equal(loose_content(span_of(packed, n), &l, out), 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_broken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
