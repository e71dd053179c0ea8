/* SPDX-License-Identifier: Apache-2.0 */
/* Names as apt 2.6 left them for the sources beside them. */
#include "integrity/why/apt_lists.h"

#include "../alloc_fail.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static const char *const names[] = {
        "lock",
        "127.0.0.1:8077_dists_a%5fb_stable_main_binary-amd64_Packages.lz4",
        "127.0.0.1:8077_dists_a%5fb_stable_InRelease",
        "127.0.0.1:8077_flat_Packages.lz4",
        "127.0.0.1:8077_flat_Release",
        "127.0.0.1:8077_flat_Release.gpg",
        "_srv_repo_bare_._Packages",
        "localhost:8077_alone_Release",
        "localhost:8077_alone_Packages.xz",
        "example.org_debian_dists_stable_InRelease",
        "example.org_debian_dists_stable_Release",
        "example.org_debian_dists_stable_Release.gpg",
        "example.org_debian_dists_stable_main_binary-amd64_Packages",
        "example.org_debian_dists_stable_main_i18n_Translation-en",
        "example.org_debian_dists_stable_updates_InRelease",
        "example.org_debian_dists_stable_updates_main_binary-all_Packages.gz",
        "example.org_x_InRelease",
        "example.org_x_a%5fb_%zz_Packages",
        "InRelease",
        "Packages",
};

static const struct apt_index want[] = {
        { "_srv_repo_bare_._Packages", "", APT_NO_RELEASE, "", "", "" },
        { "example.org_x_a%5fb_%zz_Packages", "", APT_NO_RELEASE, "", "", "" },
        { "127.0.0.1:8077_dists_a%5fb_stable_main_binary-amd64_Packages.lz4", ".lz4", APT_INLINE,
          "127.0.0.1:8077_dists_a%5fb_stable_InRelease", "", "main/binary-amd64/Packages" },
        { "127.0.0.1:8077_flat_Packages.lz4", ".lz4", APT_DETACHED, "127.0.0.1:8077_flat_Release",
          "127.0.0.1:8077_flat_Release.gpg", "Packages" },
        { "example.org_debian_dists_stable_main_binary-amd64_Packages", "", APT_INLINE,
          "example.org_debian_dists_stable_InRelease", "", "main/binary-amd64/Packages" },
        { "example.org_debian_dists_stable_updates_main_binary-all_Packages.gz", ".gz", APT_INLINE,
          "example.org_debian_dists_stable_updates_InRelease", "", "main/binary-all/Packages" },
        { "localhost:8077_alone_Packages.xz", ".xz", APT_UNSIGNED, "localhost:8077_alone_Release",
          "", "Packages" },
};

static void check(const struct apt_lists *l)
{
        assert_int_equal(l->n, ARRAY_LEN(want));
        for (size_t i = 0; i < l->n; i++) {
                assert_string_equal(l->index[i].name, want[i].name);
                assert_string_equal(l->index[i].suffix, want[i].suffix);
                assert_string_equal(l->index[i].release, want[i].release);
                assert_string_equal(l->index[i].signature, want[i].signature);
                assert_string_equal(l->index[i].listed, want[i].listed);
                assert_int_equal(l->index[i].signing, want[i].signing);
        }
}

static void test_pairs(void **state)
{
        struct apt_lists l = { 0 };
        const char *back[ARRAY_LEN(names)];

        assert_int_equal(apt_lists_pair(names, ARRAY_LEN(names), &l, NULL), 0);
        check(&l);
        apt_lists_done(&l);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) /* the order does not matter */
                back[i] = names[ARRAY_LEN(names) - 1 - i];
        assert_int_equal(apt_lists_pair(back, ARRAY_LEN(names), &l, NULL), 0);
        check(&l);
        apt_lists_done(&l);
        assert_int_equal(apt_lists_pair(names, 0, &l, NULL), 0);
        assert_int_equal(l.n, 0);
        apt_lists_done(&l);
}

static void test_directory(void **state)
{
        char dir[] = "/tmp/assay-lists-XXXXXX";
        struct apt_lists l = { 0 };
        int fd, failures = 0, r;

        assert_non_null(mkdtemp(dir));
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(fd, "partial", 0700), 0);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                close(openat(fd, names[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        for (size_t nth = 1;; nth++) {
                alloc_fail_nth = nth;
                r = apt_lists_read(fd, &l, NULL);
                alloc_fail_nth = 0;
                if (r == 0)
                        break;
                assert_int_equal(r, -ENOMEM);
                failures++;
        }
        assert_true(failures >= 2);
        check(&l);
        apt_lists_done(&l);
        assert_int_equal(apt_lists_read(-1, &l, NULL), -EBADF);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                unlinkat(fd, names[i], 0);
        unlinkat(fd, "partial", AT_REMOVEDIR);
        close(fd);
        rmdir(dir);
}

static const struct {
        const char *uri, *suite;
        int want;
        const char *stem;
} stems[] = {
        { "http://example.org/debian", "stable", 0, "example.org_debian_dists_stable_" },
        { "https://example.org/debian/", "stable", 0, "example.org_debian_dists_stable_" },
        { "http://127.0.0.1:8077/", "a_b/stable", 0, "127.0.0.1:8077_dists_a%5fb_stable_" },
        { "http://user:p@ss@127.0.0.1:8077", "flat/", 0, "127.0.0.1:8077_flat_" },
        { "file:///tmp/w2/repo", "a_b/stable", 0, "_tmp_w2_repo_dists_a%5fb_stable_" },
        { "file:/srv/repo/bare", "./", 0, "_srv_repo_bare_._" },
        { "copy:/srv/repo/bare", "/", 0, "_srv_repo_bare_" },
        { "http://example.org/~me/x y", "s", 0, "example.org_%7eme_x%20y_dists_s_" },
        { "nothing", "s", -EINVAL, "" },
        { "http:", "s", -EINVAL, "" },
        { "http://example.org", "", -EINVAL, "" },
};

static void test_stems(void **state)
{
        char stem[APT_NAME_MAX + 1], longer[300];

        for (size_t i = 0; i < ARRAY_LEN(stems); i++) {
                print_message("%s %s\n", stems[i].uri, stems[i].suite);
                assert_int_equal(apt_source_stem(stems[i].uri, stems[i].suite, stem),
                                 stems[i].want);
                if (stems[i].want == 0)
                        assert_string_equal(stem, stems[i].stem);
        }
        memset(longer, 'x', sizeof longer);
        longer[sizeof longer - 1] = '\0';
        assert_int_equal(apt_source_stem("http://example.org", longer, stem), -ENAMETOOLONG);
}

static void test_of(void **state)
{
        const struct apt_index *flat = &want[3], *none = &want[0], *updates = &want[5];

        assert_true(apt_index_of(flat, "127.0.0.1:8077_flat_"));
        assert_false(apt_index_of(flat, "127.0.0.1:8077_"));
        assert_true(apt_index_of(none, "_srv_repo_bare_._"));
        assert_false(apt_index_of(updates, "example.org_debian_dists_stable_"));
        assert_true(apt_index_of(updates, "example.org_debian_dists_stable_updates_"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pairs),
                cmocka_unit_test(test_directory),
                cmocka_unit_test(test_stems),
                cmocka_unit_test(test_of),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
