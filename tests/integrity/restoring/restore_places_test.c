/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/restore_places.h"

#include "../alloc_fail.h"
#include "../sample.h"
#include "base/clock.h"

#include <stdio.h>

static struct restore_place *make(struct restore_places *s, const char *path)
{
        struct restore_place *p = restore_places_make(s, span_str(path));

        assert_non_null(p);
        return p;
}

static struct restore_place *want(struct restore_places *s, const char *path, int64_t due)
{
        struct restore_place *p = make(s, path);

        restore_place_want(s, p, 1000, 1, due);
        return p;
}

/* A file that somebody added, or changed. */
static void want_of(struct restore_places *s, const char *path, bool added, uint32_t uid)
{
        struct restore_place *p = make(s, path);
        struct buf b = BUF_INIT(RECORD_MAX);
        struct record file = sample_file(1, 'x');

        assert_int_equal(
                restore_place_set_good(p, added ? SPAN_NONE : sample_encode(&b, &file), false), 0);
        restore_place_want(s, p, uid, 1, 0);
        buf_done(&b);
}

static void expect_next(struct restore_places *s, int64_t now, const char *path)
{
        struct restore_place *p = restore_places_next(s, now);

        if (!path) {
                assert_null(p);
                return;
        }
        assert_non_null(p);
        if (!span_eq_str(restore_place_path(p), path))
                fail_msg("%.*s before %s", (int)p->path_n, p->path, path);
        restore_place_unwant(s, p);
}

static struct restore_places *new_places(void)
{
        struct restore_places *s = NULL;

        assert_int_equal(restore_places_new(&s, NULL), 0);
        return s;
}

/* First come, first served, but what is above comes before what is below it. */
static void test_order(void **state)
{
        CLEANUP(restore_places_freep) struct restore_places *s = new_places();

        (void)state;
        want(s, "/a/b/c/d", 0);
        want(s, "/x", 0);
        want(s, "/a/b", 0);
        want(s, "/a", 100); /* not yet: nothing waits for it */
        assert_int_equal(restore_places_wanted(s), 4);
        expect_next(s, 10, "/a/b");
        expect_next(s, 10, "/a/b/c/d");
        expect_next(s, 10, "/x");
        expect_next(s, 10, NULL);
        assert_int_equal(restore_places_due(s, 10), 100);
        expect_next(s, 100, "/a");
        assert_int_equal(restore_places_due(s, 100), -1);
}

/* Whoever adds a thousand files puts off nobody's but his own; what was changed or deleted comes
 * before what was added, whoever did it; and users take turns. */
static void test_turns(void **state)
{
        CLEANUP(restore_places_freep) struct restore_places *s = new_places();
        char path[32];

        (void)state;
        for (int i = 0; i < 1000; i++) {
                snprintf(path, sizeof path, "/w/z%04d", i);
                want_of(s, path, true, 65534);
        }
        for (int i = 0; i < 5; i++) {
                snprintf(path, sizeof path, "/w/c%d", i);
                want_of(s, path, false, 65534);
        }
        want_of(s, "/w/added-by-root", true, 0);
        want_of(s, "/w/config", false, 0);
        want_of(s, "/w/other", false, 1001);
        /* Whose turn it is after the first is not said; that all three have had theirs is. */
        for (int i = 0; i < 3; i++) {
                struct restore_place *p = restore_places_next(s, 1);

                assert_non_null(p);
                assert_true(span_eq_str(restore_place_path(p), "/w/config") ||
                            span_eq_str(restore_place_path(p), "/w/other") ||
                            span_eq_str(restore_place_path(p), "/w/c0"));
                restore_place_unwant(s, p);
        }
        for (int i = 1; i < 5; i++) {
                snprintf(path, sizeof path, "/w/c%d", i);
                expect_next(s, 1, path);
        }
        for (int i = 0; i < 2; i++) {
                struct restore_place *p = restore_places_next(s, 1);

                assert_non_null(p);
                assert_true(span_eq_str(restore_place_path(p), "/w/added-by-root") ||
                            span_eq_str(restore_place_path(p), "/w/z0000"));
                restore_place_unwant(s, p);
        }
        expect_next(s, 1, "/w/z0001");
        assert_int_equal(restore_places_wanted(s), 998);
        /* What somebody else's thousand are before, and root touches, waits in root's lane. */
        restore_place_want(s, restore_places_find(s, SPAN("/w/z0999")), 0, 1, 0);
        expect_next(s, 1, "/w/z0999");
        expect_next(s, 1, "/w/z0002");
}

