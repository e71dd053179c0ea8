/* SPDX-License-Identifier: Apache-2.0 */
#include "../fixture.h"
#include "ledger/signing/keys.h"
#include "ledger/writer/segment.h"
#include "ledger/writer/wal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct ledger_writer_id nobody = { 0 };

static int try_open(struct fixture *f, struct err *err)
{
        struct ledger *l = NULL;
        int r = ledger_open(f->public_fd, f->private_fd, &f->options, &l, err);

        assert_true((r == 0) == (l != NULL));
        ledger_free(l);
        return r;
}

/* Opening must refuse with -EBADMSG and these words, and change nothing. */
static void refuses(struct fixture *f, const char *says)
{
        struct err err = { 0 };
        int r = try_open(f, &err);

        if (r != -EBADMSG || !strstr(err.text, says))
                print_message("%d: \"%s\", not \"%s\"\n", r, err.text, says);
        assert_int_equal(r, -EBADMSG);
        assert_non_null(strstr(err.text, says));
}

/* ---- appending ---- */

static void sizes(void **state)
{
        static const uint64_t size[] = { 1, 2, 255, 256, 257, 511, 512, 513, 1000, 1025 };
        struct fixture f;
        struct ledger *l;

        fixture_new(&f);
        l = fixture_open(&f);
        fixture_check(&f, l); /* SHA-256 of nothing */
        for (size_t i = 0; i < ARRAY_LEN(size); i++) {
                fixture_append(&f, l, size[i] - f.model.size, 60, 1 + i * 7);
                fixture_check(&f, l);
                ledger_free(l);
                l = fixture_open(&f);
                fixture_check(&f, l);
                assert_int_equal(ledger_opened(l)->size, size[i]);
                assert_int_equal(ledger_opened(l)->torn_bytes, 0);
                assert_int_equal(ledger_opened(l)->signed_size, 0);
        }
        ledger_free(l);
        fixture_done(&f);
}

/* Many segments, each published and used again; opened anew at every turn. */
static void rotations(void **state)
{
        struct publisher *p;
        struct fixture f;
        struct ledger *l;
        uint64_t last = 0;

        fixture_new(&f);
        for (int round = 0; round < 12; round++) {
                struct ledger_position at;

                l = fixture_open(&f);
                p = fixture_publisher(&f, NULL, false);
                fixture_check(&f, l);
                fixture_append(&f, l, 100, 9000 + 4000u * (unsigned)round, 3);
                ledger_tend(l);
                fixture_check(&f, l);
                if (round % 3 != 1)
                        fixture_publish(p, l);
                ledger_tend(l);
                ledger_position(l, &at);
                assert_int_equal(at.size, f.model.size);
                assert_true(at.segment > last);
                last = at.segment;
                publisher_free(p);
                ledger_free(l);
        }
        assert_true(last > 20);
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        fixture_publish(p, l);
        fixture_check_tree(&f, f.model.size);
        assert_int_equal(fixture_checkpoint_size(&f), f.model.size);
        publisher_free(p);
        ledger_free(l);
        fixture_done(&f);
}

