/* SPDX-License-Identifier: Apache-2.0 */
#include "state/rows/stored.h"

#include "state/rows/row.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct state_column columns[] = {
        { "n", STATE_INT, 0, "b" },
        { "name", STATE_TEXT, STATE_KEY, "a" },
};
static const struct state_table table = { .name = "t", STATE_COLUMNS(columns) };

static const char *const rows[] = { "{\"n\":1,\"name\":\"a\"}", "{\"n\":2,\"name\":\"b\"}" };

struct place {
        char dir[32];
        int fd;
};

static void place_make(struct place *p)
{
        strcpy(p->dir, "/tmp/assay-stored-XXXXXX");
        assert_non_null(mkdtemp(p->dir));
        p->fd = open(p->dir, O_RDONLY | O_DIRECTORY);
        assert_true(p->fd >= 0);
}

static void place_done(struct place *p)
{
        (void)!unlinkat(p->fd, "t", 0);
        (void)!unlinkat(p->fd, "t.next", 0);
        close(p->fd);
        assert_int_equal(rmdir(p->dir), 0);
}

static void write_one(const struct place *p, const char *name, uint64_t run)
{
        struct stored_head h = { .faults = 3, .changed_ns = 1000, .run = run, .first = 7, .n = 2 };
        struct rows r;

        rows_init(&r);
        for (size_t i = ARRAY_LEN(rows); i-- > 0;)
                assert_int_equal(rows_add(&r, &table, json_value_of(span_str(rows[i]))), 0);
        rows_sort(&r);
        stored_columns(&table, h.columns);
        assert_int_equal(rows_digest(&r, h.digest), 0);
        assert_int_equal(stored_write(&io_kernel, p->fd, name, &h, &r, NULL), 0);
        rows_done(&r);
}

static void test_way(void **state)
{
        static const char *const names[] = { "t", "t.next" };
        struct place p;

        (void)state;
        place_make(&p);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                struct stored_head h;
                struct rows r;

                rows_init(&r);
                assert_int_equal(stored_read(&io_kernel, p.fd, names[i], &table, &h, &r, NULL),
                                 -ENOENT);
                write_one(&p, names[i], i ? 5 : 0);
                assert_int_equal(stored_read(&io_kernel, p.fd, names[i], &table, &h, &r, NULL), 0);
                assert_true(h.faults == 3 && h.changed_ns == 1000 && h.run == (i ? 5 : 0));
                assert_true(i == 0 || (h.first == 7 && h.n == 2));
                assert_int_equal(r.n, 2);
                assert_true(span_eq_str(rows_row(&r, 0), rows[0]));
                rows_done(&r);
        }
        place_done(&p);
}

/* Every byte of the file: changed, it is not believed; but for the times in its head. */
static void test_flips(void **state)
{
        uint8_t *bytes;
        struct place p;
        size_t n, believed = 0;

        (void)state;
        place_make(&p);
        write_one(&p, "t", 0);
        assert_int_equal(io_read_file(&io_kernel, p.fd, "t", 1 << 20, &bytes, &n, NULL), 0);
        for (size_t i = 0; i < n; i++) {
                struct stored_head h = { 0 };
                struct rows r;
                int rc;

                rows_init(&r);
                bytes[i] ^= 0x01;
                assert_int_equal(
                        io_replace_file(&io_kernel, p.fd, "t", p.fd, 0600, span_of(bytes, n), NULL),
                        0);
                bytes[i] ^= 0x01;
                rc = stored_read(&io_kernel, p.fd, "t", &table, &h, &r, NULL);
                assert_true(rc == 0 || rc == -EBADMSG || rc == -ESTALE);
                if (rc == 0) {
                        assert_true(h.faults != 3 || h.changed_ns != 1000);
                        assert_int_equal(r.n, 2);
                        believed++;
                }
                rows_done(&r);
        }
        assert_true(believed < 30);
        free(bytes);
        place_done(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_way),
                                            cmocka_unit_test(test_flips) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
