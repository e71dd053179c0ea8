/* SPDX-License-Identifier: Apache-2.0 */
/* Facts as the job writes them (tests/job/deb_test.c), and as one that was taken over might. */
#include "wire/deb_fact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define FILE_(members)                                                                             \
        "{\"fact\":\"file\",\"gid\":8,\"group\":\"mail\"," members ",\"uid\":0,\"user\":\"root\"}"

static const char *const good[] = {
        "{\"architecture\":\"amd64\",\"fact\":\"package\",\"package\":\"a\",\"version\":\"1\"}",
        "{\"fact\":\"control\",\"name\":\"postinst\",\"sha256\":\"" A "\",\"size\":6}",
        "{\"fact\":\"control\",\"name_b64\":\"/w==\",\"sha256\":\"" A "\",\"size\":6}",
        "{\"fact\":\"conffile\",\"path\":\"/etc/a\",\"remove\":true}",
        FILE_("\"link\":\"/b\",\"mode\":3565,\"path\":\"/a\\nb\",\"sha256\":\"" A
              "\",\"size\":7,\"type\":\"file\""),
        FILE_("\"mode\":493,\"path_b64\":\"L/8=\",\"type\":\"dir\""),
        FILE_("\"mode\":511,\"path\":\"/l\",\"target\":\"../x\",\"type\":\"symlink\""),
        FILE_("\"major\":8,\"minor\":1,\"mode\":384,\"path\":\"/d\",\"type\":\"block\""),
        "{\"fact\":\"deb\",\"files\":3,\"sha256\":\"" A "\",\"size\":52832}",
};

static struct deb_fact parsed(size_t i)
{
        struct deb_fact f;
        struct err err = { 0 };

        assert_int_equal(json_check(span_str(good[i]), &err), 0);
        if (deb_fact_parse(span_str(good[i]), &f, &err) < 0)
                fail_msg("%s: %s", good[i], err.text);
        return f;
}

static void test_good(void **state)
{
        static struct deb_fact f;

        f = parsed(0);
        assert_int_equal(f.kind, DEB_FACT_PACKAGE);
        assert_string_equal(f.architecture, "amd64");
        f = parsed(1);
        assert_true(f.script && f.size == 6 && f.sha256[0] == 0xca && f.sha256[31] == 0xbb);
        f = parsed(2);
        assert_true(!f.script && strcmp(f.name, "\xff") == 0);
        f = parsed(3);
        assert_true(f.kind == DEB_FACT_CONFFILE && f.remove && strcmp(f.path, "/etc/a") == 0);
        f = parsed(4);
        assert_true(f.type == DEB_FILE && f.mode == 06755 && f.gid == 8 && f.size == 7);
        assert_string_equal(f.path, "/a\nb");
        assert_string_equal(f.link, "/b");
        assert_string_equal(f.group, "mail");
        f = parsed(5);
        assert_true(f.type == DEB_DIR && strcmp(f.path, "/\xff") == 0);
        f = parsed(6);
        assert_true(f.type == DEB_SYMLINK && strcmp(f.target, "../x") == 0);
        f = parsed(7);
        assert_true(f.type == DEB_BLOCK && f.major == 8 && f.minor == 1);
        f = parsed(8);
        assert_true(f.kind == DEB_FACT_WHOLE && f.files == 3 && f.size == 52832);
}

