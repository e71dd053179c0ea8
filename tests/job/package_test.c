/* SPDX-License-Identifier: Apache-2.0 */
/* What the job "package" tells of sources. */
#include "job/job.h"

#include "crypto/sha256.h"
#include "package/file.h"
#include "wire/package_fact.h"
#include "wire/package_input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"
#include "../package/small_package.h"

struct told {
        struct buf text; /* faults a line each, then "built ..." */
        struct buf body;
        bool ended;
};

static int collect(void *ctx, struct span json)
{
        static struct package_fact f;
        struct told *t = ctx;
        uint8_t hash[SHA256_LEN];

        assert_int_equal(json_check(json, NULL), 0);
        assert_int_equal(package_fact_parse(json, &f, NULL), 0);
        assert_false(t->ended);
        switch (f.kind) {
        case PACKAGE_FACT_FAULT:
                buf_printf(&t->text, "%s:%u:%u %s %s\n", f.file, f.line, f.column,
                           f.warning ? "warning" : "error", f.text);
                break;
        case PACKAGE_FACT_PIECE:
                buf_put(&t->body, span_of(f.data, f.data_n));
                break;
        case PACKAGE_FACT_BUILT:
                t->ended = true;
                buf_printf(&t->text, "built: %u errors, %u warnings, %u more\n", f.errors,
                           f.warnings, f.more);
                if (!f.whole)
                        break;
                sha256(buf_span(&t->body), hash);
                assert_memory_equal(hash, f.sha256, SHA256_LEN);
                assert_int_equal(f.size, t->body.n);
        }
        return buf_status(&t->text) < 0 ? buf_status(&t->text) : buf_status(&t->body);
}

static int run(struct span input, struct told *t, struct err *err)
{
        struct job_out out;
        int rc;

        *t = (struct told){ .text = BUF_INIT(1 << 20), .body = BUF_INIT(1 << 20) };
        job_out_init(&out, collect, t);
        rc = job_package(&out, input, err);
        job_out_done(&out);
        return rc;
}

static void told_done(struct told *t)
{
        buf_done(&t->text);
        buf_done(&t->body);
}

static void put_small(struct buf *b, const char *policy)
{
        package_input_begin(b);
        package_input_put(b, SPAN("backend.yaml"), SPAN(SMALL_BACKEND));
        package_input_put(b, SPAN("gateway.yaml"), SPAN(SMALL_GATEWAY));
        package_input_put(b, SPAN("openapi.yaml"), SPAN(SMALL_OPENAPI));
        package_input_put(b, SPAN("policy.cedar"), span_str(policy));
}

static void test_good(void **state)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct buf input = BUF_INIT(1 << 20);
        struct package_file f;
        struct told t;
        struct err err = { 0 };

        put_small(&input, SMALL_POLICY);
        assert_int_equal(run(buf_span(&input), &t, &err), 0);
        assert_true(t.ended);
        assert_string_equal(buf_cstr(&t.text), "built: 0 errors, 0 warnings, 0 more\n");
        assert_int_equal(package_file_read(buf_span(&t.body), &arena, &f, &err), 0);
        assert_true(span_eq_str(f.api, "small"));
        told_done(&t);
        buf_done(&input);
        arena_done(&arena);
        (void)state;
}

static void test_faults(void **state)
{
        struct buf input = BUF_INIT(1 << 20);
        struct told t;
        struct err err = { 0 };

        put_small(&input, "permit (principal, action, resource)\n");
        package_input_put(&input, SPAN("zoo\xff.txt"), SPAN("x"));
        assert_int_equal(run(buf_span(&input), &t, &err), 0);
        assert_true(t.ended && t.body.n == 0);
        assert_string_equal(
                buf_cstr(&t.text),
                "policy.cedar:2:1 error found the end of the text, wanted `when`, `unless` or `;`\n"
                "zoo.txt:0:0 error not a part of a package: move it out of the directory\n"
                "built: 2 errors, 0 warnings, 0 more\n");
        told_done(&t);
        buf_done(&input);
        (void)state;
}

/* Nothing is told of what is no input of ours. */
static void test_rubbish(void **state)
{
        struct buf input = BUF_INIT(1 << 20);
        struct told t;
        struct err err = { 0 };

        assert_int_equal(run(SPAN("openapi: 3.1.0\n"), &t, &err), -EBADMSG);
        assert_false(t.ended);
        told_done(&t);
        put_small(&input, "");
        package_input_put(&input, SPAN("gateway.yaml"), SPAN_NONE);
        assert_int_equal(run(buf_span(&input), &t, &err), -EBADMSG);
        assert_string_equal(err.text, "sources: not in order of their paths");
        assert_false(t.ended);
        told_done(&t);
        buf_clear(&input);
        package_input_begin(&input);
        for (int i = 0; i <= PACKAGE_SOURCES_MAX; i++) {
                char path[32];

                snprintf(path, sizeof path, "policies/%04d.cedar", i);
                package_input_put(&input, span_str(path), SPAN_NONE);
        }
        assert_int_equal(run(buf_span(&input), &t, &err), -E2BIG);
        assert_false(t.ended);
        told_done(&t);
        buf_done(&input);
        (void)state;
}

static void test_memory(void **state)
{
        struct buf input = BUF_INIT(1 << 20);
        int rc = -ENOMEM;

        put_small(&input, SMALL_POLICY);
        for (size_t nth = 1; rc < 0; nth++) {
                struct told t;

                alloc_fail_nth = nth;
                rc = run(buf_span(&input), &t, NULL);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
                assert_true(rc < 0 || t.ended);
                told_done(&t);
        }
        buf_done(&input);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_rubbish),
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