/* The largest entries and batches against the end of a segment. */
static void largest(void **state)
{
        struct fixture f;
        struct ledger *l;
        struct err err = { 0 };
        uint8_t *big = malloc(ENTRY_MAX + 1), *sealed = malloc(LEDGER_SEALED_MAX + 1);
        uint64_t index = 77;
        int whole = 0;

        fixture_new(&f);
        l = fixture_open(&f);
        memset(big, 'x', ENTRY_MAX + 1);
        memset(sealed, 0x5a, LEDGER_SEALED_MAX + 1);
        assert_int_equal(
                ledger_stage(l, span_of(big, ENTRY_MAX + 1), SPAN_NONE, nobody, &index, &err),
                -E2BIG);
        assert_non_null(strstr(err.text, "65536 bytes"));
        assert_int_equal(ledger_stage(l, span_of(big, ENTRY_MAX),
                                      span_of(sealed, LEDGER_SEALED_MAX + 1), nobody, &index, &err),
                         -E2BIG);
        assert_int_equal(index, 77);
        assert_int_equal(ledger_staged(l), 0);
        for (int round = 0; round < 6; round++) {
                int n = 0;

                while (ledger_stage(l, span_of(big, ENTRY_MAX), span_of(sealed, LEDGER_SEALED_MAX),
                                    nobody, &index, &err) == 0) {
                        testlog_add(&f.model, span_of(big, ENTRY_MAX));
                        n++;
                }
                assert_int_equal(err.code, -ENOBUFS);
                assert_in_range(n, 1, 4); /* of 114,768 bytes each; fewer at a segment's end */
                whole += n == 4;
                assert_int_equal(ledger_commit(l, &err), 0);
                ledger_tend(l);
                fixture_check(&f, l);
        }
        assert_true(whole >= 2);
        /* The smallest, until the batch is full. */
        while (ledger_stage(l, SPAN("{}"), SPAN_NONE, nobody, &index, &err) == 0)
                testlog_add(&f.model, SPAN("{}"));
        assert_int_equal(err.code, -ENOBUFS);
        assert_int_equal(ledger_commit(l, &err), 0);
        fixture_check(&f, l);
        ledger_free(l);
        l = fixture_open(&f);
        fixture_check(&f, l);
        ledger_free(l);
        free(big);
        free(sealed);
        fixture_done(&f);
}

/* Staging goes on behind a batch under way, which counts for nothing until it has ended. */
static void under_way(void **state)
{
        struct ledger_writer_id id = { .run = 9 };
        struct ledger_position at;
        struct err err = { 0 };
        struct fixture f;
        struct ledger *l;
        uint64_t index;

        fixture_new(&f);
        l = fixture_open(&f);
        assert_int_equal(ledger_commit_begin(l, &err), 0); /* nothing is staged */
        for (id.seq = 1; id.seq <= 3; id.seq++)
                assert_int_equal(fixture_stage(&f, l, 40, id, NULL), 0);
        assert_int_equal(ledger_commit_begin(l, &err), 1);
        for (; id.seq <= 5; id.seq++)
                assert_int_equal(fixture_stage(&f, l, 40, id, NULL), 0);
        assert_int_equal(ledger_size(l), 0);
        assert_int_equal(ledger_staged(l), 5);
        assert_int_equal(ledger_find(l, (struct ledger_writer_id){ 9, 2 }, &index), 0);
        ledger_position(l, &at);
        assert_int_equal(at.size, 0);
        ledger_abandon(l); /* the two behind it alone */
        assert_int_equal(ledger_staged(l), 3);
        assert_int_equal(ledger_last_seq(l, 9), 3);
        fixture_truncate_model(&f, 3);
        id.seq = 4;
        assert_int_equal(fixture_stage(&f, l, 50, id, NULL), 0);
        ledger_commit_write(l);
        assert_int_equal(ledger_size(l), 0);
        assert_int_equal(ledger_commit_end(l, &err), 0);
        assert_int_equal(ledger_size(l), 3);
        ledger_position(l, &at);
        assert_int_equal(at.size, 3);
        assert_int_equal(ledger_commit(l, &err), 0);
        fixture_check(&f, l);
        ledger_free(l);
        l = fixture_open(&f);
        fixture_check(&f, l);
        assert_int_equal(ledger_last_seq(l, 9), 4);
        /* Given up before anything was written: as if it had not been staged, and what is behind
         * it goes as well. */
        for (id.seq = 5; id.seq <= 7; id.seq++) {
                assert_int_equal(fixture_stage(&f, l, 40, id, NULL), 0);
                if (id.seq == 6)
                        assert_int_equal(ledger_commit_begin(l, &err), 1);
        }
        assert_int_equal(ledger_commit_end(l, &err), -ECANCELED);
        fixture_truncate_model(&f, 4);
        assert_int_equal(ledger_staged(l), 4);
        assert_int_equal(ledger_last_seq(l, 9), 4);
        id.seq = 5;
        assert_int_equal(fixture_stage(&f, l, 60, id, NULL), 0);
        assert_int_equal(ledger_commit(l, &err), 0);
        fixture_check(&f, l);
        ledger_free(l);
        l = fixture_open(&f);
        fixture_check(&f, l);
        ledger_free(l);
        fixture_done(&f);
}

