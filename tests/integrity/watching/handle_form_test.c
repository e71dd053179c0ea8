/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/handle_form.h"

#include "base/le.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { DEV = 77, FILES = 12 };

/* As filesystems write them: ext4 (inode, generation), tmpfs (generation, inode in two halves), xfs
 * (inode of 64 bits, generation). */
static void ext4(uint8_t *p, uint64_t ino, uint32_t generation)
{
        le_put32(p, (uint32_t)ino);
        le_put32(p + 4, generation);
}

static void tmpfs(uint8_t *p, uint64_t ino, uint32_t generation)
{
        le_put32(p, generation);
        le_put64(p + 4, ino);
}

static void xfs(uint8_t *p, uint64_t ino, uint32_t generation)
{
        le_put64(p, ino);
        le_put32(p + 8, generation);
}

static struct fs_handle handle(void (*put)(uint8_t *p, uint64_t ino, uint32_t generation),
                               int32_t type, size_t n, uint64_t ino, uint32_t generation)
{
        uint8_t bytes[16] = { 0 };
        struct fs_handle h;

        put(bytes, ino, generation);
        assert_int_equal(fs_handle_set(&h, type, span_of(bytes, n)), 0);
        return h;
}

static void test_forms(void **state)
{
        static const struct {
                const char *name;
                void (*put)(uint8_t *p, uint64_t ino, uint32_t generation);
                size_t n;
                uint64_t first;
                bool same_generation; /* as its inode: for the first file nothing tells them apart
                                       */
        } cases[] = {
                { "ext4", ext4, 8, 1000, false },
                { "ext4, numbers that are the same", ext4, 8, 1000, true },
                { "tmpfs", tmpfs, 12, 5, false },
                { "tmpfs, numbers that are the same", tmpfs, 12, 5, true },
                { "xfs", xfs, 12, 1ULL << 33, false },
                { "xfs, small", xfs, 12, 128, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct handle_form f = { 0 };
                struct fs_handle h;
                uint64_t dev, ino;

                print_message("%s\n", cases[i].name);
                for (uint32_t k = 0; k < FILES; k++) {
                        uint64_t n = cases[i].first + k;
                        uint32_t generation =
                                k == 0 && cases[i].same_generation ? (uint32_t)n : 4000000u - 7 * k;

                        h = handle(cases[i].put, 1, cases[i].n, n, generation);
                        if (k < HANDLE_FORM_SURE)
                                assert_false(handle_form_inode(&f, &h, &dev, &ino));
                        handle_form_learn(&f, &h, DEV, n);
                }
                h = handle(cases[i].put, 1, cases[i].n, cases[i].first + 4711, 9);
                assert_true(handle_form_inode(&f, &h, &dev, &ino));
                assert_int_equal(dev, DEV);
                assert_int_equal(ino, cases[i].first + 4711);
                h.type++; /* another sort of handles: nothing is known of it */
                assert_false(handle_form_inode(&f, &h, &dev, &ino));
                h.type--;
                handle_form_learn(&f, &h, DEV, 1); /* it has not that number: all begins anew */
                assert_false(handle_form_inode(&f, &h, &dev, &ino));
        }
        (void)state;
}

/* What says nothing: one file again and again, one that changes its device, handles that have no
 * such number in them, or nothing at all. */
static void test_never_sure(void **state)
{
        struct fs_handle h = handle(ext4, 1, 8, 1000, 1), none = { 0 };
        struct handle_form f = { 0 };
        uint64_t dev, ino;

        for (int i = 0; i < 3 * HANDLE_FORM_SURE; i++)
                handle_form_learn(&f, &h, DEV, 1000);
        assert_false(handle_form_inode(&f, &h, &dev, &ino));
        for (uint32_t i = 0; i < 3 * HANDLE_FORM_SURE; i++) {
                h = handle(ext4, 1, 8, 1000 + i, 1);
                handle_form_learn(&f, &h, DEV + i % 2, 1000 + i);
        }
        assert_false(handle_form_inode(&f, &h, &dev, &ino));
        for (uint32_t i = 0; i < 3 * HANDLE_FORM_SURE; i++) {
                h = handle(ext4, 1, 8, i, 7);
                handle_form_learn(&f, &h, DEV, 500000 + i);
                handle_form_learn(&f, &none, DEV, i);
        }
        assert_false(handle_form_inode(&f, &h, &dev, &ino));
        assert_false(handle_form_inode(&f, &none, &dev, &ino));
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_forms),
                cmocka_unit_test(test_never_sure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
