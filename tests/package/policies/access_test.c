/* SPDX-License-Identifier: Apache-2.0 */
/* Who may read what, as a line a row.  tests/system/package/test_api_access.py holds the rows
 * against calls.
 */
#include "package/policies/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../model_package.h"

static const char model[] =
        "{\"name\":\"bank\",\"claims\":[\"branch\"],\"classes\":[\"pii.ssn\",\"secret\"],"
        "\"operations\":["
        " {\"id\":\"basic\",\"reads\":[\"pii.ssn\"]},"
        " {\"id\":\"jwt\",\"reads\":[\"pii.ssn\"],\"object\":{\"type\":\"Account\","
        "  \"id\":\"path.id\"},\"parameters\":[{\"in\":\"path\",\"name\":\"id\","
        "  \"schema\":{\"type\":\"string\"}}]},"
        " {\"id\":\"mutual\",\"reads\":[\"pii.ssn\"]},"
        " {\"id\":\"open\",\"reads\":[\"pii.ssn\",\"secret\"]},"
        " {\"id\":\"together\",\"reads\":[\"pii.ssn\"]}]}";

static const char entities[] =
        "[{\"uid\":{\"type\":\"Group\",\"id\":\"clerks\"},\"attrs\":{},\"parents\":[]},"
        "{\"uid\":{\"type\":\"Caller\",\"id\":\"ann\"},\"attrs\":{\"branch\":\"north\"},"
        "\"parents\":[{\"type\":\"Group\",\"id\":\"clerks\"}]},"
        "{\"uid\":{\"type\":\"Caller\",\"id\":\"\"},\"attrs\":{},\"parents\":[]}]";

/* By place, as in `security` below. */
static const struct config_identity identities[] = {
        { .scheme = SPAN_INIT("a"), .kind = CONFIG_JWT, .groups = SPAN_INIT("groups") },
        { .scheme = SPAN_INIT("b"), .kind = CONFIG_MUTUAL },
        { .scheme = SPAN_INIT("c"), .kind = CONFIG_PASS_BASIC },
};
static const uint32_t jwt[] = { 0 }, mutual[] = { 1 }, basic[] = { 2 }, together[] = { 1, 2 };
static const struct api_security security[] = {
        { basic, 1 }, { jwt, 1 }, { mutual, 1 }, { NULL, 0 }, { together, 2 },
};

/* Callers by the names that strangers might be given, in a group that is forbidden all. */
static const char odd[] = "[{\"uid\":{\"type\":\"Caller\",\"id\":\"\\u0001\"},\"attrs\":{},"
                          "\"parents\":[{\"type\":\"Group\",\"id\":\"out\"}]},"
                          "{\"uid\":{\"type\":\"Caller\",\"id\":\"\\u00010\"},\"attrs\":{},"
                          "\"parents\":[{\"type\":\"Group\",\"id\":\"out\"}]}]";

static void open_package_with(struct model_package *x, const char *policies, const char *known)
{
        model_package_init(x, SPAN(model), "", policies, known);
        x->p.config.identities = identities;
        x->p.config.n_identities = ARRAY_LEN(identities);
        assert_int_equal(x->m.api.n_operations, ARRAY_LEN(security));
        for (uint32_t i = 0; i < x->m.api.n_operations; i++) {
                struct api_operation *o =
                        (struct api_operation *)(uintptr_t)&x->m.api.operations[i];

                o->security = &security[i];
                o->n_security = 1;
        }
}

static void open_package(struct model_package *x, const char *policies)
{
        open_package_with(x, policies, entities);
}

/* "member clerks jwt pii.ssn: clear masked" */
static int put_row(void *ctx, const struct access_row *r, struct err *err)
{
        struct buf *out = ctx;

        (void)err;
        buf_put_str(out, access_kind_name(r->who->kind));
        for (uint32_t i = 0; i < r->who->n_groups; i++) {
                buf_put_byte(out, ' ');
                buf_put(out, r->who->groups[i]);
        }
        if (r->who->id.n) {
                buf_put_byte(out, ' ');
                buf_put(out, r->who->id);
        }
        if (r->who->kind == ACCESS_NAMED && r->who->any_groups)
                buf_put_str(out, " +groups");
        buf_put_byte(out, ' ');
        buf_put(out, r->operation->id);
        buf_put_str(out, r->sees & ACCESS_CLEAR ? " clear" : "");
        buf_put_str(out, r->sees & ACCESS_MASKED ? " masked" : "");
        buf_put_str(out, r->sees & ACCESS_WITHHELD ? " nothing" : "");
        buf_put_str(out, r->implied ? " implied\n" : "\n");
        return 0;
}