/* The next segment is begun when nothing is under way in this one, and a writer that was forgotten
 * meanwhile stays forgotten. */
static void under_way_at_the_end_of_a_segment(void **state)
{
        struct ledger_position before, at;
        struct err err = { 0 };
        struct fixture f;
        struct ledger *l;
        int waits = 0, r;

        fixture_new(&f);
        l = fixture_open(&f);
        ledger_position(l, &before);
        for (int i = 0; i < 60; i++) {
                bool on = false;

                for (int k = 0; k < 4; k++) {
                        r = fixture_stage(&f, l, 17000 + 211u * (unsigned)i, nobody, &err);
                        if (r == -ENOBUFS && on) {
                                waits++;
                                ledger_commit_write(l);
                                assert_int_equal(ledger_commit_end(l, &err), 0);
                                on = false;
                                assert_int_equal(ledger_commit(l, &err), 0);
                                assert_int_equal(fixture_stage(&f, l, 17000 + 211u * (unsigned)i,
                                                               nobody, &err),
                                                 0);
                        } else if (r == -ENOBUFS) {
                                break;
                        }
                        if (k == 1 && !on) {
                                r = ledger_commit_begin(l, &err);
                                assert_int_equal(r, 1);
                                on = true;
                        }
                }
                if (on) {
                        ledger_commit_write(l);
                        assert_int_equal(ledger_commit_end(l, &err), 0);
                }
                assert_int_equal(ledger_commit(l, &err), 0);
                ledger_tend(l);
                fixture_check(&f, l);
        }
        ledger_position(l, &at);
        assert_true(at.segment > before.segment + 3);
        assert_true(waits > 0);
        ledger_free(l);
        l = fixture_open(&f);
        fixture_check(&f, l);
        ledger_free(l);
        fixture_done(&f);
}

static void abandoned(void **state)
{
        struct ledger_writer_id id = { .run = 9 };
        struct fixture f;
        struct ledger *l;
        uint64_t index;

        fixture_new(&f);
        l = fixture_open(&f);
        fixture_append(&f, l, 10, 40, 3);
        for (id.seq = 1; id.seq <= 5; id.seq++)
                assert_int_equal(fixture_stage(&f, l, 40, id, NULL), 0);
        assert_int_equal(ledger_staged(l), 15);
        assert_int_equal(ledger_last_seq(l, 9), 5);
        ledger_abandon(l);
        fixture_truncate_model(&f, 10);
        assert_int_equal(ledger_staged(l), 10);
        assert_int_equal(ledger_last_seq(l, 9), 0);
        id.seq = 1;
        assert_int_equal(ledger_find(l, id, &index), -ENOENT);
        assert_int_equal(ledger_commit(l, NULL), 0); /* nothing to do */
        assert_int_equal(fixture_stage(&f, l, 50, id, NULL), 0);
        assert_int_equal(ledger_commit(l, NULL), 0);
        assert_int_equal(ledger_find(l, id, &index), 0);
        assert_int_equal(index, 10);
        fixture_check(&f, l);
        ledger_free(l);
        fixture_done(&f);
}

/* ---- exactly once ---- */

static void resends(void **state)
{
        struct ledger_writer_id id = { .run = 3 }, other = { .run = 70 };
        uint64_t where[300], index;
        struct fixture f;
        struct ledger *l;

        fixture_new(&f);
        l = fixture_open(&f);
        for (int i = 1; i < 300; i++) { /* long enough for several segments */
                id.seq = (uint64_t)i;
                where[i] = f.model.size;
                assert_int_equal(fixture_stage(&f, l, 12000, id, NULL), 0);
                if (i % 9 == 0) {
                        other.seq++;
                        assert_int_equal(fixture_stage(&f, l, 50, other, NULL), 0);
                }
                assert_int_equal(ledger_commit(l, NULL), 0);
                if (i % 50 == 0) {
                        ledger_free(l);
                        l = fixture_open(&f);
                }
                ledger_tend(l);
        }
        for (int turn = 0; turn < 2; turn++) {
                assert_int_equal(ledger_last_seq(l, 3), 299);
                assert_int_equal(ledger_last_seq(l, 70), 33);
                assert_int_equal(ledger_last_run(l), 70);
                for (id.seq = 1; id.seq < 300; id.seq++) {
                        assert_int_equal(ledger_find(l, id, &index), 0);
                        assert_int_equal(index, where[id.seq]);
                }
                assert_int_equal(ledger_find(l, id, &index), -ENOENT);
                id.seq = 299;
                assert_int_equal(fixture_stage(&f, l, 30, id, NULL), -EPROTO);
                ledger_free(l);
                l = fixture_open(&f);
        }
        ledger_acked(l, 3, 290);
        id.seq = 290;
        assert_int_equal(ledger_find(l, id, &index), -ESTALE);
        id.seq = 291;
        assert_int_equal(ledger_find(l, id, &index), 0);
        assert_int_equal(index, where[291]);
        ledger_free(l);
        fixture_done(&f);
}

