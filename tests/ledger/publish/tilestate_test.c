/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/publish/tilestate.h"

#include "../testlog.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct want {
        struct testlog *log;
        uint64_t full[3];
        int fail_at; /* of level 0 */
};

/* Each tile it completes, against the definition; lower levels first. */
static int full(void *ctx, struct tile t, const struct hash h[TILE_WIDTH])
{
        struct want *w = ctx;
        uint64_t per = UINT64_C(1) << (8 * t.level);

        assert_int_equal(t.width, 256);
        assert_in_range(t.level, 0, 2);
        assert_int_equal(t.n, w->full[t.level]);
        if (t.level == 0 && (int)t.n == w->fail_at)
                return -EIO;
        for (unsigned i = 0; i < 256; i++) {
                struct hash want = testlog_mth(w->log->leaf + (t.n * 256 + i) * per, per);

                assert_memory_equal(h[i].b, want.b, 32);
        }
        w->full[t.level]++;
        return 0;
}

static void roots(void **state)
{
        struct tilestate *s = calloc(1, sizeof *s);
        struct testlog log;
        struct want w = { .log = &log, .fail_at = -1 };
        struct hash got, want;

        testlog_new(&log, "t.example");
        tilestate_root(s, &got);
        assert_memory_equal(got.b, sha256_empty, 32);
        for (uint64_t n = 1; n <= 66000; n++) {
                testlog_fill(&log, 1);
                assert_int_equal(tilestate_append(s, &log.leaf[n - 1], full, &w), 0);
                if (n > 1100 && n % 4999 && (n < 65530 || n > 65550))
                        continue;
                want = testlog_root(&log, n);
                tilestate_root(s, &got);
                assert_int_equal(s->size, n);
                assert_memory_equal(got.b, want.b, 32);
        }
        assert_int_equal(w.full[0], 257);
        assert_int_equal(w.full[1], 1);
        assert_int_equal(w.full[2], 0);
        testlog_done(&log);
        free(s);
}

/* Whole tiles of leaves by their hash alone, then leaves; the roots are the same. */
static void by_subtrees(void **state)
{
        struct tilestate *s = calloc(1, sizeof *s);
        struct testlog log;
        struct want w = { .log = &log, .fail_at = -1 };
        struct hash got, want;

        testlog_new(&log, "t.example");
        testlog_fill(&log, 66000);
        for (uint64_t n = 0; n < 257; n++) {
                struct hash tile = testlog_mth(log.leaf + n * 256, 256);

                assert_int_equal(tilestate_append_tree(s, 1, &tile, full, &w), 0);
                assert_int_equal(s->size, (n + 1) * 256);
                want = testlog_root(&log, s->size);
                tilestate_root(s, &got);
                assert_memory_equal(got.b, want.b, 32);
        }
        w.full[0] = 257; /* nobody saw those */
        for (uint64_t n = s->size; n < 66000; n++)
                assert_int_equal(tilestate_append(s, &log.leaf[n], full, &w), 0);
        want = testlog_root(&log, 66000);
        tilestate_root(s, &got);
        assert_memory_equal(got.b, want.b, 32);
        assert_int_equal(w.full[1], 1);
        testlog_done(&log);
        free(s);
}

static void folds(void **state)
{
        struct testlog log;
        struct hash got, want;

        testlog_new(&log, "t.example");
        testlog_fill(&log, 257);
        for (size_t n = 1; n <= 257; n++) {
                tilestate_fold(log.leaf, n, &got);
                want = testlog_root(&log, n);
                assert_memory_equal(got.b, want.b, 32);
        }
        testlog_done(&log);
}

static void failure_is_passed_on(void **state)
{
        struct tilestate *s = calloc(1, sizeof *s);
        struct testlog log;
        struct want w = { .log = &log, .fail_at = 1 };

        testlog_new(&log, "t.example");
        testlog_fill(&log, 512);
        for (uint64_t n = 0; n < 511; n++)
                assert_int_equal(tilestate_append(s, &log.leaf[n], full, &w), 0);
        assert_int_equal(tilestate_append(s, &log.leaf[511], full, &w), -EIO);
        testlog_done(&log);
        free(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(roots),
                cmocka_unit_test(by_subtrees),
                cmocka_unit_test(folds),
                cmocka_unit_test(failure_is_passed_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
