/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/writer/segment.h"

#include "../fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int new_wal(struct fixture *f)
{
        fixture_init(f, false);
        assert_int_equal(mkdirat(f->private_fd, "wal", 0700), 0);
        return openat(f->private_fd, "wal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void listed(void **state)
{
        static const struct {
                const char *files[8];
                int want;
                uint64_t first;
                size_t n;
                const char *says;
        } rows[] = {
                { { NULL }, 0, 0, 0, NULL },
                { { "000000000001" }, 0, 1, 1, NULL },
                { { "000000000009", "000000000010", "000000000011" }, 0, 9, 3, NULL },
                { { "000000000001", "next", "reserve", "1", "00000000000a", "0000000000001" },
                  0,
                  1,
                  1,
                  NULL },
                { { "000000000000" }, 0, 0, 0, NULL },
                { { "999999999999", "1000000000000" }, 0, 999999999999, 2, NULL },
                { { "000000000001", "000000000003" }, -EBADMSG, 0, 0, "segment 2 is missing" },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint64_t *numbers = NULL;
                struct err err = { 0 };
                struct fixture f;
                size_t n = 99;
                int wal = new_wal(&f);

                for (size_t k = 0; k < 8 && rows[i].files[k]; k++)
                        fixture_write(wal, rows[i].files[k], SPAN(""));
                fixture_write(wal, "next.tmp", SPAN("x"));
                assert_int_equal(segment_list(&io_kernel, wal, false, &numbers, &n, &err),
                                 rows[i].want);
                assert_int_equal(faccessat(wal, "next.tmp", F_OK, 0), 0);
                if (rows[i].want == 0) {
                        assert_int_equal(n, rows[i].n);
                        if (n)
                                assert_int_equal(numbers[0], rows[i].first);
                } else {
                        assert_int_equal(n, 99);
                        assert_non_null(strstr(err.text, rows[i].says));
                }
                free(numbers);
                numbers = NULL;
                assert_int_equal(segment_list(&io_kernel, wal, true, &numbers, &n, NULL),
                                 rows[i].want);
                assert_int_equal(faccessat(wal, "next.tmp", F_OK, 0), -1);
                free(numbers);
                close(wal);
                fixture_done(&f);
        }
}

static bool all(const uint8_t *p, size_t n, uint8_t c)
{
        for (size_t i = 0; i < n; i++)
                if (p[i] != c)
                        return false;
        return true;
}

/* New, from a used one of the same size, from one of another: zeros of the size asked for. */
static void prepared(void **state)
{
        static const size_t used[] = { 0, LEDGER_SEGMENT_MIN, 2 * LEDGER_SEGMENT_MIN, 4096 };

        for (size_t i = 0; i < ARRAY_LEN(used); i++) {
                struct fixture f;
                int wal = new_wal(&f);
                struct segment_order o = {
                        .io = &io_kernel, .wal_fd = wal, .to = "next", .bytes = LEDGER_SEGMENT_MIN
                };
                uint8_t *bytes = malloc(used[i] + 1);
                size_t n;

                memset(bytes, 0xee, used[i]);
                if (used[i]) {
                        snprintf(o.from, sizeof o.from, "000000000004");
                        fixture_write(wal, o.from, span_of(bytes, used[i]));
                }
                free(bytes);
                segment_prepare(&o);
                assert_int_equal(o.result, 0);
                if (used[i])
                        assert_int_equal(faccessat(wal, o.from, F_OK, 0), -1);
                bytes = fixture_read(wal, "next", &n);
                assert_int_equal(n, LEDGER_SEGMENT_MIN);
                assert_true(all(bytes, n, 0));
                free(bytes);
                close(wal);
                fixture_done(&f);
        }
}

static void cleared(void **state)
{
        static const struct {
                uint64_t at, n;
        } rows[] = { { 0, 1 }, { 511, 2 }, { 4096, 70000 }, { 100, 0 }, { 0, 3 << 20 } };
        struct fixture f;
        int wal = new_wal(&f), fd;
        size_t size = 3 << 20, n;

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                uint8_t *bytes = malloc(size);

                memset(bytes, 0xee, size);
                fixture_write(wal, "x", span_of(bytes, size));
                free(bytes);
                fd = openat(wal, "x", O_RDWR | O_CLOEXEC);
                assert_int_equal(segment_clear(&io_kernel, fd, rows[i].at, rows[i].n, NULL), 0);
                close(fd);
                bytes = fixture_read(wal, "x", &n);
                assert_int_equal(n, size);
                assert_true(all(bytes, rows[i].at, 0xee));
                assert_true(all(bytes + rows[i].at, rows[i].n, 0));
                assert_true(
                        all(bytes + rows[i].at + rows[i].n, size - rows[i].at - rows[i].n, 0xee));
                free(bytes);
        }
        close(wal);
        fixture_done(&f);
}

/* On a disk, where the page cache is gone around. */
static void read_from_disk(void **state)
{
        struct fixture f;
        uint8_t *bytes, *got = NULL;
        size_t n = 0;

        fixture_init(&f, true);
        assert_int_equal(segment_read(&io_kernel, f.private_fd, 3, &got, &n, NULL), -ENOENT);
        bytes = malloc(LEDGER_SEGMENT_MIN);
        for (size_t i = 0; i < LEDGER_SEGMENT_MIN; i++)
                bytes[i] = (uint8_t)(i * 7 / 3);
        fixture_write(f.private_fd, "000000000003", span_of(bytes, LEDGER_SEGMENT_MIN));
        assert_int_equal(segment_read(&io_kernel, f.private_fd, 3, &got, &n, NULL), 0);
        assert_int_equal(n, LEDGER_SEGMENT_MIN);
        assert_memory_equal(got, bytes, n);
        free(got);
        free(bytes);
        fixture_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(listed),
                cmocka_unit_test(prepared),
                cmocka_unit_test(cleared),
                cmocka_unit_test(read_from_disk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
