/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/dirwalk.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static char path[64];
static int dirfd_;

static int setup(void **state)
{
        snprintf(path, sizeof path, "/var/tmp/assay-dir-XXXXXX");
        if (!mkdtemp(path))
                return -1;
        dirfd_ = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return dirfd_ < 0;
}

static int teardown(void **state)
{
        unlinkat(dirfd_, "f", 0);
        unlinkat(dirfd_, "l", 0);
        close(dirfd_);
        return rmdir(path);
}

static int make(const char *name)
{
        int fd = openat(dirfd_, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

        assert_true(fd >= 0);
        return fd;
}

/* More names than one buffer holds, each seen once. */
static void test_read_all(void **state)
{
        enum { N = 3000 };
        static struct dir_reader r;
        static bool seen[N];
        struct dir_entry e;
        char name[32];
        int n = 0, got;
        long k;

        for (int i = 0; i < N; i++) {
                snprintf(name, sizeof name, "%06d-a-longer-name", i);
                close(make(name));
        }
        dir_reader_init(&r, dirfd_);
        while ((got = dir_read(&r, &e)) == 1) {
                assert_int_equal(e.name_n, strlen(e.name));
                k = strtol(e.name, NULL, 10);
                assert_in_range(k, 0, N - 1);
                assert_false(seen[k]);
                assert_true(e.type == DT_REG || e.type == DT_UNKNOWN);
                seen[k] = true;
                n++;
        }
        assert_int_equal(got, 0);
        assert_int_equal(n, N);
        for (int i = 0; i < N; i++) {
                snprintf(name, sizeof name, "%06d-a-longer-name", i);
                unlinkat(dirfd_, name, 0);
        }
}

static void test_read_refused(void **state)
{
        static struct dir_reader r;
        struct dir_entry e;
        int fd = make("f");

        dir_reader_init(&r, fd);
        assert_int_equal(dir_read(&r, &e), -ENOTDIR);
        close(fd);
}

static void test_stat(void **state)
{
        const struct timespec times[2] = { { .tv_sec = 1, .tv_nsec = 2 },
                                           { .tv_sec = -5, .tv_nsec = 123456789 } };
        struct fs_stat st, other;
        struct stat want;
        int fd = make("f");

        assert_int_equal(write(fd, "12345", 5), 5);
        assert_int_equal(futimens(fd, times), 0);
        assert_int_equal(symlinkat("f", dirfd_, "l"), 0);
        assert_int_equal(fs_stat_at(dirfd_, "f", &st), 0);
        assert_int_equal(fs_stat_fd(fd, &other), 0);
        assert_int_equal(st.ino, other.ino);
        assert_int_equal(st.mnt_id, other.mnt_id);
        assert_int_equal(st.btime.nsec, other.btime.nsec);
        assert_int_equal(fstat(fd, &want), 0);
        assert_int_equal(st.mode, want.st_mode);
        assert_int_equal(st.uid, want.st_uid);
        assert_int_equal(st.gid, want.st_gid);
        assert_int_equal(st.nlink, 1);
        assert_int_equal(st.ino, want.st_ino);
        assert_int_equal(st.size, 5);
        assert_int_equal(st.blocks, want.st_blocks);
        assert_int_equal(st.dev_major, major(want.st_dev));
        assert_int_equal(st.dev_minor, minor(want.st_dev));
        assert_int_equal(st.mtime.sec, -5);
        assert_int_equal(st.mtime.nsec, 123456789);
        assert_int_equal(st.atime.sec, 1);
        assert_int_equal(st.ctime.sec, want.st_ctim.tv_sec);
        assert_true(st.has & FS_HAS_MNT_ID);
        close(fd);
        assert_int_equal(fs_stat_at(dirfd_, "l", &st), 0);
        assert_true(S_ISLNK(st.mode));
        assert_int_equal(fs_stat_at(dirfd_, "none", &st), -ENOENT);
        assert_true(S_ISLNK(st.mode)); /* untouched */
}

static void test_device(void **state)
{
        struct fs_stat st;

        assert_int_equal(fs_stat_at(AT_FDCWD, "/dev/null", &st), 0);
        assert_true(S_ISCHR(st.mode));
        assert_int_equal(st.rdev_major, 1);
        assert_int_equal(st.rdev_minor, 3);
}

/* Where the filesystem has the flag, both ways of asking must see it. */
static void test_flags(void **state)
{
        struct fs_stat st, by_ioctl;
        int fd = make("f");
        int flags = FS_APPEND_FL;
        int r;

        if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0) {
                assert_int_equal(fs_stat_fd(fd, &st), 0);
                r = fs_stat_flags(fd, &st);
                assert_true(r == 0 || r == -ENOTTY || r == -EOPNOTSUPP);
                close(fd);
                return;
        }
        assert_int_equal(fs_stat_fd(fd, &st), 0);
        by_ioctl = st;
        by_ioctl.attr = 0;
        by_ioctl.attr_mask = 0;
        assert_int_equal(fs_stat_flags(fd, &by_ioctl), 0);
        assert_int_equal(by_ioctl.attr, FS_ATTR_APPEND);
        assert_int_equal(fs_stat_flags(fd, &st), 0);
        assert_true(st.attr & FS_ATTR_APPEND);
        flags = 0;
        assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
        assert_int_equal(fs_stat_fd(fd, &st), 0);
        assert_int_equal(fs_stat_flags(fd, &st), 0);
        assert_false(st.attr & FS_ATTR_APPEND);
        close(fd);
}

