/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include "sys/sysclock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

/* Time that moves only when told. */
static int64_t fake_now;

static int64_t fake_ns(void *ctx)
{
        return fake_now;
}

static const struct clock fake_clock = { .wall_ns = fake_ns, .mono_ns = fake_ns };

struct fixture {
        struct loop *loop;
        struct loop_source *a, *b;
        char log[64];
        int turns;
};

static void note(struct fixture *f, char c)
{
        size_t n = strlen(f->log);

        assert_true(n + 1 < sizeof f->log);
        f->log[n] = c;
        f->log[n + 1] = '\0';
}

static void start(struct fixture *f, const struct clock *clock)
{
        *f = (struct fixture){ 0 };
        fake_now = 1000;
        assert_int_equal(loop_new(clock, &f->loop, NULL), 0);
}

static void on_a(void *ctx)
{
        note(ctx, 'a');
}

static void on_b(void *ctx)
{
        note(ctx, 'b');
}

static void on_c(void *ctx)
{
        note(ctx, 'c');
}

static void stop_after_turn(void *ctx)
{
        struct fixture *f = ctx;

        note(f, '.');
        loop_stop(f->loop, ++f->turns);
}

/* One turn with the turn function noting its end. */
static const char *one_turn(struct fixture *f)
{
        int want = f->turns + 1;

        f->log[0] = '\0';
        loop_set_turn(f->loop, stop_after_turn, f);
        assert_int_equal(loop_run(f->loop), want);
        return f->log;
}

static void test_timer_order(void **state)
{
        struct loop_source *t[3];
        struct fixture f;

        start(&f, &fake_clock);
        assert_int_equal(loop_add_timer(f.loop, on_a, &f, &t[0], NULL), 0);
        assert_int_equal(loop_add_timer(f.loop, on_b, &f, &t[1], NULL), 0);
        assert_int_equal(loop_add_timer(f.loop, on_c, &f, &t[2], NULL), 0);
        loop_timer_set(t[0], 1300);
        loop_timer_set(t[1], 1100);
        loop_timer_set(t[2], 1200);
        fake_now = 1100;
        assert_string_equal(one_turn(&f), "b.");
        fake_now = 1300;
        assert_string_equal(one_turn(&f), "ca.");
        loop_timer_set(t[0], 1);
        loop_timer_set(t[1], 2);
        loop_timer_set(t[0], -1);
        assert_string_equal(one_turn(&f), "b.");
        loop_free(f.loop);
}

/* Many timers, armed, moved and disarmed by a fixed pseudo-random order, must come out sorted. */
static int64_t last_fired;
static unsigned fired;

struct ticker {
        int64_t at;
};

static void on_tick(void *ctx)
{
        struct ticker *t = ctx;

        assert_true(t->at >= last_fired);
        assert_true(t->at <= fake_now);
        last_fired = t->at;
        t->at = -1;
        fired++;
}

static void test_timer_heap(void **state)
{
        enum { N = 500 };
        static struct ticker tick[N];
        struct loop_source *t[N];
        uint32_t rnd = 12345;
        struct fixture f;
        unsigned armed = 0;

        start(&f, &fake_clock);
        for (int i = 0; i < N; i++)
                assert_int_equal(loop_add_timer(f.loop, on_tick, &tick[i], &t[i], NULL), 0);
        for (int i = 0; i < 10 * N; i++) {
                int k;

                rnd = rnd * 1664525 + 1013904223;
                k = (int)(rnd >> 8) % N;
                tick[k].at = rnd % 7 == 0 ? -1 : (int64_t)(rnd >> 4) % 100000;
                loop_timer_set(t[k], tick[k].at);
        }
        for (int i = 0; i < N; i++)
                armed += tick[i].at >= 0;
        last_fired = 0;
        fired = 0;
        fake_now = 50000;
        one_turn(&f);
        assert_in_range(fired, 1, armed - 1);
        for (int i = 0; i < N; i++)
                assert_true(tick[i].at < 0 || tick[i].at > 50000);
        fake_now = 100000;
        one_turn(&f);
        assert_int_equal(fired, armed);
        loop_free(f.loop);
}

static void rearm_now(void *ctx)
{
        struct fixture *f = ctx;

        note(f, 'r');
        loop_timer_set(f->a, fake_now);
}

/* A timer that is always due runs once a turn and starves nobody. */
static void test_timer_rearmed_now(void **state)
{
        struct fixture f;

        start(&f, &fake_clock);
        assert_int_equal(loop_add_timer(f.loop, rearm_now, &f, &f.a, NULL), 0);
        loop_timer_set(f.a, 0);
        assert_string_equal(one_turn(&f), "r.");
        assert_string_equal(one_turn(&f), "r.");
        loop_free(f.loop);
}

static void remove_both(void *ctx)
{
        struct fixture *f = ctx;

        note(f, 'x');
        f->a = loop_remove(f->a);
        f->b = loop_remove(f->b);
}

static void test_timer_removes_due(void **state)
{
        struct fixture f;

        start(&f, &fake_clock);
        assert_int_equal(loop_add_timer(f.loop, remove_both, &f, &f.a, NULL), 0);
        assert_int_equal(loop_add_timer(f.loop, on_b, &f, &f.b, NULL), 0);
        loop_timer_set(f.a, 10);
        loop_timer_set(f.b, 20);
        assert_string_equal(one_turn(&f), "x."); /* both were due */
        assert_null(f.b);
        assert_null(loop_remove(NULL));
        loop_free(f.loop);
}

