/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static const char *const names[] = { "a", ".hidden", "...", "sub", "\xff\n\"" };
static char path[64];
static int dirfd_;

/* ---- a directory that cannot be read to its end ---- */

static int readable = -1; /* entries until reading fails; -1: never */

struct dirent *__real_readdir64(DIR *d);
struct dirent *__wrap_readdir64(DIR *d);

struct dirent *__wrap_readdir64(DIR *d)
{
        if (readable < 0)
                return __real_readdir64(d);
        if (readable == 0) {
                errno = EIO;
                return NULL;
        }
        readable--;
        return __real_readdir64(d);
}

static int setup(void **state)
{
        snprintf(path, sizeof path, "/var/tmp/assay-names-XXXXXX");
        if (!mkdtemp(path))
                return -1;
        dirfd_ = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (mkdirat(dirfd_, names[i], 0700) < 0)
                        return -1;
        readable = -1;
        return dirfd_ < 0;
}

static int teardown(void **state)
{
        readable = -1;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                unlinkat(dirfd_, names[i], AT_REMOVEDIR);
        close(dirfd_);
        return rmdir(path);
}

struct seen {
        unsigned times[ARRAY_LEN(names)], all;
        unsigned end_at; /* this one ends the walk */
        int end_with;
        bool remove;
};

static int see(void *ctx, int dirfd, const char *name)
{
        struct seen *s = ctx;
        struct stat st;

        assert_return_code(fstatat(dirfd, name, &st, 0), 0);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                s->times[i] += strcmp(names[i], name) == 0;
        if (s->remove)
                assert_return_code(unlinkat(dirfd, name, AT_REMOVEDIR), 0);
        errno = EXDEV; /* what fn leaves behind says nothing of the directory */
        return ++s->all == s->end_at ? s->end_with : 0;
}

static void assert_all(const struct seen *s)
{
        assert_int_equal(s->all, ARRAY_LEN(names));
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                assert_int_equal(s->times[i], 1);
}

static void test_each_name_once(void **state)
{
        static const struct {
                const char *name;
                bool by_path, remove;
        } cases[] = {
                { "by its path", true, false },
                { "by its descriptor", false, false },
                { "again by its descriptor", false, false },
                { "removed as they are met", false, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct seen s = { .remove = cases[i].remove };
                int at = cases[i].by_path ? AT_FDCWD : dirfd_;

                print_message("%s\n", cases[i].name);
                assert_int_equal(names_each(at, cases[i].by_path ? path : ".", see, &s), 0);
                assert_all(&s);
        }
}

static void test_what_ends_it(void **state)
{
        static const struct {
                const char *name, *path;
                int readable;
                unsigned end_at;
                int end_with, want;
                unsigned want_seen;
        } cases[] = {
                { "an error of fn", ".", -1, 2, -ENOMEM, -ENOMEM, 2 },
                { "fn has found it", ".", -1, 3, 1, 1, 3 },
                { "no such directory", "gone", -1, 0, 0, -ENOENT, 0 },
                { "a file", "/dev/null", -1, 0, 0, -ENOTDIR, 0 },
                { "unreadable at once", ".", 0, 0, 0, -EIO, 0 },
                { "fn's error is the first", ".", 7, 1, -EPERM, -EPERM, 1 },
        };
        int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

        close(before);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct seen s = { .end_at = cases[i].end_at, .end_with = cases[i].end_with };

                print_message("%s\n", cases[i].name);
                readable = cases[i].readable;
                assert_int_equal(names_each(dirfd_, cases[i].path, see, &s), cases[i].want);
                assert_int_equal(s.all, cases[i].want_seen);
        }
        after = open("/dev/null", O_RDONLY | O_CLOEXEC);
        close(after);
        assert_int_equal(after, before); /* nothing is left open */
}

/* Half a list was taken for the whole: earlier baselines, items of the quarantine, segments. */
static void test_an_unread_rest_is_no_end(void **state)
{
        struct seen s = { 0 };

        readable = 4; /* "." and ".." may be among them */
        assert_int_equal(names_each(dirfd_, ".", see, &s), -EIO);
        assert_in_range(s.all, 2, 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_each_name_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_ends_it, setup, teardown),
                cmocka_unit_test_setup_teardown(test_an_unread_rest_is_no_end, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
