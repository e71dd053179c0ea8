/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/content.h"

#include "../sample.h"
#include "sys/io.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
        char dir[32];
        int dirfd;
        struct content *store;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static void open_store(struct fixture *f, const struct content_limits *l)
{
        static const struct content_limits none = { .free_min = 1 };
        struct err err = { 0 };

        f->store = content_free(f->store);
        if (content_open(&io_kernel, f->dirfd, l ? l : &none, &f->store, &err) < 0)
                fail_msg("%s", err.text);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);

        strcpy(f->dir, "/tmp/content-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        f->dirfd = open(f->dir, O_RDONLY | O_DIRECTORY);
        open_store(f, NULL);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        content_free(f->store);
        close(f->dirfd);
        assert_int_equal(nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(f);
        return 0;
}

/* A file of n bytes, open for reading; its hash by OpenSSL. */
static int make_file(struct fixture *f, size_t n, unsigned seed, uint8_t sha[32])
{
        uint8_t *p = malloc(n + 1);
        int fd = openat(f->dirfd, ".", O_TMPFILE | O_RDWR, 0600);

        assert_non_null(p);
        assert_true(fd >= 0);
        for (size_t i = 0; i < n; i++)
                p[i] = (uint8_t)((i * 2654435761u + seed) >> (i % 7 ? 11 : 3));
        assert_int_equal(pwrite(fd, p, n, 0), n);
        SHA256(p, n, sha);
        free(p);
        return fd;
}

static void check_back(struct fixture *f, const uint8_t sha[32], size_t n)
{
        int fd = openat(f->dirfd, ".", O_TMPFILE | O_RDWR, 0600);
        uint8_t *p = malloc(n + 1), got[32];
        struct err err = { 0 };

        if (content_copy(f->store, sha, fd, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(lseek(fd, 0, SEEK_END), n);
        assert_int_equal(pread(fd, p, n + 1, 0), n);
        SHA256(p, n, got);
        assert_memory_equal(got, sha, 32);
        free(p);
        close(fd);
}

static void test_round_trip(void **state)
{
        static const size_t sizes[] = { 0, 1, 131071, 131072, 131073, 3 << 20 };
        struct fixture *f = *state;
        uint8_t sha[ARRAY_LEN(sizes)][32];
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
                int fd = make_file(f, sizes[i], 7, sha[i]);

                assert_false(content_has(f->store, sha[i]));
                assert_int_equal(content_keep(f->store, fd, sha[i], sizes[i], UINT64_MAX), 0);
                assert_true(content_has(f->store, sha[i]));
                assert_int_equal(content_keep(f->store, fd, sha[i], sizes[i], UINT64_MAX), 0);
                close(fd);
        }
        assert_int_equal(content_sync(f->store, &err), 0);
        for (int i = 0; i < 2; i++) { /* as it is, and opened again */
                struct content_counts c = content_counts(f->store);

                for (size_t k = 0; k < ARRAY_LEN(sizes); k++)
                        check_back(f, sha[k], sizes[k]);
                assert_int_equal(c.files, ARRAY_LEN(sizes));
                assert_int_equal(c.kept, i ? 0 : ARRAY_LEN(sizes));
                assert_int_equal(c.had, i ? 0 : ARRAY_LEN(sizes));
                open_store(f, NULL);
        }
}

static void test_only_root_may_read(void **state)
{
        struct fixture *f = *state;
        char path[80];
        struct stat st;
        uint8_t sha[32];
        int fd = make_file(f, 10, 1, sha);

        assert_int_equal(content_keep(f->store, fd, sha, 10, UINT64_MAX), 0);
        close(fd);
        assert_int_equal(fstatat(f->dirfd, "content", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        snprintf(path, sizeof path, "content/%02x", sha[0]);
        assert_int_equal(fstatat(f->dirfd, path, &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        snprintf(path + strlen(path), 2, "/");
        for (int i = 1; i < 32; i++)
                snprintf(path + strlen(path), 3, "%02x", sha[i]);
        assert_int_equal(fstatat(f->dirfd, path, &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_other_content_is_not_kept(void **state)
{
        struct fixture *f = *state;
        uint8_t sha[32];
        int fd = make_file(f, 1000, 1, sha);

        assert_int_equal(pwrite(fd, "x", 1, 500), 1);
        assert_int_equal(content_keep(f->store, fd, sha, 1000, UINT64_MAX), -EAGAIN);
        assert_false(content_has(f->store, sha));
        assert_int_equal(content_counts(f->store).bytes, 0);
        close(fd);
}

static void test_ceilings(void **state)
{
        static const struct content_limits small = { .file_max = 1000,
                                                     .total_max = 1500,
                                                     .free_min = 1 };
        static const struct content_limits disk = { .free_min = UINT64_MAX / 2 };
        struct fixture *f = *state;
        struct content_counts c;
        uint8_t sha[32];
        int fd;

        open_store(f, &small);
        fd = make_file(f, 1001, 1, sha);
        assert_int_equal(content_keep(f->store, fd, sha, 1001, UINT64_MAX), 0);
        assert_int_equal(content_keep(f->store, fd, sha, 900, UINT64_MAX),
                         0); /* it has grown since */
        assert_false(content_has(f->store, sha));
        close(fd);
        fd = make_file(f, 1000, 2, sha);
        assert_int_equal(content_keep(f->store, fd, sha, 1000, UINT64_MAX), 0);
        assert_true(content_has(f->store, sha));
        close(fd);
        fd = make_file(f, 999, 3, sha);
        assert_int_equal(content_keep(f->store, fd, sha, 999, UINT64_MAX), 0);
        assert_false(content_has(f->store, sha));
        c = content_counts(f->store);
        assert_int_equal(c.too_large, 2);
        assert_int_equal(c.kept, 1);
        assert_int_equal(c.no_room, 1);
        assert_true(c.bytes > 500 && c.bytes <= 1500);
        open_store(f, &disk);
        assert_int_equal(content_keep(f->store, fd, sha, 999, UINT64_MAX), 0);
        assert_int_equal(content_counts(f->store).no_room, 1);
        assert_int_equal(content_counts(f->store).files, 1);
        close(fd);
}

static void test_damage_is_seen(void **state)
{
        struct fixture *f = *state;
        char path[80];
        uint8_t sha[32], byte;
        int fd = make_file(f, 3000, 1, sha), out, file;
        struct err err = { 0 };
        off_t n;

        assert_int_equal(content_keep(f->store, fd, sha, 3000, UINT64_MAX), 0);
        close(fd);
        snprintf(path, sizeof path, "content/%02x/", sha[0]);
        for (int i = 1; i < 32; i++)
                snprintf(path + strlen(path), 3, "%02x", sha[i]);
        file = openat(f->dirfd, path, O_RDWR);
        out = openat(f->dirfd, ".", O_TMPFILE | O_RDWR, 0600);
        n = lseek(file, 0, SEEK_END);
        assert_true(n > 100);
        for (off_t at = 0; at < n; at += at < 20 ? 1 : 53) {
                assert_int_equal(pread(file, &byte, 1, at), 1);
                byte ^= 0x40;
                assert_int_equal(pwrite(file, &byte, 1, at), 1);
                if (content_copy(f->store, sha, out, &err) == 0) {
                        /* Bits of a frame's head that change nothing in what comes out. */
                        assert_true(at < 20);
                }
                byte ^= 0x40;
                assert_int_equal(pwrite(file, &byte, 1, at), 1);
        }
        assert_int_equal(ftruncate(file, n - 1), 0);
        assert_int_equal(content_copy(f->store, sha, out, &err), -EBADMSG);
        assert_int_equal(ftruncate(file, 0), 0);
        assert_int_equal(content_copy(f->store, sha, out, &err), -EBADMSG);
        sha[31] ^= 1;
        assert_int_equal(content_copy(f->store, sha, out, &err), -ENOENT);
        close(file);
        close(out);
}

static void test_sweep(void **state)
{
        enum { N = 40 };
        struct fixture *f = *state;
        struct content_sweep *s = NULL;
        struct err err = { 0 };
        uint8_t sha[N][32], unknown[32] = { 1 };

        for (unsigned i = 0; i < N; i++) {
                int fd = make_file(f, 100, i, sha[i]);

                assert_int_equal(content_keep(f->store, fd, sha[i], 100, UINT64_MAX), 0);
                close(fd);
        }
        assert_int_equal(content_sweep_begin(f->store, &s, &err), 0);
        content_sweep_free(s); /* removes nothing */
        assert_int_equal(content_sweep_begin(f->store, &s, &err), 0);
        for (unsigned i = 0; i < N; i += 2)
                content_sweep_mark(s, sha[i]);
        content_sweep_mark(s, sha[0]);
        content_sweep_mark(s, unknown);
        assert_int_equal(content_sweep_end(s), N / 2);
        for (unsigned i = 0; i < N; i++)
                assert_int_equal(content_has(f->store, sha[i]), i % 2 == 0);
        assert_int_equal(content_counts(f->store).files, N / 2);
        open_store(f, NULL);
        assert_int_equal(content_counts(f->store).files, N / 2);
}

/* ---- failures ---- */

static unsigned calls, fail_at;

static bool fails(void)
{
        return ++calls == fail_at;
}

static int bad_open(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        return fails() ? -EMFILE : io_kernel.open(ctx, dirfd, path, flags, mode);
}
static ssize_t bad_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
        return fails() ? -ENOSPC : io_kernel.pwrite(ctx, fd, p, n, at);
}
static int bad_fsync(void *ctx, int fd)
{
        return fails() ? -EIO : io_kernel.fsync(ctx, fd);
}
static int bad_mkdir(void *ctx, int dirfd, const char *path, mode_t mode)
{
        return fails() ? -ENOSPC : io_kernel.mkdir(ctx, dirfd, path, mode);
}
static int bad_rename(void *ctx, int dirfd, const char *from, const char *to)
{
        return fails() ? -EIO : io_kernel.rename(ctx, dirfd, from, to);
}

/* Whatever fails: content that has its name is whole, nothing else stays, and the count is right.
 */
static void test_each_failure(void **state)
{
        static const struct content_limits limits = { .free_min = 1 };
        struct fixture *f = *state;
        struct io io = io_kernel;
        struct err err;

        io.open = bad_open;
        io.pwrite = bad_pwrite;
        io.fsync = bad_fsync;
        io.mkdir = bad_mkdir;
        io.rename = bad_rename;
        for (fail_at = 1;; fail_at++) {
                uint8_t sha[32];
                struct content *c = NULL;
                int fd = make_file(f, 200000, fail_at, sha), rc;

                f->store = content_free(f->store);
                calls = 0;
                rc = content_open(&io, f->dirfd, &limits, &c, &err);
                if (rc == 0)
                        assert_int_equal(content_keep(c, fd, sha, 200000, UINT64_MAX), 0);
                if (rc == 0)
                        rc = content_sync(c, &err);
                if (c && content_counts(c).no_room + content_counts(c).failed)
                        assert_false(content_has(c, sha));
                else if (rc == 0)
                        assert_true(content_has(c, sha));
                content_free(c);
                open_store(f, NULL);
                if (content_has(f->store, sha))
                        check_back(f, sha, 200000);
                close(fd);
                if (calls < fail_at) {
                        assert_int_equal(rc, 0);
                        break;
                }
        }
        assert_true(fail_at > 8);
}

/* ---- many at once ---- */

enum { THREADS = 4, SHARED = 30 };

struct keeper {
        pthread_t thread;
        struct fixture *f;
        int fd[SHARED];
        uint8_t (*sha)[32];
};

static void *keep_all(void *arg)
{
        struct keeper *k = arg;

        for (unsigned i = 0; i < SHARED; i++)
                if (content_keep(k->f->store, k->fd[i], k->sha[i], 50000, UINT64_MAX) < 0)
                        return k;
        return NULL;
}

/* Threads that keep the same contents at the same time. */
static void test_many_threads(void **state)
{
        struct fixture *f = *state;
        struct keeper k[THREADS];
        uint8_t sha[SHARED][32];
        struct content_counts c;

        for (unsigned t = 0; t < THREADS; t++) {
                k[t].f = f;
                k[t].sha = sha;
                for (unsigned i = 0; i < SHARED; i++)
                        k[t].fd[i] = make_file(f, 50000, i, sha[i]);
        }
        for (unsigned t = 0; t < THREADS; t++)
                assert_int_equal(pthread_create(&k[t].thread, NULL, keep_all, &k[t]), 0);
        for (unsigned t = 0; t < THREADS; t++) {
                void *failed;

                assert_int_equal(pthread_join(k[t].thread, &failed), 0);
                assert_null(failed);
                for (unsigned i = 0; i < SHARED; i++)
                        close(k[t].fd[i]);
        }
        c = content_counts(f->store);
        assert_int_equal(c.kept + c.had, THREADS * SHARED);
        for (unsigned i = 0; i < SHARED; i++)
                check_back(f, sha[i], 50000);
        open_store(f, NULL);
        assert_int_equal(content_counts(f->store).files, SHARED);
}

static void test_leftovers_of_a_crash_go(void **state)
{
        struct fixture *f = *state;
        int fd = openat(f->dirfd, "content/tmp.77", O_CREAT | O_WRONLY, 0600);
        uint8_t sha[32];
        struct stat st;

        assert_true(fd >= 0);
        close(fd);
        open_store(f, NULL);
        assert_int_equal(fstatat(f->dirfd, "content/tmp.77", &st, 0), -1);
        fd = make_file(f, 5, 1, sha);
        assert_int_equal(content_keep(f->store, fd, sha, 5, UINT64_MAX), 0);
        close(fd);
        check_back(f, sha, 5);
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
        const struct CMUnitTest tests[] = {
                WITH(test_round_trip),
                WITH(test_only_root_may_read),
                WITH(test_other_content_is_not_kept),
                WITH(test_ceilings),
                WITH(test_damage_is_seen),
                WITH(test_sweep),
                WITH(test_each_failure),
                WITH(test_many_threads),
                WITH(test_leftovers_of_a_crash_go),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
