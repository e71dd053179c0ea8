/* SPDX-License-Identifier: Apache-2.0 */
/* Release and Packages as archives write them, and as they should not.  Seconds are from date(1),
 * hashes are those of "a" and "b" from sha256sum(1). */
#include "job/release.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define A    "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define B    "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
#define NAME "main/binary-amd64/Packages"

static const uint8_t hash_a[SHA256_LEN] = { 0xca, 0x97, 0x81, 0x12, 0xca, 0x1b, 0xbd, 0xca,
                                            0xfa, 0xc2, 0x31, 0xb3, 0x9a, 0x23, 0xdc, 0x4d,
                                            0xa7, 0x86, 0xef, 0xf8, 0x14, 0x7c, 0x4e, 0x72,
                                            0xb9, 0x80, 0x77, 0x85, 0xaf, 0xee, 0x48, 0xbb };
static const uint8_t hash_b[SHA256_LEN] = { 0x3e, 0x23, 0xe8, 0x16, 0x00, 0x39, 0x59, 0x4a,
                                            0x33, 0x89, 0x4f, 0x65, 0x64, 0xe1, 0xb1, 0x34,
                                            0x8b, 0xbd, 0x7a, 0x00, 0x88, 0xd4, 0x2c, 0x4a,
                                            0xcb, 0x73, 0xee, 0xae, 0xd5, 0x9c, 0x00, 0x9d };

static const struct {
        const char *text;
        bool good;
        int64_t want;
} dates[] = {
        { "Sat, 11 Jul 2026 09:57:13 UTC", true, 1783763833 },
        { "Tue, 01 Dec 2026 00:34:33 +0000", true, 1796085273 },
        { "Thu, 1 Jan 1970 00:00:01 GMT", true, 1 },
        { "Thu,  1 Jan 1970 00:00:01 Z", true, 1 },
        { "Thu, 29 Feb 2024 23:59:59 UTC", true, 1709251199 },
        { "Thu, 29 Feb 2023 23:59:59 UTC", false, 0 },
        { "Sat, 11 Jul 2026 09:57:13 CEST", false, 0 },
        { "Sat, 11 Jul 2026 09:57:13", false, 0 },
        { "Sat, 11 Jul 2026 09:57:13 UTC x", false, 0 },
        { "Sat, 11 Jux 2026 09:57:13 UTC", false, 0 },
        { "11 Jul 2026 09:57:13 UTC", false, 0 },
        { "Sat, x1 Jul 2026 09:57:13 UTC", false, 0 },
        { "Sat, 11 Jul 2026 9:57:13 UTC", false, 0 },
        { "Wed, 31 Dec 1969 23:59:59 UTC", false, 0 },
        { "", false, 0 },
};

static void test_dates(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
                int64_t t = 0;

                print_message("%s\n", dates[i].text);
                assert_int_equal(release_parse_date(span_str(dates[i].text), &t), dates[i].good);
                assert_int_equal(t, dates[i].want);
        }
}

static const struct {
        const char *name, *text;
        const char *suite, *codename;
        int64_t date, valid_until;
        bool plain_a, packed_b; /* listed so */
        const char *why;        /* NULL: understood */
} releases[] = {
        { "all of it",
          "Origin: x\nSuite: stable\nCodename: bookworm\nDate: Sat, 11 Jul 2026 09:57:13 UTC\n"
          "Valid-Until: Tue, 01 Dec 2026 00:34:33 UTC\nMD5Sum:\n 00 1 x\nSHA256:\n"
          " " A "  1 " NAME "\n " B " 1 " NAME ".xz\n",
          "stable", "bookworm", 1783763833, 1796085273, true, true, NULL },
        { "other names",
          "SHA256:\n " A " 1 main/binary-i386/Packages\n " B " 1 " NAME ".gz\n " A " 1 " NAME
          "s\n " A " 1 contrib/" NAME "\n",
          "", "", 0, 0, false, false, NULL },
        { "other sections do not count", "SHA512:\n " A " 1 " NAME "\nMD5Sum:\n " A " 1 " NAME "\n",
          "", "", 0, 0, false, false, NULL },
        { "several under one name", "SHA256:\n " B " 1 " NAME "\n " A " 1 " NAME "\n", "", "", 0, 0,
          true, false, NULL },
        { "dates that are none", "Date: today\nValid-Until: never\n", "", "", 0, 0, false, false,
          NULL },
        { "one line", "SHA256: " A " 1 " NAME "\n", "", "", 0, 0, true, false, NULL },
        { "none", "", "", "", 0, 0, false, false, NULL },
        { "two paragraphs", "Suite: a\n\nSuite: b\n", NULL, NULL, 0, 0, false, false,
          "Release: more than one paragraph" },
        { "no hash", "SHA256:\n xyz 1 " NAME "\n", NULL, NULL, 0, 0, false, false,
          "Release: line 2 is no SHA-256 of a file" },
        { "capital hash",
          "SHA256:\n CA978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
          " 1 x\n",
          NULL, NULL, 0, 0, false, false, "Release: line 2 is no SHA-256 of a file" },
        { "four words", "SHA256:\n " A " 1 x y\n", NULL, NULL, 0, 0, false, false,
          "Release: line 2 is no SHA-256 of a file" },
        { "two words", "SHA256:\n " A " 1\n", NULL, NULL, 0, 0, false, false,
          "Release: line 2 is no SHA-256 of a file" },
        { "no field", "Suite: a\n-----BEGIN PGP\n", NULL, NULL, 0, 0, false, false,
          "line 2 is no field" },
};

