/* SPDX-License-Identifier: Apache-2.0 */
/* What is believed of the job "package", and which files of a directory are handed to it. */
#include "command/api/api_build.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "sys/io.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

/* ---- the job ---- */

static struct api_built built;
static struct api_taking taking;

static void start(void)
{
        api_built_init(&built);
        api_built_begin(&built, &taking);
}

static int tell(const char *fmt, ...) PRINTF_LIKE(1, 2);
static int tell(const char *fmt, ...)
{
        char json[512];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(json, sizeof json, fmt, ap);
        va_end(ap);
        assert_int_equal(json_check(span_str(json), NULL), 0);
        return api_built_take(&taking, span_str(json));
}

static int tell_fault(const char *file, int line, const char *level)
{
        return tell("{\"column\":1,\"fact\":\"fault\",\"file\":\"%s\",\"level\":\"%s\",\"line\":%d,"
                    "\"text\":\"t\"}",
                    file, level, line);
}

static int tell_piece(struct span data)
{
        struct buf b = BUF_INIT(64 * 1024);
        int rc;

        buf_put_str(&b, "{\"data\":\"");
        text_put_base64(&b, data);
        buf_put_str(&b, "\",\"fact\":\"piece\"}");
        rc = api_built_take(&taking, buf_span(&b));
        buf_done(&b);
        return rc;
}

static int tell_built(struct span body, unsigned warnings)
{
        char hex[2 * SHA256_LEN + 1];
        uint8_t hash[SHA256_LEN];

        sha256(body, hash);
        text_hex(span_of(hash, SHA256_LEN), hex);
        return tell("{\"errors\":0,\"fact\":\"built\",\"more\":0,\"sha256\":\"%s\",\"size\":%zu,"
                    "\"warnings\":%u}",
                    hex, body.n, warnings);
}

static int tell_failed(unsigned errors, unsigned more)
{
        return tell("{\"errors\":%u,\"fact\":\"built\",\"more\":%u,\"warnings\":0}", errors, more);
}

static void put_package(struct buf *b)
{
        static const struct package_source source = { SPAN_INIT("README.md"), SPAN_INIT("x") };
        const struct package_file f = {
                .api = SPAN("a"), .version = SPAN("1"), .sources = &source, .n_sources = 1
        };

        assert_int_equal(package_file_put(b, &f, NULL), 0);
}

static void test_good(void **state)
{
        struct buf body = BUF_INIT(1 << 20);
        struct err err = { 0 };

        put_package(&body);
        start();
        assert_int_equal(tell_fault("policy.cedar", 3, "warning"), 0);
        assert_int_equal(tell_piece(span_of(body.p, 10)), 0);
        assert_int_equal(tell_piece(span_from(buf_span(&body), 10)), 0);
        assert_int_equal(tell_built(buf_span(&body), 2), 0);
        assert_int_equal(api_built_end(&taking, &err), 0);
        assert_true(built.whole && span_eq_str(built.file.api, "a"));
        assert_true(built.lint.n == 1 && built.lint.warnings == 2);
        api_built_done(&built);
        buf_done(&body);
        (void)state;
}

static void test_faults(void **state)
{
        start();
        built.lint.file = SPAN("openapi.yaml");
        lint_error(&built.lint, NULL, "a pipe");
        api_built_begin(&built, &taking);
        /* what is said of the file as a whole is told already, a line of another is not */
        assert_int_equal(tell_fault("openapi.yaml", 0, "error"), 0);
        assert_int_equal(tell_fault("gateway.yaml", 0, "error"), 0);
        assert_int_equal(tell_fault("openapi.yaml", 2, "error"), 0);
        assert_int_equal(tell_failed(7, 4), 0);
        assert_int_equal(api_built_end(&taking, NULL), 0);
        assert_true(!built.whole && built.lint.n == 3 && built.lint.more == 4);
        assert_int_equal(built.lint.errors, 1 + 7 - 1);
        assert_true(span_eq_str(built.lint.at[0].file, "gateway.yaml"));
        api_built_done(&built);
        (void)state;
}

