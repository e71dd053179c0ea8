/* SPDX-License-Identifier: Apache-2.0 */
/* A writer under load, killed at random moments.  It appends, publishes and uses segments again,
 * and tells through a pipe what was acknowledged; entry i is a function of i, so the root of the
 * log that is found says whether each is there, once, at its index.
 *
 * ASSAY_KILLS: how often (60); `make soak` asks for thousands. */
#include "../fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static size_t length_of(uint64_t i)
{
        uint64_t state = i;
        uint64_t r = fixture_random(&state);

        return r % 40 == 0 ? 10000 + r % 50000 : 40 + r % 300;
}

/* The child: runs until it is killed. */
static void append_for_ever(struct fixture *f, int out, uint64_t seed)
{
        struct ledger *l = fixture_open(f);
        struct publisher *p = fixture_publisher(f, NULL, false);
        struct buf b = BUF_INIT(2 * ENTRY_MAX);
        struct ledger_writer_id id = { .run = 3, .seq = ledger_last_seq(l, 3) };
        uint64_t index, size;

        for (;;) {
                uint64_t n = 1 + fixture_random(&seed) % 40;
                int r = 0;

                while (n-- > 0 && r == 0) {
                        buf_clear(&b);
                        fixture_entry(&b, ledger_staged(l), length_of(ledger_staged(l)));
                        id.seq++;
                        r = ledger_stage(l, buf_span(&b), SPAN_NONE, id, &index, NULL);
                }
                TESTLOG_REQUIRE(r == 0 || r == -ENOBUFS);
                id.seq -= r == -ENOBUFS;
                TESTLOG_REQUIRE(ledger_commit(l, NULL) == 0);
                ledger_acked(l, 3, id.seq);
                size = ledger_size(l);
                TESTLOG_REQUIRE(write(out, &size, sizeof size) == sizeof size);
                if (fixture_random(&seed) % 4 == 0)
                        fixture_publish(p, l);
                f->now_ns += NS_PER_S;
                ledger_tend(l);
        }
}

static void kill_writer(struct fixture *f, uint64_t *rnd, uint64_t *acked)
{
        struct timespec life = { .tv_nsec = (long)(fixture_random(rnd) % 30) * 1000000 +
                                            (long)(fixture_random(rnd) % 1000000) };
        uint64_t seed = fixture_random(rnd), size;
        int fds[2], status;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(fds[0]);
                append_for_ever(f, fds[1], seed);
        }
        close(fds[1]);
        /* Not before the first acknowledgement, or a slow machine tests nothing. */
        assert_int_equal(read(fds[0], &size, sizeof size), sizeof size);
        *acked = size;
        nanosleep(&life, NULL);
        assert_int_equal(kill(pid, SIGKILL), 0);
        while (read(fds[0], &size, sizeof size) == sizeof size)
                *acked = size;
        close(fds[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Everything acknowledged, and at most the one batch that was on its way. */
static void check(struct fixture *f, uint64_t acked)
{
        struct ledger *l = fixture_open(f);
        uint64_t size = ledger_size(l), index;
        struct buf b = BUF_INIT(2 * ENTRY_MAX);

        assert_true(size >= acked && size <= acked + 40);
        while (f->model.size < size) {
                buf_clear(&b);
                fixture_entry(&b, f->model.size, length_of(f->model.size));
                testlog_add(&f->model, buf_span(&b));
        }
        fixture_check(f, l);
        /* Every entry was this run's: sequences and indices go together. */
        assert_int_equal(ledger_last_seq(l, 3), size);
        assert_int_equal(ledger_find(l, (struct ledger_writer_id){ .run = 3, .seq = size }, &index),
                         0);
        assert_int_equal(index, size - 1);
        assert_true(fixture_checkpoint_size(f) <= size);
        ledger_free(l);
        buf_done(&b);
}

static void kills(void **state)
{
        const char *text = getenv("ASSAY_KILLS");
        uint64_t n = 60, rnd = 7, acked = 0;
        struct publisher *p;
        struct fixture f;
        struct ledger *l;

        if (text)
                assert_int_equal(text_to_u64(span_str(text), &n), 0);
        fixture_new(&f);
        for (uint64_t i = 0; i < n; i++) {
                kill_writer(&f, &rnd, &acked);
                check(&f, acked);
                if (f.model.size > 100000) { /* the model is in memory: another log */
                        fixture_done(&f);
                        fixture_new(&f);
                }
        }
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        if (f.model.size) {
                fixture_publish(p, l);
                fixture_check_tree(&f, f.model.size);
        }
        publisher_free(p);
        ledger_free(l);
        print_message("%d kills, %d entries\n", (int)n, (int)f.model.size);
        fixture_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(kills) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