/* More than a window in one segment: replaying cannot know what was acknowledged. */
static void more_than_a_window(void **state)
{
        struct ledger_writer_id id = { .run = 3 };
        struct fixture f;
        struct ledger *l;
        uint64_t index;

        fixture_new(&f);
        l = fixture_open(&f);
        for (id.seq = 1; id.seq <= 3 * LEDGER_WINDOW; id.seq++) {
                assert_int_equal(fixture_stage(&f, l, 30, id, NULL), 0);
                if (id.seq % 100 == 0) {
                        assert_int_equal(ledger_commit(l, NULL), 0);
                        ledger_acked(l, 3, id.seq);
                }
        }
        assert_int_equal(ledger_commit(l, NULL), 0);
        ledger_free(l);
        l = fixture_open(&f);
        assert_int_equal(ledger_last_seq(l, 3), 3 * LEDGER_WINDOW);
        id.seq = 3 * LEDGER_WINDOW - 10;
        assert_int_equal(ledger_find(l, id, &index), 0);
        assert_int_equal(index, id.seq - 1);
        ledger_free(l);
        fixture_done(&f);
}

/* A writer that was forgotten to make room for another must not come back when the log is read
 * again: with the table full, the log did not open any more. */
static bool in_use(void *ctx, uint64_t run)
{
        return run < *(uint64_t *)ctx;
}

static void forgotten_runs(void **state)
{
        struct ledger_writer_id id = { .seq = 1 };
        struct fixture f;
        struct ledger *l;
        uint64_t index, run;

        fixture_new(&f);
        l = fixture_open(&f);
        for (id.run = 1; id.run <= LEDGER_RUNS_MAX; id.run++)
                assert_int_equal(fixture_stage(&f, l, 30, id, NULL), 0);
        assert_int_equal(ledger_commit(l, NULL), 0);
        assert_int_equal(fixture_stage(&f, l, 30, id, NULL), -EUSERS);
        assert_false(ledger_begin_run(l, id.run, in_use, &(uint64_t){ UINT64_MAX }));
        for (run = 10; run < 40; run++) { /* 10 is the lowest that is not in use, then 11 ... */
                assert_true(ledger_begin_run(l, id.run, in_use, &(uint64_t){ run }));
                if (run > 10 && run % 3 != 0) { /* a batch was open: it has to be committed first */
                        assert_int_equal(fixture_stage(&f, l, 30, id, NULL), -ENOBUFS);
                        assert_int_equal(ledger_commit(l, NULL), 0);
                }
                assert_int_equal(fixture_stage(&f, l, 30, id, NULL), 0);
                if (run % 3 == 2)
                        assert_int_equal(ledger_commit(l, NULL), 0);
                id.run++;
        }
        assert_int_equal(ledger_commit(l, NULL), 0);
        for (int turn = 0; turn < 3; turn++) {
                for (id.run = 1; id.run <= LEDGER_RUNS_MAX + 30; id.run++) {
                        bool gone = id.run >= 10 && id.run < 40;

                        assert_int_equal(ledger_find(l, id, &index), gone ? -ENOENT : 0);
                        if (!gone)
                                assert_int_equal(index, id.run - 1);
                }
                fixture_check(&f, l);
                if (turn == 1) /* past a segment's end */
                        fixture_append(&f, l, 150, 10000, 10);
                ledger_free(l);
                l = fixture_open(&f);
        }
        ledger_free(l);
        fixture_done(&f);
}

