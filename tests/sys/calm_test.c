/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/calm.h"

#include "base/clock.h"
#include "sys/sysclock.h"

#include <linux/ioprio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

struct was {
        int nice, io;
};

static void look(void *ctx)
{
        struct was *w = ctx;

        w->nice = getpriority(PRIO_PROCESS, 0);
        w->io = (int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
}

/* The lowest within, and nothing else than before outside. */
static void test_priority(void **state)
{
        struct was before, within = { 0 }, after;

        (void)state;
        look(&before);
        assert_int_equal(calm_run(look, &within), 0);
        look(&after);
        assert_int_equal(within.nice, 19);
        assert_int_equal(IOPRIO_PRIO_CLASS(within.io), IOPRIO_CLASS_IDLE);
        assert_int_equal(before.nice, after.nice);
        assert_int_equal(before.io, after.io);
}

/* As much rest as work, but none once it shall stop. */
static void test_rest(void **state)
{
        atomic_bool stop = false;
        struct calm_pace p = { 0 };
        int64_t began = clock_mono(&sysclock), end;

        (void)state;
        calm_rest(&p, &stop);
        for (int i = 0; i < 3; i++) {
                end = clock_mono(&sysclock) + 20 * NS_PER_MS;
                while (clock_mono(&sysclock) < end)
                        continue;
                calm_rest(&p, &stop);
        }
        assert_true(clock_mono(&sysclock) - began >= 120 * NS_PER_MS);
        stop = true;
        p.since_ns = clock_mono(&sysclock) - 1000 * NS_PER_S;
        began = clock_mono(&sysclock);
        calm_rest(&p, &stop);
        assert_true(p.since_ns >= began);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_priority),
                                            cmocka_unit_test(test_rest) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
