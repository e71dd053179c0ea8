/* SPDX-License-Identifier: Apache-2.0 */
/* Sources that are taken or refused, and what is built of a small package. */
#include "package/build.h"

#include "job/yaml_source.h"
#include "small_package.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"

/* ---- names ---- */

static const struct {
        const char *path;
        const char *refusal; /* NULL: it is taken */
} names[] = {
        { "openapi.yaml", NULL },
        { "gateway.yaml", NULL },
        { "backend.yaml", NULL },
        { "policy.cedar", NULL },
        { "types.cedarschema", NULL },
        { "entities.yaml", NULL },
        { "README.md", NULL },
        { "policies/a.cedar", NULL },
        { "policies/a b.cedar", NULL },
        { "openapi.yml", "rename it to openapi.yaml" },
        { "openapi.json", "rename it to openapi.yaml, which may be JSON" },
        { "entities.json", "rename it to entities.yaml, which may be JSON" },
        { "readme.md", "not a part of a package: did you mean README.md?" },
        { "policies.cedar", "not a part of a package: did you mean policy.cedar?" },
        { "more.cedar", "not a part of a package: more policies are in policies/NAME.cedar" },
        { "policies/x/a.cedar",
          "not a part of a package: more policies are in policies/NAME.cedar" },
        { "policies/.a.cedar",
          "not a part of a package: more policies are in policies/NAME.cedar" },
        { "policies/.cedar", "not a part of a package: more policies are in policies/NAME.cedar" },
        { "policies/a.txt", "not a part of a package: move it out of the directory" },
        { "policies/", "not a part of a package: move it out of the directory" },
        { "Makefile", "not a part of a package: move it out of the directory" },
        { "x\ny", "not a part of a package: move it out of the directory" },
        { "", "not a part of a package: move it out of the directory" },
        { "/openapi.yaml", "not a part of a package: did you mean openapi.yaml?" },
        { "policies/a\xff.cedar", "not a part of a package: more policies are in "
                                  "policies/NAME.cedar" },
};

static void test_names(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                struct span path = span_str(names[i].path);
                static struct lint l;

                print_message("%s\n", names[i].path);
                assert_int_equal(build_source_ok(path), names[i].refusal == NULL);
                if (!names[i].refusal)
                        continue;
                lint_init(&l);
                build_refuse_source(&l, path);
                assert_int_equal(l.errors, 1);
                assert_true(span_eq(l.at[0].file, path));
                if (!span_eq_str(l.at[0].text, names[i].refusal))
                        fail_msg("%.*s", (int)l.at[0].text.n, (const char *)l.at[0].text.p);
                lint_done(&l);
        }
        (void)state;
}

/* ---- what is not seen ---- */