static void io_remove_both(void *ctx, unsigned events)
{
        assert_true(events & LOOP_READ);
        remove_both(ctx);
}

/* Two ready descriptors in one batch, the first handler removes both. */
static void test_io_removes_ready(void **state)
{
        struct fixture f;
        int p[2], q[2];

        start(&f, &sysclock);
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        assert_int_equal(pipe2(q, O_CLOEXEC), 0);
        assert_int_equal(loop_add_fd(f.loop, p[0], LOOP_READ, io_remove_both, &f, &f.a, NULL), 0);
        assert_int_equal(loop_add_fd(f.loop, q[0], LOOP_READ, io_remove_both, &f, &f.b, NULL), 0);
        assert_int_equal(write(p[1], "1", 1), 1);
        assert_int_equal(write(q[1], "1", 1), 1);
        assert_string_equal(one_turn(&f), "x.");
        loop_free(f.loop);
        for (int i = 0; i < 2; i++) {
                close(p[i]);
                close(q[i]);
        }
}

static void io_note(void *ctx, unsigned events)
{
        struct fixture *f = ctx;

        if (events & LOOP_READ)
                note(f, 'R');
        if (events & LOOP_WRITE)
                note(f, 'W');
        if (events & LOOP_HANGUP)
                note(f, 'H');
}

static void test_io_events(void **state)
{
        struct err err = { 0 };
        struct fixture f;
        int p[2], file;

        start(&f, &sysclock);
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        assert_int_equal(loop_add_fd(f.loop, p[0], LOOP_READ, io_note, &f, &f.a, NULL), 0);
        assert_int_equal(loop_add_fd(f.loop, p[1], 0, io_note, &f, &f.b, NULL), 0);
        assert_int_equal(loop_set_events(f.b, LOOP_WRITE), 0);
        assert_string_equal(one_turn(&f), "W.");
        assert_int_equal(write(p[1], "1", 1), 1);
        assert_int_equal(loop_set_events(f.b, 0), 0);
        assert_string_equal(one_turn(&f), "R.");
        f.b = loop_remove(f.b);
        close(p[1]);
        assert_string_equal(one_turn(&f), "RH.");
        file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        assert_int_equal(loop_add_fd(f.loop, file, LOOP_READ, io_note, &f, &f.b, &err), -EPERM);
        assert_null(f.b);
        close(file);
        loop_free(f.loop);
        close(p[0]);
}

static void on_signal(void *ctx, int signo)
{
        note(ctx, signo == SIGUSR1 ? '1' : signo == SIGUSR2 ? '2' : '?');
}

static void test_signals(void **state)
{
        struct fixture f;
        sigset_t was;

        sigprocmask(SIG_SETMASK, NULL, &was);
        start(&f, &sysclock);
        assert_int_equal(loop_add_signal(f.loop, SIGUSR1, on_signal, &f, NULL), 0);
        assert_int_equal(loop_add_signal(f.loop, SIGUSR2, on_signal, &f, NULL), 0);
        assert_int_equal(loop_add_signal(f.loop, 0, on_signal, &f, NULL), -EINVAL);
        kill(getpid(), SIGUSR2);
        assert_string_equal(one_turn(&f), "2.");
        kill(getpid(), SIGUSR1);
        kill(getpid(), SIGUSR2);
        assert_string_equal(one_turn(&f), "12.");
        assert_int_equal(loop_signal_sender(f.loop).pid, getpid());
        assert_int_equal(loop_signal_sender(f.loop).uid, getuid());
        loop_free(f.loop);
        sigprocmask(SIG_SETMASK, &was, NULL);
}

static void stop_seven(void *ctx)
{
        loop_stop(ctx, 7);
}

/* The kernel's clock: not before its time, and not much later on an idle machine. */
static void test_real_timer(void **state)
{
        int64_t begun = clock_mono(&sysclock);
        struct loop_source *t;
        struct fixture f;

        start(&f, &sysclock);
        assert_int_equal(loop_add_timer(f.loop, stop_seven, f.loop, &t, NULL), 0);
        loop_timer_set(t, begun + 3 * NS_PER_MS);
        assert_int_equal(loop_run(f.loop), 7);
        assert_true(clock_mono(&sysclock) >= begun + 3 * NS_PER_MS);
        loop_free(f.loop);
}

/* Time that goes on whenever it is asked for: a timer's moment may pass between two questions. */
static int64_t passing_ns(void *ctx)
{
        return fake_now += 10;
}

static void test_timer_passes_meanwhile(void **state)
{
        static const struct clock passing = { .wall_ns = passing_ns, .mono_ns = passing_ns };
        struct loop_source *t;
        struct fixture f;

        for (int64_t due = 0; due <= 60; due++) {
                start(&f, &passing);
                assert_int_equal(loop_add_timer(f.loop, stop_seven, f.loop, &t, NULL), 0);
                loop_timer_set(t, fake_now + due);
                assert_int_equal(loop_run(f.loop), 7);
                loop_free(f.loop);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_timer_order),
                cmocka_unit_test(test_timer_heap),
                cmocka_unit_test(test_timer_rearmed_now),
                cmocka_unit_test(test_timer_removes_due),
                cmocka_unit_test(test_io_removes_ready),
                cmocka_unit_test(test_io_events),
                cmocka_unit_test(test_signals),
                cmocka_unit_test(test_real_timer),
                cmocka_unit_test(test_timer_passes_meanwhile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
