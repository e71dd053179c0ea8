/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes at every point: a process that ends at the n-th call that changes the directory. */
#include "integrity/trusted/state.h"

#include "../sample.h"
#include "base/text.h"
#include "sys/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/state-XXXXXX";
static struct watchset watch;

static void clean(void)
{
        static const char *const names[] = { "state", "state.new", "baseline", "baseline.new" };
        char path[64];

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                snprintf(path, sizeof path, "%s/%s", dir, names[i]);
                unlink(path);
        }
        for (int g = 0; g < 20; g++) {
                snprintf(path, sizeof path, "%s/journal.%d", dir, g);
                unlink(path);
        }
}

static int setup(void **state)
{
        (void)state;
        clean();
        return 0;
}

static void put(struct table *t, const char *path, uint64_t ino)
{
        struct buf b = BUF_INIT(RECORD_MAX);
        struct record r = sample_file(ino, 1);

        assert_int_equal(table_set_record(t, table_make(t, span_str(path)), sample_encode(&b, &r)),
                         0);
        buf_done(&b);
}

struct opened {
        struct table *t;
        struct state s;
        struct state_found found;
};

static void open_state(struct opened *o, const struct io *io)
{
        struct err err = { 0 };

        assert_int_equal(table_new(&o->t, NULL), 0);
        if (state_open(&o->s, io, dir, o->t, &o->found, &err) < 0)
                fail_msg("%s", err.text);
}

static void close_state(struct opened *o)
{
        state_close(&o->s);
        state_found_done(&o->found);
        table_free(o->t);
}

static void change(struct state *s, uint64_t seq, const char *path, uint64_t ino)
{
        struct buf b = BUF_INIT(RECORD_MAX), ops = BUF_INIT(4096);
        struct record r = sample_file(ino, 1);
        char text[32];

        snprintf(text, sizeof text, "{\"n\":%llu}", (unsigned long long)seq);
        journal_op_put(&ops, JOURNAL_SET, span_str(path), sample_encode(&b, &r));
        journal_put_change(&s->journal, seq, span_str(text), buf_span(&ops));
        assert_int_equal(journal_flush(&s->journal, NULL), 0);
        buf_done(&b);
        buf_done(&ops);
}

static void test_first_start_and_second(void **state)
{
        struct opened o;

        open_state(&o, &io_kernel);
        assert_int_equal(o.found.source, STATE_NONE);
        put(o.t, "/w/a", 1);
        assert_int_equal(state_renew(&o.s, &watch, o.t, 100,
                                     &(struct state_told){ .run = 7, .acked = 0 }, NULL),
                         0);
        change(&o.s, 1, "/w/b", 2);
        change(&o.s, 2, "/w/c", 3);
        journal_put_acked(&o.s.journal, 1);
        journal_put_alive(&o.s.journal, 500, true);
        assert_int_equal(journal_flush(&o.s.journal, NULL), 0);
        close_state(&o);

        open_state(&o, &io_kernel);
        assert_int_equal(o.found.source, STATE_KNOWN);
        assert_true(o.found.stopped);
        assert_int_equal(o.found.alive_ns, 500);
        assert_int_equal(o.found.run, 7);
        assert_int_equal(o.found.acked, 1);
        assert_int_equal(o.found.n_entries, 1);
        assert_int_equal(o.found.entries[0].seq, 2);
        assert_true(span_eq_str(buf_span(&o.found.entries[0].skeleton), "{\"n\":2}"));
        assert_int_equal(table_count(o.t), 3);
        assert_true(watchset_covers(&o.found.watched, SPAN("/w/x")));
        close_state(&o);
        (void)state;
}

static bool in_doubt(struct table *t, const char *path)
{
        const struct table_node *n = table_find(t, span_str(path));

        return n && n->mark & TABLE_DOUBT;
}

/* From one generation to the next, and by what the journal says since. */
static void test_doubt_over_starts(void **state)
{
        struct state_told told = { .run = 7 };
        struct buf ops = BUF_INIT(4096);
        struct opened o;

        open_state(&o, &io_kernel);
        put(o.t, "/w/a", 1);
        put(o.t, "/w/b", 2);
        put(o.t, "/w/c", 3);
        table_find(o.t, SPAN("/w/a"))->mark |= TABLE_DOUBT;
        table_find(o.t, SPAN("/w/c"))->mark |= TABLE_DOUBT;
        assert_int_equal(state_renew(&o.s, &watch, o.t, 100, &told, NULL), 0);
        assert_false(state_wants_renewal(&o.s));
        for (int i = 0; i < 3; i++) { /* as it is, as the journal changes it, and that as it is */
                close_state(&o);
                open_state(&o, &io_kernel);
                assert_int_equal(o.found.source, STATE_KNOWN);
                assert_int_equal(in_doubt(o.t, "/w/a"), i < 2);
                assert_int_equal(in_doubt(o.t, "/w/b"), i == 2);
                assert_true(in_doubt(o.t, "/w/c"));
                assert_int_equal(table_count(o.t), 3);
                assert_int_equal(state_renew(&o.s, &watch, o.t, 100, &told, NULL), 0);
                if (i != 1)
                        continue;
                journal_op_put(&ops, JOURNAL_TRUST, SPAN("/w/a"), SPAN_NONE);
                journal_op_put(&ops, JOURNAL_DOUBT, SPAN("/w/b"), SPAN_NONE);
                journal_op_put(&ops, JOURNAL_DOUBT, SPAN("/w/none"), SPAN_NONE);
                journal_op_put(&ops, JOURNAL_TRUST, SPAN("/w/none"), SPAN_NONE);
                journal_put_change(&o.s.journal, 0, SPAN_NONE, buf_span(&ops));
                assert_int_equal(journal_flush(&o.s.journal, NULL), 0);
        }
        close_state(&o);
        buf_done(&ops);
        (void)state;
}