static void test_releases(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(releases); i++) {
                struct release r;
                struct err err = { 0 };
                int e;

                print_message("%s\n", releases[i].name);
                release_init(&r, NAME, ".xz");
                e = release_feed(&r, span_str(releases[i].text), &err);
                if (e == 0)
                        e = release_finish(&r, &err);
                if (releases[i].why) {
                        assert_int_equal(e, -EBADMSG);
                        assert_string_equal(err.text, releases[i].why);
                } else {
                        assert_int_equal(e, 0);
                        assert_string_equal(r.fact.suite, releases[i].suite);
                        assert_string_equal(r.fact.codename, releases[i].codename);
                        assert_int_equal(r.fact.date, releases[i].date);
                        assert_int_equal(r.fact.valid_until, releases[i].valid_until);
                        assert_int_equal(release_lists(&r, hash_a, hash_a), releases[i].plain_a);
                        assert_int_equal(release_lists(&r, hash_b, hash_b) &&
                                                 !release_lists(&r, hash_b, hash_a),
                                         releases[i].packed_b);
                }
                release_done(&r);
        }
}

static int collect(void *ctx, struct span json)
{
        buf_put(ctx, json);
        buf_put_byte(ctx, '\n');
        return 0;
}

#define WANT_A                                                                                     \
        "{\"architecture\":\"amd64\",\"fact\":\"listed\",\"package\":\"x\",\"sha256\":\"" A "\","  \
        "\"version\":\"1\"}\n"

static const struct {
        const char *name, *text, *want;
} indexes[] = {
        { "nothing", "", "" },
        { "wanted",
          "Package: x\nVersion: 1\nArchitecture: amd64\nDepends: y\nSHA256: " A "\n\n"
          "Package: z\nVersion: 1\nArchitecture: amd64\nSHA256: " B "\n",
          WANT_A },
        { "twice",
          "SHA256: " A "\nPackage: x\nVersion: 1\nArchitecture: amd64\n\n"
          "SHA256: " A "\nPackage: x\nVersion: 1\nArchitecture: amd64\n",
          WANT_A WANT_A },
        { "hash of one, name of the next",
          "SHA256: " A "\n\nPackage: x\nVersion: 1\n"
          "Architecture: amd64\n",
          "" },
        { "no version", "Package: x\nArchitecture: amd64\nSHA256: " A "\n", "" },
        { "hash in another field", "Package: x\nVersion: 1\nArchitecture: amd64\nSHA1: " A "\n",
          "" },
        { "hash in a long text",
          "Package: x\nVersion: 1\nArchitecture: amd64\nDescription: x\n SHA256: " A "\n", "" },
};

static int read_index(const char *text, struct buf *facts)
{
        struct job_out out;
        struct packages p;
        int r;

        job_out_init(&out, collect, facts);
        packages_init(&p, &hash_a, 1, &out);
        r = packages_feed(&p, span_str(text), NULL);
        if (r == 0)
                r = packages_finish(&p, NULL);
        packages_done(&p);
        job_out_done(&out);
        return r;
}

static void test_indexes(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(indexes); i++) {
                struct buf facts = BUF_INIT(1 << 16);

                print_message("%s\n", indexes[i].name);
                assert_int_equal(read_index(indexes[i].text, &facts), 0);
                assert_string_equal(buf_cstr(&facts), indexes[i].want);
                buf_done(&facts);
        }
}