/* Forgetting a run while entries of it wait, and then dropping them. */
static void forgotten_while_staged(void **state)
{
        struct ledger_writer_id id = { .seq = 1 };
        struct fixture f;
        struct ledger *l;

        fixture_new(&f);
        l = fixture_open(&f);
        for (id.run = 1; id.run <= LEDGER_RUNS_MAX; id.run++)
                assert_int_equal(fixture_stage(&f, l, 30, id, NULL), 0);
        assert_true(ledger_begin_run(l, id.run, in_use, &(uint64_t){ 0 }));
        ledger_abandon(l);
        fixture_truncate_model(&f, 0);
        assert_int_equal(ledger_staged(l), 0);
        fixture_append(&f, l, 10, 50, 3);
        ledger_free(l);
        l = fixture_open(&f);
        fixture_check(&f, l);
        ledger_free(l);
        fixture_done(&f);
}

/* ---- one writer, one ledger ---- */

static void second_writer(void **state)
{
        struct fixture f;
        struct ledger *l;
        struct err err = { 0 };

        fixture_new(&f);
        l = fixture_open(&f);
        assert_int_equal(try_open(&f, &err), -EWOULDBLOCK);
        assert_int_equal(ledger_create(f.public_fd, f.private_fd, FIXTURE_ORIGIN, &f.options, &err),
                         -EWOULDBLOCK);
        ledger_free(l);
        assert_int_equal(try_open(&f, &err), 0);
        assert_int_equal(ledger_create(f.public_fd, f.private_fd, FIXTURE_ORIGIN, &f.options, &err),
                         -EEXIST);
        assert_int_equal(vault_create(f.private_fd, &io_kernel, &err), -EEXIST);
        fixture_done(&f);
}

/* Tiles of another log would only be found out when the first one of ours is due in their place. */
static void tiles_of_another(void **state)
{
        struct fixture f;
        struct err err = { 0 };

        fixture_init(&f, false);
        assert_int_equal(mkdirat(f.public_fd, "tile", 0755), 0);
        assert_int_equal(mkdirat(f.public_fd, "tile/0", 0755), 0);
        assert_int_equal(ledger_create(f.public_fd, f.private_fd, FIXTURE_ORIGIN, &f.options, &err),
                         -ENOTEMPTY);
        fixture_done(&f);
}

static void no_ledger(void **state)
{
        struct fixture f;
        struct err err = { 0 };

        fixture_init(&f, false);
        assert_int_equal(try_open(&f, &err), -ENOENT);
        fixture_done(&f);
}

static void bad_creation(void **state)
{
        static const struct {
                const char *origin;
                uint32_t bytes;
        } rows[] = {
                { "", 0 },
                { "has blank", 0 },
                { "has+plus", 0 },
                { "https://example.com/log", 0 },
                { FIXTURE_ORIGIN, LEDGER_SEGMENT_MIN - 4096 },
                { FIXTURE_ORIGIN, LEDGER_SEGMENT_MIN + 1 },
                { FIXTURE_ORIGIN, LEDGER_SEGMENT_MAX + 4096 },
        };
        struct fixture f;

        fixture_init(&f, false);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct err err = { 0 };

                f.options.segment_bytes = rows[i].bytes;
                assert_int_equal(
                        ledger_create(f.public_fd, f.private_fd, rows[i].origin, &f.options, &err),
                        -EINVAL);
                assert_int_equal(try_open(&f, &err), -ENOENT);
        }
        f.options.segment_bytes = LEDGER_SEGMENT_MIN;
        assert_int_equal(ledger_create(f.public_fd, f.private_fd, FIXTURE_ORIGIN, &f.options, NULL),
                         0);
        assert_int_equal(try_open(&f, NULL), 0);
        fixture_done(&f);
}

/* A first attempt that got as far as the key, and a second with another name: it made a ledger
 * whose checkpoint its own key could not open. */
