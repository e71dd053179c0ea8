/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader believes of a published tree: a leaf that leads to the checkpoint's root. */
#include "../fixture.h"
#include "ledger/read/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ENTRIES = 300, HASH = 32 };

static void publish(struct fixture *f)
{
        struct publisher *p;
        struct ledger *l;

        fixture_new(f);
        l = fixture_open(f);
        p = fixture_publisher(f, NULL, false);
        fixture_append(f, l, ENTRIES, 20, 25);
        fixture_publish(p, l);
        publisher_free(p);
        ledger_free(l);
}

/* Of one entry, by a reader that has proven nothing yet. */
static int bind_one(const struct fixture *f, uint64_t index, struct err *err)
{
        char dir[sizeof f->dir + 8];
        struct reader r = { 0 };
        int rc;

        snprintf(dir, sizeof dir, "%s/log", f->dir);
        assert_int_equal(reader_open(dir, &r, err), 0);
        assert_int_equal(reader_size(&r), ENTRIES);
        rc = reader_bind(&r, index, err);
        reader_done(&r);
        return rc;
}

static void each_leaf_is_bound(void **state)
{
        static const uint64_t at[] = { 0, 1, 127, 254, 255, 256, 298, 299 };
        struct err err = { 0 };
        struct fixture f;

        publish(&f);
        for (size_t i = 0; i < ARRAY_LEN(at); i++)
                assert_int_equal(bind_one(&f, at[i], &err), 0);
        fixture_done(&f);
        (void)state;
}

static void flip(int dirfd, const char *path, off_t at)
{
        int fd = openat(dirfd, path, O_RDWR | O_CLOEXEC);
        uint8_t byte;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
}

/* Also when the entry that is asked for is another one of its bundle. */
static void one_other_hash_in_its_bundle_is_seen(void **state)
{
        static const struct {
                const char *tile;
                unsigned changed, step;
                uint64_t asked[2];
        } t[] = {
                { "tile/0/000", 256, 15, { 0, 255 } },
                { "tile/0/001.p/44", 44, 7, { 256, 299 } },
        };
        struct fixture f;

        publish(&f);
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                for (unsigned k = 0; k < t[i].changed; k += t[i].step) {
                        flip(f.public_fd, t[i].tile, (off_t)k * HASH + k % HASH);
                        for (size_t n = 0; n < ARRAY_LEN(t[i].asked); n++) {
                                struct err err = { 0 };

                                assert_int_equal(bind_one(&f, t[i].asked[n], &err), -EBADMSG);
                                assert_non_null(strstr(err_text(&err), "checkpoint's root"));
                        }
                        flip(f.public_fd, t[i].tile, (off_t)k * HASH + k % HASH);
                }
                assert_int_equal(bind_one(&f, t[i].asked[0], NULL), 0);
        }
        fixture_done(&f);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_leaf_is_bound),
                cmocka_unit_test(one_other_hash_in_its_bundle_is_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
