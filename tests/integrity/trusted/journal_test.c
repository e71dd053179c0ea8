/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/journal.h"

#include "../sample.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Run 3, changes 1 and 2, acknowledged up to 1, alive, a change that is not told. */
enum { RECORDS = 6 };

static size_t write_journal(uint8_t *file, size_t max)
{
        char dir[] = "/tmp/journal-XXXXXX";
        struct buf ops = BUF_INIT(1 << 16), b = BUF_INIT(RECORD_MAX);
        struct record f = sample_file(5, 1), d = sample_dir(6);
        struct journal j;
        ssize_t n;
        int dirfd, fd;

        assert_non_null(mkdtemp(dir));
        dirfd = open(dir, O_RDONLY | O_DIRECTORY);
        assert_int_equal(journal_create(&j, &io_kernel, dirfd, 9, NULL), 0);
        journal_put_run(&j, 3);
        journal_op_put(&ops, JOURNAL_SET, SPAN("/d"), sample_encode(&b, &d));
        journal_op_put(&ops, JOURNAL_SET, SPAN("/d/f"), sample_encode(&b, &f));
        journal_put_change(&j, 1, SPAN("{\"a\":1}"), buf_span(&ops));
        buf_clear(&ops);
        journal_op_put(&ops, JOURNAL_MOVE, SPAN("/d"), SPAN("/e"));
        journal_put_change(&j, 2, SPAN("{\"b\":2}"), buf_span(&ops));
        journal_put_acked(&j, 1);
        journal_put_alive(&j, -5, true);
        buf_clear(&ops);
        journal_op_put(&ops, JOURNAL_DROP, SPAN("/e/f"), SPAN_NONE);
        journal_put_change(&j, 0, SPAN_NONE, buf_span(&ops));
        assert_int_equal(journal_flush(&j, NULL), 0);
        journal_close(&j);
        fd = openat(dirfd, "journal.9", O_RDONLY);
        n = read(fd, file, max);
        assert_true(n > 0 && (size_t)n < max);
        close(fd);
        unlinkat(dirfd, "journal.9", 0);
        close(dirfd);
        rmdir(dir);
        buf_done(&ops);
        buf_done(&b);
        return (size_t)n;
}

static void check_record(const struct journal_record *r, size_t i)
{
        switch (i) {
        case 0:
                assert_int_equal(r->type, JOURNAL_RUN);
                assert_int_equal(r->number, 3);
                break;
        case 1:
        case 2:
                assert_int_equal(r->type, JOURNAL_CHANGE);
                assert_int_equal(r->number, i);
                assert_true(span_eq_str(r->skeleton, i == 1 ? "{\"a\":1}" : "{\"b\":2}"));
                break;
        case 3:
                assert_int_equal(r->type, JOURNAL_ACKED);
                assert_int_equal(r->number, 1);
                break;
        case 4:
                assert_int_equal(r->type, JOURNAL_ALIVE);
                assert_int_equal(r->wall_ns, -5);
                assert_true(r->stopping);
                break;
        default:
                assert_int_equal(r->number, 0);
                assert_int_equal(r->skeleton.n, 0);
        }
}

static void test_replay(void **state)
{
        uint8_t file[8192];
        size_t n = write_journal(file, sizeof file), i = 0;
        struct journal_record r;
        struct span rest;
        struct table *t;
        uint64_t generation;
        int rc;

        assert_int_equal(table_new(&t, NULL), 0);
        assert_int_equal(journal_open(span_of(file, n), &generation, &rest, NULL), 0);
        assert_int_equal(generation, 9);
        while ((rc = journal_next(&rest, &r)) > 0) {
                check_record(&r, i++);
                assert_int_equal(journal_apply(t, r.ops), 0);
        }
        assert_int_equal(rc, 0);
        assert_int_equal(i, RECORDS);
        assert_null(table_find(t, SPAN("/d")));
        assert_non_null(table_find(t, SPAN("/e")));
        assert_null(table_find(t, SPAN("/e/f")));
        assert_int_equal(table_count(t), 1);
        table_assert_valid(t);
        table_free(t);
        (void)state;
}

/* However much of the end is missing or wrong, what is before it is read as it was written. */
static void test_torn_anywhere(void **state)
{
        uint8_t file[8192];
        size_t n = write_journal(file, sizeof file), whole = 0;

        for (size_t cut = JOURNAL_HEAD; cut <= n; cut++) {
                struct span rest = span_from(span_of(file, cut), JOURNAL_HEAD);
                struct journal_record r;
                size_t i = 0;
                int rc;

                while ((rc = journal_next(&rest, &r)) > 0)
                        check_record(&r, i++);
                assert_int_equal(rc, rest.n ? -EBADMSG : 0);
                assert_true(i == whole || i == whole + 1);
                whole = i;
        }
        assert_int_equal(whole, RECORDS);
        for (size_t at = JOURNAL_HEAD; at < n; at++) {
                struct span rest = span_from(span_of(file, n), JOURNAL_HEAD);
                struct journal_record r;
                size_t i = 0;
                int rc;

                file[at] ^= 0x40;
                while ((rc = journal_next(&rest, &r)) > 0)
                        check_record(&r, i++);
                if (rc != -EBADMSG)
                        fail_msg("byte %zu", at);
                file[at] ^= 0x40;
        }
        (void)state;
}

/* Operations that do not fit what the table has change nothing and break nothing. */
static void test_misfits(void **state)
{
        static const struct {
                enum journal_op_type op;
                const char *path, *argument;
        } cases[] = {
                { JOURNAL_DROP, "/none", "" },      { JOURNAL_MOVE, "/none", "/x" },
                { JOURNAL_MOVE, "/a", "/a" },       { JOURNAL_MOVE, "/a", "/a/b" },
                { JOURNAL_MOVE, "/a/b", "/a" },     { JOURNAL_EXCHANGE, "/a", "/none" },
                { JOURNAL_EXCHANGE, "/a", "/a/b" }, { JOURNAL_MOVE, "/", "/x" },
                { JOURNAL_MOVE, "/a", "/" },
        };
        struct record d = sample_dir(1), f = sample_file(2, 1);
        struct buf ops = BUF_INIT(4096), b = BUF_INIT(RECORD_MAX);
        struct table *t;

        assert_int_equal(table_new(&t, NULL), 0);
        journal_op_put(&ops, JOURNAL_SET, SPAN("/a"), sample_encode(&b, &d));
        journal_op_put(&ops, JOURNAL_SET, SPAN("/a/b"), sample_encode(&b, &f));
        assert_int_equal(journal_apply(t, buf_span(&ops)), 0);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                buf_clear(&ops);
                journal_op_put(&ops, cases[i].op, span_str(cases[i].path),
                               span_str(cases[i].argument));
                assert_int_equal(journal_apply(t, buf_span(&ops)), 0);
                table_assert_valid(t);
                if (table_count(t) != 2 || !table_find(t, SPAN("/a/b")))
                        fail_msg("case %zu", i);
        }
        buf_done(&ops);
        buf_done(&b);
        table_free(t);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_replay),
                cmocka_unit_test(test_torn_anywhere),
                cmocka_unit_test(test_misfits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
