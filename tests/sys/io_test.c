/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/io.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static int dir_setup(void **state)
{
        static char path[64];
        static int fd;

        snprintf(path, sizeof path, "/tmp/assay-io-XXXXXX");
        if (!mkdtemp(path))
                return -1;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *state = &fd;
        return fd < 0;
}

static int remove_all(int dirfd)
{
        static const char *const names[] = { "f", "f.tmp", "a/b/c", "a/b", "a" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (unlinkat(dirfd, names[i], 0) < 0)
                        unlinkat(dirfd, names[i], AT_REMOVEDIR);
        return 0;
}

static int dir_teardown(void **state)
{
        int fd = *(int *)*state;
        char path[64], link[64];
        ssize_t n;

        remove_all(fd);
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof path - 1);
        close(fd);
        path[n] = '\0';
        return rmdir(path); /* fails when a test left something */
}

static void test_read_replace(void **state)
{
        int dirfd = *(int *)*state;
        struct err err = { 0 };
        uint8_t *p = NULL;
        size_t n = 99;

        assert_int_equal(io_read_file(&io_kernel, dirfd, "f", 10, &p, &n, &err), -ENOENT);
        assert_non_null(strstr(err.text, "f: open"));
        assert_null(p);
        assert_int_equal(n, 99);

        assert_int_equal(io_replace_file(&io_kernel, dirfd, "f", dirfd, 0600, SPAN("one"), &err),
                         0);
        assert_int_equal(
                io_replace_file(&io_kernel, dirfd, "f", dirfd, 0600, SPAN("0123456789"), &err), 0);
        assert_int_equal(io_read_file(&io_kernel, dirfd, "f", 9, &p, &n, &err), -EFBIG);
        assert_int_equal(io_read_file(&io_kernel, dirfd, "f", 10, &p, &n, &err), 0);
        assert_int_equal(n, 10);
        assert_string_equal((char *)p, "0123456789");
        free(p);
        /* Nobody writes to it: who opened it to read would wait for ever. */
        assert_int_equal(mkfifoat(dirfd, "pipe", 0600), 0);
        assert_int_equal(io_read_file(&io_kernel, dirfd, "pipe", 10, &p, &n, &err), -EINVAL);
        assert_non_null(strstr(err.text, "pipe: is no regular file"));
        assert_int_equal(unlinkat(dirfd, "pipe", 0), 0);

        assert_int_equal(io_replace_file(&io_kernel, dirfd, "f", dirfd, 0600, SPAN_NONE, &err), 0);
        assert_int_equal(io_read_file(&io_kernel, dirfd, "f", 0, &p, &n, &err), 0);
        assert_int_equal(n, 0);
        free(p);
        /* of unknown size */
        assert_int_equal(
                io_read_file(&io_kernel, AT_FDCWD, "/proc/self/maps", 1 << 20, &p, &n, &err), 0);
        assert_true(n > 1000 && strlen((char *)p) == n);
        free(p);
}

/* A temporary file left by a crash, with another mode, is no hindrance and not reused. */
static void test_stale_temporary(void **state)
{
        int dirfd = *(int *)*state;
        struct err err = { 0 };
        struct stat st;
        int fd;

        fd = openat(dirfd, "f.tmp", O_CREAT | O_WRONLY, 0666);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(io_replace_file(&io_kernel, dirfd, "f", dirfd, 0600, SPAN("x"), &err), 0);
        assert_int_equal(fstatat(dirfd, "f", &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(fstatat(dirfd, "f.tmp", &st, 0), -1);
}

static void test_make_dirs(void **state)
{
        int dirfd = *(int *)*state;
        struct err err = { 0 };
        struct stat st;

        for (int i = 0; i < 2; i++)
                assert_int_equal(io_make_dirs(&io_kernel, dirfd, "a//b/c/", 0700, &err), 0);
        assert_int_equal(fstatat(dirfd, "a/b/c", &st, 0), 0);
        assert_true(S_ISDIR(st.st_mode));
        assert_int_equal(io_replace_file(&io_kernel, dirfd, "f", dirfd, 0600, SPAN("x"), &err), 0);
        assert_int_equal(io_make_dirs(&io_kernel, dirfd, "f", 0700, &err), -ENOTDIR);
        assert_int_equal(io_make_dirs(&io_kernel, dirfd, "f/g", 0700, &err), -ENOTDIR);
        assert_int_equal(io_make_dirs(&io_kernel, dirfd, "", 0700, &err), -ENOENT);
        assert_int_equal(unlinkat(dirfd, "a/b/c", AT_REMOVEDIR), 0);
}

/* ---- each call failing in turn ---- */

static int calls_left;

static bool fails(void)
{
        return calls_left-- == 0;
}

static int f_open(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        return fails() ? -EMFILE : io_kernel.open(ctx, dirfd, path, flags, mode);
}

static ssize_t f_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
        return fails() ? -ENOSPC : io_kernel.pwrite(ctx, fd, p, n, at);
}

static int f_fsync(void *ctx, int fd)
{
        return fails() ? -EIO : io_kernel.fsync(ctx, fd);
}

static int f_rename(void *ctx, int dirfd, const char *from, const char *to)
{
        return fails() ? -EROFS : io_kernel.rename(ctx, dirfd, from, to);
}

static void test_replace_fails(void **state)
{
        static const int want[] = { -EMFILE, -ENOSPC, -EIO, -EROFS, -EIO };
        int dirfd = *(int *)*state;
        struct io io = io_kernel;
        struct err err = { 0 };
        struct stat st;
        uint8_t *p;
        size_t n;
        int r;

        io.open = f_open;
        io.pwrite = f_pwrite;
        io.fsync = f_fsync;
        io.rename = f_rename;
        for (int at = 0;; at++) {
                assert_int_equal(
                        io_replace_file(&io_kernel, dirfd, "f", dirfd, 0600, SPAN("old"), &err), 0);
                calls_left = at;
                r = io_replace_file(&io, dirfd, "f", dirfd, 0600, SPAN("new"), &err);
                if (r == 0) {
                        assert_int_equal(at, ARRAY_LEN(want));
                        break;
                }
                assert_in_range(at, 0, ARRAY_LEN(want) - 1);
                assert_int_equal(r, want[at]);
                assert_int_equal(io_read_file(&io_kernel, dirfd, "f", 10, &p, &n, &err), 0);
                /* the last one fails after the rename: either content is right then */
                assert_string_equal((char *)p, at < 4 ? "old" : "new");
                free(p);
                assert_int_equal(fstatat(dirfd, "f.tmp", &st, 0), -1);
        }
}

static void test_full_disk(void **state)
{
        uint8_t byte = 0;
        int fd = open("/dev/full", O_RDWR | O_CLOEXEC);

        if (fd < 0)
                skip();
        assert_int_equal(io_kernel.pwrite(NULL, fd, &byte, 1, 0), -ENOSPC);
        fd_close(&fd);
        assert_int_equal(fd, -1);
        fd_close(&fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_read_replace, dir_setup, dir_teardown),
                cmocka_unit_test_setup_teardown(test_stale_temporary, dir_setup, dir_teardown),
                cmocka_unit_test_setup_teardown(test_make_dirs, dir_setup, dir_teardown),
                cmocka_unit_test_setup_teardown(test_replace_fails, dir_setup, dir_teardown),
                cmocka_unit_test(test_full_disk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