static const char *const bad[] = {
        "{}",
        "{\"fact\":\"other\"}",
        "{\"fact\":1}",
        "{\"architecture\":\"amd64\",\"fact\":\"package\",\"package\":\"a\"}",
        "{\"architecture\":\"a\\u0000b\",\"fact\":\"package\",\"package\":\"a\",\"version\":\"1\"}",
        "{\"fact\":\"control\",\"name\":\"x\",\"sha256\":\"00\",\"size\":6}",
        "{\"fact\":\"control\",\"name\":\"x\",\"sha256\":\"" A "\",\"size\":-1}",
        "{\"fact\":\"control\",\"name\":\"x\",\"name_b64\":\"/w==\",\"sha256\":\"" A
        "\",\"size\":6}",
        "{\"fact\":\"control\",\"name_b64\":\"/w=\",\"sha256\":\"" A "\",\"size\":6}",
        "{\"fact\":\"conffile\",\"path\":\"/etc/a\",\"remove\":1}",
        "{\"fact\":\"conffile\",\"path\":\"etc/a\",\"remove\":true}",
        "{\"fact\":\"conffile\",\"path\":\"/etc/../a\",\"remove\":true}",
        "{\"fact\":\"conffile\",\"path\":\"/etc/./a\",\"remove\":true}",
        "{\"fact\":\"conffile\",\"path\":\"/etc//a\",\"remove\":true}",
        "{\"fact\":\"conffile\",\"path\":\"/etc/\",\"remove\":true}",
        "{\"fact\":\"conffile\",\"path\":\"\",\"remove\":true}",
        "{\"fact\":\"conffile\",\"path_b64\":\"L2EAYg==\",\"remove\":true}", /* "/a\0b" */
        FILE_("\"mode\":4096,\"path\":\"/a\",\"type\":\"dir\""),
        FILE_("\"mode\":493,\"path\":\"/a\",\"type\":\"file\""),
        FILE_("\"mode\":493,\"path\":\"/a\",\"type\":\"socket\""),
        FILE_("\"mode\":493,\"path\":\"/a\",\"type\":\"symlink\""),
        FILE_("\"mode\":493,\"path\":\"/a\",\"type\":\"char\""),
        FILE_("\"link\":\"b\",\"mode\":493,\"path\":\"/a\",\"sha256\":\"" A
              "\",\"size\":7,\"type\":\"file\""),
        "{\"fact\":\"deb\",\"files\":-1,\"sha256\":\"" A "\",\"size\":52832}",
};

static void test_bad(void **state)
{
        static struct deb_fact f;

        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                struct err err = { 0 };

                print_message("%s\n", bad[i]);
                assert_int_equal(json_check(span_str(bad[i]), &err), 0);
                f.size = 12345;
                assert_int_equal(deb_fact_parse(span_str(bad[i]), &f, &err), -EBADMSG);
                assert_int_equal(f.size, 12345);
                assert_true(err.text[0] != '\0');
        }
}

static void test_long(void **state)
{
        static struct deb_fact f;
        static char text[8192];

        for (size_t n = DEB_FACT_PATH_MAX - 1; n <= DEB_FACT_PATH_MAX; n++) {
                size_t at =
                        (size_t)snprintf(text, sizeof text, "{\"fact\":\"conffile\",\"path\":\"/");

                memset(text + at, 'x', n);
                snprintf(text + at + n, sizeof text - at - n, "\",\"remove\":true}");
                assert_int_equal(deb_fact_parse(span_str(text), &f, NULL),
                                 n < DEB_FACT_PATH_MAX ? 0 : -EBADMSG);
        }
}

static const struct {
        const char *path;
        unsigned merged;
        const char *want;
} merged[] = {
        { "/bin/ls", DEB_MERGED_BIN, "/usr/bin/ls" },
        { "/bin/ls", DEB_MERGED_SBIN, "/bin/ls" },
        { "/bin", DEB_MERGED_BIN, "/bin" },
        { "/lib64/ld.so", DEB_MERGED_LIB, "/lib64/ld.so" },
        { "/lib64/ld.so", DEB_MERGED_LIB | DEB_MERGED_LIB64, "/usr/lib64/ld.so" },
        { "/usr/bin/ls", DEB_MERGED_BIN, "/usr/bin/ls" },
        { "/binary/x", DEB_MERGED_BIN, "/binary/x" },
        { "/sbin/a/b", ~0u, "/usr/sbin/a/b" },
        { "/", ~0u, "/" },
        { "", ~0u, "" },
};

static void test_merged(void **state)
{
        char out[DEB_FACT_PATH_MAX + 1], path[DEB_FACT_PATH_MAX + 1] = "/bin/";

        for (size_t i = 0; i < ARRAY_LEN(merged); i++) {
                assert_int_equal(deb_merged_path(merged[i].path, merged[i].merged, out), 0);
                assert_string_equal(out, merged[i].want);
        }
        memset(path + 5, 'x', DEB_FACT_PATH_MAX - 5);
        assert_int_equal(deb_merged_path(path, 0, out), 0);
        assert_int_equal(deb_merged_path(path, DEB_MERGED_BIN, out), -ENAMETOOLONG);
        path[DEB_FACT_PATH_MAX - 4] = '\0';
        assert_int_equal(deb_merged_path(path, DEB_MERGED_BIN, out), 0);
        assert_int_equal(strlen(out), DEB_FACT_PATH_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_merged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
