/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/baseline.h"

#include "../sample.h"
#include "integrity/trusted/content.h"
#include "sys/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
        char dir[32];
        int dirfd;
        struct watchset watch;
        struct table *table;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);

        strcpy(f->dir, "/tmp/baseline-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        f->dirfd = open(f->dir, O_RDONLY | O_DIRECTORY);
        assert_int_equal(watchset_add(&f->watch, SPAN("/w"), false, NULL), 0);
        assert_int_equal(table_new(&f->table, NULL), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        table_free(f->table);
        watchset_done(&f->watch);
        close(f->dirfd);
        assert_int_equal(nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(f);
        return 0;
}

static void put(struct table *t, const char *path, uint8_t fill)
{
        struct record r = fill ? sample_file(fill, fill) : sample_dir(1);
        struct buf b = BUF_INIT(RECORD_MAX);

        assert_int_equal(table_set_record(t, table_make(t, span_str(path)), sample_encode(&b, &r)),
                         0);
        buf_done(&b);
}

static void drop(struct table *t, const char *path)
{
        table_drop_record(t, table_find(t, span_str(path)));
}

static void note_of(const struct hash *root, struct buf *out)
{
        buf_clear(out);
        buf_put_str(out, "{\"what\":{\"root\":\"");
        for (int i = 0; i < HASH_LEN; i++)
                buf_printf(out, "%02x", root->b[i]);
        buf_put_str(out, "\"}}");
}

/* The table becomes the baseline. */
static struct hash place(struct fixture *f, int64_t taken)
{
        struct snapshot_head head = { .taken_ns = taken };
        struct buf note = BUF_INIT(1024);
        struct baseline_sums sums;
        struct err err = { 0 };

        if (baseline_write(&io_kernel, f->dirfd, &f->watch, f->table, &head, &sums, &err) < 0)
                fail_msg("%s", err.text);
        note_of(&head.root, &note);
        if (baseline_place(&io_kernel, f->dirfd, &head.root, buf_span(&note), &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(head.count, sums.files);
        buf_done(&note);
        return head.root;
}

/* ---- differences ---- */

struct seen {
        struct buf text;
};

static int on_diff(void *ctx, struct span path, struct span was, struct span is)
{
        struct seen *s = ctx;

        buf_printf(&s->text, "%c%c", was.n ? 'w' : '-', is.n ? 'i' : '-');
        buf_put(&s->text, path);
        buf_put_byte(&s->text, ' ');
        return 0;
}

static void check_diff(struct fixture *f, const char *want)
{
        struct seen s = { .text = BUF_INIT(4096) };
        struct err err = { 0 };

        if (baseline_diff(&io_kernel, f->dirfd, &f->watch, f->table, on_diff, &s, &err) < 0)
                fail_msg("%s", err.text);
        assert_string_equal(buf_cstr(&s.text), want);
        buf_done(&s.text);
}

static void test_diff(void **state)
{
        struct fixture *f = *state;

        put(f->table, "/w", 0);
        put(f->table, "/w/b", 1);
        put(f->table, "/w/a/x", 2);
        put(f->table, "/w/a", 0);
        put(f->table, "/w/a-b", 3);
        place(f, 1);
        check_diff(f, "");
        put(f->table, "/w/a-b", 4);
        put(f->table, "/w/a/0", 5);
        put(f->table, "/w/z", 6);
        drop(f->table, "/w/b");
        /* By part: what is in /w/a comes before /w/a-b. */
        check_diff(f, "-i/w/a/0 wi/w/a-b w-/w/b -i/w/z ");
        table_drop_tree(f->table, table_root(f->table));
        check_diff(f, "w-/w w-/w/a w-/w/a/x w-/w/a-b w-/w/b ");
        watchset_done(&f->watch);
        assert_int_equal(watchset_add(&f->watch, SPAN("/w/a"), false, NULL), 0);
        check_diff(f, "w-/w/a w-/w/a/x "); /* of what is watched now */
}

static int stop(void *ctx, struct span path, struct span was, struct span is)
{
        (void)ctx;
        (void)path;
        (void)was;
        (void)is;
        return -ECANCELED;
}

static void test_diff_can_be_ended(void **state)
{
        struct fixture *f = *state;
        struct err err = { 0 };

        put(f->table, "/w/a", 1);
        place(f, 1);
        put(f->table, "/w/a", 2);
        assert_int_equal(baseline_diff(&io_kernel, f->dirfd, &f->watch, f->table, stop, NULL, &err),
                         -ECANCELED);
}

/* ---- the next one ---- */

struct listing {
        struct buf list;
        const char *only; /* the path that is accepted; NULL: all */
};

static int on_accept(void *ctx, struct span path, struct span was, struct span is)
{
        struct listing *l = ctx;

        (void)was;
        if (!l->only || span_eq_str(path, l->only))
                baseline_put_change(&l->list, path, is);
        return buf_status(&l->list);
}

/* Accept one difference or all of them; the root of the result. */
static struct hash accept_now(struct fixture *f, const char *only)
{
        struct listing l = { .list = BUF_INIT(1 << 20), .only = only };
        struct snapshot_head head = { .taken_ns = 9 };
        struct buf note = BUF_INIT(1024);
        struct baseline_sums sums;
        struct err err = { 0 };
        int rc = baseline_diff(&io_kernel, f->dirfd, &f->watch, f->table, on_accept, &l, &err);

        if (rc == 0)
                rc = baseline_rewrite(&io_kernel, f->dirfd, &f->watch, buf_span(&l.list), &head,
                                      &sums, &err);
        note_of(&head.root, &note);
        if (rc == 0)
                rc = baseline_place(&io_kernel, f->dirfd, &head.root, buf_span(&note), &err);
        if (rc < 0)
                fail_msg("%s", err.text);
        assert_int_equal(sums.files, head.count);
        buf_done(&l.list);
        buf_done(&note);
        return head.root;
}

static void change_all(struct fixture *f)
{
        put(f->table, "/w/a", 9);
        put(f->table, "/w/new", 8);
        put(f->table, "/w/aaa/deep", 7);
        put(f->table, "/w/zz", 6);
        drop(f->table, "/w/b");
}

/* Accepting all of what differs is taking it anew: the same root. */
static void test_accept_all(void **state)
{
        struct fixture *f = *state;
        struct hash accepted, anew;

        put(f->table, "/w", 0);
        put(f->table, "/w/a", 1);
        put(f->table, "/w/b", 2);
        put(f->table, "/w/c", 3);
        place(f, 1);
        change_all(f);
        accepted = accept_now(f, NULL);
        check_diff(f, "");
        anew = place(f, 2);
        assert_true(hash_eq(&accepted, &anew));
}

/* One at a time: each leaves the others open, and the last one leaves nothing. */
static void test_accept_one_by_one(void **state)
{
        struct fixture *f = *state;
        struct hash last, anew;

        put(f->table, "/w", 0);
        put(f->table, "/w/a", 1);
        put(f->table, "/w/b", 2);
        place(f, 1);
        change_all(f);
        check_diff(f, "wi/w/a -i/w/aaa/deep w-/w/b -i/w/new -i/w/zz ");
        accept_now(f, "/w/b");
        check_diff(f, "wi/w/a -i/w/aaa/deep -i/w/new -i/w/zz ");
        accept_now(f, "/w/zz");
        accept_now(f, "/w/aaa/deep");
        check_diff(f, "wi/w/a -i/w/new ");
        accept_now(f, "/w/a");
        last = accept_now(f, "/w/new");
        check_diff(f, "");
        anew = place(f, 2);
        assert_true(hash_eq(&last, &anew));
}

/* What is no longer watched is no longer in the next one. */
static void test_unwatched_goes(void **state)
{
        struct fixture *f = *state;
        struct snapshot_head head = { 0 };
        struct baseline_sums sums;

        put(f->table, "/w/a", 1);
        put(f->table, "/w/b", 2);
        place(f, 1);
        watchset_done(&f->watch);
        assert_int_equal(watchset_add(&f->watch, SPAN("/w/a"), false, NULL), 0);
        assert_int_equal(
                baseline_rewrite(&io_kernel, f->dirfd, &f->watch, SPAN_NONE, &head, &sums, NULL),
                0);
        assert_int_equal(head.count, 1);
}

/* ---- notes ---- */

static int read_note(struct fixture *f, struct buf *ret)
{
        struct err err = { 0 };

        buf_clear(ret);
        return baseline_note(&io_kernel, f->dirfd, ret, &err);
}

static void test_note_goes_with_its_baseline(void **state)
{
        struct fixture *f = *state;
        struct buf note = BUF_INIT(BASELINE_NOTE_MAX);
        struct stat st;

        assert_int_equal(read_note(f, &note), 0);
        put(f->table, "/w/a", 1);
        place(f, 1);
        assert_int_equal(read_note(f, &note), 1); /* until it was told */
        assert_int_equal(read_note(f, &note), 1);
        baseline_told(&io_kernel, f->dirfd);
        assert_int_equal(read_note(f, &note), 0);
        buf_done(&note);
        assert_int_equal(fstatat(f->dirfd, "baseline.note", &st, 0), -1);
}

/* ---- cut anywhere ---- */

static unsigned calls, cut_at;

/* From the n-th call on nothing happens any more, as after kill -9. */
static bool is_cut(void)
{
        return ++calls >= cut_at;
}

static int cut_open(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        return flags & O_CREAT && is_cut() ? -EIO : io_kernel.open(ctx, dirfd, path, flags, mode);
}
static ssize_t cut_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
        return is_cut() ? -EIO : io_kernel.pwrite(ctx, fd, p, n, at);
}
static int cut_fsync(void *ctx, int fd)
{
        return is_cut() ? -EIO : io_kernel.fsync(ctx, fd);
}
static int cut_rename(void *ctx, int dirfd, const char *from, const char *to)
{
        return is_cut() ? -EIO : io_kernel.rename(ctx, dirfd, from, to);
}
static int cut_link(void *ctx, int dirfd, const char *from, const char *to)
{
        return is_cut() ? -EIO : io_kernel.link(ctx, dirfd, from, to);
}
static int cut_unlink(void *ctx, int dirfd, const char *path)
{
        return is_cut() ? -EIO : io_kernel.unlink(ctx, dirfd, path);
}

static int try_place(struct fixture *f, const struct io *io, struct hash *ret_root)
{
        struct snapshot_head head = { .taken_ns = 2 };
        struct buf note = BUF_INIT(1024);
        struct baseline_sums sums;
        struct err err = { 0 };
        int rc = baseline_write(io, f->dirfd, &f->watch, f->table, &head, &sums, &err);

        if (rc == 0) {
                note_of(&head.root, &note);
                rc = baseline_place(io, f->dirfd, &head.root, buf_span(&note), &err);
        }
        buf_done(&note);
        *ret_root = head.root;
        return rc;
}

/* After a crash at any step the baseline is the one or the other, whole; and it was told (here: the
 * first one) or its note is there. */
static void test_cut_anywhere(void **state)
{
        struct fixture *f = *state;
        struct io io = io_kernel;
        struct buf note = BUF_INIT(BASELINE_NOTE_MAX);
        struct hash first, second;
        int rc = -1;

        io.open = cut_open;
        io.pwrite = cut_pwrite;
        io.fsync = cut_fsync;
        io.rename = cut_rename;
        io.link = cut_link;
        io.unlink = cut_unlink;
        for (cut_at = 1; rc < 0; cut_at++) {
                struct snapshot_head head;
                struct seen s = { .text = BUF_INIT(4096) };
                int told;

                put(f->table, "/w/a", 1);
                first = place(f, 1);
                baseline_told(&io_kernel, f->dirfd);
                put(f->table, "/w/a", 2);
                calls = 0;
                rc = try_place(f, &io, &second);
                assert_int_equal(
                        snapshot_read_head(&io_kernel, f->dirfd, "baseline", NULL, &head, NULL), 0);
                told = read_note(f, &note);
                if (hash_eq(&head.root, &first))
                        assert_int_equal(told, 0);
                else
                        assert_int_equal(told, 1);
                assert_int_equal(faccessat(f->dirfd, "baseline.new", F_OK, 0), -1);
                /* And it is whole: it can be compared with. */
                assert_int_equal(
                        baseline_diff(&io_kernel, f->dirfd, &f->watch, f->table, on_diff, &s, NULL),
                        0);
                buf_done(&s.text);
        }
        assert_true(cut_at > 10);
        buf_done(&note);
}

/* ---- earlier ones ---- */

static void test_earlier_ones_stay_for_a_while(void **state)
{
        struct fixture *f = *state;
        struct baseline_name list[BASELINE_EARLIER + 1];
        struct hash root[10];
        size_t n = 0;

        for (int i = 0; i < 10; i++) {
                put(f->table, "/w/a", (uint8_t)(i + 1));
                root[i] = place(f, i);
        }
        assert_int_equal(baseline_list(&io_kernel, f->dirfd, list, &n, NULL), 0);
        assert_int_equal(n, BASELINE_EARLIER + 1);
        for (size_t i = 0; i < n; i++)
                assert_true(hash_eq(&list[i].head.root, &root[9 - i]));
        assert_string_equal(list[0].name, "baseline");
        /* Back to one of them: it is no longer among the earlier ones. */
        put(f->table, "/w/a", 9);
        root[0] = place(f, 11);
        assert_int_equal(baseline_list(&io_kernel, f->dirfd, list, &n, NULL), 0);
        assert_true(hash_eq(&list[0].head.root, &root[0]));
        for (size_t i = 1; i < n; i++)
                assert_false(hash_eq(&list[i].head.root, &root[0]));
}

/* Content is kept as long as any of them refers to it. */
static void test_sweep(void **state)
{
        static const struct content_limits limits = { .free_min = 1 };
        struct fixture *f = *state;
        struct content *c = NULL;
        uint64_t removed = 0;
        uint8_t sha[8][32];

        assert_int_equal(content_open(&io_kernel, f->dirfd, &limits, &c, NULL), 0);
        for (uint8_t i = 0; i < 8; i++) {
                struct record r = sample_file(1, 0);
                struct buf b = BUF_INIT(RECORD_MAX);
                int fd = openat(f->dirfd, ".", O_TMPFILE | O_RDWR, 0600);

                assert_int_equal(write(fd, &i, 1), 1);
                SHA256(&i, 1, sha[i]);
                assert_int_equal(content_keep(c, fd, sha[i], 1, UINT64_MAX), 0);
                close(fd);
                memcpy(r.sha256, sha[i], 32);
                assert_int_equal(table_set_record(f->table, table_make(f->table, SPAN("/w/a")),
                                                  sample_encode(&b, &r)),
                                 0);
                buf_done(&b);
                place(f, i);
        }
        assert_int_equal(baseline_sweep(&io_kernel, f->dirfd, c, SPAN_NONE, &removed, NULL), 0);
        assert_int_equal(removed, 8 - 1 - BASELINE_EARLIER);
        for (uint8_t i = 0; i < 8; i++)
                assert_int_equal(content_has(c, sha[i]), i >= 8 - 1 - BASELINE_EARLIER);
        /* When the baseline cannot be read, nothing goes. */
        assert_int_equal(unlinkat(f->dirfd, "baseline", 0), 0);
        assert_int_equal(baseline_sweep(&io_kernel, f->dirfd, c, SPAN_NONE, &removed, NULL),
                         -ENOENT);
        assert_int_equal(content_counts(c).files, 1 + BASELINE_EARLIER);
        content_free(c);
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
        const struct CMUnitTest tests[] = {
                WITH(test_diff),           WITH(test_diff_can_be_ended),
                WITH(test_accept_all),     WITH(test_accept_one_by_one),
                WITH(test_unwatched_goes), WITH(test_note_goes_with_its_baseline),
                WITH(test_cut_anywhere),   WITH(test_earlier_ones_stay_for_a_while),
                WITH(test_sweep),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