static void creation_with_another_origin(void **state)
{
        struct fixture f;
        struct err err = { 0 };

        fixture_init(&f, false);
        assert_int_equal(mkdirat(f.private_fd, "keys", 0700), 0);
        assert_int_equal(
                keys_generate(f.private_fd, &io_kernel, "log", SPAN("first.example"), &err), 0);
        assert_int_equal(ledger_create(f.public_fd, f.private_fd, FIXTURE_ORIGIN, &f.options, &err),
                         -EEXIST);
        assert_non_null(strstr(err.text, "first.example"));
        assert_int_equal(
                ledger_create(f.public_fd, f.private_fd, "first.example", &f.options, &err), 0);
        assert_int_equal(try_open(&f, &err), 0);
        fixture_done(&f);
}

/* ---- what must be refused ---- */

/* 300 entries in three batches of 100, signed at 100 and 200. */
static void three_batches(struct fixture *f)
{
        struct publisher *p;
        struct ledger *l;

        fixture_new(f);
        l = fixture_open(f);
        p = fixture_publisher(f, NULL, false);
        fixture_append(f, l, 100, 60, 100);
        fixture_publish(p, l);
        fixture_append(f, l, 100, 60, 100);
        fixture_publish(p, l);
        fixture_append(f, l, 100, 60, 100);
        publisher_free(p);
        ledger_free(l);
}

static void rollback(void **state)
{
        struct fixture f;
        struct ledger *l;
        struct publisher *p;

        three_batches(&f);
        fixture_copy(f.root_fd, "log.private", "old.private");
        fixture_copy(f.root_fd, "log", "old");
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        fixture_append(&f, l, 50, 60, 10);
        fixture_publish(p, l); /* signed at 350 */
        publisher_free(p);
        ledger_free(l);
        /* Somebody restores the old write-ahead log and the old tree, but not the private copy. */
        fixture_remove(f.private_fd, "wal");
        assert_int_equal(renameat(f.root_fd, "old.private/wal", f.private_fd, "wal"), 0);
        refuses(&f, "rollback: the log has 300 entries, a checkpoint of 350 was signed");
        fixture_remove(f.root_fd, "log");
        assert_int_equal(renameat(f.root_fd, "old", f.root_fd, "log"), 0);
        fixture_reopen_dirs(&f);
        refuses(&f, "rollback: the log has 300 entries, a checkpoint of 350 was signed");
        fixture_done(&f);
}

static void checkpoint_newer_than_signed(void **state)
{
        struct fixture f;
        struct ledger *l;
        struct publisher *p;
        uint8_t *old;
        size_t n;

        three_batches(&f);
        old = fixture_read(f.private_fd, "signed", &n);
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        fixture_publish(p, l);
        publisher_free(p);
        ledger_free(l);
        fixture_write(f.private_fd, "signed", span_of(old, n));
        refuses(&f, "checkpoint (size 300) and the private copy (size 200) disagree");
        free(old);
        fixture_done(&f);
}

/* Two ledgers of the same name: a foreign key, a foreign log's segment. */
static void foreign_parts(void **state)
{
        struct fixture f, g;
        uint8_t *bytes;
        size_t n;

        three_batches(&f);
        three_batches(&g);
        bytes = fixture_read(g.private_fd, "keys/log", &n);
        fixture_copy(f.root_fd, "log.private", "good");
        fixture_write(f.private_fd, "keys/log", span_of(bytes, n));
        refuses(&f, "signed");
        free(bytes);
        fixture_done(&g);
        fixture_remove(f.root_fd, "log.private");
        assert_int_equal(renameat(f.root_fd, "good", f.root_fd, "log.private"), 0);
        fixture_reopen_dirs(&f);
        /* Another origin's segment. */
        fixture_init(&g, false);
        assert_int_equal(
                ledger_create(g.public_fd, g.private_fd, "other.example", &g.options, NULL), 0);
        {
                struct ledger *l = fixture_open(&g);

                fixture_append(&g, l, 300, 60, 100);
                ledger_free(l);
        }
        bytes = fixture_read(g.private_fd, "wal/000000000001", &n);
        fixture_write(f.private_fd, "wal/000000000001", span_of(bytes, n));
        refuses(&f, "another log");
        free(bytes);
        fixture_done(&g);
        fixture_done(&f);
}

/* Several segments, none published. */
static void many_segments(struct fixture *f)
{
        struct ledger *l;

        fixture_new(f);
        l = fixture_open(f);
        for (int i = 0; i < 20; i++) {
                fixture_append(f, l, 10, 20000, 5);
                ledger_tend(l);
        }
        ledger_free(l);
}

