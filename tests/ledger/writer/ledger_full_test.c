/* SPDX-License-Identifier: Apache-2.0 */
/* A full disk: a tmpfs of a few segments, which needs root to mount. */
#include "../full_disk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct ledger_writer_id nobody = { 0 };

/* Append until the ledger says it is full. */
static void append_until_full(struct fixture *f, struct ledger *l, size_t bytes)
{
        struct err err = { 0 };
        int r;

        do {
                f->now_ns += NS_PER_S;
                r = fixture_stage(f, l, bytes, nobody, &err);
                if (r == 0 || r == -ENOBUFS)
                        assert_int_equal(ledger_commit(l, &err), 0);
        } while (r == 0 || r == -ENOBUFS);
        assert_int_equal(r, -ENOSPC);
        assert_non_null(strstr(err.text, "full"));
        assert_true(ledger_is_full(l));
}

static void stage_reserved(struct fixture *f, struct ledger *l)
{
        uint64_t index;
        struct err err = { 0 };

        assert_int_equal(
                ledger_stage_reserved(l, SPAN("{\"k\":\"ledger.full\"}"), nobody, &index, &err), 0);
        assert_int_equal(index, f->model.size);
        testlog_add(&f->model, SPAN("{\"k\":\"ledger.full\"}"));
        assert_int_equal(ledger_commit(l, &err), 0);
}

static void full_and_free_again(void **state)
{
        struct fixture f;
        struct ledger *l;
        struct publisher *p;
        struct ledger_position at;
        struct err err = { 0 };

        if (!full_disk_may()) {
                print_message("full_and_free_again: needs root to mount a file system\n");
                skip();
        }
        full_disk_new(&f, "24m");
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        ledger_tend(l);
        fixture_append(&f, l, 300, 700, 10);
        fixture_publish(p, l);
        full_disk_fill(&f);
        /* The last entries are published all the same: the ballast is given up for them. */
        fixture_append(&f, l, 600, 700, 10);
        fixture_publish(p, l);
        assert_int_equal(fixture_checkpoint_size(&f), f.model.size);
        fixture_check_tree(&f, f.model.size);
        append_until_full(&f, l, 700);
        /* What was appended is there, and reading and publishing go on. */
        fixture_check(&f, l);
        assert_int_equal(fixture_stage(&f, l, 50, nobody, &err), -ENOSPC);
        stage_reserved(&f, l);
        fixture_check(&f, l);
        assert_true(ledger_is_full(l));
        /* More than the ballast waits now; that is no reason to stop. */
        ledger_position(l, &at);
        assert_int_equal(publisher_run(p, &at, &err), -ENOSPC);
        /* Restarted on the full disk. */
        publisher_free(p);
        ledger_free(l);
        l = fixture_open(&f);
        fixture_check(&f, l);
        p = fixture_publisher(&f, NULL, false);
        fixture_check_tree_after_crash(&f, fixture_checkpoint_size(&f));
        /* Room again: no word of ours is needed but the next look. */
        assert_int_equal(full_disk_give_back(&f), 0);
        f.now_ns += NS_PER_S;
        ledger_tend(l);
        assert_false(ledger_is_full(l));
        for (int i = 0; i < 10; i++) {
                fixture_append(&f, l, 100, 3000, 10);
                fixture_publish(p, l);
                ledger_tend(l);
        }
        assert_int_equal(fixture_checkpoint_size(&f), f.model.size);
        assert_int_equal(faccessat(f.private_fd, "ballast", F_OK, 0), 0);
        publisher_free(p);
        ledger_free(l);
        l = fixture_open(&f);
        fixture_check(&f, l);
        ledger_free(l);
        full_disk_done(&f);
}