/* Where something was renamed from comes before where it went. */
static void test_renamed(void **state)
{
        CLEANUP(restore_places_freep) struct restore_places *s = new_places();
        struct restore_place *from = make(s, "/t/from");

        (void)state;
        want(s, "/t/to", 0);
        assert_int_equal(restore_place_set_moved(from, SPAN("/t/to")), 0);
        restore_place_want(s, from, 1000, 1, 0);
        expect_next(s, 1, "/t/from");
        expect_next(s, 1, "/t/to");
        expect_next(s, 1, NULL);
}

static void test_below_nothing(void **state)
{
        CLEANUP(restore_places_freep) struct restore_places *s = new_places();
        struct buf b = BUF_INIT(RECORD_MAX);
        struct record file = sample_file(1, 'x'), dir = sample_dir(2);

        (void)state;
        assert_false(restore_places_none_below(s, SPAN("/a/b")));
        assert_int_equal(restore_place_set_good(make(s, "/a"), SPAN_NONE, false), 0);
        assert_true(restore_places_none_below(s, SPAN("/a/b/c")));
        assert_false(restore_places_none_below(s, SPAN("/a")));
        assert_int_equal(restore_place_set_good(make(s, "/a"), sample_encode(&b, &dir), false), 0);
        assert_false(restore_places_none_below(s, SPAN("/a/b/c")));
        assert_int_equal(restore_place_set_good(make(s, "/a"), sample_encode(&b, &file), false), 0);
        assert_true(restore_places_none_below(s, SPAN("/a/b/c")));
        buf_done(&b);
}

static void test_thrice(void **state)
{
        CLEANUP(restore_places_freep) struct restore_places *s = new_places();
        struct restore_place *p = make(s, "/p");
        int64_t t = 1000 * NS_PER_S;

        (void)state;
        assert_int_equal(restore_place_recent(p, t), 0);
        assert_int_equal(restore_place_count(p, t), 1);
        assert_int_equal(restore_place_count(p, t + 20 * NS_PER_S), 2);
        assert_int_equal(restore_place_count(p, t + 59 * NS_PER_S), 3);
        assert_int_equal(restore_place_count(p, t + 70 * NS_PER_S), 3); /* the first is over */
        assert_int_equal(restore_place_count(p, t + 500 * NS_PER_S), 1);
        assert_int_equal(restore_place_recent(p, t + 560 * NS_PER_S), 0);
}

static void test_budget(void **state)
{
        struct restore_budget b = { 0 };
        int64_t t = 5000 * NS_PER_S;
        unsigned n = 0;

        (void)state;
        for (; restore_budget_due(&b, t) <= t; n++)
                restore_budget_take(&b, 1);
        assert_int_equal(n, RESTORE_BURST);
        assert_true(restore_budget_due(&b, t) > t);
        for (n = 0, t += NS_PER_S; restore_budget_due(&b, t) <= t; n++)
                restore_budget_take(&b, 1);
        assert_int_equal(n, RESTORE_PER_S);
        t += 100 * NS_PER_S;
        assert_true(restore_budget_due(&b, t) <= t);
        restore_budget_take(&b, (uint64_t)RESTORE_BYTES_BURST);
        assert_true(restore_budget_due(&b, t) > t);
        t += NS_PER_S;
        assert_true(restore_budget_due(&b, t) <= t);
}

static void test_ceiling(void **state)
{
        CLEANUP(restore_places_freep) struct restore_places *s = new_places();
        char path[32];

        (void)state;
        for (unsigned i = 0; i < RESTORE_PLACES_MAX; i++) {
                snprintf(path, sizeof path, "/%u", i);
                make(s, path);
        }
        assert_null(restore_places_make(s, SPAN("/one-more")));
        assert_non_null(restore_places_make(s, SPAN("/17")));
        restore_places_drop(s, restore_places_find(s, SPAN("/17")));
        assert_non_null(restore_places_make(s, SPAN("/one-more")));
        assert_null(restore_places_make(s, SPAN("/one-too-many")));
}

/* The last ones are root's: nobody else takes all there are. */
static void test_room(void **state)
{
        CLEANUP(restore_places_freep) struct restore_places *s = new_places();
        char path[32];

        (void)state;
        for (unsigned i = 0; i < RESTORE_PLACES_MAX - RESTORE_PLACES_ROOT; i++) {
                assert_true(restore_places_room(s, 1000));
                snprintf(path, sizeof path, "/%u", i);
                make(s, path);
        }
        assert_false(restore_places_room(s, 1000));
        assert_true(restore_places_room(s, 0));
}

/* ---- the file ---- */

