/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/silent.h"

#include "sys/io.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[] = "/tmp/assay-silent-XXXXXX";

static const char *below(const char *name)
{
        static char path[64];

        snprintf(path, sizeof path, "%s/%s", top, name);
        return path;
}

static struct silent_ask *asked(const char *path)
{
        struct silent_ask *a = NULL;
        struct err err = { 0 };
        struct pollfd p = { .fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN };

        assert_int_equal(silent_ask(path, p.fd, &a, &err), 0);
        assert_int_equal(poll(&p, 1, 60000), 1);
        assert_true(silent_is_back(a));
        close(p.fd);
        return a;
}

static int make(void **state)
{
        (void)state;
        return mkdtemp(top) && mkdir(below("a"), 0700) == 0 && mkdir(below("b"), 0700) == 0 &&
                               mkdir(below("b/a"), 0700) == 0
                       ? 0
                       : -1;
}

static int clean(void **state)
{
        (void)state;
        return rmdir(below("b/a")) | rmdir(below("b")) | rmdir(below("a")) | rmdir(top);
}

/* Whoever asks is told of this place and of what is below it, by path and by name. */
static void test_list(void **state)
{
        CLEANUP_FD int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CLEANUP_FD int other = open(below("b"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct silent_ask *a = asked(below("a"));

        (void)state;
        assert_false(silent_at(span_str(below("a"))));
        assert_false(silent_name(dir, "a"));
        assert_int_equal(silent_put(a), 0);
        assert_null(silent_leave(a));
        assert_true(silent_at(span_str(below("a"))));
        assert_true(silent_at(span_str(below("a/b/c"))));
        assert_false(silent_at(span_str(below("ab"))));
        assert_false(silent_at(span_str(below("b"))));
        assert_false(silent_at(span_str(top)));
        assert_true(silent_name(dir, "a"));
        assert_false(silent_name(dir, "b"));
        assert_false(silent_name(other, "a"));
        silent_drop(span_str(below("b"))); /* never was in it */
        assert_true(silent_at(span_str(below("a"))));
        silent_drop(span_str(below("a")));
        assert_false(silent_at(span_str(below("a"))));
        assert_false(silent_name(dir, "a"));
}

static void test_full(void **state)
{
        struct silent_ask *a = asked(below("a")), *b = asked(below("b"));

        (void)state;
        for (int i = 0; i < SILENT_MAX; i++)
                assert_int_equal(silent_put(a), 0);
        assert_int_equal(silent_put(b), -ENOSPC);
        assert_false(silent_at(span_str(below("b"))));
        silent_drop(span_str(below("a")));
        assert_int_equal(silent_put(b), 0);
        silent_drop(span_str(below("b")));
        silent_leave(a);
        silent_leave(b);
}

/* Where the thread could not get as far as the directory above, there is nothing to go by. */
static void test_no_way(void **state)
{
        struct silent_ask *a = asked(below("none/a"));
        struct err err = { 0 };

        (void)state;
        assert_int_equal(silent_put(a), -EAGAIN);
        silent_leave(a);
        assert_int_equal(silent_ask("relative", 0, &a, &err), -EINVAL);
        assert_int_equal(silent_ask("/", -1, &a, &err), -EBADF);
}

static void test_root(void **state)
{
        struct silent_ask *a = asked("/");

        (void)state;
        assert_int_equal(silent_put(a), 0);
        assert_true(silent_at(SPAN("/etc")));
        silent_drop(SPAN("/"));
        assert_false(silent_at(SPAN("/etc")));
        silent_leave(a);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list),
                cmocka_unit_test(test_full),
                cmocka_unit_test(test_no_way),
                cmocka_unit_test(test_root),
        };

        return cmocka_run_group_tests(tests, make, clean);
}
