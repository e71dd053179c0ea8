/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the machine's own database; creates nobody (that is a system test in a root of its own). */
#include "sys/users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

static void test_find(void **state)
{
        uid_t uid = 99;
        gid_t gid = 99;

        assert_int_equal(users_find("root", &uid, &gid), 0);
        assert_int_equal(uid, 0);
        assert_int_equal(gid, 0);
        uid = 99;
        assert_int_equal(users_find("no such user", &uid, NULL), -ENOENT);
        assert_int_equal(uid, 99);
        assert_int_equal(users_find_group("root", &gid), 0);
        assert_int_equal(gid, 0);
        gid = 99;
        assert_int_equal(users_find_group("no such group", &gid), -ENOENT);
        assert_int_equal(gid, 99);
}

static void test_names(void **state)
{
        struct buf b = BUF_INIT(64);

        assert_int_equal(users_put_name(&b, 0), 0);
        buf_put_str(&b, ":");
        assert_int_equal(users_put_group(&b, 0), 0);
        assert_string_equal(buf_cstr(&b), "root:root");
        assert_int_equal(users_put_name(&b, 3999999999u), -ENOENT);
        assert_int_equal(users_put_group(&b, 3999999999u), -ENOENT);
        assert_string_equal(buf_cstr(&b), "root:root");
        buf_done(&b);
        b = BUF_INIT(3);
        assert_int_equal(users_put_name(&b, 0), -E2BIG);
        buf_done(&b);
}

static void test_create_existing(void **state)
{
        struct err err = { 0 };

        assert_int_equal(users_create("root", &err), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_create_existing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