static void test_a_new_run_replaces_what_was_put_again(void **state)
{
        struct opened o;

        open_state(&o, &io_kernel);
        assert_int_equal(state_renew(&o.s, &watch, o.t, 1,
                                     &(struct state_told){ .run = 7, .acked = 3 }, NULL),
                         0);
        change(&o.s, 4, "/w/a", 1);
        change(&o.s, 5, "/w/b", 2);
        journal_put_run(&o.s.journal, 8);
        journal_put_change(&o.s.journal, 1, SPAN("{\"n\":5}"), SPAN_NONE);
        journal_put_change(&o.s.journal, 1, SPAN("{\"n\":6}"), SPAN_NONE); /* once more */
        assert_int_equal(journal_flush(&o.s.journal, NULL), 0);
        close_state(&o);
        open_state(&o, &io_kernel);
        assert_int_equal(o.found.run, 8);
        assert_int_equal(o.found.acked, 0);
        assert_int_equal(o.found.n_entries, 1);
        assert_int_equal(o.found.entries[0].seq, 1);
        assert_true(span_eq_str(buf_span(&o.found.entries[0].skeleton), "{\"n\":6}"));
        assert_int_equal(table_count(o.t), 2);
        close_state(&o);
        (void)state;
}

/* ---- crashes ---- */

static int left; /* calls that still work */

static bool dead(void)
{
        return left-- <= 0;
}

static int d_open(void *ctx, int fd, const char *path, int flags, mode_t mode)
{
        return (flags & 3) && dead() ? -EIO : io_kernel.open(ctx, fd, path, flags, mode);
}

static ssize_t d_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
        return dead() ? -EIO : io_kernel.pwrite(ctx, fd, p, n, at);
}

static int d_fsync(void *ctx, int fd)
{
        return dead() ? -EIO : io_kernel.fsync(ctx, fd);
}

static int d_fdatasync(void *ctx, int fd)
{
        return dead() ? -EIO : io_kernel.fdatasync(ctx, fd);
}

static int d_rename(void *ctx, int fd, const char *a, const char *b)
{
        return dead() ? -EIO : io_kernel.rename(ctx, fd, a, b);
}

static int d_unlink(void *ctx, int fd, const char *path)
{
        return dead() ? -EIO : io_kernel.unlink(ctx, fd, path);
}

static void test_renewal_may_be_cut_anywhere(void **state)
{
        struct io io = io_kernel;
        struct state_entry carried = { .seq = 2, .skeleton = BUF_INIT(64) };
        bool done = false;

        io.open = d_open;
        io.pwrite = d_pwrite;
        io.fsync = d_fsync;
        io.fdatasync = d_fdatasync;
        io.rename = d_rename;
        io.unlink = d_unlink;
        buf_put_str(&carried.skeleton, "{\"n\":2}");
        for (int n = 0; !done; n++) {
                struct opened o;

                clean();
                open_state(&o, &io_kernel);
                put(o.t, "/w/a", 1);
                assert_int_equal(state_renew(&o.s, &watch, o.t, 100,
                                             &(struct state_told){ .run = 7, .acked = 1 }, NULL),
                                 0);
                change(&o.s, 2, "/w/b", 2);
                put(o.t, "/w/b", 2);
                o.s.io = &io;
                left = n;
                (void)!state_renew(
                        &o.s, &watch, o.t, 200,
                        &(struct state_told){ .run = 7, .acked = 1, .entries = &carried, .n = 1 },
                        NULL);
                done = left > 0;
                close_state(&o);

                open_state(&o, &io_kernel);
                assert_int_equal(o.found.source, STATE_KNOWN);
                assert_int_equal(o.found.run, 7);
                assert_int_equal(o.found.acked, 1);
                assert_int_equal(o.found.n_entries, 1);
                assert_int_equal(o.found.entries[0].seq, 2);
                assert_int_equal(table_count(o.t), 2);
                close_state(&o);
        }
        buf_done(&carried.skeleton);
        (void)state;
}