/* ---- the job as a whole ---- */

static int file_of(struct span s, int want)
{
        int fd = memfd_create("release", MFD_CLOEXEC);

        assert_int_equal(write(fd, s.p, s.n), s.n);
        assert_int_equal(dup2(fd, want), want);
        close(fd);
        return want;
}

enum { RELEASE_FD = 100, INDEX_FD, WANTED_FD };

static int run(const char *suffix, struct buf *facts, struct err *err)
{
        const char *const args[] = { NAME, suffix, NULL };
        struct job_call c = {
                .input = RELEASE_FD, .more = INDEX_FD, .n_more = 2, .args = args, .n_args = 2
        };
        struct job_out out;
        int r;

        job_out_init(&out, collect, facts);
        r = job_release(&out, &c, err);
        job_out_done(&out);
        return r;
}

static const char index_text[] = "Package: x\nVersion: 1\nArchitecture: amd64\nSHA256: " A "\n";
#define INDEX_IS "c2af2c3f95e21ff0ea9329e318d33b760864deb6c7d159fcda2d9d8c6cc4eafa"

static void open_good(void)
{
        file_of(SPAN("Suite: s\nSHA256:\n " INDEX_IS " 1 " NAME "\n"), RELEASE_FD);
        file_of(SPAN(index_text), INDEX_FD);
        file_of(SPAN(B "\n" A "\n"), WANTED_FD);
}

static void close_all(void)
{
        close(RELEASE_FD);
        close(INDEX_FD);
        close(WANTED_FD);
}

static void test_job(void **state)
{
        struct buf facts = BUF_INIT(1 << 16);
        struct err err = { 0 };

        open_good();
        assert_int_equal(run("", &facts, &err), 0);
        assert_string_equal(buf_cstr(&facts),
                            "{\"fact\":\"release\",\"suite\":\"s\"}\n" WANT_A
                            "{\"fact\":\"index\",\"listed\":true,\"sha256\":\"" INDEX_IS "\"}\n");
        buf_clear(&facts);
        file_of(SPAN("Suite: s\nSHA256:\n " A " 1 " NAME "\n"), RELEASE_FD);
        assert_int_equal(run("", &facts, &err), 0);
        assert_non_null(strstr(buf_cstr(&facts), "\"listed\":false"));
        file_of(SPAN(""), INDEX_FD);
        buf_clear(&facts);
        assert_int_equal(run("", &facts, &err), 0); /* an index of nothing */
        assert_non_null(strstr(buf_cstr(&facts), "e3b0c44298fc1c149afbf4c8996fb924"));
        close_all();
        buf_done(&facts);
}

static void test_job_refuses(void **state)
{
        struct buf facts = BUF_INIT(1 << 16);
        struct err err = { 0 };

        open_good();
        assert_int_equal(run(".xz", &facts, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "not compressed as its name says"));
        assert_int_equal(run(".Z", &facts, &err), -EPROTONOSUPPORT);
        file_of(SPAN(A), WANTED_FD);
        assert_int_equal(run("", &facts, &err), -EINVAL);
        file_of(SPAN(A "\n" A " "), WANTED_FD);
        assert_int_equal(run("", &facts, &err), -EINVAL);
        file_of(SPAN("\xfd"
                     "7zXZ"),
                INDEX_FD);
        file_of(SPAN(A "\n"), WANTED_FD);
        assert_int_equal(run(".xz", &facts, &err), -EBADMSG);
        close_all();
        buf_done(&facts);
}

static void test_memory(void **state)
{
        static uint8_t room[1 << 16];
        unsigned failures = 0;
        int r;

        open_good();
        for (size_t nth = 1;; nth++) {
                struct buf facts = { .p = room, .cap = sizeof room, .max = sizeof room };
                struct err err = { 0 };

                alloc_fail_nth = nth;
                r = run("", &facts, &err);
                alloc_fail_nth = 0;
                if (r == 0)
                        break;
                assert_int_equal(r, -ENOMEM);
                failures++;
        }
        assert_true(failures >= 6);
        close_all();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dates),       cmocka_unit_test(test_releases),
                cmocka_unit_test(test_indexes),     cmocka_unit_test(test_job),
                cmocka_unit_test(test_job_refuses), cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