static void test_flags_refused(void **state)
{
        struct fs_stat st = { 0 };
        int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        int r = fs_stat_flags(fd, &st);

        assert_true(r == -ENOTTY || r == -EOPNOTSUPP);
        assert_int_equal(st.attr_mask, 0);
        close(fd);
}

static void test_xattr(void **state)
{
        static const char value[] = "a\0b\n\xff";
        struct buf b = BUF_INIT(64);
        int fd = make("f");
        int o;

        assert_int_equal(fs_xattr_list(fd, &b), 0);
        if (fsetxattr(fd, "user.assay", value, sizeof value, 0) < 0)
                skip();
        o = openat(dirfd_, "f", O_PATH | O_CLOEXEC | O_NOFOLLOW);
        for (int i = 0; i < 2; i++) {
                int use = i ? o : fd;

                buf_clear(&b);
                assert_int_equal(fs_xattr_list(use, &b), 0);
                assert_true(span_eq(buf_span(&b), span_of("user.assay", 11)));
                buf_clear(&b);
                buf_put_str(&b, "<");
                assert_int_equal(fs_xattr_get(use, "user.assay", &b), 0);
                assert_int_equal(b.n, 1 + sizeof value);
                assert_memory_equal(b.p + 1, value, sizeof value);
                assert_int_equal(fs_xattr_get(use, "user.none", &b), -ENODATA);
        }
        buf_done(&b);
        b = BUF_INIT(3);
        assert_int_equal(fs_xattr_get(fd, "user.assay", &b), -E2BIG);
        buf_done(&b);
        close(o);
        close(fd);
}

/* A handle finds its file after a rename, and is stale when the file is gone. */
static void test_handle(void **state)
{
        struct fs_handle h, again;
        struct fs_stat a, b;
        int fd = make("f");
        int opened, mount_id;

        assert_int_equal(fs_stat_fd(fd, &a), 0);
        assert_int_equal(fs_handle_of(dirfd_, "f", &h, &mount_id), 0);
        assert_int_equal(fs_handle_of(fd, "", &again, NULL), 0);
        assert_true(h.type == again.type && h.n == again.n);
        assert_memory_equal(h.bytes, again.bytes, h.n);
        assert_int_equal(fs_handle_of(dirfd_, "", &again, NULL), 0);
        assert_memory_not_equal(h.bytes, again.bytes, h.n);
        assert_int_equal(fs_handle_of(dirfd_, "none", &again, NULL), -ENOENT);
        close(fd);
        assert_int_equal(renameat(dirfd_, "f", dirfd_, "l"), 0);
        opened = fs_handle_open(dirfd_, &h, O_PATH);
        if (geteuid() != 0) {
                assert_int_equal(opened, -EPERM);
                return;
        }
        assert_true(opened >= 0);
        assert_int_equal(fs_stat_fd(opened, &b), 0);
        assert_int_equal(a.ino, b.ino);
        close(opened);
        assert_int_equal(unlinkat(dirfd_, "l", 0), 0);
        assert_int_equal(fs_handle_open(dirfd_, &h, O_PATH), -ESTALE);
}

static void test_handle_too_long(void **state)
{
        static const uint8_t bytes[FS_HANDLE_MAX + 1];
        struct fs_handle h;

        assert_int_equal(fs_handle_set(&h, 1, span_of(bytes, FS_HANDLE_MAX)), 0);
        assert_int_equal(fs_handle_set(&h, 1, span_of(bytes, sizeof bytes)), -E2BIG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_read_all, setup, teardown),
                cmocka_unit_test_setup_teardown(test_read_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stat, setup, teardown),
                cmocka_unit_test(test_device),
                cmocka_unit_test_setup_teardown(test_flags, setup, teardown),
                cmocka_unit_test(test_flags_refused),
                cmocka_unit_test_setup_teardown(test_xattr, setup, teardown),
                cmocka_unit_test_setup_teardown(test_handle, setup, teardown),
                cmocka_unit_test(test_handle_too_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
