/* SPDX-License-Identifier: Apache-2.0 */
/* One life of a ledger in which the k-th call of one kind fails, for every k until the life passes
 * untouched.  The owner does what the headers say: after a failed write it goes on, after a failed
 * sync it opens the ledger again, after a failed publication it opens another publisher.  In the
 * end everything acknowledged is there, once, and the published tree is right. */
#include "../faulty.h"
#include "../fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { RUN = 4 };

struct life {
        struct fixture f;
        struct faulty io;
        struct vault *vault;
        struct ledger *l;
        struct publisher *p;
        uint64_t seq;
        uint64_t seq_at[2000];
        uint64_t signed_size;
        unsigned failures; /* calls of the ledger's that said no */
};

static void say(const struct life *x, const char *what, const struct err *err)
{
        print_message("%s %u: %s: %s\n", faulty_name(x->io.kind), x->io.at, what, err_text(err));
}

/* One failure is what there is: the second try must succeed. */
#define TWICE(x, call)                                                                             \
        do {                                                                                       \
                struct err err = { 0 };                                                            \
                int r_ = (call);                                                                   \
                if (r_ < 0) {                                                                      \
                        assert_true((x)->io.struck);                                               \
                        (x)->failures++;                                                           \
                        err.code = 0;                                                              \
                        r_ = (call);                                                               \
                }                                                                                  \
                if (r_ < 0)                                                                        \
                        say(x, #call, &err);                                                       \
                assert_int_equal(r_, 0);                                                           \
        } while (0)

static int create(struct life *x, struct err *err)
{
        int r = vault_create(x->f.private_fd, &x->io.io, err);

        if (r == 0 || r == -EEXIST)
                r = ledger_create(x->f.public_fd, x->f.private_fd, FIXTURE_ORIGIN, &x->f.options,
                                  err);
        return r == -EEXIST ? 0 : r; /* the failure came after it was whole */
}

static int open_ledger(struct life *x, struct err *err)
{
        return ledger_open(x->f.public_fd, x->f.private_fd, &x->f.options, &x->l, err);
}

static int open_vault(struct life *x, struct err *err)
{
        return vault_open(x->f.private_fd, &x->io.io, true, &x->vault, err);
}

static int open_publisher(struct life *x, struct err *err)
{
        struct publisher_options o = { .io = &x->io.io, .vault = x->vault };

        return publisher_open(x->f.public_fd, x->f.private_fd, &o, &x->p, err);
}

static void open_all(struct life *x)
{
        TWICE(x, open_vault(x, &err));
        TWICE(x, open_ledger(x, &err));
        TWICE(x, open_publisher(x, &err));
}

static void close_all(struct life *x)
{
        x->p = publisher_free(x->p);
        x->l = ledger_free(x->l);
        x->vault = vault_free(x->vault);
}

/* The model knows `known` entries for sure; the ledger may hold up to all the model has. */
static void reopen(struct life *x, uint64_t known)
{
        uint64_t size;

        close_all(x);
        open_all(x);
        size = ledger_size(x->l);
        assert_true(size >= known && size <= x->f.model.size);
        fixture_truncate_model(&x->f, size);
        x->seq = ledger_last_seq(x->l, RUN);
        fixture_check(&x->f, x->l);
}

/* With one more staged behind the batch, which goes with it or is dropped here. */
static int commit(struct life *x, struct err *err)
{
        struct err none = { 0 };
        int r = ledger_commit_begin(x->l, err), more;
        uint64_t index;

        if (r <= 0)
                return r;
        more = ledger_stage(x->l, SPAN("{}"), SPAN_NONE, (struct ledger_writer_id){ 0 }, &index,
                            &none);
        ledger_commit_write(x->l);
        r = ledger_commit_end(x->l, err);
        if (r == 0 && more == 0)
                assert_int_equal(index, ledger_size(x->l));
        assert_int_equal(ledger_staged(x->l) - ledger_size(x->l), r == 0 && more == 0);
        ledger_abandon(x->l);
        return r;
}

/* n entries of one batch.  A refused batch is tried again, as a writer would. */
static void append(struct life *x, unsigned n, size_t bytes)
{
        for (int try = 0; try < 3; try++) {
                uint64_t known = x->f.model.size, seq = x->seq;
                bool staged, stopped;
                struct err err = { 0 };
                int r = 0;

                for (unsigned i = 0; i < n && r == 0; i++) {
                        r = fixture_stage(
                                &x->f, x->l, bytes,
                                (struct ledger_writer_id){ .run = RUN, .seq = x->seq + 1 }, &err);
                        if (r == 0)
                                x->seq_at[++x->seq] = x->f.model.size - 1;
                }
                if (r == -ENOBUFS)
                        r = 0;
                staged = r == 0;
                if (r == 0)
                        r = commit(x, &err);
                if (r == 0 && x->seq > LEDGER_WINDOW / 4)
                        ledger_acked(x->l, RUN, x->seq - LEDGER_WINDOW / 4);
                if (r == 0)
                        return;
                if (!x->io.struck)
                        say(x, "append", &err);
                assert_true(x->io.struck);
                x->failures++;
                x->f.now_ns += NS_PER_S;
                ledger_abandon(x->l);
                stopped = ledger_stage(x->l, SPAN("{}"), SPAN_NONE, (struct ledger_writer_id){ 0 },
                                       &(uint64_t){ 0 }, &err) == -EIO;
                if (staged && x->io.kind == FAULTY_FDATASYNC)
                        assert_true(stopped);
                if (stopped) {
                        /* It stopped: it must not start again by itself. */
                        assert_int_equal(ledger_commit(x->l, &err), -EIO);
                        assert_int_equal(ledger_commit(x->l, &err), -EIO);
                        assert_int_equal(ledger_size(x->l), known);
                        reopen(x, known);
                } else {
                        ledger_abandon(x->l);
                        fixture_truncate_model(&x->f, known);
                        x->seq = seq;
                        fixture_check(&x->f, x->l);
                }
        }
        fail_msg("one failure kept three batches out");
}

static void publisher_again(struct life *x)
{
        TWICE(x, open_publisher(x, &err));
}

static int publish(struct life *x, struct err *err)
{
        struct ledger_position at;
        int r;

        ledger_position(x->l, &at);
        r = publisher_run(x->p, &at, err);
        if (r < 0) {
                x->p = publisher_free(x->p);
                publisher_again(x);
                return r;
        }
        assert_int_equal(publisher_size(x->p), at.size);
        x->signed_size = at.size;
        ledger_published(x->l, publisher_covered(x->p), publisher_segment(x->p));
        return 0;
}

static void tend(struct life *x)
{
        for (int i = 0; i < 2; i++) {
                x->f.now_ns += NS_PER_S;
                ledger_tend(x->l);
        }
}

static void live(struct life *x)
{
        TWICE(x, create(x, &err));
        open_all(x);
        append(x, 5, 50);
        append(x, 3, 100);
        TWICE(x, publish(x, &err));
        for (int i = 0; i < 2; i++) { /* nearly a segment each */
                for (int k = 0; k < 6; k++)
                        append(x, k < 5 ? 6 : 260, k < 5 ? 30000 : 60);
                if (i == 0) /* later the published ones are used again */
                        tend(x);
                TWICE(x, publish(x, &err));
                tend(x);
        }
        close_all(x);
        open_all(x);
        append(x, 20, 300);
        TWICE(x, publish(x, &err));
        tend(x);
        close_all(x);
}

static void check(struct life *x)
{
        uint64_t index;

        x->f.options.io = &io_kernel;
        x->l = fixture_open(&x->f);
        fixture_check(&x->f, x->l);
        assert_int_equal(ledger_last_seq(x->l, RUN), x->seq);
        for (uint64_t s = x->seq; s + LEDGER_WINDOW / 4 > x->seq; s--) {
                struct ledger_writer_id id = { .run = RUN, .seq = s };

                assert_int_equal(ledger_find(x->l, id, &index), 0);
                assert_int_equal(index, x->seq_at[s]);
        }
        x->p = fixture_publisher(&x->f, NULL, false);
        assert_int_equal(publisher_size(x->p), x->signed_size);
        fixture_append(&x->f, x->l, 60, 20000, 7); /* on into other segments */
        fixture_publish(x->p, x->l);
        fixture_check_tree_after_crash(&x->f, x->f.model.size);
        close_all(x);
        x->l = fixture_open(&x->f);
        fixture_check(&x->f, x->l);
        close_all(x);
}

/* The number of calls of that kind a life makes. */
static unsigned every_call_of(enum faulty_kind kind, int error, bool half)
{
        bool struck = true;
        unsigned k;

        for (k = 1; struck; k++) {
                struct life *x = calloc(1, sizeof *x);

                fixture_init(&x->f, false);
                faulty_init(&x->io);
                x->io.kind = kind;
                x->io.at = k;
                x->io.error = error;
                x->io.half = half;
                x->f.options.io = &x->io.io;
                live(x);
                struck = x->io.struck;
                if (!struck)
                        assert_int_equal(x->failures, 0);
                check(x);
                fixture_done(&x->f);
                free(x);
        }
        return k - 2;
}

static void opens(void **state)
{
        assert_true(every_call_of(FAULTY_OPEN, -EIO, false) > 50);
}

static void reads(void **state)
{
        assert_true(every_call_of(FAULTY_PREAD, -EIO, false) > 20);
}

static void writes(void **state)
{
        assert_true(every_call_of(FAULTY_PWRITE, -EIO, true) > 40);
}

static void writes_without_room(void **state)
{
        assert_true(every_call_of(FAULTY_PWRITE, -ENOSPC, false) > 40);
}

static void data_syncs(void **state)
{
        assert_true(every_call_of(FAULTY_FDATASYNC, -EIO, false) > 15);
}

static void syncs(void **state)
{
        assert_true(every_call_of(FAULTY_FSYNC, -EIO, false) > 20);
}

static void renames(void **state)
{
        assert_true(every_call_of(FAULTY_RENAME, -ENOSPC, false) > 15);
}

static void removals(void **state)
{
        every_call_of(FAULTY_UNLINK, -EIO, false);
}

static void new_directories(void **state)
{
        assert_true(every_call_of(FAULTY_MKDIR, -ENOSPC, false) > 5);
}

static void lengths(void **state)
{
        assert_true(every_call_of(FAULTY_FTRUNCATE, -ENOSPC, false) > 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(opens),      cmocka_unit_test(reads),
                cmocka_unit_test(writes),     cmocka_unit_test(writes_without_room),
                cmocka_unit_test(data_syncs), cmocka_unit_test(syncs),
                cmocka_unit_test(renames),    cmocka_unit_test(removals),
                cmocka_unit_test(lengths),    cmocka_unit_test(new_directories),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