static void says_of(const char *policies, const char *known, const struct access_asked *asked,
                    const char *want)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
        struct model_package x;
        struct err err = { 0 };

        open_package_with(&x, policies, known);
        assert_int_equal(package_access(&x.p, asked, put_row, &out, &err), 0);
        if (strcmp(buf_cstr(&out), want) != 0)
                fail_msg("%s\ncomes to\n%s", policies, buf_cstr(&out));
        model_package_done(&x);
}

static void says(const char *policies, const struct access_asked *asked, const char *want)
{
        says_of(policies, entities, asked, want);
}

static const struct span ssn[] = { SPAN_INIT("pii") }, secret[] = { SPAN_INIT("secret") },
                         only_jwt[] = { SPAN_INIT("jwt") };
static const struct access_asked about_ssn = { .classes = ssn, .n_classes = 1 },
                                 about_jwt = { .classes = ssn,
                                               .n_classes = 1,
                                               .operations = only_jwt,
                                               .n_operations = 1 },
                                 about_secret = { .classes = secret, .n_classes = 1 };

/* Who can come to which operation at all. */
static void kinds_of_callers(void **state)
{
        (void)state;
        says("permit (principal, action, resource);", &about_ssn,
             "named ann jwt clear\nnamed ann mutual clear\nnamed ann together clear\n"
             "named ann +groups jwt clear implied\n"
             "member clerks jwt clear\n"
             "other jwt clear\nother mutual clear\nother together clear\n"
             "several jwt clear implied\n"
             "unverified unverified basic clear\n"
             "nobody open clear\n");
        says("permit (principal, action, resource);", &about_secret, "nobody open clear\n");
}

static void what_is_known_of_them(void **state)
{
        (void)state;
        says("permit (principal, action, resource) when { principal in Group::\"clerks\" };"
             "forbid (principal, action in [Action::\"read\"], resource)"
             " unless { principal == Caller::\"ann\" };",
             &about_ssn,
             "named ann jwt clear\nnamed ann mutual clear\nnamed ann together clear\n"
             "named ann +groups jwt clear implied\n"
             "member clerks jwt masked\n"
             "other jwt nothing\nother mutual nothing\nother together nothing\n"
             "several jwt masked nothing implied\n"
             "unverified unverified basic nothing\n"
             "nobody open nothing\n");
        /* a claim; of a certificate there is none */
        says("permit (principal, action, resource)"
             " when { principal has branch && principal.branch == \"north\" };",
             &about_ssn,
             "named ann jwt clear\nnamed ann mutual clear\nnamed ann together clear\n"
             "named ann +groups jwt clear implied\n"
             "member clerks jwt nothing\n"
             "other jwt nothing\nother mutual nothing\nother together nothing\n"
             "several jwt nothing implied\n"
             "unverified unverified basic nothing\n"
             "nobody open nothing\n");
}

/* Groups that only a policy names count as well. */
static void what_several_groups_open(void **state)
{
        static const struct span two[] = { SPAN_INIT("clerks"), SPAN_INIT("trained") };
        static const struct access_who both = { .kind = ACCESS_ASKED,
                                                .groups = two,
                                                .n_groups = 2 };
        static const char policies[] = "permit (principal in Group::\"clerks\", action, resource)"
                                       " when { principal in Group::\"trained\" };";
        struct access_asked asked = about_ssn;

        (void)state;
        says(policies, &about_ssn,
             "named ann jwt nothing\nnamed ann mutual nothing\nnamed ann together nothing\n"
             "named ann +groups jwt clear masked nothing\n"
             "member clerks jwt nothing\nmember trained jwt nothing\n"
             "other jwt nothing\nother mutual nothing\nother together nothing\n"
             "several jwt clear masked nothing\n"
             "unverified unverified basic nothing\n"
             "nobody open nothing\n");
        /* a forbid that a second group lifts */
        says("permit (principal in Group::\"clerks\", action, resource);"
             "permit (principal in Group::\"trained\", action, resource);"
             "forbid (principal in Group::\"clerks\", action == Action::\"jwt\", resource)"
             " unless { principal in Group::\"trained\" };",
             &about_jwt,
             "named ann jwt nothing\nnamed ann +groups jwt clear nothing\n"
             "member clerks jwt nothing\nmember trained jwt clear\n"
             "other jwt nothing\nseveral jwt clear masked nothing\n");
        /* and one that none does */
        says("permit (principal in Group::\"clerks\", action, resource);"
             "forbid (principal in Group::\"late\", action == Action::\"jwt\", resource);",
             &about_jwt,
             "named ann jwt clear\nnamed ann +groups jwt clear nothing\n"
             "member clerks jwt clear\nmember late jwt nothing\n"
             "other jwt nothing\nseveral jwt clear masked nothing implied\n");
        asked.who = &both;
        says(policies, &asked, "asked clerks trained jwt clear\nnobody open nothing\n");
}

