/* SPDX-License-Identifier: Apache-2.0 */
/* Sources as the jobs tell them, and the files of an /etc/apt made for the test. */
#include "integrity/why/apt_sources.h"

#include "../alloc_fail.h"
#include "sys/io.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define FACT(uri, suite, signers)                                                                  \
        "{\"fact\":\"source\",\"signed_by\":[" signers "],\"suite\":\"" suite                      \
        "\",\"trusted\":false,\"uri\":\"" uri "\"}"
#define KEY_A "0123456789ABCDEF0123456789ABCDEF01234567"
#define KEY_B "89ABCDEF0123456789ABCDEF0123456701234567"

static char dir[] = "/tmp/assay-etc-XXXXXX";
static int etc = -1;

static const char *const made[] = { "sources.list.d/b.sources",  "sources.list.d/a.list",
                                    "sources.list.d/c.disabled", "sources.list.d/.hidden.list",
                                    "trusted.gpg.d/a.asc",       "trusted.gpg.d/b.gpg",
                                    "trusted.gpg.d/readme",      "own.gpg" };

static void make(const char *name)
{
        int fd = openat(etc, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        close(fd);
}

static int setup(void **state)
{
        if (!mkdtemp(dir))
                return -1;
        etc = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        mkdirat(etc, "sources.list.d", 0700);
        mkdirat(etc, "trusted.gpg.d", 0700);
        for (size_t i = 0; i < ARRAY_LEN(made); i++)
                make(made[i]);
        return 0;
}

static int teardown(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(made); i++)
                unlinkat(etc, made[i], 0);
        unlinkat(etc, "sources.list", 0);
        unlinkat(etc, "trusted.gpg", 0);
        unlinkat(etc, "sources.list.d", AT_REMOVEDIR);
        unlinkat(etc, "trusted.gpg.d", AT_REMOVEDIR);
        close(etc);
        return rmdir(dir);
}

static void check_files(const char *const *want)
{
        char **files = NULL;
        size_t i = 0;

        assert_int_equal(apt_sources_files(etc, &files, NULL), 0);
        for (; files[i] && want[i]; i++)
                assert_string_equal(files[i], want[i]);
        assert_true(!files[i] && !want[i]);
        free(files);
}

static void test_files(void **state)
{
        static const char *const parts[] = { "sources.list.d/a.list", "sources.list.d/b.sources",
                                             NULL };
        static const char *const all[] = { "sources.list", "sources.list.d/a.list",
                                           "sources.list.d/b.sources", NULL };
        char **files = NULL;
        int failures = 0, r;

        check_files(parts);
        make("sources.list");
        check_files(all);
        assert_string_equal(apt_sources_job(all[0]), "aptlist");
        assert_string_equal(apt_sources_job(all[1]), "aptlist");
        assert_string_equal(apt_sources_job(all[2]), "aptsources");
        for (size_t nth = 1;; nth++) {
                alloc_fail_nth = nth;
                r = apt_sources_files(etc, &files, NULL);
                alloc_fail_nth = 0;
                if (r == 0)
                        break;
                assert_int_equal(r, -ENOMEM);
                failures++;
        }
        free(files);
        assert_int_equal(failures, 2);
}

static const struct apt_trust all_stand = { 0 };

/* How many; *ret_doubted is which was left out. */
static size_t keyrings_by(const struct apt_source *s, const struct apt_trust *t, int want,
                          char ret_doubted[APT_PATH_MAX + 1])
{
        struct apt_keyrings k;
        size_t n;

        assert_int_equal(apt_source_keyrings(s, etc, t, &k, NULL), want);
        n = k.n;
        memcpy(ret_doubted, k.doubted, sizeof k.doubted);
        while (k.n > 0)
                fd_close(&k.fd[--k.n]);
        return n;
}

static size_t keyrings(const struct apt_source *s, int want)
{
        char doubted[APT_PATH_MAX + 1];
        size_t n = keyrings_by(s, &all_stand, want, doubted);

        assert_string_equal(doubted, "");
        return n;
}

static void test_keyrings(void **state)
{
        static struct apt_source s;
        char more[32];

        assert_int_equal(keyrings(&s, 0), 2); /* all of trusted.gpg.d */
        make("trusted.gpg");
        assert_int_equal(keyrings(&s, 0), 3);
        s.fact.n_signers = 1;
        memcpy(s.fact.signer[0], KEY_A, sizeof KEY_A); /* a key is no keyring */
        assert_int_equal(keyrings(&s, 0), 3);
        snprintf(s.fact.signer[0], sizeof s.fact.signer[0], "%s/own.gpg", dir);
        assert_int_equal(keyrings(&s, 0), 1);
        s.fact.n_signers = 2;
        snprintf(s.fact.signer[1], sizeof s.fact.signer[1], "%s/gone.gpg", dir);
        assert_int_equal(keyrings(&s, 0), 1);
        s.fact.n_signers = 0;
        memcpy(s.fact.key, "key", 4);
        assert_int_equal(keyrings(&s, 0), 1);
        s.fact.key[0] = '\0';
        for (int i = 0; i < APT_KEYRINGS_MAX; i++) {
                snprintf(more, sizeof more, "trusted.gpg.d/x%d.gpg", i);
                make(more);
        }
        assert_int_equal(keyrings(&s, -E2BIG), 0); /* and none is left open */
        for (int i = 0; i < APT_KEYRINGS_MAX; i++) {
                snprintf(more, sizeof more, "trusted.gpg.d/x%d.gpg", i);
                unlinkat(etc, more, 0);
        }
}