static void segments_gone(void **state)
{
        struct fixture f;

        many_segments(&f);
        fixture_copy(f.private_fd, "wal", "good");
        assert_int_equal(unlinkat(f.private_fd, "wal/000000000002", 0), 0);
        refuses(&f, "segment 2 is missing");
        assert_int_equal(unlinkat(f.private_fd, "wal/000000000001", 0), 0);
        refuses(&f, "wal begins at entry");
        for (int i = 4; i < 9; i++) {
                char name[64];

                snprintf(name, sizeof name, "wal/%012d", i);
                unlinkat(f.private_fd, name, 0);
        }
        unlinkat(f.private_fd, "wal/000000000003", 0);
        refuses(&f, "there is no segment");
        fixture_done(&f);
}

/* Without the last segments the log is shorter; only what was signed can tell. */
static void last_segment_gone(void **state)
{
        struct fixture f;
        struct ledger *l;
        struct publisher *p;
        struct ledger_position at;
        char name[64];

        many_segments(&f);
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        fixture_publish(p, l);
        ledger_position(l, &at);
        publisher_free(p);
        ledger_free(l);
        snprintf(name, sizeof name, "wal/%012d", (int)at.segment);
        assert_int_equal(unlinkat(f.private_fd, name, 0), 0);
        refuses(&f, "rollback");
        fixture_done(&f);
}

static void segments_swapped(void **state)
{
        struct fixture f;

        many_segments(&f);
        assert_int_equal(renameat(f.private_fd, "wal/000000000001", f.private_fd, "wal/x"), 0);
        assert_int_equal(
                renameat(f.private_fd, "wal/000000000002", f.private_fd, "wal/000000000001"), 0);
        assert_int_equal(renameat(f.private_fd, "wal/x", f.private_fd, "wal/000000000002"), 0);
        refuses(&f, "wal/000000000001: the header is that of another log, segment or size");
        fixture_done(&f);
}

static void segment_cut_short(void **state)
{
        static const struct {
                off_t to;
                const char *says;
        } rows[] = {
                { 0, "wal/000000000002: 0 bytes is no segment's size" },
                { 100, "100 bytes is no segment's size" },
                { 4096, "another log, segment or size" },
                { LEDGER_SEGMENT_MIN - 4096, "another log, segment or size" },
                { LEDGER_SEGMENT_MIN + 4096, "another log, segment or size" },
        };
        struct fixture f;

        many_segments(&f);
        fixture_copy(f.private_fd, "wal", "good");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint8_t *bytes;
                size_t n;
                int fd = openat(f.private_fd, "wal/000000000002", O_RDWR);

                assert_int_equal(ftruncate(fd, rows[i].to), 0);
                close(fd);
                refuses(&f, rows[i].says);
                bytes = fixture_read(f.private_fd, "good/000000000002", &n);
                fixture_write(f.private_fd, "wal/000000000002", span_of(bytes, n));
                free(bytes);
        }
        assert_int_equal(try_open(&f, NULL), 0);
        fixture_done(&f);
}

/* A whole batch taken out and everything behind it moved up: records are whole, the log is not. */
static void batch_cut_out(void **state)
{
        static const uint8_t log_id[WAL_LOG_ID] = { 0 };
        struct fixture f;
        uint8_t *bytes;
        struct wal_segment h;
        struct wal_batch b;
        struct err err = { 0 };
        size_t n, bad;

        three_batches(&f);
        bytes = fixture_read(f.private_fd, "wal/000000000001", &n);
        assert_int_equal(wal_get_segment(span_of(bytes, n), &h, &err), 1);
        assert_memory_not_equal(h.log_id, log_id, WAL_LOG_ID);
        assert_int_equal(wal_get_batch(span_of(bytes, n), 64, wal_salt(&h), 0, &b, &bad, &err), 1);
        memmove(bytes + b.at + b.len, bytes + b.at + 2 * b.len, n - b.at - 2 * b.len);
        fixture_write(f.private_fd, "wal/000000000001", span_of(bytes, n));
        refuses(&f, "is damaged, nothing may be appended");
        free(bytes);
        fixture_done(&f);
}