/* Publish in rounds, what is published going away, until nothing waits or there is no room. */
static int publish_in_rounds(struct publisher *p, struct ledger *l, unsigned *ret_rounds)
{
        struct ledger_position at;
        struct err err = { 0 };
        int r = 0;

        ledger_position(l, &at);
        for (*ret_rounds = 0; publisher_size(p) < at.size && r == 0; ++*ret_rounds) {
                r = publisher_round(p, &at, &err);
                if (r < 0)
                        return r;
                ledger_published(l, publisher_covered(p), publisher_segment(p));
                ledger_make_room(l);
        }
        return r;
}

/* The disk fills up while tens of segments wait to be published: all of them are, and what says
 * that it is full is signed, with no more room than the ballast had.  A small one is not enough. */
static void full_with_a_backlog(void **state)
{
        static const struct {
                bool ballast; /* or 1 MiB */
                size_t entry;
                int want;
        } rows[] = {
                { true, 300, 0 },
                { true, 60, 0 },
                { true, 60000, 0 },
                { false, 300, -ENOSPC },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct publisher_options o = { .io = &io_kernel, .ballast_bytes = rows[i].ballast };
                struct publisher *p = NULL;
                struct fixture f;
                struct ledger *l;
                unsigned rounds;

                if (!full_disk_may()) {
                        print_message("full_with_a_backlog: needs root to mount a file system\n");
                        skip();
                }
                if (rows[i].ballast)
                        o.ballast_bytes = publisher_ballast(LEDGER_SEGMENT_MIN);
                full_disk_new(&f, "120m");
                l = fixture_open(&f);
                assert_int_equal(publisher_open(f.public_fd, f.private_fd, &o, &p, NULL), 0);
                assert_int_equal(faccessat(f.private_fd, "ballast", F_OK, 0), 0);
                assert_int_equal(ledger_backlog(l, 0), 0);
                while (ledger_backlog(l, 0) < 60 * LEDGER_SEGMENT_MIN) {
                        fixture_append(&f, l, 20000 / (rows[i].entry / 60), rows[i].entry, 500);
                        ledger_tend(l);
                }
                full_disk_fill(&f);
                append_until_full(&f, l, rows[i].entry);
                stage_reserved(&f, l);
                assert_int_equal(publish_in_rounds(p, l, &rounds), rows[i].want);
                if (rows[i].want == 0) {
                        assert_true(rounds >= 3);
                        assert_int_equal(fixture_checkpoint_size(&f), f.model.size);
                        fixture_check_tree(&f, f.model.size);
                        assert_int_equal(ledger_backlog(l, f.model.size), 0);
                        /* What is left is in no full bundle. */
                        assert_true(ledger_backlog(l, 0) <=
                                    2 * LEDGER_SEGMENT_MIN + 256 * rows[i].entry);
                }
                publisher_free(p);
                ledger_free(l);
                full_disk_done(&f);
        }
}

/* Room comes back while the process lives: the refused writer tries again and gets in. */
static void resumes_in_place(void **state)
{
        struct fixture f;
        struct ledger *l;
        struct err err = { 0 };

        if (!full_disk_may()) {
                print_message("resumes_in_place: needs root to mount a file system\n");
                skip();
        }
        full_disk_new(&f, "16m");
        l = fixture_open(&f);
        full_disk_fill(&f);
        append_until_full(&f, l, 20000);
        assert_int_equal(fixture_stage(&f, l, 20000, nobody, &err), -ENOSPC);
        assert_int_equal(full_disk_give_back(&f), 0);
        f.now_ns += NS_PER_S;
        assert_int_equal(fixture_stage(&f, l, 20000, nobody, &err), 0);
        assert_int_equal(ledger_commit(l, &err), 0);
        assert_false(ledger_is_full(l));
        fixture_append(&f, l, 100, 20000, 10);
        ledger_free(l);
        l = fixture_open(&f);
        fixture_check(&f, l);
        ledger_free(l);
        full_disk_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(full_and_free_again),
                cmocka_unit_test(full_with_a_backlog),
                cmocka_unit_test(resumes_in_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