static void put_some(struct buf *out)
{
        struct buf b = BUF_INIT(1 + RECORD_MAX), rec = BUF_INIT(RECORD_MAX);
        struct record file = sample_file(1, 'x');

        buf_put_byte(&b, 1);
        buf_put(&b, sample_encode(&rec, &file));
        restore_log_put(out, RESTORE_OP_GOOD, SPAN("/explained"), buf_span(&b));
        restore_log_put(out, RESTORE_OP_GOOD, SPAN("/none"), span_of("\0", 1));
        restore_log_put(out, RESTORE_OP_WANTED, SPAN("/none"), SPAN_NONE);
        restore_log_put(out, RESTORE_OP_TEMP, SPAN("/none"), SPAN(".assay-1"));
        restore_log_put(out, RESTORE_OP_WANTED, SPAN("/ended"), SPAN_NONE);
        restore_log_put(out, RESTORE_OP_ENDED, SPAN("/ended"), SPAN_NONE);
        restore_log_put(out, RESTORE_OP_WANTED, SPAN("/gone"), SPAN_NONE);
        restore_log_put(out, RESTORE_OP_FORGOTTEN, SPAN("/gone"), SPAN_NONE);
        assert_int_equal(buf_status(out), 0);
        buf_done(&b);
        buf_done(&rec);
}

static void check_some(struct restore_places *s)
{
        struct restore_place *p = restore_places_find(s, SPAN("/explained"));

        assert_non_null(p);
        assert_int_equal(p->flags, RESTORE_HAS_GOOD | RESTORE_EXPLAINED);
        assert_true(p->good_n > RECORD_FIXED);
        p = restore_places_find(s, SPAN("/none"));
        assert_non_null(p);
        assert_int_equal(p->flags, RESTORE_HAS_GOOD | RESTORE_WANTED);
        assert_int_equal(p->good_n, 0);
        assert_string_equal(p->temp, ".assay-1");
        assert_int_equal(restore_places_find(s, SPAN("/ended"))->flags, 0);
        assert_null(restore_places_find(s, SPAN("/gone")));
        assert_int_equal(restore_places_wanted(s), 1);
}

static void test_file(void **state)
{
        CLEANUP(restore_places_freep) struct restore_places *s = new_places(), *t = new_places();
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 16);
        CLEANUP(buf_done) struct buf again = BUF_INIT(1 << 16);
        size_t whole = 0;

        (void)state;
        put_some(&file);
        assert_int_equal(restore_log_read(buf_span(&file), s, &whole), 0);
        assert_int_equal(whole, file.n);
        check_some(s);
        for (struct restore_place *p = restore_places_first(s); p; p = restore_places_after(s, p))
                restore_log_put_place(&again, p);
        make(t, "/ended");
        assert_int_equal(restore_log_read(buf_span(&again), t, &whole), 0);
        assert_int_equal(whole, again.n);
        check_some(t);
}

/* Every prefix and every flipped byte: what is before it counts, nothing behind it. */
static void test_torn(void **state)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 16);

        (void)state;
        put_some(&file);
        for (size_t n = 0; n < file.n; n++) {
                CLEANUP(restore_places_freep) struct restore_places *s = new_places();
                size_t whole = 99999;

                assert_int_equal(restore_log_read(span_of(file.p, n), s, &whole), 0);
                assert_true(whole <= n);
        }
        for (size_t n = 0; n < file.n; n++) {
                CLEANUP(restore_places_freep) struct restore_places *s = new_places();
                size_t whole = 99999;

                file.p[n] ^= 0x10;
                assert_int_equal(restore_log_read(buf_span(&file), s, &whole), 0);
                assert_true(whole <= n);
                file.p[n] ^= 0x10;
        }
}

static void test_no_memory(void **state)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 16);

        (void)state;
        put_some(&file);
        for (unsigned i = 1;; i++) {
                struct restore_places *s = NULL;
                size_t whole;
                int rc;

                alloc_fail_nth = i;
                rc = restore_places_new(&s, NULL);
                if (rc == 0)
                        rc = restore_log_read(buf_span(&file), s, &whole);
                alloc_fail_nth = 0;
                restore_places_free(s);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_true(i < 100);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),         cmocka_unit_test(test_renamed),
                cmocka_unit_test(test_turns),         cmocka_unit_test(test_room),
                cmocka_unit_test(test_below_nothing), cmocka_unit_test(test_thrice),
                cmocka_unit_test(test_budget),        cmocka_unit_test(test_ceiling),
                cmocka_unit_test(test_file),          cmocka_unit_test(test_torn),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