/* Paths with "doubted" in them are, those with "open" nobody watches. */
static enum apt_standing by_name(void *ctx, const char *path)
{
        assert_string_equal(ctx, "ctx");
        assert_int_equal(path[0], '/');
        return strstr(path, "doubted") ? APT_DOUBTED
               : strstr(path, "open")  ? APT_UNWATCHED
                                       : APT_STANDS;
}

/* What somebody changed, or only a file names that somebody changed, says nothing. */
static void test_doubted(void **state)
{
        static char ctx[] = "ctx";
        const struct apt_trust t = { .of = by_name, .ctx = ctx, .etc = dir };
        static const struct {
                const char *name, *target; /* of a link; NULL: a file */
                bool by_doubted;
                size_t want;
        } cases[] = {
                { "good.gpg", NULL, false, 1 },         { "good.gpg", NULL, true, 1 },
                { "doubted.gpg", NULL, false, 0 },      { "open.gpg", NULL, false, 1 },
                { "open.gpg", NULL, true, 0 },          { "link.gpg", "doubted.gpg", false, 0 },
                { "doubted-link", "own.gpg", true, 0 }, { "link.gpg", "open.gpg", true, 0 },
                { "link.gpg", "open.gpg", false, 1 },   { "open-link", "own.gpg", true, 1 },
        };
        static struct apt_source s = { .fact.n_signers = 1 };
        char doubted[APT_PATH_MAX + 1];

        make("doubted.gpg");
        make("open.gpg");
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                if (cases[i].target)
                        assert_int_equal(symlinkat(cases[i].target, etc, cases[i].name), 0);
                else
                        make(cases[i].name);
                snprintf(s.fact.signer[0], sizeof s.fact.signer[0], "%s/%s", dir, cases[i].name);
                s.doubted = cases[i].by_doubted;
                if (keyrings_by(&s, &t, 0, doubted) != cases[i].want)
                        fail_msg("case %zu", i);
                assert_string_equal(doubted, cases[i].want ? "" : s.fact.signer[0]);
                unlinkat(etc, cases[i].name, 0);
                make("doubted.gpg");
                make("open.gpg");
        }
        unlinkat(etc, "doubted.gpg", 0);
        unlinkat(etc, "open.gpg", 0);
        memcpy(s.fact.key, "key", 4);
        s.fact.n_signers = 0;
        s.doubted = true;
        assert_int_equal(keyrings_by(&s, &t, 0, doubted), 0);
        assert_string_equal(doubted, "the file of sources that has its key");
        s.fact.key[0] = '\0';
        make("trusted.gpg.d/doubted.gpg"); /* all that apt trusts but this one */
        assert_int_equal(keyrings_by(&s, &t, 0, doubted), 2);
        assert_string_equal(doubted, "trusted.gpg.d/doubted.gpg");
        unlinkat(etc, "trusted.gpg.d/doubted.gpg", 0);
        (void)state;
}

static const struct {
        const char *signers;
        const char *key, *primary;
        bool want;
} admits[] = {
        { "", KEY_A, KEY_B, true },
        { "\"/k.gpg\"", KEY_A, KEY_B, true },
        { "\"" KEY_A "\"", KEY_A, KEY_B, true },
        { "\"" KEY_B "\"", KEY_A, KEY_B, true },
        { "\"" KEY_B "!\"", KEY_A, KEY_B, false },
        { "\"" KEY_A "!\"", KEY_A, KEY_B, true },
        { "\"0123456789abcdef0123456789abcdef01234567\"", KEY_A, KEY_A, true },
        { "\"01234567\"", KEY_A, KEY_B, false },
        { "\"/k.gpg\",\"" KEY_B "\"", KEY_A, KEY_A, false },
        { "\"!\"", KEY_A, KEY_B, false },
};

static void test_admits(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(admits); i++) {
                struct apt_sources s = { 0 };
                char fact[512];

                snprintf(fact, sizeof fact, FACT("http://x/", "s", "%s"), admits[i].signers);
                assert_int_equal(apt_sources_add(&s, span_str(fact)), 0);
                assert_int_equal(apt_source_admits(s.at[0], admits[i].key, admits[i].primary),
                                 admits[i].want);
                apt_sources_done(&s);
        }
}

static void test_add(void **state)
{
        static const struct apt_index index = { .name = "x_debian_dists_s_main_binary-all_Packages",
                                                .release = "x_debian_dists_s_InRelease" };
        struct apt_sources s = { 0 };
        size_t nth = 1, failures = 0;
        int r;

        assert_int_equal(apt_sources_add(&s, SPAN("{\"bad_line\":1,\"why\":\"x\"}")), 0);
        assert_int_equal(apt_sources_add(&s, SPAN(FACT("nothing", "s", ""))), 0);
        assert_true(s.n == 0 && s.bad == 2);
        assert_int_equal(apt_sources_add(&s, SPAN("{\"fact\":\"other\"}")), -EBADMSG);
        assert_null(apt_sources_find(&s, &index));
        do {
                alloc_fail_nth = nth++;
                r = apt_sources_add(&s, SPAN(FACT("http://x/debian", "s", "")));
                alloc_fail_nth = 0;
                failures += r == -ENOMEM;
        } while (r == -ENOMEM);
        assert_true(r == 0 && failures >= 3 && s.n == 1);
        assert_ptr_equal(apt_sources_find(&s, &index), s.at[0]);
        while (s.n < APT_SOURCES_MAX)
                assert_int_equal(apt_sources_add(&s, SPAN(FACT("http://y/", "s", ""))), 0);
        assert_int_equal(apt_sources_add(&s, SPAN(FACT("http://y/", "s", ""))), -E2BIG);
        apt_sources_done(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_files),    cmocka_unit_test(test_doubted),
                cmocka_unit_test(test_keyrings), cmocka_unit_test(test_admits),
                cmocka_unit_test(test_add),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
