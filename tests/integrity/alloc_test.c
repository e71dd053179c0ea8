/* SPDX-License-Identifier: Apache-2.0 */
/* Memory ends at the first, second, third... allocation of everything that reads a file. */
#include "integrity/trusted/journal.h"
#include "integrity/trusted/snapshot.h"
#include "integrity/watching/watchset.h"
#include "integrity/why/frozen.h"

#include "sample.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long left = -1; /* allocations that still succeed; negative: all */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static bool refuse(void)
{
        if (left < 0)
                return false;
        if (left == 0)
                return true;
        left--;
        return false;
}

void *__wrap_malloc(size_t n)
{
        return refuse() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
        return refuse() ? NULL : __real_realloc(p, n);
}

enum { FILES = 2000 }; /* more than the table's first size: it must grow */

static void fill(struct table *t, struct buf *ops)
{
        struct buf b = BUF_INIT(RECORD_MAX);
        char path[32];

        for (int i = 0; i < FILES; i++) {
                struct record r = sample_file((uint64_t)i, 1);
                size_t n = (size_t)snprintf(path, sizeof path, "/w/f%04d", i);

                sample_encode(&b, &r);
                if (t)
                        assert_int_equal(
                                table_set_record(t, table_make(t, span_of(path, n)), buf_span(&b)),
                                0);
                if (ops)
                        journal_op_put(ops, JOURNAL_SET, span_of(path, n), buf_span(&b));
        }
        buf_done(&b);
}

static void test_watchset(void **state)
{
        static const char text[] =
                "{\"about\":\"a\",\"attributes\":[],\"deep\":0,\"keep\":false,\"max_size\":0,"
                "\"mode\":\"log\",\"owners\":[\"o\"],\"profile\":\"p\",\"volatile\":false}\n"
                "{\"column\":1,\"exclude\":false,\"line\":1,\"pattern\":\"/etc/*/x\","
                "\"profile\":\"p\"}\n"
                "{\"column\":1,\"exclude\":true,\"line\":1,\"pattern_b64\":\"L2V0Yy//\","
                "\"profile\":\"\"}\n";
        int rc = -ENOMEM;

        for (long n = 0; rc; n++) {
                struct watchset w = { 0 };
                struct err err = { 0 };

                left = n;
                rc = watchset_parse(&w, "f", SPAN(text), &err);
                left = -1;
                assert_true(rc == 0 || rc == -ENOMEM);
                watchset_done(&w);
        }
        (void)state;
}

/* Enough lines that the list of them grows. */
static void test_frozen(void **state)
{
        struct buf text = BUF_INIT(1 << 20);
        int rc = -ENOMEM;

        buf_put_str(&text, FROZEN_HEAD);
        for (int i = 0; i < 300; i++)
                buf_printf(&text, "+ 1 2 0 L2Fh%c%cFh\n", 'A' + i / 26, 'a' + i % 26);
        for (long n = 0; rc; n++) {
                struct frozen *f = NULL;
                struct err err = { 0 };
                bool torn;

                left = n;
                rc = frozen_new(&f, &err);
                if (rc == 0)
                        rc = frozen_parse(f, buf_span(&text), &torn, &err);
                left = -1;
                assert_true(rc == 0 || rc == -ENOMEM);
                frozen_free(f);
        }
        buf_done(&text);
        (void)state;
}

static void test_snapshot(void **state)
{
        char dir[] = "/tmp/alloc-XXXXXX";
        struct snapshot_head head = { 0 };
        struct watchset w = { 0 };
        struct table *t;
        int dirfd, rc = -ENOMEM;

        assert_non_null(mkdtemp(dir));
        dirfd = open(dir, O_RDONLY | O_DIRECTORY);
        assert_int_equal(table_new(&t, NULL), 0);
        fill(t, NULL);
        assert_int_equal(snapshot_write(&io_kernel, dirfd, "s", &w, t, &head, NULL), 0);
        table_free(t);
        /* Every one of the first hundred, then in growing steps up to all. */
        for (long n = 0; rc; n += n < 100 ? 1 : n / 10) {
                struct err err = { 0 };

                assert_int_equal(table_new(&t, NULL), 0);
                left = n;
                rc = snapshot_read(&io_kernel, dirfd, "s", &w, t, &head, &err);
                left = -1;
                assert_true(rc == 0 || rc == -ENOMEM);
                table_assert_valid(t);
                table_free(t);
        }
        unlinkat(dirfd, "s", 0);
        close(dirfd);
        rmdir(dir);
        watchset_done(&w);
        (void)state;
}

static void test_journal(void **state)
{
        struct buf ops = BUF_INIT(1 << 20);
        struct table *t;
        int rc = -ENOMEM;

        fill(NULL, &ops);
        assert_int_equal(buf_status(&ops), 0);
        for (long n = 0; rc; n += n < 100 ? 1 : n / 10) {
                assert_int_equal(table_new(&t, NULL), 0);
                left = n;
                rc = journal_apply(t, buf_span(&ops));
                left = -1;
                assert_true(rc == 0 || rc == -ENOMEM);
                table_assert_valid(t);
                table_free(t);
        }
        buf_done(&ops);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_frozen),
                cmocka_unit_test(test_watchset),
                cmocka_unit_test(test_snapshot),
                cmocka_unit_test(test_journal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