static void test_unseen(void **state)
{
        static const struct {
                const char *text, *faults; /* "line:column text" */
        } table[] = {
                { "", "" },
                { "permit (principal, action, resource);\n// \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d\n",
                  "" },
                { "one\r\ntwo\r\n", "" },
                { "// nothing\rpermit (principal, action, resource);\n// more\r\n",
                  "1:11 a carriage return" },
                { "\xc3\xa9\n// \xc3\xa9\r", "2:5 a carriage return" },
                { "a\r\r\nb\rc\r", "1:2 a carriage return" },
                { "// a\xe2\x80\xae b\xe2\x80\xac\n",
                  "1:5 a character that turns text around (U+202E)" },
                { "\n\xe2\x81\xa6", "2:1 a character that turns text around (U+2066)" },
                { "\xe2\x81\xa9", "1:1 a character that turns text around (U+2069)" },
                { "\xe2\x80\xaa", "1:1 a character that turns text around (U+202A)" },
                { "\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa\xe2\x80\xe2", "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct package_source s = { SPAN("policy.cedar"), span_str(table[i].text) };
                static struct lint l;
                char told[LINT_TEXT_MAX + 32] = "";

                lint_init(&l);
                build_check_text(&l, &s);
                assert_int_equal(l.errors, table[i].faults[0] != '\0');
                if (l.errors)
                        snprintf(told, sizeof told, "%u:%u %.*s", l.at[0].mark.line,
                                 l.at[0].mark.column, (int)l.at[0].text.n,
                                 (const char *)l.at[0].text.p);
                if (strncmp(told, table[i].faults, strlen(table[i].faults)) != 0)
                        fail_msg("%zu: %s", i, told);
                lint_done(&l);
        }
        (void)state;
}

/* ---- building ---- */

#define SOURCE(path, text)                                                                         \
        {                                                                                          \
                SPAN_INIT(path), SPAN_INIT(text)                                                   \
        }

static const struct package_source small[] = {
        SOURCE("README.md", "For people: \xff\n"),
        SOURCE("backend.yaml", SMALL_BACKEND),
        SOURCE("gateway.yaml", SMALL_GATEWAY),
        SOURCE("openapi.yaml", SMALL_OPENAPI),
        SOURCE("policies/a.cedar",
               "forbid (principal, action, resource) when { context.tls.version == \"1\" };"),
        SOURCE("policies/b.cedar",
               "forbid (principal, action, resource) when { context.tls.version == \"2\" };"),
        SOURCE("policy.cedar", SMALL_POLICY),
};

static int build(const struct package_source *sources, uint32_t n, struct lint *l, struct buf *out,
                 struct err *err)
{
        const struct build_spec spec = { .sources = sources, .n_sources = n, .yaml = yaml_source };

        lint_init(l);
        return build_package(&spec, l, out, err);
}

static void put_faults(const struct lint *l, struct buf *b)
{
        for (uint32_t i = 0; i < l->n; i++) {
                const struct lint_fault *f = &l->at[i];

                buf_printf(b, "%.*s:%u:%u%s %.*s\n", (int)f->file.n, (const char *)f->file.p,
                           f->mark.line, f->mark.column, f->level == LINT_WARNING ? "?" : "",
                           (int)f->text.n, (const char *)f->text.p);
        }
}

static void test_small(void **state)
{
        struct buf one = BUF_INIT(1 << 20), two = BUF_INIT(1 << 20);
        struct arena arena = ARENA_INIT(1 << 20);
        struct package_file f;
        static struct lint l;
        struct err err = { 0 };

        assert_int_equal(build(small, ARRAY_LEN(small), &l, &one, &err), 0);
        assert_int_equal(l.errors, 0);
        lint_done(&l);
        assert_int_equal(build(small, ARRAY_LEN(small), &l, &two, &err), 0);
        lint_done(&l);
        assert_true(span_eq(buf_span(&one), buf_span(&two)));
        assert_int_equal(package_file_read(buf_span(&one), &arena, &f, &err), 0);
        assert_true(span_eq_str(f.api, "small") && span_eq_str(f.version, "0.1.0"));
        assert_int_equal(f.n_sources, ARRAY_LEN(small));
        for (size_t i = 0; i < ARRAY_LEN(small); i++) {
                assert_true(span_eq(f.sources[i].path, small[i].path));
                assert_true(span_eq(f.sources[i].text, small[i].text));
        }
        /* policy.cedar first, then the others; each ends a line */
        assert_true(span_eq_str(
                f.section[PACKAGE_POLICY], SMALL_POLICY
                "forbid (principal, action, resource) when { context.tls.version == \"1\" };\n"
                "forbid (principal, action, resource) when { context.tls.version == \"2\" };\n"));
        arena_done(&arena);
        buf_done(&one);
        buf_done(&two);
        /* linted only */
        assert_int_equal(build(small, ARRAY_LEN(small), &l, NULL, &err), 0);
        lint_done(&l);
        (void)state;
}

/* One source of small[] is another, or not there. */
static const struct {
        const char *path;
        struct span text; /* p NULL: it is not there */
        const char *want;
} changed[] = {
        { "openapi.yaml",
          { NULL, 0 },
          "openapi.yaml:0:0 the file is missing: it says what the API offers, as an OpenAPI "
          "document\n" },
        { "gateway.yaml",
          { NULL, 0 },
          "gateway.yaml:0:0 the file is missing: it says what the API is called and how callers "
          "show who they are\n" },
        { "backend.yaml",
          { NULL, 0 },
          "backend.yaml:0:0 the file is missing: it says where calls go to\n" },
        { "policy.cedar",
          { NULL, 0 },
          "policy.cedar:0:0 the file is missing: it says who may do what\n" },
        { "README.md", { NULL, 0 }, "" },
        { "gateway.yaml", SPAN_INIT("name: [\n"), "gateway.yaml:" },
        { "gateway.yaml", SPAN_INIT("name: small\n"),
          "gateway.yaml:1:1 the security scheme \"token\" of openapi.yaml is missing below "
          "\"identity\": how its callers are known\n" },
        { "policy.cedar",
          SPAN_INIT("permit (principal, action == Action::\"getThink\", "
                    "resource);\n"),
          "policy.cedar:1:" },
        { "policies/b.cedar", SPAN_INIT("permit (principal\n"), "policies/b.cedar:2:1 " },
        { "openapi.yaml", SPAN_INIT("openapi: 3.1.0\n"), "openapi.yaml:" },
};

static void test_changed(void **state)
{
        struct buf text = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);

        for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
                struct package_source sources[ARRAY_LEN(small)];
                static struct lint l;
                struct err err = { 0 };
                uint32_t n = 0;
                int rc;

                for (size_t k = 0; k < ARRAY_LEN(small); k++) {
                        sources[n] = small[k];
                        if (span_eq_str(small[k].path, changed[i].path)) {
                                sources[n].text = changed[i].text;
                                if (!changed[i].text.p)
                                        continue;
                        }
                        n++;
                }
                buf_clear(&out);
                buf_clear(&text);
                rc = build(sources, n, &l, &out, &err);
                put_faults(&l, &text);
                assert_int_equal(rc, err.code);
                assert_int_equal(rc, l.errors ? -EINVAL : 0);
                assert_true((rc == 0) == (out.n > 0));
                if (*changed[i].want ? !strstr(buf_cstr(&text), changed[i].want) : text.n > 0)
                        fail_msg("%s: %s\nwants %s", changed[i].path, buf_cstr(&text),
                                 changed[i].want);
                lint_done(&l);
        }
        buf_done(&text);
        buf_done(&out);
        (void)state;
}

static void test_many(void **state)
{
        static struct package_source sources[PACKAGE_SOURCES_MAX + 1];
        static struct lint l;
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(sources); i++)
                sources[i].path = SPAN("policies/x.cedar");
        assert_int_equal(build(sources, ARRAY_LEN(sources), &l, NULL, &err), -E2BIG);
        assert_string_equal(err.text, "a package has 256 files at most");
        lint_done(&l);
        (void)state;
}

static void test_memory(void **state)
{
        static struct lint l;
        size_t failures = 0;

        for (size_t nth = 1;; nth++) {
                struct buf out = BUF_INIT(1 << 20);
                int rc;

                alloc_fail_nth = nth;
                rc = build(small, ARRAY_LEN(small), &l, &out, NULL);
                alloc_fail_nth = 0;
                if (rc == 0)
                        assert_true(out.n > 0 && l.errors == 0);
                lint_done(&l);
                buf_done(&out);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                failures++;
        }
        assert_true(failures > 20);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),   cmocka_unit_test(test_small),
                cmocka_unit_test(test_changed), cmocka_unit_test(test_many),
                cmocka_unit_test(test_memory),  cmocka_unit_test(test_unseen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
