/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/snapshot.h"

#include "../sample.h"
#include "sys/io.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
        char dir[32];
        int dirfd;
        struct table *table;
        struct watchset watch;
        struct snapshot_head head;
};

static void add(struct fixture *f, const char *path, const struct record *r)
{
        struct buf b = BUF_INIT(RECORD_MAX);
        struct table_node *n = table_make(f->table, span_str(path));

        assert_int_equal(table_set_record(f->table, n, sample_encode(&b, r)), 0);
        buf_done(&b);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);
        struct record dir = sample_dir(1), a = sample_file(2, 1), b = sample_file(3, 2);

        strcpy(f->dir, "/tmp/snapshot-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        f->dirfd = open(f->dir, O_RDONLY | O_DIRECTORY);
        assert_int_equal(table_new(&f->table, NULL), 0);
        assert_int_equal(watchset_add(&f->watch, SPAN("/w"), false, NULL), 0);
        add(f, "/w", &dir);
        add(f, "/w/b", &b);
        add(f, "/w/a", &a);
        f->head = (struct snapshot_head){ .generation = 4, .taken_ns = 77 };
        assert_int_equal(
                snapshot_write(&io_kernel, f->dirfd, "s", &f->watch, f->table, &f->head, NULL), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        unlinkat(f->dirfd, "s", 0);
        unlinkat(f->dirfd, "s.new", 0);
        rmdir(f->dir);
        close(f->dirfd);
        table_free(f->table);
        watchset_done(&f->watch);
        free(f);
        return 0;
}

static int read_back(struct fixture *f, struct table **ret, struct err *err)
{
        struct watchset w = { 0 };
        struct snapshot_head head = { 0 };
        struct table *t;
        int rc;

        assert_int_equal(table_new(&t, NULL), 0);
        rc = snapshot_read(&io_kernel, f->dirfd, "s", &w, t, &head, err);
        if (rc == 0) {
                assert_int_equal(head.generation, 4);
                assert_int_equal(head.taken_ns, 77);
                assert_int_equal(head.count, 3);
                assert_true(watchset_covers(&w, SPAN("/w/x")));
        }
        watchset_done(&w);
        if (rc == 0 && ret)
                *ret = t;
        else
                table_free(t);
        return rc;
}

static void test_round_trip(void **state)
{
        struct fixture *f = *state;
        struct table *t = NULL;
        struct err err;

        assert_int_equal(read_back(f, &t, &err), 0);
        for (struct table_node *n = table_root(f->table); n;
             n = table_next(table_root(f->table), n)) {
                struct buf path = BUF_INIT(4096);
                struct table_node *m;

                table_path(n, &path);
                m = table_find(t, buf_span(&path));
                assert_non_null(m);
                assert_true(span_eq(table_record(n), table_record(m)));
                buf_done(&path);
        }
        table_free(t);
}

/* The root of three leaves by hand, over the file's own bytes. */
static void test_root(void **state)
{
        struct fixture *f = *state;
        uint8_t file[4096], leaf[3][32], node[65] = { 1 }, root[32];
        int fd = openat(f->dirfd, "s", O_RDONLY);
        ssize_t n = read(fd, file, sizeof file);
        size_t at = 72u + file[64] + (size_t)file[65] * 256;

        close(fd);
        assert_true(n > 0);
        for (int i = 0; i < 3; i++) {
                size_t len = 8u + file[at] + file[at + 4];
                uint8_t entry[512] = { 0 };

                memcpy(entry + 1, file + at, len);
                SHA256(entry, len + 1, leaf[i]);
                at += len;
        }
        assert_int_equal(at, n);
        memcpy(node + 1, leaf[0], 32);
        memcpy(node + 33, leaf[1], 32);
        SHA256(node, sizeof node, root);
        memcpy(node + 1, root, 32);
        memcpy(node + 33, leaf[2], 32);
        SHA256(node, sizeof node, root);
        assert_memory_equal(root, f->head.root.b, 32);
}

static void test_every_flip_and_cut_is_seen(void **state)
{
        struct fixture *f = *state;
        uint8_t file[4096];
        int fd = openat(f->dirfd, "s", O_RDWR);
        ssize_t n = pread(fd, file, sizeof file, 0);
        struct err err;

        assert_true(n > 0 && n < (ssize_t)sizeof file);
        for (ssize_t i = 0; i < n; i++) {
                uint8_t flipped = file[i] ^ 0x10;

                assert_int_equal(pwrite(fd, &flipped, 1, i), 1);
                err.text[0] = '\0';
                if (read_back(f, NULL, &err) != -EBADMSG || !err.text[0])
                        fail_msg("byte %zd", i);
                assert_int_equal(pwrite(fd, file + i, 1, i), 1);
        }
        for (ssize_t i = n - 1; i >= 0; i--) {
                assert_int_equal(ftruncate(fd, i), 0);
                if (read_back(f, NULL, &err) != -EBADMSG)
                        fail_msg("cut to %zd", i);
        }
        assert_int_equal(pwrite(fd, file, (size_t)n, 0), n);
        assert_int_equal(pwrite(fd, "x", 1, n), 1);
        assert_int_equal(read_back(f, NULL, &err), -EBADMSG);
        close(fd);
}

/* ---- every call that writes fails in turn ---- */

static int fail_at, calls;

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

static int bad_rename(void *ctx, int dirfd, const char *from, const char *to)
{
        return fails() ? -EIO : io_kernel.rename(ctx, dirfd, from, to);
}

static void test_each_failure_leaves_a_whole_file(void **state)
{
        struct fixture *f = *state;
        struct io io = io_kernel;
        struct snapshot_head head = { .generation = 4, .taken_ns = 77 };
        struct err err;

        io.open = bad_open;
        io.pwrite = bad_pwrite;
        io.fsync = bad_fsync;
        io.rename = bad_rename;
        for (fail_at = 1;; fail_at++) {
                int rc;

                calls = 0;
                rc = snapshot_write(&io, f->dirfd, "s", &f->watch, f->table, &head, &err);
                assert_int_equal(read_back(f, NULL, &err), 0);
                if (calls < fail_at) {
                        assert_int_equal(rc, 0);
                        break;
                }
                assert_true(rc < 0);
        }
        assert_int_equal(fail_at, 7); /* open, records, head, sync, rename, sync of the directory */
}

static void test_nothing_watched(void **state)
{
        struct fixture *f = *state;
        struct snapshot_head head = { .taken_ns = 1 };
        static const uint8_t empty[] = { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14 };

        table_drop_tree(f->table, table_root(f->table));
        assert_int_equal(
                snapshot_write(&io_kernel, f->dirfd, "s", &f->watch, f->table, &head, NULL), 0);
        assert_int_equal(head.count, 0);
        assert_memory_equal(head.root.b, empty, sizeof empty);
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
        const struct CMUnitTest tests[] = {
                WITH(test_round_trip),
                WITH(test_root),
                WITH(test_every_flip_and_cut_is_seen),
                WITH(test_each_failure_leaves_a_whole_file),
                WITH(test_nothing_watched),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
