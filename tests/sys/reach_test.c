/* SPDX-License-Identifier: Apache-2.0 */
/* Needs root: another user's rights are asked. */
#include "sys/reach.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

enum { SOMEBODY = 61000, ELSE };

static const struct {
        mode_t mode[2]; /* of the directory and of the one in it */
        uid_t owner;
        gid_t group;
        int status;
        const char *named; /* below the first */
} rows[] = {
        { { 0755, 0755 }, 0, 0, 0, "" },
        { { 0711, 0711 }, 0, 0, 0, "" },
        { { 0700, 0755 }, 0, 0, -EACCES, "/outer: " },
        { { 0755, 0700 }, 0, 0, -EACCES, "/outer/inner: " },
        { { 0755, 0744 }, 0, 0, -EACCES, "/outer/inner: " },
        { { 0755, 0700 }, SOMEBODY, 0, 0, "" },
        { { 0755, 0077 }, SOMEBODY, 0, -EACCES, "/outer/inner: " },
        { { 0755, 0750 }, 0, SOMEBODY, 0, "" },
        { { 0755, 0750 }, ELSE, ELSE, -EACCES, "/outer/inner: " },
};

static void test_rows(void **state)
{
        char top[] = "/tmp/assay-reach-XXXXXX", outer[64], inner[80];

        if (geteuid() != 0)
                skip();
        assert_non_null(mkdtemp(top));
        assert_int_equal(chmod(top, 0755), 0);
        snprintf(outer, sizeof(outer), "%s/outer", top);
        snprintf(inner, sizeof(inner), "%s/inner", outer);
        assert_int_equal(mkdir(outer, 0700), 0);
        assert_int_equal(mkdir(inner, 0700), 0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct err err = { 0 };

                print_message("row %zu\n", i);
                assert_int_equal(chown(inner, rows[i].owner, rows[i].group), 0);
                assert_int_equal(chmod(outer, rows[i].mode[0]), 0);
                assert_int_equal(chmod(inner, rows[i].mode[1]), 0);
                assert_int_equal(reach_directory(inner, SOMEBODY, SOMEBODY, &err), rows[i].status);
                assert_non_null(strstr(err_text(&err), rows[i].named));
                /* root's own rights are back */
                assert_int_equal(chmod(outer, 0), 0);
                assert_int_equal(access(inner, R_OK | W_OK), 0);
                assert_int_equal(eaccess(inner, R_OK | W_OK), 0);
        }
        assert_int_equal(reach_directory("/", SOMEBODY, SOMEBODY, NULL), 0);
        assert_int_equal(rmdir(inner), 0);
        assert_int_equal(reach_directory(outer, 0, 0, NULL), 0);
        assert_int_equal(reach_directory(inner, 0, 0, NULL), -ENOENT);
        assert_int_equal(rmdir(outer), 0);
        assert_int_equal(rmdir(top), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