/* A token may put into groups whom entities.yaml names as well. */
static void named_with_groups(void **state)
{
        (void)state;
        says("permit (principal == Caller::\"ann\", action, resource)"
             " when { principal in Group::\"fraud\" };",
             &about_jwt,
             "named ann jwt nothing\nnamed ann +groups jwt clear masked nothing\n"
             "member clerks jwt nothing\nmember fraud jwt nothing\n"
             "other jwt nothing\nseveral jwt nothing implied\n");
        says("permit (principal == Caller::\"ann\", action, resource);"
             "forbid (principal in Group::\"suspended\", action, resource);",
             &about_jwt,
             "named ann jwt clear\nnamed ann +groups jwt clear masked nothing\n"
             "member clerks jwt nothing\nmember suspended jwt nothing\n"
             "other jwt nothing\nseveral jwt nothing implied\n");
}

/* No token puts anybody among those whom nobody verified, by whichever other groups it says. */
static void those_nobody_verified(void **state)
{
        static const char below[] = "[{\"uid\":{\"type\":\"Group\",\"id\":\"guests\"},\"attrs\":{},"
                                    "\"parents\":[{\"type\":\"Group\",\"id\":\"unverified\"}]}]";
        static const char only[] = "permit (principal in Group::\"unverified\", action, resource);";

        (void)state;
        says(only, &about_jwt,
             "named ann jwt nothing\nnamed ann +groups jwt nothing implied\n"
             "member clerks jwt nothing\nother jwt nothing\nseveral jwt nothing implied\n");
        says("permit (principal, action, resource);"
             "forbid (principal, action, resource) when { principal in Group::\"unverified\" };",
             &about_jwt,
             "named ann jwt clear\nnamed ann +groups jwt clear implied\n"
             "member clerks jwt clear\nother jwt clear\nseveral jwt clear implied\n");
        /* but by one that entities.yaml has there, which a package of today may not */
        says_of(only, below, &about_jwt,
                "member guests jwt clear\nother jwt nothing\n"
                "several jwt clear masked nothing implied\n");
}

static const char users[] =
        "[{\"uid\":{\"type\":\"Caller\",\"id\":\"unverified:batch\"},\"attrs\":{},"
        "\"parents\":[{\"type\":\"Group\",\"id\":\"staff\"}]},"
        "{\"uid\":{\"type\":\"Caller\",\"id\":\"pay\"},\"attrs\":{},"
        "\"parents\":[{\"type\":\"Group\",\"id\":\"staff\"}]}]";
static const char for_staff[] = "permit (principal in Group::\"staff\", action, resource);"
                                "permit (principal in Group::\"unverified\","
                                " action == Action::\"basic.readMasked\", resource);"
                                "permit (principal, action == Action::\"open\", resource);";

/* Whom nobody verifies may be one that entities.yaml names. */
static void users_with_names(void **state)
{
        static const struct span only_basic[] = { SPAN_INIT("basic") };
        const struct access_asked asked = { .operations = only_basic, .n_operations = 1 };

        (void)state;
        says_of(for_staff, users, &asked,
                "named unverified unverified:batch basic clear\n"
                "unverified unverified basic nothing\n");
}

