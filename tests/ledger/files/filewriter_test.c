/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/files/filewriter.h"

#include "../faulty.h"
#include "../fixture.h"
#include "../power.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct filewriter *writer(struct fixture *f, const struct io *io)
{
        struct filewriter *w = NULL;

        assert_int_equal(filewriter_new(f->public_fd, io, NULL, 0640, 0750, &w, NULL), 0);
        return w;
}

static bool holds(struct fixture *f, const char *path, const char *want)
{
        uint8_t *bytes;
        size_t n;
        bool same;

        if (faccessat(f->public_fd, path, F_OK, 0) < 0)
                return false;
        bytes = fixture_read(f->public_fd, path, &n);
        same = span_eq_str(span_of(bytes, n), want);
        free(bytes);
        return same;
}

static bool there(struct fixture *f, const char *path)
{
        return faccessat(f->public_fd, path, F_OK, 0) == 0;
}

/* In its place only after the sync, and then without its temporary. */
static void put_and_sync(void **state)
{
        struct fixture f;
        struct filewriter *w;
        struct stat st;

        fixture_init(&f, false);
        w = writer(&f, &io_kernel);
        assert_int_equal(filewriter_put(w, "a/b", "x", SPAN("one"), FILEWRITER_IMMUTABLE, NULL), 0);
        assert_int_equal(filewriter_put(w, ".", "y", SPAN(""), FILEWRITER_REPLACE, NULL), 0);
        assert_false(there(&f, "a/b/x"));
        assert_int_equal(filewriter_sync(w, NULL), 0);
        assert_true(holds(&f, "a/b/x", "one"));
        assert_true(holds(&f, "y", ""));
        assert_false(there(&f, "a/b/x.tmp"));
        assert_int_equal(fstatat(f.public_fd, "a/b/x", &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0640);
        assert_int_equal(fstatat(f.public_fd, "a/b", &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0750);
        /* Freed before the sync: nothing of it is left. */
        assert_int_equal(filewriter_put(w, "a/b", "z", SPAN("two"), FILEWRITER_IMMUTABLE, NULL), 0);
        filewriter_free(w);
        assert_false(there(&f, "a/b/z"));
        assert_false(there(&f, "a/b/z.tmp"));
        fixture_done(&f);
}

static void there_already(void **state)
{
        static const struct {
                const char *was, *put;
                enum filewriter_mode mode;
                int want;
                const char *then;
        } rows[] = {
                { "same", "same", FILEWRITER_IMMUTABLE, 0, "same" },
                { "same", "Same", FILEWRITER_IMMUTABLE, -EBADMSG, "same" },
                { "same", "sam", FILEWRITER_IMMUTABLE, -EBADMSG, "same" },
                { "same", "same!", FILEWRITER_IMMUTABLE, -EBADMSG, "same" },
                { "", "x", FILEWRITER_IMMUTABLE, -EBADMSG, "" },
                { "x", "", FILEWRITER_IMMUTABLE, -EBADMSG, "x" },
                { "old", "new one", FILEWRITER_REPLACE, 0, "new one" },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct filewriter *w;
                struct fixture f;
                struct err err = { 0 };

                fixture_init(&f, false);
                fixture_write(f.public_fd, "x", span_str(rows[i].was));
                w = writer(&f, &io_kernel);
                assert_int_equal(
                        filewriter_put(w, ".", "x", span_str(rows[i].put), rows[i].mode, &err),
                        rows[i].want);
                if (rows[i].want)
                        assert_non_null(strstr(err.text, "x: another content"));
                assert_int_equal(filewriter_sync(w, NULL), 0);
                assert_true(holds(&f, "x", rows[i].then));
                filewriter_free(w);
                fixture_done(&f);
        }
}

/* More directories and more files than are held open at a time. */
static void put_many(struct syncer *s)
{
        struct filewriter *w = NULL;
        char dir[64], name[64];
        struct fixture f;

        fixture_init(&f, false);
        assert_int_equal(filewriter_new(f.public_fd, &io_kernel, s, 0640, 0750, &w, NULL), 0);
        for (int turn = 0; turn < 2; turn++) {
                for (int i = 0; i < 900; i++) {
                        snprintf(dir, sizeof dir, "d%d", i % 60);
                        snprintf(name, sizeof name, "n%d", i);
                        assert_int_equal(filewriter_put(w, dir, name, span_str(name),
                                                        FILEWRITER_IMMUTABLE, NULL),
                                         0);
                }
                assert_int_equal(filewriter_sync(w, NULL), 0);
        }
        for (int i = 0; i < 900; i++) {
                snprintf(dir, sizeof dir, "d%d/n%d", i % 60, i);
                snprintf(name, sizeof name, "n%d", i);
                assert_true(holds(&f, dir, name));
        }
        filewriter_free(w);
        fixture_done(&f);
}

static void many(void **state)
{
        struct syncer *s = NULL;

        put_many(NULL);
        assert_int_equal(syncer_new(3, &s, NULL), 0);
        put_many(s);
        syncer_free(s);
}

/* A file for which there was no room is not written; the others wait on, and it can be put again,
 * as can those that wait. */
static void without_room(void **state)
{
        struct fixture f;
        struct faulty io;
        struct filewriter *w;

        fixture_init(&f, false);
        faulty_init(&io);
        io.kind = FAULTY_PWRITE;
        io.at = 2;
        io.error = -ENOSPC;
        io.half = true;
        w = writer(&f, &io.io);
        for (int turn = 0; turn < 2; turn++)
                for (int mode = FILEWRITER_IMMUTABLE; mode <= FILEWRITER_REPLACE; mode++) {
                        char name[3] = { 'a', (char)('0' + mode), '\0' };

                        assert_int_equal(filewriter_put(w, "d", name, span_str(name),
                                                        (enum filewriter_mode)mode, NULL),
                                         turn == 0 && mode == 1 ? -ENOSPC : 0);
                }
        assert_int_equal(filewriter_sync(w, NULL), 0);
        assert_true(holds(&f, "d/a0", "a0"));
        assert_true(holds(&f, "d/a1", "a1"));
        filewriter_free(w);
        fixture_done(&f);
}

/* The k-th sync fails: nothing is in its place that was not synced before. */
static void failed_syncs(void **state)
{
        bool struck = true;

        for (unsigned k = 1; struck; k++) {
                struct fixture f;
                struct faulty io;
                struct filewriter *w;
                int r;

                fixture_init(&f, false);
                TESTLOG_REQUIRE(mkdirat(f.public_fd, "d", 0755) == 0);
                faulty_init(&io);
                io.kind = FAULTY_FSYNC;
                io.at = k;
                io.error = -ENOSPC; /* whatever the file system says, it is an error of the disk */
                w = writer(&f, &io.io);
                assert_int_equal(filewriter_put(w, "d", "a", SPAN("1"), FILEWRITER_IMMUTABLE, NULL),
                                 0);
                assert_int_equal(filewriter_put(w, "d", "b", SPAN("2"), FILEWRITER_IMMUTABLE, NULL),
                                 0);
                r = filewriter_sync(w, NULL);
                struck = io.struck;
                assert_int_equal(r, struck ? -EIO : 0);
                assert_int_equal(there(&f, "d/a"), k > 2); /* two files, then their directory */
                assert_int_equal(there(&f, "d/b"), k > 2);
                filewriter_free(w);
                fixture_done(&f);
        }
}

/* The same with several at a time: whichever fails, no file of the round gets its name. */
static void failed_syncs_together(void **state)
{
        enum { FILES = 30 };
        struct syncer *s = NULL;
        bool struck = true;

        assert_int_equal(syncer_new(3, &s, NULL), 0);
        for (unsigned k = 1; struck; k++) {
                struct filewriter *w = NULL;
                struct fixture f;
                struct faulty io;
                char name[16];
                int r;

                fixture_init(&f, false);
                TESTLOG_REQUIRE(mkdirat(f.public_fd, "d", 0755) == 0);
                TESTLOG_REQUIRE(mkdirat(f.public_fd, "e", 0755) == 0);
                faulty_init(&io);
                io.kind = FAULTY_FSYNC;
                io.at = k;
                io.error = -EIO;
                assert_int_equal(filewriter_new(f.public_fd, &io.io, s, 0640, 0750, &w, NULL), 0);
                for (int i = 0; i < FILES; i++) {
                        snprintf(name, sizeof name, "n%d", i);
                        assert_int_equal(filewriter_put(w, i % 2 ? "d" : "e", name, SPAN("x"),
                                                        FILEWRITER_IMMUTABLE, NULL),
                                         0);
                }
                r = filewriter_sync(w, NULL);
                struck = io.struck;
                assert_int_equal(struck, k <= FILES + 2); /* and the two directories */
                assert_int_equal(r, struck ? -EIO : 0);
                for (int i = 0; i < FILES; i++) {
                        snprintf(name, sizeof name, "%c/n%d", i % 2 ? 'd' : 'e', i);
                        assert_int_equal(there(&f, name), k > FILES);
                }
                filewriter_free(w);
                fixture_done(&f);
        }
        syncer_free(s);
}

static void removing(void **state)
{
        struct fixture f;
        struct filewriter *w;

        fixture_init(&f, false);
        w = writer(&f, &io_kernel);
        assert_int_equal(filewriter_put(w, "t/5.p", "1", SPAN("x"), FILEWRITER_IMMUTABLE, NULL), 0);
        assert_int_equal(filewriter_put(w, "t/5.p", "2", SPAN("x"), FILEWRITER_IMMUTABLE, NULL), 0);
        assert_int_equal(filewriter_sync(w, NULL), 0);
        fixture_write(f.public_fd, "t/5.p/9.tmp", SPAN("left by a crash"));
        filewriter_clean_dir(w, "t/5.p");
        assert_false(there(&f, "t/5.p/9.tmp"));
        assert_true(there(&f, "t/5.p/1"));
        filewriter_drop_dir(w, "t/5.p");
        filewriter_drop_dir(w, "t/5.p");
        filewriter_clean_dir(w, "t/5.p");
        assert_false(there(&f, "t/5.p"));
        /* And made anew. */
        assert_int_equal(filewriter_put(w, "t/5.p", "3", SPAN("x"), FILEWRITER_IMMUTABLE, NULL), 0);
        assert_int_equal(filewriter_sync(w, NULL), 0);
        assert_true(holds(&f, "t/5.p/3", "x"));
        filewriter_free(w);
        /* Temporaries of a published tree go when its directory is used again. */
        fixture_write(f.public_fd, "t/5.p/9.tmp", SPAN("left by a crash"));
        w = writer(&f, &io_kernel);
        assert_int_equal(filewriter_put(w, "t/5.p", "3", SPAN("x"), FILEWRITER_IMMUTABLE, NULL), 0);
        assert_false(there(&f, "t/5.p/9.tmp"));
        filewriter_free(w);
        fixture_done(&f);
}

/* What was dropped is written anew, and what the disk still has by its old name stays as it was. */
static void spares(void **state)
{
        uint64_t random = 1;

        for (int luck = POWER_NOTHING; luck <= POWER_ALL; luck++) {
                struct filewriter *w = NULL;
                struct power *power;
                struct stat was, now;
                struct fixture f;

                fixture_init(&f, false);
                power = power_new(f.root_fd);
                assert_int_equal(
                        filewriter_new(f.public_fd, power_io(power), NULL, 0640, 0750, &w, NULL),
                        0);
                filewriter_keep_spares(w, f.private_fd, "spare");
                assert_int_equal(
                        filewriter_put(w, "t/5.p", "1", SPAN("old"), FILEWRITER_IMMUTABLE, NULL),
                        0);
                assert_int_equal(filewriter_sync(w, NULL), 0);
                assert_int_equal(fstatat(f.public_fd, "t/5.p/1", &was, 0), 0);
                filewriter_drop_dir(w, "t/5.p");
                assert_int_equal(filewriter_put(w, "t", "7", SPAN("n"), FILEWRITER_IMMUTABLE, NULL),
                                 0);
                assert_int_equal(filewriter_sync(w, NULL), 0);
                assert_int_equal(fstatat(f.public_fd, "t/7", &now, 0), 0);
                assert_int_equal(now.st_ino, was.st_ino);
                assert_int_equal(now.st_mode & 0777, 0640);
                filewriter_free(w);
                power_fail(power, (enum power_luck)luck, &random);
                fixture_reopen_dirs(&f);
                assert_true(holds(&f, "t/7", "n"));
                assert_true(!there(&f, "t/5.p/1") || holds(&f, "t/5.p/1", "old"));
                power_free(power);
                fixture_done(&f);
        }
}

/* Where somebody put a link in place of a temporary, what it points to stays as it was. */
static void temporary_is_a_link(void **state)
{
        struct fixture f;
        struct filewriter *w;

        fixture_init(&f, false);
        fixture_write(f.private_fd, "victim", SPAN("whole"));
        w = writer(&f, &io_kernel);
        assert_int_equal(symlinkat("../log.private/victim", f.public_fd, "x.tmp"), 0);
        assert_int_equal(filewriter_put(w, ".", "x", SPAN("new"), FILEWRITER_REPLACE, NULL),
                         -ELOOP);
        filewriter_free(w);
        {
                size_t n;
                uint8_t *bytes = fixture_read(f.private_fd, "victim", &n);

                assert_true(span_eq_str(span_of(bytes, n), "whole"));
                free(bytes);
        }
        fixture_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(put_and_sync),
                cmocka_unit_test(temporary_is_a_link),
                cmocka_unit_test(there_already),
                cmocka_unit_test(many),
                cmocka_unit_test(without_room),
                cmocka_unit_test(failed_syncs),
                cmocka_unit_test(failed_syncs_together),
                cmocka_unit_test(removing),
                cmocka_unit_test(spares),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
