/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void sets_text_and_code(void **state)
{
        struct err err = { 0 };

        assert_string_equal(err_text(&err), "no error");
        assert_int_equal(err_set(&err, -EINVAL, "entry %d: %s", 17, "bad"), -EINVAL);
        assert_int_equal(err.code, -EINVAL);
        assert_string_equal(err_text(&err), "entry 17: bad");
        assert_int_equal(err_sys(&err, -ENOENT, "open %s", "/x"), -ENOENT);
        assert_string_equal(err_text(&err), "open /x: No such file or directory");
        err = (struct err){ .code = -EPERM };
        assert_string_equal(err_text(&err), "Operation not permitted");
}

static void wraps_outwards(void **state)
{
        struct err err = { 0 };

        assert_int_equal(err_set(&err, -EBADMSG, "byte 3"), -EBADMSG);
        assert_int_equal(err_wrap(&err, "entry %d", 9), -EBADMSG);
        assert_int_equal(err_wrap(&err, "bundle"), -EBADMSG);
        assert_string_equal(err.text, "bundle: entry 9: byte 3");
}

static void nobody_listens(void **state)
{
        assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
        assert_int_equal(err_sys(NULL, -EIO, "x"), -EIO);
        assert_int_equal(err_wrap(NULL, "x"), -EINVAL);
}

static void long_text_is_cut(void **state)
{
        struct err err = { 0 };
        char text[2000];

        memset(text, 'a', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        assert_int_equal(err_set(&err, -EIO, "%s", text), -EIO);
        assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
        assert_int_equal(err_sys(&err, -EIO, "%s", text), -EIO);
        assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
        assert_int_equal(err_wrap(&err, "%s", "front"), -EIO);
        assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
        assert_memory_equal(err.text, "front: aaa", 10);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(sets_text_and_code),
                cmocka_unit_test(wraps_outwards),
                cmocka_unit_test(nobody_listens),
                cmocka_unit_test(long_text_is_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