/* Whatever it says, it is no package. */
static void test_lies(void **state)
{
        struct buf body = BUF_INIT(1 << 20);
        struct err err = { 0 };

        put_package(&body);
        start(); /* another body than its hash */
        assert_int_equal(tell_piece(span_of(body.p, body.n - 1)), 0);
        assert_int_equal(tell_built(buf_span(&body), 0), -EBADMSG);
        api_built_done(&built);
        start(); /* no package at all */
        assert_int_equal(tell_piece(SPAN("rubbish")), 0);
        assert_int_equal(tell_built(SPAN("rubbish"), 0), 0);
        assert_int_equal(api_built_end(&taking, &err), -EBADMSG);
        assert_int_equal(strncmp(err.text, "job package: ", 13), 0);
        assert_false(built.file.api.n);
        api_built_done(&built);
        start(); /* fewer errors than it told */
        assert_int_equal(tell_fault("x", 1, "error"), 0);
        assert_int_equal(tell_built(SPAN_NONE, 0), -EBADMSG);
        api_built_done(&built);
        start(); /* more after the end */
        assert_int_equal(tell_failed(1, 0), 0);
        assert_int_equal(tell_failed(1, 0), -EBADMSG);
        api_built_done(&built);
        start(); /* no end */
        assert_int_equal(tell_piece(buf_span(&body)), 0);
        assert_int_equal(api_built_end(&taking, &err), -EBADMSG);
        assert_string_equal(err.text, "job package: it said nothing of the result");
        api_built_done(&built);
        start(); /* no fact of ours */
        assert_int_equal(tell("{\"fact\":\"owner\"}"), -EBADMSG);
        api_built_done(&built);
        buf_done(&body);
        (void)state;
}

/* A body has a ceiling, and so has what is kept of faults. */
static void test_floods(void **state)
{
        static uint8_t piece[PACKAGE_FACT_PIECE_MAX];
        size_t n = 0;
        int rc = 0;

        start();
        while (rc == 0 && n <= PACKAGE_FILE_MAX / sizeof piece) {
                rc = tell_piece(span_of(piece, sizeof piece));
                n++;
        }
        assert_int_equal(rc, -E2BIG);
        assert_int_equal(n, PACKAGE_FILE_MAX / sizeof piece + 1);
        api_built_done(&built);
        start();
        for (int i = 0; i < 2 * LINT_FAULTS_MAX; i++)
                assert_int_equal(tell_fault("x", i + 1, "error"), 0);
        assert_int_equal(tell_failed(2 * LINT_FAULTS_MAX, 0), 0);
        assert_int_equal(api_built_end(&taking, NULL), 0);
        assert_true(built.lint.n == LINT_FAULTS_MAX && built.lint.more == LINT_FAULTS_MAX);
        assert_int_equal(built.lint.errors, 2 * LINT_FAULTS_MAX);
        api_built_done(&built);
        (void)state;
}

/* ---- the directory ---- */

static char dir[] = "/tmp/assay-api-XXXXXX";

static void put_file(const char *name, const char *text)
{
        CLEANUP_FD int at = open(dir, O_RDONLY | O_DIRECTORY);
        CLEANUP_FD int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int make_dir(void **state)
{
        char path[128];

        (void)state;
        if (!mkdtemp(dir))
                return -1;
        snprintf(path, sizeof path, "%s/policies", dir);
        return mkdir(path, 0700);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static int remove_dir(void **state)
{
        (void)state;
        return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_directory(void **state)
{
        static struct api_sources s;
        static struct lint l;
        struct err err = { 0 };
        char name[64];

        lint_init(&l);
        put_file("policy.cedar", "p");
        put_file("openapi.yaml", "");
        put_file("policies/b.cedar", "b");
        put_file("policies/a.cedar", "a");
        put_file(".hidden", "x");
        put_file("policies/.x.cedar", "x");
        put_file("other", "x");
        assert_int_equal(api_sources_read(dir, &s, &l, &err), 0);
        assert_int_equal(s.n, 4);
        assert_true(span_eq_str(s.at[0].path, "openapi.yaml") && s.at[0].text.n == 0);
        assert_true(span_eq_str(s.at[1].path, "policies/a.cedar"));
        assert_true(span_eq_str(s.at[2].path, "policies/b.cedar"));
        assert_true(span_eq_str(s.at[3].path, "policy.cedar") && span_eq_str(s.at[3].text, "p"));
        assert_int_equal(s.bytes, 3);
        assert_true(l.n == 1 && span_eq_str(l.at[0].file, "other"));
        api_sources_done(&s);
        lint_done(&l);
        lint_init(&l);
        for (int i = 0; i < PACKAGE_SOURCES_MAX; i++) {
                snprintf(name, sizeof name, "policies/%d.cedar", i);
                put_file(name, "");
        }
        assert_int_equal(api_sources_read(dir, &s, &l, &err), -EFBIG);
        assert_non_null(strstr(err.text, ": more than 256 files"));
        lint_done(&l);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_lies),
                cmocka_unit_test(test_floods),
                cmocka_unit_test_setup_teardown(test_directory, make_dir, remove_dir),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
