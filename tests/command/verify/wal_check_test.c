/* SPDX-License-Identifier: Apache-2.0 */
/* The write-ahead log read while its owner uses segments again: what goes the way that goes is no
 * damage, what goes any other way is. */
#include "command/verify/wal_check.h"

#include "fixture.h"
#include "ledger/writer/segment.h"
#include "ledger/writer/wal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEGMENTS = 4, ENTRIES = 900, ENTRY_BYTES = 4000 };

/* What its owner does when this segment is read. */
static struct {
        uint64_t number;
        bool halfway;           /* with its first half, else before it is opened */
        uint64_t goes_from, to; /* of the segments that go */
        bool goes_on;           /* the last is the next one then */
} owner;

static struct fixture f;
static int wal_fd;

int __real_segment_read(const struct io *io, int fd, uint64_t number, uint8_t **ret, size_t *ret_n,
                        struct err *err);
int __wrap_segment_read(const struct io *io, int fd, uint64_t number, uint8_t **ret, size_t *ret_n,
                        struct err *err);

/* A segment as it is with its header alone, or without that. */
static void empty_segment(uint64_t number, bool header)
{
        uint8_t bytes[WAL_SEGMENT_HEADER] = { 0 };
        char name[SEGMENT_NAME_MAX];
        struct wal_segment s;
        struct stat st;
        int fd;

        segment_name(number, name);
        fd = openat(wal_fd, name, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        assert_int_equal(read(fd, bytes, sizeof bytes), sizeof bytes);
        assert_int_equal(wal_get_segment(span_of(bytes, sizeof bytes), &s, NULL), 1);
        s.number = number;
        s.first = ENTRIES;
        wal_put_segment(bytes, &s);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(ftruncate(fd, st.st_size), 0);
        if (header)
                assert_int_equal(pwrite(fd, bytes, sizeof bytes, 0), sizeof bytes);
        close(fd);
}

static void owner_acts(void)
{
        char name[SEGMENT_NAME_MAX], next[SEGMENT_NAME_MAX];

        for (uint64_t i = owner.goes_from; i <= owner.to; i++) {
                segment_name(i, name);
                segment_name(i + 1, next);
                if (i == SEGMENTS && owner.goes_on) {
                        assert_int_equal(renameat(wal_fd, name, wal_fd, next), 0);
                        empty_segment(i + 1, true);
                } else {
                        assert_int_equal(unlinkat(wal_fd, name, 0), 0);
                }
        }
        owner.number = 0;
}

int __wrap_segment_read(const struct io *io, int fd, uint64_t number, uint8_t **ret, size_t *ret_n,
                        struct err *err)
{
        bool acts = number == owner.number, halfway = owner.halfway;
        int r;

        if (acts && !halfway)
                owner_acts();
        r = __real_segment_read(io, fd, number, ret, ret_n, err);
        if (acts && halfway) {
                assert_int_equal(r, 0);
                memset(*ret + *ret_n / 2, 0, *ret_n - *ret_n / 2);
                owner_acts();
        }
        return r;
}

/* All of it published, and none of its segments used again yet. */
static void make_ledger(void)
{
        struct publisher *p;
        struct ledger *l;
        uint64_t *numbers;
        size_t n;

        fixture_new(&f);
        l = fixture_open(&f);
        fixture_append(&f, l, ENTRIES, ENTRY_BYTES, 50);
        p = fixture_publisher(&f, NULL, false);
        fixture_publish(p, l);
        publisher_free(p);
        ledger_free(l);
        wal_fd = openat(f.private_fd, "wal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(wal_fd >= 0);
        assert_int_equal(segment_list(&io_kernel, wal_fd, false, &numbers, &n, NULL), 0);
        assert_int_equal(n, SEGMENTS);
        assert_int_equal(numbers[0], 1);
        free(numbers);
}

static void used_again(void **state)
{
        static const struct {
                const char *name;
                uint64_t number;
                bool halfway;
                uint64_t from, to;
                bool goes_on;
                int want;
                uint64_t segments; /* that were checked */
                const char *says;
        } t[] = {
                { "nothing goes", 0, false, 1, 0, false, 0, 4, NULL },
                { "the first before", 1, false, 1, 1, false, 0, 3, NULL },
                { "two before", 1, false, 1, 2, false, 0, 2, NULL },
                { "the first while it is read", 1, true, 1, 1, false, 0, 3, NULL },
                { "two while the second is", 2, true, 1, 2, false, 0, 3, NULL },
                { "three before the second", 2, false, 1, 3, false, 0, 2, NULL },
                { "all, and there is another", 4, false, 1, 4, true, 0, 1, NULL },
                { "one in the middle", 2, false, 2, 2, false, -ENOENT, 0, "wal/" },
                { "one in the middle while it is read", 3, true, 3, 3, false, -EBADMSG, 0,
                  "segment " },
                { "the last one", 4, false, 4, 4, false, -ENOENT, 0, "wal/" },
                { "all, and there is no other", 4, false, 1, 4, false, -EBADMSG, 0, "no segment" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(reader_done) struct reader reader = { 0 };
                struct wal_check result = { 0 };
                struct err err = { 0 };
                char dir[80];
                int rc;

                print_message("%s\n", t[i].name);
                make_ledger();
                snprintf(dir, sizeof dir, "%s/log", f.dir);
                assert_int_equal(reader_open(dir, &reader, &err), 0);
                owner.number = t[i].number;
                owner.halfway = t[i].halfway;
                owner.goes_from = t[i].from;
                owner.to = t[i].to;
                owner.goes_on = t[i].goes_on;
                rc = wal_check(dir, &reader, &result, &err);
                if (rc != t[i].want)
                        fail_msg("%d: %s", rc, err_text(&err));
                if (rc == 0)
                        assert_int_equal(result.segments, t[i].segments);
                else
                        assert_non_null(strstr(err_text(&err), t[i].says));
                fd_close(&wal_fd);
                fixture_done(&f);
        }
}

/* What the owner would not begin with is not called good either. */
static void spoiled(void **state)
{
        static const struct {
                const char *name;
                uint64_t from, to; /* segments that are gone */
                uint64_t number;
                off_t at; /* zeros from here on, up to... */
                size_t n;
                bool cut; /* ...or nothing */
                const char *says;
        } t[] = {
                { "the first has no header", 0, 0, 1, 0, 64, false, "segment 1: it has no header" },
                { "all of it is zeros", 0, 0, 2, 0, 0, false, "segment 2: it has no header" },
                { "the last has no header", 0, 0, 4, 0, 64, false, "segment 4: it has no header" },
                { "the last is zeros", 0, 0, 4, 0, 0, false, "are signed: a rollback" },
                { "the only one is zeros", 2, 4, 1, 0, 0, false, "the wal ends at 0 entries" },
                { "so is one that is not the log's first", 1, 3, 4, 0, 0, false,
                  "segment 4: it has no header" },
                { "the last is cut", 0, 0, 4, 512 << 10, 0, true, "segment 4: its header is that" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(reader_done) struct reader reader = { 0 };
                struct wal_check result = { 0 };
                uint8_t zeros[64] = { 0 };
                char dir[80], name[SEGMENT_NAME_MAX];
                struct err err = { 0 };
                int fd;

                print_message("%s\n", t[i].name);
                make_ledger();
                for (uint64_t k = t[i].from; k && k <= t[i].to; k++) {
                        segment_name(k, name);
                        assert_int_equal(unlinkat(wal_fd, name, 0), 0);
                }
                segment_name(t[i].number, name);
                fd = openat(wal_fd, name, O_RDWR | O_CLOEXEC);
                if (t[i].cut)
                        assert_int_equal(ftruncate(fd, t[i].at), 0);
                else if (t[i].n)
                        assert_int_equal(pwrite(fd, zeros, t[i].n, t[i].at), t[i].n);
                else
                        empty_segment(t[i].number, false);
                close(fd);
                snprintf(dir, sizeof dir, "%s/log", f.dir);
                assert_int_equal(reader_open(dir, &reader, &err), 0);
                assert_int_equal(wal_check(dir, &reader, &result, &err), -EBADMSG);
                if (!strstr(err_text(&err), t[i].says))
                        fail_msg("%s", err_text(&err));
                fd_close(&wal_fd);
                fixture_done(&f);
        }
}

/* A header that is another segment's, or begins where this one does not. */
static void foreign_headers(void **state)
{
        static const struct {
                uint64_t segment;
                int64_t number, first; /* added to what it says */
                const char *says;
        } t[] = {
                { 4, 5, 0, "segment 4: its header is that of segment 9 with 1048576 bytes" },
                { 2, 0, -1, "segment 2: it begins with entry " },
                { 2, 0, 1, "segment 2: it begins with entry " },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(reader_done) struct reader reader = { 0 };
                uint8_t bytes[WAL_SEGMENT_HEADER];
                struct wal_check result = { 0 };
                char dir[80], name[SEGMENT_NAME_MAX];
                struct err err = { 0 };
                struct wal_segment s;
                int fd;

                make_ledger();
                segment_name(t[i].segment, name);
                fd = openat(wal_fd, name, O_RDWR | O_CLOEXEC);
                assert_int_equal(pread(fd, bytes, sizeof bytes, 0), sizeof bytes);
                assert_int_equal(wal_get_segment(span_of(bytes, sizeof bytes), &s, NULL), 1);
                s.number += (uint64_t)t[i].number;
                s.first += (uint64_t)t[i].first;
                wal_put_segment(bytes, &s);
                assert_int_equal(pwrite(fd, bytes, sizeof bytes, 0), sizeof bytes);
                close(fd);
                snprintf(dir, sizeof dir, "%s/log", f.dir);
                assert_int_equal(reader_open(dir, &reader, &err), 0);
                assert_int_equal(wal_check(dir, &reader, &result, &err), -EBADMSG);
                if (!strstr(err_text(&err), t[i].says))
                        fail_msg("%s", err_text(&err));
                fd_close(&wal_fd);
                fixture_done(&f);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(used_again), cmocka_unit_test(spoiled),
                                            cmocka_unit_test(foreign_headers) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