static void test_damage_falls_back(void **state)
{
        struct snapshot_head head = { .taken_ns = 50 };
        struct opened o;
        char path[64];

        open_state(&o, &io_kernel);
        put(o.t, "/w/a", 1);
        assert_int_equal(
                snapshot_write(&io_kernel, o.s.dirfd, "baseline", &watch, o.t, &head, NULL), 0);
        put(o.t, "/w/b", 2);
        assert_int_equal(state_renew(&o.s, &watch, o.t, 100,
                                     &(struct state_told){ .run = 7, .acked = 1 }, NULL),
                         0);
        close_state(&o);
        snprintf(path, sizeof path, "%s/state", dir);
        assert_int_equal(truncate(path, 100), 0);
        open_state(&o, &io_kernel);
        assert_int_equal(o.found.source, STATE_BASELINE);
        assert_non_null(strstr(o.found.damage, "state"));
        assert_int_equal(table_count(o.t), 1);
        assert_int_equal(o.found.alive_ns, 50);
        close_state(&o);
        snprintf(path, sizeof path, "%s/baseline", dir);
        assert_int_equal(truncate(path, 10), 0);
        open_state(&o, &io_kernel);
        assert_int_equal(o.found.source, STATE_NONE);
        assert_int_equal(table_count(o.t), 0);
        close_state(&o);
        (void)state;
}

#define HEX   "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
#define OTHER "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"

static const char *const waiting[] = {
        "{\"k\":\"integrity.change\",\"what\":{\"new_sha256\":\"" HEX "\",\"old_sha256\":\"" OTHER
        "\",\"path\":\"/f\"},\"why\":{\"content\":true,\"state\":\"package\"}}",
        "{\"k\":\"integrity.approval\",\"what\":{\"digest\":\"" OTHER "\",\"reason\":\"" HEX "\"}}",
        "{\"k\":\"integrity.change\",\"what\":{\"new_sha256\":\"" OTHER
        "\",\"path\":\"/g\"},\"why\":{\"state\":\"service\"}}",
};

static void make_waiting(struct state_found *f, struct state_entry *entries)
{
        *f = (struct state_found){ .entries = entries, .n_entries = ARRAY_LEN(waiting) };
        for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
                entries[i] = (struct state_entry){ .skeleton = BUF_INIT(512) };
                buf_put_str(&entries[i].skeleton, waiting[i]);
        }
}

static void end_waiting(struct state_entry *entries)
{
        for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
                buf_done(&entries[i].skeleton);
}

/* What the ledger will have only after the entries of before were sent is believed already. */
static void test_waits(void **state)
{
        static const struct {
                const char *name, *kind, *path, *text;
                bool want;
        } cases[] = {
                { "kind and digest", "integrity.change", "what.new_sha256", HEX, true },
                { "in a later entry", "integrity.approval", "what.digest", OTHER, true },
                { "digest of another kind", "integrity.package", "what.digest", OTHER, false },
                { "digest of none", "integrity.approval", "what.digest", "00" OTHER, false },
                { "beginning of it", "integrity.approval", "what.digest", "6b86b2", false },
                { "beginning of a kind", "integrity.approva", "what.digest", OTHER, false },
                { "only in another member", "integrity.approval", "what.digest", HEX, false },
        };
        struct state_entry entries[ARRAY_LEN(waiting)];
        struct state_found f, none = { 0 };

        make_waiting(&f, entries);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                print_message("%s\n", cases[i].name);
                assert_false(state_found_waits(&none, cases[i].kind, cases[i].path, cases[i].text));
                assert_int_equal(state_found_waits(&f, cases[i].kind, cases[i].path, cases[i].text),
                                 cases[i].want);
        }
        end_waiting(entries);
        (void)state;
}

/* Only what is there since, and only where the explanation is of it. */
static void test_waits_brought(void **state)
{
        struct state_entry entries[ARRAY_LEN(waiting)];
        uint8_t now[RECORD_HASH], other[RECORD_HASH];
        struct state_found f;

        make_waiting(&f, entries);
        assert_int_equal(text_from_hex(SPAN(HEX), now, sizeof now), 0);
        assert_int_equal(text_from_hex(SPAN(OTHER), other, sizeof other), 0);
        assert_true(state_found_brought(&f, now));
        assert_false(state_found_brought(&f, other));
        f.n_entries = 0;
        assert_false(state_found_brought(&f, now));
        end_waiting(entries);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_first_start_and_second, setup),
                cmocka_unit_test_setup(test_doubt_over_starts, setup),
                cmocka_unit_test_setup(test_a_new_run_replaces_what_was_put_again, setup),
                cmocka_unit_test_setup(test_renewal_may_be_cut_anywhere, setup),
                cmocka_unit_test_setup(test_damage_falls_back, setup),
                cmocka_unit_test(test_waits),
                cmocka_unit_test(test_waits_brought),
        };
        int rc;

        if (!mkdtemp(dir) || watchset_add(&watch, SPAN("/w"), false, NULL) < 0)
                return 1;
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        clean();
        rmdir(dir);
        watchset_done(&watch);
        return rc;
}
