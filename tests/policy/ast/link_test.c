/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parse/parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../dump.h"
#include "../parsed.h"

enum { DUMP_MAX = 1 << 20 };

static void ids_follow_the_text(void **state)
{
        CLEANUP(cedar_policies_freep)
        struct cedar_policies *p = parsed(SPAN("permit(principal, action, resource);@k(\"v\")@e "
                                               "forbid(principal, action, resource);"));
        struct span value = SPAN_NONE;

        (void)state;
        assert_int_equal(p->n, 2);
        assert_ptr_equal(cedar_policies_find(p, SPAN("policy1")), &p->policies[1]);
        assert_null(cedar_policies_find(p, SPAN("policy2")));
        assert_true(cedar_policy_annotation(&p->policies[1], "k", &value));
        assert_true(span_eq_str(value, "v"));
        assert_true(cedar_policy_annotation(&p->policies[1], "e", &value));
        assert_int_equal(value.n, 0);
        assert_false(cedar_policy_annotation(&p->policies[0], "k", &value));
}

static const char templates[] =
        "permit(principal == ?principal, action, resource is T in ?resource);"
        "permit(principal in ?principal, action, resource) when { 1 };"
        "permit(principal, action, resource);";

static void links_fill_the_slots(void **state)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = parsed(SPAN(templates));
        char type[] = "User", id[] = "alice", name[] = "link", of[] = "policy0";
        struct cedar_uid alice = cedar_uid(span_str(type), span_str(id));
        struct cedar_uid set = cedar_uid(SPAN("Set"), SPAN("s"));
        CLEANUP(buf_done) struct buf got = BUF_INIT(DUMP_MAX);
        const struct cedar_policy *link;
        struct err err = { 0 };

        (void)state;
        assert_int_equal(cedar_policies_link(p, span_str(of), span_str(name), &alice, &set, &err),
                         0);
        type[0] = id[0] = name[0] = of[0] = 'x'; /* all was copied */
        link = cedar_policies_find(p, SPAN("link"));
        assert_non_null(link);
        assert_int_equal(p->n, 4);
        assert_true(span_eq_str(link->of, "policy0"));
        dump_policy(&got, link);
        assert_string_equal(buf_cstr(&got), "permit [== User'alice'] [any] [is-in T Set's']");
        assert_true(cedar_policies_find(p, SPAN("policy0"))->template);
}

static void links_that_cannot_be(void **state)
{
        static const struct {
                const char *template, *id;
                bool principal, resource;
                int want;
                const char *text;
        } table[] = {
                { "nothing", "x", true, true, -ENOENT, "no template nothing" },
                { "policy2", "x", false, false, -ENOENT, "policy policy2 is no template" },
                { "policy0", "policy2", true, true, -EEXIST, "there is a policy policy2 already" },
                { "policy0", "x", true, false, -EINVAL, "nothing is said for the slot ?resource" },
                { "policy0", "x", false, true, -EINVAL, "nothing is said for the slot ?principal" },
                { "policy1", "x", true, true, -EINVAL, "the template has no slot ?resource" },
        };
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = parsed(SPAN(templates));
        struct cedar_uid uid = cedar_uid(SPAN("T"), SPAN("x"));

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct err err = { 0 };

                assert_int_equal(cedar_policies_link(p, span_str(table[i].template),
                                                     span_str(table[i].id),
                                                     table[i].principal ? &uid : NULL,
                                                     table[i].resource ? &uid : NULL, &err),
                                 table[i].want);
                assert_string_equal(err_text(&err), table[i].text);
                assert_int_equal(p->n, 3);
        }
}

static void many_links_keep_what_was_there(void **state)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = parsed(SPAN(templates));
        const struct cedar_policy *first = &p->policies[0];
        struct cedar_uid uid = cedar_uid(SPAN("T"), SPAN("x"));
        struct err err = { 0 };

        (void)state;
        for (unsigned i = 0; i < 1000; i++) {
                CLEANUP(buf_done) struct buf id = BUF_INIT(64);

                buf_printf(&id, "link%u", i);
                assert_int_equal(
                        cedar_policies_link(p, SPAN("policy1"), buf_span(&id), &uid, NULL, &err),
                        0);
        }
        assert_int_equal(p->n, 1003);
        assert_true(span_eq_str(first->id, "policy0"));
        assert_true(span_eq_str(p->policies[3].id, "link0"));
        assert_true(span_eq_str(p->policies[1002].id, "link999"));
        assert_int_equal(p->policies[1002].n_conditions, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ids_follow_the_text),
                cmocka_unit_test(links_fill_the_slots),
                cmocka_unit_test(links_that_cannot_be),
                cmocka_unit_test(many_links_keep_what_was_there),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
