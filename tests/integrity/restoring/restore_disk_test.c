/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/restore_disk.h"

#include "../sample.h"
#include "integrity/restoring/quarantine.h"
#include "integrity/trusted/content.h"
#include "integrity/trusted/observe.h"
#include "sys/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALL = (1u << RECORD_F_COUNT) - 1 };

struct fixture {
        char dir[40];
        int top, state; /* what is guarded; where evidence and content lie */
        struct restorer r;
        struct restore_task t;
        struct buf good, judged, path, moved;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static void open_quarantine(struct fixture *f, uint64_t items)
{
        const struct quarantine_limits l = { .items = items, .content = { .free_min = 1 } };

        quarantine_free(f->r.quarantine);
        assert_int_equal(quarantine_open(&io_kernel, f->state, &l, &f->r.quarantine, NULL), 0);
}

static int setup(void **state)
{
        static const struct content_limits limits = { .free_min = 1 };
        struct fixture *f = calloc(1, sizeof *f);

        strcpy(f->dir, "/var/tmp/restore-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        f->state = open(f->dir, O_RDONLY | O_DIRECTORY);
        assert_int_equal(mkdirat(f->state, "top", 0755), 0);
        f->top = openat(f->state, "top", O_RDONLY | O_DIRECTORY);
        assert_int_equal(content_open(&io_kernel, f->state, &limits, &f->r.content, NULL), 0);
        assert_int_equal(observer_new(&f->r.observer, NULL), 0);
        open_quarantine(f, 0);
        restore_task_init(&f->t);
        f->good = f->judged = BUF_INIT(RECORD_MAX);
        f->path = f->moved = BUF_INIT(4096);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        restore_task_done(&f->t);
        quarantine_free(f->r.quarantine);
        content_free(f->r.content);
        observer_free(f->r.observer);
        buf_done(&f->good);
        buf_done(&f->judged);
        buf_done(&f->path);
        buf_done(&f->moved);
        close(f->top);
        close(f->state);
        assert_int_equal(nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(f);
        return 0;
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
        int fd = openat(f->top, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static int truncate_at(struct fixture *f, const char *name, off_t n)
{
        int fd = openat(f->top, name, O_WRONLY);
        int rc = ftruncate(fd, n);

        close(fd);
        return rc;
}

static void expect_file(struct fixture *f, const char *name, const char *want)
{
        char got[256] = "";
        int fd = openat(f->top, name, O_RDONLY | O_NOFOLLOW);

        assert_true(fd >= 0);
        assert_true(read(fd, got, sizeof got - 1) >= 0);
        close(fd);
        assert_string_equal(got, want);
}

static size_t names_in(int dirfd)
{
        DIR *d = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY));
        struct dirent *e;
        size_t n = 0;

        while ((e = readdir(d)))
                n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
        closedir(d);
        return n;
}

/* Its state, with its content kept when it is to be the good one. */
static struct span state_of(struct fixture *f, const char *name, bool keep, struct buf *out)
{
        struct record r;

        buf_clear(out);
        observer_keep(f->r.observer, keep ? f->r.content : NULL, 0);
        if (observe(f->r.observer, f->top, name, &r, NULL) == 0)
                record_encode(&r, out);
        observer_keep(f->r.observer, NULL, 0);
        return buf_span(out);
}

/* As it is now is good. */
static void trust(struct fixture *f, const char *name)
{
        state_of(f, name, true, &f->good);
}

static enum restore_result run_as(struct fixture *f, const char *name, bool insist, bool discard)
{
        restore_task_clear(&f->t);
        buf_clear(&f->path);
        buf_printf(&f->path, "%s/top/%s", f->dir, name);
        f->t.path = buf_span(&f->path);
        f->t.good = buf_span(&f->good);
        f->t.judged = buf_span(&f->judged);
        f->t.moved_to = buf_span(&f->moved);
        f->t.fields = ALL;
        f->t.insist = insist;
        f->t.discard = discard;
        strcpy(f->t.temp, ".assay-test");
        restore_run(&f->r, &f->t);
        return f->t.result;
}

/* What is there now is what was judged. */
static enum restore_result run(struct fixture *f, const char *name)
{
        state_of(f, name, false, &f->judged);
        return run_as(f, name, false, false);
}

static void test_replace(void **state)
{
        struct fixture *f = *state;

        write_file(f, "f", "good");
        trust(f, "f");
        write_file(f, "f", "evil!");
        assert_int_equal(run(f, "f"), RESTORE_DONE);
        assert_int_equal(f->t.act, RESTORE_REPLACE);
        assert_int_equal(f->t.n_taken, 1);
        assert_int_equal(f->t.left, 0);
        expect_file(f, "f", "good");
        assert_int_equal(names_in(f->top), 1);
        assert_int_equal(run(f, "f"), RESTORE_SAME);
}

static void test_create(void **state)
{
        struct fixture *f = *state;

        write_file(f, "f", "good");
        assert_int_equal(fchmodat(f->top, "f", 04751, 0), 0);
        trust(f, "f");
        assert_int_equal(unlinkat(f->top, "f", 0), 0);
        assert_int_equal(run(f, "f"), RESTORE_DONE);
        assert_int_equal(f->t.act, RESTORE_CREATE);
        assert_int_equal(f->t.n_taken, 0);
        expect_file(f, "f", "good");
        assert_int_equal(run(f, "f"), RESTORE_SAME);
}

static void test_attributes(void **state)
{
        struct fixture *f = *state;
        struct stat before, after;

        write_file(f, "f", "good");
        trust(f, "f");
        assert_int_equal(fchmodat(f->top, "f", 0777, 0), 0);
        assert_int_equal(fstatat(f->top, "f", &before, 0), 0);
        assert_int_equal(run(f, "f"), RESTORE_DONE);
        assert_int_equal(f->t.act, RESTORE_ATTRIBUTES);
        assert_int_equal(f->t.differs, RECORD_F_MODE);
        assert_int_equal(f->t.n_taken, 0);
        assert_int_equal(fstatat(f->top, "f", &after, 0), 0);
        assert_int_equal(after.st_mode & 07777, 0644);
        assert_int_equal(after.st_ino, before.st_ino);
}

static void test_remove_tree(void **state)
{
        struct fixture *f = *state;

        buf_clear(&f->good);
        assert_int_equal(mkdirat(f->top, "d", 0755), 0);
        assert_int_equal(mkdirat(f->top, "d/e", 0755), 0);
        write_file(f, "d/one", "one");
        write_file(f, "d/e/two", "two");
        assert_int_equal(run(f, "d"), RESTORE_DONE);
        assert_int_equal(f->t.act, RESTORE_REMOVE);
        assert_int_equal(f->t.n_taken, 4);
        assert_int_equal(names_in(f->top), 0);
}

/* At the ceiling of the quarantine all of it is there still, also what was put away already. */
static void test_no_room(void **state)
{
        struct fixture *f = *state;

        write_file(f, "f", "good");
        trust(f, "f");
        write_file(f, "f", "evil");
        open_quarantine(f, 1);
        write_file(f, "other", "other");
        buf_clear(&f->judged);
        {
                struct buf good = f->good;

                f->good = BUF_INIT(RECORD_MAX);
                assert_int_equal(run(f, "other"), RESTORE_DONE);
                f->good = good;
        }
        assert_int_equal(run(f, "f"), RESTORE_FAILED);
        assert_int_equal(f->t.err.code, -ENOSPC);
        expect_file(f, "f", "evil");
        assert_int_equal(names_in(f->top), 1);
        assert_int_equal(run_as(f, "f", false, true), RESTORE_DONE);
        assert_non_null(strstr(f->t.note, "not kept"));
        expect_file(f, "f", "good");
        buf_clear(&f->good);
        write_file(f, "f", "added");
        assert_int_equal(run(f, "f"), RESTORE_FAILED);
        expect_file(f, "f", "added");
        assert_int_equal(names_in(f->top), 1);
}

/* Larger than a file in quarantine may be, changed and added: what is kept is said, and it goes. */
static void test_large(void **state)
{
        struct fixture *f = *state;
        struct span rest, path, record;
        struct restore_taken x;

        for (int added = 0; added < 2; added++) {
                write_file(f, "f", "good");
                trust(f, "f");
                write_file(f, "f", "evil!");
                if (added)
                        buf_clear(&f->good);
                assert_int_equal(truncate_at(f, "f", (off_t)3 << 30), 0);
                assert_int_equal(run(f, "f"), RESTORE_DONE);
                assert_int_equal(f->t.act, added ? RESTORE_REMOVE : RESTORE_REPLACE);
                assert_int_equal(f->t.n_taken, 1);
                rest = buf_span(&f->t.taken);
                assert_true(restore_next_taken(&rest, &x, &path, &record));
                assert_int_equal(x.kept, QUARANTINE_DATA);
                assert_true(x.bytes >= 5 && x.bytes <= 4096);
                assert_int_equal(names_in(f->top), added ? 0 : 1);
        }
}

/* No room at all, and nobody asked to wait for some: the entry is all that is kept. */
static void test_no_room_at_all(void **state)
{
        struct fixture *f = *state;
        struct span rest, path, record;
        struct restore_taken x;

        write_file(f, "f", "first");
        buf_clear(&f->good);
        open_quarantine(f, 1);
        assert_int_equal(run(f, "f"), RESTORE_DONE);
        for (int tree = 0; tree < 2; tree++) {
                const char *name = tree ? "d" : "f";

                if (tree)
                        assert_int_equal(mkdirat(f->top, "d", 0755), 0);
                write_file(f, tree ? "d/f" : "f", "evil");
                state_of(f, name, false, &f->judged);
                assert_int_equal(run_as(f, name, false, true), RESTORE_DONE);
                assert_int_equal(names_in(f->top), 0);
                assert_int_equal(f->t.n_taken, 1 + tree);
                rest = buf_span(&f->t.taken);
                for (int i = 0; i < 1 + tree; i++) {
                        assert_true(restore_next_taken(&rest, &x, &path, &record));
                        assert_string_equal(x.id, "");
                        assert_int_equal(x.kept, QUARANTINE_NOTHING);
                        assert_non_null(strstr(x.why, "full"));
                        assert_true(record.n > 0);
                }
                assert_false(restore_next_taken(&rest, &x, &path, &record));
                assert_string_equal(f->t.note, "what was there is not kept");
        }
}

static void test_not_what_was_judged(void **state)
{
        struct fixture *f = *state;

        write_file(f, "f", "good");
        trust(f, "f");
        write_file(f, "f", "evil");
        state_of(f, "f", false, &f->judged);
        write_file(f, "f", "more evil");
        assert_int_equal(run_as(f, "f", false, false), RESTORE_AGAIN);
        expect_file(f, "f", "more evil");
        assert_int_equal(run_as(f, "f", true, false), RESTORE_DONE);
        expect_file(f, "f", "good");
        /* Nothing was there, and now there is. */
        buf_clear(&f->judged);
        assert_int_equal(unlinkat(f->top, "f", 0), 0);
        write_file(f, "f", "quick");
        assert_int_equal(run_as(f, "f", false, false), RESTORE_AGAIN);
        expect_file(f, "f", "quick");
}

static void test_a_link_on_the_way(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(mkdirat(f->top, "d", 0755), 0);
        assert_int_equal(mkdirat(f->top, "trap", 0755), 0);
        write_file(f, "d/f", "good");
        trust(f, "d/f");
        assert_int_equal(renameat(f->top, "d", f->top, "away"), 0);
        assert_int_equal(symlinkat("trap", f->top, "d"), 0);
        buf_clear(&f->judged);
        assert_int_equal(run_as(f, "d/f", true, false), RESTORE_PARENT);
        assert_int_equal(unlinkat(f->top, "trap", AT_REMOVEDIR), 0); /* nothing came there */
        assert_int_equal(unlinkat(f->top, "d", 0), 0);
        assert_int_equal(run_as(f, "d/f", true, false), RESTORE_PARENT);
}

static void test_content_is_gone(void **state)
{
        struct fixture *f = *state;

        write_file(f, "f", "never kept");
        state_of(f, "f", false, &f->good);
        write_file(f, "f", "evil");
        assert_int_equal(run(f, "f"), RESTORE_FAILED);
        assert_int_equal(f->t.err.code, -ENODATA);
        expect_file(f, "f", "evil");
        assert_int_equal(f->t.n_taken, 0);
        assert_int_equal(names_in(f->top), 1);
}

static void test_other_types(void **state)
{
        struct fixture *f = *state;
        char target[16] = "";

        assert_int_equal(symlinkat("somewhere", f->top, "l"), 0);
        trust(f, "l");
        assert_int_equal(unlinkat(f->top, "l", 0), 0);
        assert_int_equal(mkdirat(f->top, "l", 0755), 0);
        write_file(f, "l/inside", "inside");
        assert_int_equal(run(f, "l"), RESTORE_DONE);
        assert_int_equal(f->t.n_taken, 2);
        assert_int_equal(readlinkat(f->top, "l", target, sizeof target - 1), 9);
        assert_string_equal(target, "somewhere");
        assert_int_equal(unlinkat(f->top, "l", 0), 0);
        assert_int_equal(mkfifoat(f->top, "l", 0600), 0);
        assert_int_equal(run(f, "l"), RESTORE_DONE);
        assert_int_equal(readlinkat(f->top, "l", target, sizeof target - 1), 9);
        assert_int_equal(names_in(f->top), 1);
}

static void test_rename_undone(void **state)
{
        struct fixture *f = *state;
        struct stat before, after;

        write_file(f, "f", "good");
        trust(f, "f");
        assert_int_equal(fstatat(f->top, "f", &before, 0), 0);
        assert_int_equal(renameat(f->top, "f", f->top, "g"), 0);
        buf_printf(&f->moved, "%s/top/g", f->dir);
        assert_int_equal(run(f, "f"), RESTORE_DONE);
        assert_true(f->t.moved);
        assert_int_equal(fstatat(f->top, "f", &after, 0), 0);
        assert_int_equal(before.st_ino, after.st_ino);
        /* What is there by that name is another one: it stays, and this one comes from the store.
         */
        assert_int_equal(unlinkat(f->top, "f", 0), 0);
        write_file(f, "g", "another");
        assert_int_equal(run(f, "f"), RESTORE_DONE);
        assert_false(f->t.moved);
        expect_file(f, "f", "good");
        expect_file(f, "g", "another");
}

/* What a crash left at the name beside. */
static void test_sweep(void **state)
{
        struct fixture *f = *state;
        struct err err = { 0 };

        write_file(f, ".assay-test", "left");
        restore_task_clear(&f->t);
        buf_printf(&f->path, "%s/top/f", f->dir);
        f->t.path = buf_span(&f->path);
        strcpy(f->t.temp, ".assay-test");
        assert_int_equal(restore_sweep_temp(&f->r, &f->t, &err), 0);
        assert_int_equal(f->t.n_taken, 1);
        assert_int_equal(names_in(f->top), 0);
        restore_task_clear(&f->t);
        f->t.path = buf_span(&f->path);
        strcpy(f->t.temp, ".assay-test");
        assert_int_equal(restore_sweep_temp(&f->r, &f->t, &err), 0);
        assert_int_equal(f->t.n_taken, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_replace),
                TEST(test_create),
                TEST(test_attributes),
                TEST(test_remove_tree),
                TEST(test_no_room),
                TEST(test_large),
                TEST(test_no_room_at_all),
                TEST(test_not_what_was_judged),
                TEST(test_a_link_on_the_way),
                TEST(test_content_is_gone),
                TEST(test_other_types),
                TEST(test_rename_undone),
                TEST(test_sweep),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