/* The first batch of a segment, torn so that the sector with the segment's header is the one that
 * did not get written: nothing of it was acknowledged, and the log must open. */
static void header_sector_lost(void **state)
{
        static const uint8_t zeros[WAL_SECTOR];
        struct ledger_position at = { .segment = 1 };
        struct wal_segment h;
        struct fixture f;
        struct ledger *l;
        uint8_t *bytes;
        char name[64];
        size_t n;
        int fd;

        fixture_new(&f);
        l = fixture_open(&f);
        while (at.segment == 1) {
                fixture_append(&f, l, 20, 3000, 20);
                ledger_position(l, &at);
        }
        ledger_free(l);
        snprintf(name, sizeof name, "wal/%012d", 2);
        bytes = fixture_read(f.private_fd, name, &n);
        assert_int_equal(wal_get_segment(span_of(bytes, n), &h, NULL), 1);
        free(bytes);
        fd = openat(f.private_fd, name, O_RDWR);
        assert_int_equal(pwrite(fd, zeros, sizeof zeros, 0), sizeof zeros);
        close(fd);
        l = fixture_open(&f);
        fixture_truncate_model(&f, h.first);
        fixture_check(&f, l);
        assert_int_equal(ledger_opened(l)->segment, 2);
        assert_true(ledger_opened(l)->torn_bytes > 3000);
        fixture_append(&f, l, 5, 100, 2);
        ledger_free(l);
        l = fixture_open(&f);
        fixture_check(&f, l);
        assert_int_equal(ledger_opened(l)->torn_bytes, 0);
        ledger_free(l);
        /* Half of the sector gone is nothing a crash does. */
        fd = openat(f.private_fd, name, O_RDWR);
        assert_int_equal(pwrite(fd, zeros, 64, 0), 64);
        close(fd);
        refuses(&f, "wal/000000000002");
        fixture_done(&f);
}

/* Preparing a segment failed before the used one that was to be cleared had even been renamed: it
 * is still there, and must be reckoned with, or the numbers get a hole. */
static void order_that_failed(void **state)
{
        struct segment_order o;
        struct publisher *p;
        struct fixture f;
        struct ledger *l;

        fixture_new(&f);
        l = fixture_open(&f);
        for (int i = 0; i < 40; i++) {
                fixture_append(&f, l, 13, 10000, 13);
                if (i < 20)
                        ledger_tend(l);
        }
        p = fixture_publisher(&f, NULL, false);
        fixture_publish(p, l); /* 512 of 520 are covered: several segments are free */
        assert_true(ledger_wants_segment(l, &o));
        assert_string_equal(o.from, "000000000001");
        o.result = -EIO;
        ledger_segment_done(l, &o);
        for (int i = 0; i < 4; i++) {
                f.now_ns += NS_PER_S;
                ledger_tend(l);
                fixture_append(&f, l, 30, 20000, 10);
        }
        publisher_free(p);
        ledger_free(l);
        l = fixture_open(&f);
        fixture_check(&f, l);
        ledger_free(l);
        fixture_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sizes),
                cmocka_unit_test(rotations),
                cmocka_unit_test(order_that_failed),
                cmocka_unit_test(largest),
                cmocka_unit_test(abandoned),
                cmocka_unit_test(under_way),
                cmocka_unit_test(under_way_at_the_end_of_a_segment),
                cmocka_unit_test(resends),
                cmocka_unit_test(more_than_a_window),
                cmocka_unit_test(forgotten_runs),
                cmocka_unit_test(forgotten_while_staged),
                cmocka_unit_test(second_writer),
                cmocka_unit_test(tiles_of_another),
                cmocka_unit_test(no_ledger),
                cmocka_unit_test(bad_creation),
                cmocka_unit_test(creation_with_another_origin),
                cmocka_unit_test(rollback),
                cmocka_unit_test(checkpoint_newer_than_signed),
                cmocka_unit_test(foreign_parts),
                cmocka_unit_test(segments_gone),
                cmocka_unit_test(last_segment_gone),
                cmocka_unit_test(segments_swapped),
                cmocka_unit_test(segment_cut_short),
                cmocka_unit_test(batch_cut_out),
                cmocka_unit_test(header_sector_lost),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
