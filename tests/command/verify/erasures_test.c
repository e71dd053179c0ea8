/* SPDX-License-Identifier: Apache-2.0 */
/* Who is gone and who is told to be: each once, up to a ceiling. */
#include "command/verify/erasures.h"

#include "../alloc_fail.h"
#include "base/buf.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A subject's id. */
static struct span id_of(uint64_t i)
{
        static struct buf text;
        uint8_t raw[16] = { 0 };

        memcpy(raw + 4, &i, sizeof i);
        text.max = 64;
        buf_clear(&text);
        text_put_base64url(&text, span_of(raw, sizeof raw));
        return buf_span(&text);
}

static void told_and_untold(void **state)
{
        static const struct {
                const char *name;
                const char *events; /* upper case: gone, lower case: told; in turn of the entries */
                int64_t first;      /* entry of the first untold, -1: none */
                char who;
        } t[] = {
                { "nothing", "", -1, 0 },
                { "told of all that are gone", "ABab", -1, 0 },
                { "told before", "aA", -1, 0 },
                { "told of one that is not gone", "z", -1, 0 },
                { "one untold", "A", 0, 'A' },
                { "the first of them", "ABCa", 1, 'B' },
                { "told twice", "AaaB", 3, 'B' },
                { "its first entry", "AAAB", 0, 'A' },
                { "gone, told, spoken of again", "AaA", -1, 0 },
                { "others told", "Abc", 0, 'A' },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                char id[ENTRY_SUBJECT_LEN + 1];
                uint64_t index = 99;
                struct erasures e;
                bool untold;

                erasures_init(&e, 26);
                for (size_t k = 0; t[i].events[k]; k++) {
                        char c = t[i].events[k];
                        int r = c >= 'a' ? erasures_told(&e, id_of((uint64_t)(c - 'a')), NULL)
                                         : erasures_gone(&e, id_of((uint64_t)(c - 'A')), k, NULL);

                        assert_int_equal(r, 0);
                        if (c < 'a')
                                assert_true(erasures_is_gone(&e, id_of((uint64_t)(c - 'A'))));
                }
                untold = erasures_untold(&e, &index, id);
                if (untold != (t[i].first >= 0))
                        fail_msg("%s", t[i].name);
                assert_false(erasures_is_gone(&e, id_of(25)));
                if (untold) {
                        assert_int_equal(index, t[i].first);
                        assert_true(span_eq_str(id_of((uint64_t)(t[i].who - 'A')), id));
                }
                erasures_done(&e);
        }
}

static void no_ids(void **state)
{
        static const char *const t[] = { "",
                                         "x",
                                         "AAAAAAAAAAAAAAAAAAAAA",  /* 21 */
                                         "AAAAAAAAAAAAAAAAAAAAAB", /* pad bits */
                                         "AAAAAAAAAAAAAAAAAAAA==",
                                         "AAAAAAAAAAAAAAAAAAAA+A" };
        char id[ENTRY_SUBJECT_LEN + 1];
        struct erasures e;
        uint64_t index;

        erasures_init(&e, 1);
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                assert_int_equal(erasures_gone(&e, span_str(t[i]), 1, NULL), 0);
                assert_int_equal(erasures_told(&e, span_str(t[i]), NULL), 0);
                assert_false(erasures_is_gone(&e, span_str(t[i])));
        }
        assert_int_equal(e.n, 0);
        assert_false(erasures_untold(&e, &index, id));
        erasures_done(&e);
}

/* Whoever chooses ids does not choose their places. */
static void each_table_has_a_key_of_its_own(void **state)
{
        struct erasures a, b;

        erasures_init(&a, 1);
        erasures_init(&b, 1);
        assert_memory_not_equal(a.key, b.key, sizeof a.key);
        erasures_done(&a);
        erasures_done(&b);
}

/* Entries may be as many as they like; subjects not. */
static void ceiling(void **state)
{
        enum { MOST = 1000 };
        char id[ENTRY_SUBJECT_LEN + 1];
        struct erasures e;
        struct err err = { 0 };
        uint64_t index;

        erasures_init(&e, MOST);
        for (uint64_t i = 0; i < (2 << 20); i++)
                assert_int_equal(erasures_gone(&e, id_of(i % MOST), i, &err), 0);
        assert_int_equal(erasures_gone(&e, id_of(MOST), 7, &err), -E2BIG);
        assert_non_null(strstr(err.text, "more than 1000 subjects"));
        assert_int_equal(erasures_told(&e, id_of(MOST), &err), -E2BIG);
        for (uint64_t i = 0; i < MOST; i++) {
                assert_true(erasures_untold(&e, &index, id));
                assert_int_equal(index, i);
                assert_int_equal(erasures_told(&e, id_of(i), &err), 0);
        }
        assert_false(erasures_untold(&e, &index, id));
        assert_int_equal(e.n, MOST);
        erasures_done(&e);
}

static void no_memory(void **state)
{
        for (size_t nth = 1;; nth++) {
                struct erasures e;
                struct err err = { 0 };
                int r = 0;

                erasures_init(&e, 200);
                for (uint64_t i = 0; i < 200 && r == 0; i++) {
                        struct span id = id_of(i);

                        alloc_fail_nth = i == 0 ? nth : alloc_fail_nth;
                        r = erasures_gone(&e, id, i, &err);
                }
                alloc_fail_nth = 0;
                assert_int_equal(e.n, e.untold);
                erasures_done(&e);
                if (r == 0)
                        break;
                assert_int_equal(r, -ENOMEM);
                assert_true(nth < 10);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(told_and_untold),
                cmocka_unit_test(no_ids),
                cmocka_unit_test(each_table_has_a_key_of_its_own),
                cmocka_unit_test(ceiling),
                cmocka_unit_test(no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
