/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger of 300 entries: one bit of every byte of its private files that matter, in turn.  The
 * log is refused with the place named, or, where nothing was ever written, opens with all it had.
 */
#include "../fixture.h"

#include "ledger/writer/segment.h"
#include "ledger/writer/wal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void flip(int fd, size_t at, uint8_t bits)
{
        uint8_t c;

        TESTLOG_REQUIRE(pread(fd, &c, 1, (off_t)at) == 1);
        c ^= bits;
        TESTLOG_REQUIRE(pwrite(fd, &c, 1, (off_t)at) == 1);
}

static int try_open(struct fixture *f, uint64_t *ret_size, struct err *err)
{
        struct ledger *l = NULL;
        int r = ledger_open(f->public_fd, f->private_fd, &f->options, &l, err);

        if (r == 0)
                *ret_size = ledger_size(l);
        ledger_free(l);
        return r;
}

static void made(struct fixture *f)
{
        struct publisher *p;
        struct ledger *l;

        fixture_new(f);
        l = fixture_open(f);
        p = fixture_publisher(f, NULL, false);
        fixture_append(f, l, 200, 20, 25);
        fixture_publish(p, l);
        fixture_append(f, l, 100, 20, 25); /* not signed: only the log itself can tell */
        publisher_free(p);
        ledger_free(l);
}

static void written_part(void **state)
{
        struct fixture f;
        uint8_t *bytes;
        size_t n, end;
        int fd;

        made(&f);
        bytes = fixture_read(f.private_fd, "wal/000000000001", &n);
        for (end = n; bytes[end - 1] == 0; end--)
                ;
        free(bytes);
        fd = openat(f.private_fd, "wal/000000000001", O_RDWR | O_CLOEXEC);
        for (size_t at = 0; at < end; at++) {
                uint64_t size = 0;
                struct err err = { 0 };
                int r;

                flip(fd, at, (uint8_t)(1 << at % 8));
                r = try_open(&f, &size, &err);
                if (r != -EBADMSG || !strstr(err.text, "wal/000000000001"))
                        print_message("byte %zu: %d, size %d: %s\n", at, r, (int)size, err.text);
                assert_int_equal(r, -EBADMSG);
                assert_non_null(strstr(err.text, "wal/000000000001"));
                assert_non_null(strstr(err.text, "byte "));
                flip(fd, at, (uint8_t)(1 << at % 8));
        }
        close(fd);
        fixture_done(&f);
}

/* Behind the last batch: refused, or cut away as torn; nothing acknowledged is ever lost. */
static void unwritten_part(void **state)
{
        size_t refused = 0, cut = 0, n, end;
        struct fixture f;
        uint8_t *bytes;

        made(&f);
        bytes = fixture_read(f.private_fd, "wal/000000000001", &n);
        for (end = n; bytes[end - 1] == 0; end--)
                ;
        free(bytes);
        for (size_t at = end; at < n; at += at < end + 1100 ? 1 : 9973) {
                int fd = openat(f.private_fd, "wal/000000000001", O_RDWR | O_CLOEXEC);
                uint64_t size = 0;
                struct err err = { 0 };
                int r;

                flip(fd, at, 0x20);
                r = try_open(&f, &size, &err);
                if (r == 0) {
                        cut++;
                        assert_int_equal(size, 300);
                } else {
                        refused++;
                        assert_int_equal(r, -EBADMSG);
                        flip(fd, at, 0x20);
                }
                close(fd);
        }
        assert_true(cut > 0 && refused > 0);
        fixture_done(&f);
}

static void small_files(void **state)
{
        static const char *const path[] = { "signed", "keys/log" };
        struct fixture f;

        made(&f);
        for (size_t i = 0; i < ARRAY_LEN(path); i++) {
                int fd = openat(f.private_fd, path[i], O_RDWR | O_CLOEXEC);
                struct stat st;

                assert_int_equal(fstat(fd, &st), 0);
                for (size_t at = 0; at < (size_t)st.st_size; at++)
                        for (int bit = 0; bit < 8; bit++) {
                                uint64_t size = 0;
                                struct err err = { 0 };

                                flip(fd, at, (uint8_t)(1 << bit));
                                assert_int_equal(try_open(&f, &size, &err), -EBADMSG);
                                assert_int_not_equal(err.text[0], 0);
                                flip(fd, at, (uint8_t)(1 << bit));
                        }
                close(fd);
        }
        fixture_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(written_part),
                cmocka_unit_test(unwritten_part),
                cmocka_unit_test(small_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
