/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/writer/runs.h"

#include "base/le.h"
#include "sys/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct runs *t;

static int setup(void **state)
{
        t = calloc(1, sizeof *t);
        return t ? 0 : -1;
}

static int teardown(void **state)
{
        free(t);
        return 0;
}

static void sequences(void **state)
{
        static const struct {
                uint64_t run, seq;
                int want;
        } rows[] = {
                { 5, 2, -EPROTO },          /* a run begins with 1 */
                { 5, 0, -EPROTO },          /* and not with 0 */
                { 5, 1, 0 },                /* index 3 */
                { 5, 1, -EPROTO },          /* never twice */
                { 5, 3, -EPROTO },          /* no gap */
                { 5, 2, 0 },                /* index 6 */
                { 4, 1, 0 },                /* an older number is a run of its own */
                { 5, 3, 0 },                /* index 8 */
                { 4, UINT64_MAX, -EPROTO }, /* */
                { 4, 2, 0 },
        };
        static const struct {
                uint64_t run, seq;
                int want;
                uint64_t index;
        } finds[] = {
                { 5, 1, 0, 2 },
                { 5, 2, 0, 5 },
                { 5, 3, 0, 7 },
                { 5, 4, -ENOENT, 0 },
                { 5, 0, -ENOENT, 0 },
                { 4, 1, 0, 6 },
                { 4, 2, 0, 9 },
                { 4, 3, -ENOENT, 0 },
                { 6, 1, -ENOENT, 0 },
                { 0, 1, -ENOENT, 0 },
                { 5, UINT64_MAX, -ENOENT, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                assert_int_equal(runs_add(t, rows[i].run, rows[i].seq, i), rows[i].want);
        for (size_t i = 0; i < ARRAY_LEN(finds); i++) {
                uint64_t index = 1234;

                assert_int_equal(runs_index(t, finds[i].run, finds[i].seq, &index), finds[i].want);
                assert_int_equal(index, finds[i].want ? 1234 : finds[i].index);
        }
        assert_int_equal(t->last_run, 5);
}

static void window(void **state)
{
        uint64_t index;

        for (uint64_t s = 1; s <= LEDGER_WINDOW; s++)
                assert_int_equal(runs_add(t, 1, s, 10 * s), 0);
        assert_int_equal(runs_add(t, 1, LEDGER_WINDOW + 1, 9999), -ENOBUFS);
        assert_int_equal(runs_find(t, 1)->last_seq, LEDGER_WINDOW);
        runs_acked(t, 1, 3);
        runs_acked(t, 1, 2); /* an older acknowledgement changes nothing */
        assert_int_equal(runs_index(t, 1, 3, &index), -ESTALE);
        assert_int_equal(runs_index(t, 1, 4, &index), 0);
        assert_int_equal(index, 40);
        for (uint64_t s = LEDGER_WINDOW + 1; s <= LEDGER_WINDOW + 3; s++)
                assert_int_equal(runs_add(t, 1, s, 10 * s), 0);
        assert_int_equal(runs_add(t, 1, LEDGER_WINDOW + 4, 1), -ENOBUFS);
        for (uint64_t s = 4; s <= LEDGER_WINDOW + 3; s++) { /* across the ring's end */
                assert_int_equal(runs_index(t, 1, s, &index), 0);
                assert_int_equal(index, 10 * s);
        }
        runs_acked(t, 1, UINT64_MAX); /* more than there is */
        assert_int_equal(runs_find(t, 1)->n, 0);
        assert_int_equal(runs_index(t, 1, LEDGER_WINDOW + 3, &index), -ESTALE);
        assert_int_equal(runs_index(t, 1, LEDGER_WINDOW + 4, &index), -ENOENT);
        assert_int_equal(runs_add(t, 1, LEDGER_WINDOW + 4, 7), 0);
        runs_acked(t, 99, 1);
}

static void undo(void **state)
{
        uint64_t index;

        assert_int_equal(runs_add(t, 8, 1, 0), 0);
        assert_int_equal(runs_add(t, 8, 2, 1), 0);
        assert_int_equal(runs_add(t, 8, 3, 2), 0);
        runs_undo(t, 8);
        runs_undo(t, 8);
        assert_int_equal(runs_index(t, 8, 2, &index), -ENOENT);
        assert_int_equal(runs_index(t, 8, 1, &index), 0);
        assert_int_equal(runs_add(t, 8, 3, 5), -EPROTO);
        assert_int_equal(runs_add(t, 8, 2, 50), 0);
        assert_int_equal(runs_index(t, 8, 2, &index), 0);
        assert_int_equal(index, 50);
}

static void table_full(void **state)
{
        for (uint64_t r = 1; r <= LEDGER_RUNS_MAX; r++)
                assert_int_equal(runs_add(t, r, 1, r), 0);
        assert_int_equal(runs_add(t, 1000, 1, 0), -EUSERS);
        assert_int_equal(t->last_run, LEDGER_RUNS_MAX);
        runs_forget(t, 17);
        runs_forget(t, 17);
        assert_null(runs_find(t, 17));
        assert_int_equal(runs_add(t, 1000, 1, 0), 0);
        assert_int_equal(t->last_run, 1000);
        assert_int_equal(runs_add(t, 17, 2, 0), -EPROTO);
}

static void fill(void)
{
        for (uint64_t r = 1; r <= LEDGER_RUNS_MAX; r++)
                for (uint64_t s = 1; s <= 7 * r % LEDGER_WINDOW + 1; s++)
                        assert_int_equal(runs_add(t, r << 33, s, (r << 34) + 3 * s), 0);
        for (uint64_t r = 1; r <= LEDGER_RUNS_MAX; r += 3)
                runs_acked(t, r << 33, r);
}

static void saved_and_loaded(void **state)
{
        struct runs *again = calloc(1, sizeof *again);
        struct buf b = BUF_INIT(RUNS_STATE_MAX);

        fill();
        runs_save(t, &b);
        assert_int_equal(buf_status(&b), 0);
        assert_int_equal(runs_load(again, buf_span(&b), NULL), 0);
        assert_int_equal(again->last_run, t->last_run);
        for (uint64_t r = 1; r <= LEDGER_RUNS_MAX; r++)
                for (uint64_t s = 0; s <= LEDGER_WINDOW + 1; s++) {
                        uint64_t a = 0, c = 0;

                        assert_int_equal(runs_index(t, r << 33, s, &a),
                                         runs_index(again, r << 33, s, &c));
                        assert_int_equal(a, c);
                }
        buf_done(&b);
        free(again);
}

/* The largest table fits the room set aside for it. */
static void largest_state(void **state)
{
        struct buf b = BUF_INIT(RUNS_STATE_MAX);

        for (uint64_t r = 1; r <= LEDGER_RUNS_MAX; r++)
                for (uint64_t s = 1; s <= LEDGER_WINDOW; s++)
                        assert_int_equal(runs_add(t, r, s, s), 0);
        runs_save(t, &b);
        assert_int_equal(buf_status(&b), 0);
        assert_int_equal(b.n, RUNS_STATE_MAX);
        buf_done(&b);
}

/* A writer that sends once in a long while has indices far apart: the oldest is given up where the
 * record's 32 bits end. */
static void far_apart(void **state)
{
        struct buf b = BUF_INIT(RUNS_STATE_MAX);
        struct runs *again = calloc(1, sizeof *again);
        uint64_t index;

        assert_int_equal(runs_add(t, 1, 1, 10), 0);
        assert_int_equal(runs_add(t, 1, 2, 10 + (UINT64_C(1) << 31)), 0);
        assert_int_equal(runs_add(t, 1, 3, 10 + (UINT64_C(1) << 32)), 0);
        assert_int_equal(runs_index(t, 1, 1, &index), -ESTALE);
        runs_save(t, &b);
        assert_int_equal(runs_load(again, buf_span(&b), NULL), 0);
        assert_int_equal(runs_index(again, 1, 2, &index), 0);
        assert_int_equal(index, 10 + (UINT64_C(1) << 31));
        assert_int_equal(runs_index(again, 1, 3, &index), 0);
        assert_int_equal(index, 10 + (UINT64_C(1) << 32));
        buf_done(&b);
        free(again);
}

static void every_truncation(void **state)
{
        struct runs *again = calloc(1, sizeof *again);
        struct buf b = BUF_INIT(RUNS_STATE_MAX);

        for (uint64_t s = 1; s <= 5; s++) {
                assert_int_equal(runs_add(t, 1, s, s), 0);
                assert_int_equal(runs_add(t, 2, s, 100 + s), 0);
        }
        runs_save(t, &b);
        for (size_t n = 0; n < b.n; n++) {
                uint8_t *exact = malloc(n ? n : 1);
                struct err err = { 0 };

                memcpy(exact, b.p, n);
                assert_int_equal(runs_load(again, span_of(exact, n), &err), -EBADMSG);
                assert_non_null(strstr(err.text, "cut short"));
                free(exact);
        }
        buf_put_byte(&b, 0);
        assert_int_equal(runs_load(again, buf_span(&b), NULL), -EBADMSG);
        buf_done(&b);
        free(again);
}

#define U64(v) (uint8_t)(v), 0, 0, 0, 0, 0, 0, 0
#define U32(v) (uint8_t)(v), 0, 0, 0
#define FULL64 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff

/* States with a good frame that no writer leaves behind. */
static void hostile(void **state)
{
        static const struct {
                const char *what;
                size_t n;
                uint8_t bytes[80];
        } rows[] = {
                { "run 0", 40, { U64(9), U32(1), U64(0), U64(1), U64(1), U32(0) } },
                { "more remembered than sent",
                  44,
                  { U64(9), U32(1), U64(3), U64(0), U64(1), U32(1), U32(0) } },
                { "a run above the highest",
                  40,
                  { U64(2), U32(1), U64(3), U64(1), U64(0), U32(0) } },
                { "the same run twice",
                  68,
                  { U64(9), U32(2), U64(3), U64(1), U64(0), U32(0), U64(3), U64(1), U64(0),
                    U32(0) } },
                { "an index that wraps",
                  48,
                  { U64(9), U32(1), U64(3), U64(5), FULL64, U32(2), U32(0), U32(1) } },
                { "indices that do not ascend",
                  48,
                  { U64(9), U32(1), U64(3), U64(5), U64(7), U32(2), U32(4), U32(4) } },
                { "a base without an index",
                  40,
                  { U64(9), U32(1), U64(3), U64(5), U64(7), U32(0) } },
                { "a base that is not the first index",
                  44,
                  { U64(9), U32(1), U64(3), U64(5), U64(7), U32(1), U32(2) } },
                { "too many runs", 12, { U64(9), U32(LEDGER_RUNS_MAX + 1) } },
        };

        assert_int_equal(runs_add(t, 77, 1, 5), 0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct err err = { 0 };

                if (runs_load(t, span_of(rows[i].bytes, rows[i].n), &err) != -EBADMSG)
                        print_message("%s\n", rows[i].what);
                assert_int_equal(err.code, -EBADMSG);
                assert_non_null(runs_find(t, 77)); /* untouched */
                assert_int_equal(t->last_run, 77);
        }
}

/* The last sequence of 64 bits: no sum wraps. */
static void highest_sequence(void **state)
{
        static const uint8_t bytes[] = { U64(9), U32(1), U64(3), FULL64, U64(7), U32(1), U32(0) };
        uint64_t index;

        assert_int_equal(runs_load(t, span_of(bytes, sizeof bytes), NULL), 0);
        assert_int_equal(runs_index(t, 3, UINT64_MAX, &index), 0);
        assert_int_equal(index, 7);
        assert_int_equal(runs_index(t, 3, UINT64_MAX - 1, &index), -ESTALE);
        assert_int_equal(runs_add(t, 3, 0, 8), -EPROTO);
        runs_acked(t, 3, UINT64_MAX);
        assert_int_equal(runs_index(t, 3, UINT64_MAX, &index), -ESTALE);
}

/* ---- left to the next ledger ---- */

static void left_and_inherited(void **state)
{
        struct runs *before = calloc(1, sizeof *before), *last = calloc(1, sizeof *last);
        struct buf b = BUF_INIT(RUNS_LEFT_MAX);
        uint64_t index;

        fill();
        runs_leave(t, NULL, &b);
        assert_int_equal(runs_inherit(before, buf_span(&b), NULL), 0);
        assert_int_equal(before->last_run, t->last_run);
        for (uint64_t r = 1; r <= LEDGER_RUNS_MAX; r++)
                for (uint64_t s = 0; s <= LEDGER_WINDOW + 1; s++) {
                        uint64_t a = 0, c = 0;

                        assert_int_equal(runs_index(t, r << 33, s, &a),
                                         runs_index(before, r << 33, s, &c));
                        assert_int_equal(a, c);
                }
        /* The next one goes on, and what it leaves has both. */
        runs_go_on(t, before);
        assert_int_equal(t->last_run, before->last_run);
        assert_int_equal(runs_index(t, UINT64_C(5) << 33, 36, &index), -ESTALE);
        assert_int_equal(runs_add(t, UINT64_C(5) << 33, 36, 0), -EPROTO);
        assert_int_equal(runs_add(t, UINT64_C(5) << 33, 37, 1), 0);
        buf_clear(&b);
        runs_leave(t, before, &b);
        assert_int_equal(runs_inherit(last, buf_span(&b), NULL), 0);
        assert_int_equal(runs_index(last, UINT64_C(5) << 33, 37, &index), 0);
        assert_int_equal(index, 1);
        assert_int_equal(runs_index(last, UINT64_C(5) << 33, 36, &index), 0);
        assert_int_equal(index, (UINT64_C(5) << 34) + 3 * 36);
        assert_int_equal(runs_index(last, UINT64_C(6) << 33, 43, &index), 0);
        buf_done(&b);
        free(before);
        free(last);
}

static void most_that_is_left(void **state)
{
        struct runs *before = calloc(1, sizeof *before);
        struct buf b = BUF_INIT(RUNS_LEFT_MAX);

        for (uint64_t r = 1; r <= LEDGER_RUNS_MAX; r++)
                for (uint64_t s = 1; s <= LEDGER_WINDOW; s++)
                        assert_int_equal(runs_add(t, r, s, s), 0);
        runs_leave(t, NULL, &b);
        assert_int_equal(b.n, RUNS_LEFT_MAX);
        assert_int_equal(runs_inherit(before, buf_span(&b), NULL), 0);
        /* With as much of its own, the next one leaves no more. */
        buf_clear(&b);
        runs_leave(t, before, &b);
        assert_int_equal(b.n, RUNS_LEFT_MAX);
        buf_done(&b);
        free(before);
}

/* Cut short, with a byte too many, or with any byte flipped; what was there stays. */
static void left_and_spoiled(void **state)
{
        struct buf b = BUF_INIT(RUNS_LEFT_MAX);
        struct runs *own = calloc(1, sizeof *own);

        assert_int_equal(runs_add(own, 77, 1, 5), 0);
        for (uint64_t s = 1; s <= 5; s++) {
                assert_int_equal(runs_add(t, 1, s, s), 0);
                assert_int_equal(runs_add(t, 2, s, 100 + s), 0);
        }
        runs_leave(t, NULL, &b);
        for (size_t n = 0; n < b.n; n++) {
                assert_int_equal(runs_inherit(own, span_of(b.p, n), NULL), -EBADMSG);
                b.p[n] ^= 1;
                assert_int_equal(runs_inherit(own, buf_span(&b), NULL), -EBADMSG);
                b.p[n] ^= 1;
        }
        buf_put_byte(&b, 0);
        assert_int_equal(runs_inherit(own, buf_span(&b), NULL), -EBADMSG);
        assert_int_equal(own->last_run, 77);
        assert_non_null(runs_find(own, 77));
        buf_done(&b);
        free(own);
}

/* What has a good checksum and is nothing that was left. */
static void left_by_a_stranger(void **state)
{
        static const struct {
                const char *what;
                size_t n;
                uint8_t bytes[60];
        } rows[] = {
                { "no head", 8, { U64(9) } },
                { "too many runs", 12, { U64(9), U32(LEDGER_RUNS_MAX + 1) } },
                { "a run is cut short", 24, { U64(9), U32(1), U64(3), U32(1) } },
                { "an index is cut short", 36, { U64(9), U32(1), U64(3), U64(1), U32(1), U32(0) } },
                { "run 0", 32, { U64(9), U32(1), U64(0), U64(1), U32(0) } },
                { "a run above the highest", 32, { U64(2), U32(1), U64(3), U64(1), U32(0) } },
                { "nothing is held of a run", 32, { U64(9), U32(1), U64(3), U64(0), U32(0) } },
                { "more remembered than sent",
                  48,
                  { U64(9), U32(1), U64(3), U64(1), U32(2), U64(0), U64(1) } },
                { "the same run twice",
                  52,
                  { U64(9), U32(2), U64(3), U64(1), U32(0), U64(3), U64(1), U32(0) } },
                { "bytes behind the last", 33, { U64(9), U32(1), U64(3), U64(1), U32(0), 0 } },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct buf b = BUF_INIT(128);

                buf_put(&b, span_of(rows[i].bytes, rows[i].n));
                le_append(&b, crc32c(0, buf_span(&b)), 4);
                if (runs_inherit(t, buf_span(&b), NULL) != -EBADMSG)
                        fail_msg("%s", rows[i].what);
                buf_done(&b);
        }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(sequences),
                T(window),
                T(undo),
                T(table_full),
                T(far_apart),
                T(saved_and_loaded),
                T(largest_state),
                T(every_truncation),
                T(hostile),
                T(highest_sequence),
                T(left_and_inherited),
                T(most_that_is_left),
                T(left_and_spoiled),
                T(left_by_a_stranger),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