/* Who comes of those asked for. */
static void who_is_asked_for(void **state)
{
        static const struct span staff[] = { SPAN_INIT("staff") },
                                 unverified[] = { SPAN_INIT("unverified") },
                                 both[] = { SPAN_INIT("staff"), SPAN_INIT("unverified") },
                                 far[] = { SPAN_INIT("staff"), SPAN_INIT("far") };
        static const struct {
                const char *id;
                const struct span *groups;
                uint32_t n_groups;
                const char *want;
        } table[] = {
                { "pay", staff, 1,
                  "asked staff pay jwt clear\nasked staff pay mutual clear\n"
                  "asked staff pay together clear\nnobody open nothing\n" },
                { "pay", far, 2, "asked staff far pay jwt clear\nnobody open nothing\n" },
                { "bob", staff, 1, "asked staff bob jwt clear\nnobody open nothing\n" },
                { "bob", NULL, 0,
                  "asked bob jwt clear masked nothing\nasked bob mutual nothing\n"
                  "asked bob together nothing\nnobody open nothing\n" },
                /* which no token may say */
                { NULL, unverified, 1,
                  "unverified unverified basic nothing\nnobody open nothing\n" },
                { "pay", unverified, 1, "nobody open nothing\n" },
                { NULL, both, 2, "nobody open nothing\n" },
                { NULL, staff, 1, "asked staff jwt clear\nnobody open nothing\n" },
                { "", NULL, 0, "nobody open nothing\n" },
                { "unverified:batch", NULL, 0, "asked unverified unverified:batch basic clear\n" },
                { "unverified:x", NULL, 0, "asked unverified unverified:x basic nothing\n" },
                { "unverified:x", unverified, 1, "asked unverified unverified:x basic nothing\n" },
                { "unverified:x", staff, 1, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                const struct access_who who = { .kind = ACCESS_ASKED,
                                                .id = table[i].id ? span_str(table[i].id)
                                                                  : SPAN_NONE,
                                                .groups = table[i].groups,
                                                .n_groups = table[i].n_groups,
                                                .any_groups = table[i].n_groups == 0 };
                struct access_asked asked = about_ssn;

                asked.who = &who;
                says_of(for_staff, users, &asked, table[i].want);
        }
}

/* Where is a line about callers in several groups?  Each alone sees less than all together. */
static void who_sees_more_in_several(void **state)
{
#define LATE  " when { context.time > datetime(\"2024-01-01\") }"
#define CALL  "action == Action::\"jwt\", resource)"
#define CLEAR "action == Action::\"jwt.read\", resource)"
        static const struct {
                const char *policies;
                bool line;
        } table[] = {
                /* one calls at all times, the other one reads, and calls at some */
                { "permit (principal in Group::\"a\", " CALL ";"
                  "permit (principal in Group::\"b\", " CALL LATE ";"
                  "permit (principal in Group::\"b\", " CLEAR ";",
                  true },
                { "permit (principal in Group::\"a\", " CALL ";"
                  "permit (principal in Group::\"b\", " CLEAR ";",
                  true },
                /* what frees one at some times frees him always */
                { "permit (principal in Group::\"a\", action, resource);"
                  "forbid (principal, action, resource) unless { principal in Group::\"b\" ||"
                  " context.address.isInRange(ip(\"10.0.0.0/8\")) };",
                  true },
                { "permit (principal, action, resource) when { principal in Group::\"a\" ||"
                  " (principal in Group::\"b\" && principal in Group::\"c\") };",
                  true },
                { "permit (principal, action, resource) when { context has object &&"
                  " context.time > datetime(\"2024-01-01\") && principal in Group::\"a\" ||"
                  " (principal in Group::\"b\" && principal in Group::\"a\") };",
                  true },
                /* nothing that not one of them sees alone */
                { "permit (principal in Group::\"a\", " CALL ";"
                  "permit (principal in Group::\"b\", " CALL LATE ";"
                  "permit (principal in Group::\"a\", " CLEAR ";",
                  false },
                { "permit (principal in Group::\"a\", action, resource)" LATE ";"
                  "permit (principal in Group::\"b\", action, resource);",
                  false },
                { "permit (principal, action, resource) when { principal in Group::\"a\" ||"
                  " principal in Group::\"b\" };",
                  false },
                { "permit (principal, " CLEAR ";"
                  "permit (principal in Group::\"a\", " CALL LATE ";",
                  false },
                { "permit (principal in Group::\"a\", action, resource);"
                  "permit (principal in Group::\"b\", action, resource);"
                  "forbid (principal in Group::\"a\", action, resource)" LATE ";",
                  false },
                { "permit (principal == Caller::\"x\", action, resource)"
                  " when { principal in Group::\"a\" };",
                  false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
                struct model_package x;
                struct err err = { 0 };
                const char *row;

                open_package(&x, table[i].policies);
                assert_int_equal(package_access(&x.p, &about_jwt, put_row, &out, &err), 0);
                row = strstr(buf_cstr(&out), "several jwt ");
                assert_non_null(row);
                if (!strstr(row, " implied\n") != table[i].line)
                        fail_msg("%s\ncomes to\n%s", table[i].policies, buf_cstr(&out));
                model_package_done(&x);
        }
#undef LATE
#undef CALL
#undef CLEAR
}

/* ... and as no policy can name them either. */
static void nobody_hides_strangers(void **state)
{
        static const char policies[] =
                "permit (principal, action, resource);"
                "forbid (principal in Group::\"out\", action, resource);"
                "forbid (principal, action, resource) when { Caller::\"\\u{1}1\" in Group::\"in\" };";
        CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
        struct model_package x;
        struct err err = { 0 };

        (void)state;
        open_package_with(&x, policies, odd);
        assert_int_equal(package_access(&x.p, &about_jwt, put_row, &out, &err), 0);
        assert_non_null(strstr(buf_cstr(&out), "member in jwt clear masked nothing\n"));
        assert_non_null(strstr(buf_cstr(&out), "member out jwt nothing\n"));
        assert_non_null(strstr(buf_cstr(&out), "other jwt clear"));
        model_package_done(&x);
}

static void names_that_lead_nowhere(void **state)
{
        static const struct span bad[] = { SPAN_INIT("pi") };
        const struct access_asked class = { .classes = bad, .n_classes = 1 },
                                  operation = { .operations = bad, .n_operations = 1 };
        struct model_package x;
        struct err err = { 0 };

        (void)state;
        open_package(&x, "");
        assert_int_equal(package_access(&x.p, &class, put_row, NULL, &err), -EINVAL);
        assert_string_equal(err_text(&err), "bank has no data class \"pi\"");
        assert_int_equal(package_access(&x.p, &operation, put_row, NULL, &err), -EINVAL);
        assert_string_equal(err_text(&err), "bank has no operation \"pi\"");
        model_package_done(&x);
}

static int count_row(void *ctx, const struct access_row *r, struct err *err)
{
        (void)r;
        (void)err;
        ++*(unsigned *)ctx;
        return 0;
}

static void no_memory(void **state)
{
        struct model_package x;
        unsigned rows = 0, failed = 0;
        int rc = -ENOMEM;

        (void)state;
        open_package(&x, "permit (principal in Group::\"clerks\", action, resource)"
                         " unless { context.time > datetime(\"2024-01-01\") };");
        for (size_t nth = 1; rc < 0; nth++) {
                struct err err = { 0 };

                rows = 0;
                alloc_fail_nth = nth;
                rc = package_access(&x.p, &about_ssn, count_row, &rows, &err);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
                failed += rc < 0;
        }
        assert_true(failed > 3 && rows == 11);
        model_package_done(&x);
}

/* ---- where policies are from ---- */

static void files_and_lines(void **state)
{
        static const struct package_source sources[] = {
                { SPAN_INIT("openapi.yaml"), SPAN_INIT("x\n") },
                { SPAN_INIT("policies/a.cedar"), SPAN_INIT("four\nfive") },
                { SPAN_INIT("policies/b.cedar"), SPAN_INIT("six\n") },
                { SPAN_INIT("policy.cedar"), SPAN_INIT("one\ntwo\nthree\n") },
        };
        static const struct {
                const char *policy;
                uint32_t line;
                const char *file; /* NULL: not known */
                uint32_t in_file;
        } table[] = {
                { "one\ntwo\nthree\nfour\nfive\nsix\n", 1, "policy.cedar", 1 },
                { "one\ntwo\nthree\nfour\nfive\nsix\n", 3, "policy.cedar", 3 },
                { "one\ntwo\nthree\nfour\nfive\nsix\n", 4, "policies/a.cedar", 1 },
                { "one\ntwo\nthree\nfour\nfive\nsix\n", 5, "policies/a.cedar", 2 },
                { "one\ntwo\nthree\nfour\nfive\nsix\n", 6, "policies/b.cedar", 1 },
                { "one\ntwo\nthree\nfour\nfive\nsix\n", 7, NULL, 0 },
                { "one\ntwo\nthree\nfour\nfive\nsix\nmore", 1, NULL, 0 },
                { "one\ntwo\nthree\nfour\nfive!six\n", 1, NULL, 0 },
                { "", 1, NULL, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct package_file f = { .sources = sources, .n_sources = ARRAY_LEN(sources) };
                struct span file;
                uint32_t line;
                bool known;

                f.section[PACKAGE_POLICY] = span_str(table[i].policy);
                known = package_policy_place(&f, table[i].line, &file, &line);
                assert_int_equal(known, table[i].file != NULL);
                if (known) {
                        assert_true(span_eq_str(file, table[i].file));
                        assert_int_equal(line, table[i].in_file);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kinds_of_callers),
                cmocka_unit_test(what_is_known_of_them),
                cmocka_unit_test(what_several_groups_open),
                cmocka_unit_test(named_with_groups),
                cmocka_unit_test(those_nobody_verified),
                cmocka_unit_test(users_with_names),
                cmocka_unit_test(who_is_asked_for),
                cmocka_unit_test(who_sees_more_in_several),
                cmocka_unit_test(nobody_hides_strangers),
                cmocka_unit_test(names_that_lead_nowhere),
                cmocka_unit_test(no_memory),
                cmocka_unit_test(files_and_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
