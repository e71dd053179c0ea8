/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../world.h"

static struct world world;

struct decided {
        struct cedar_program *program;
        struct cedar_bench *bench;
        struct cedar_answer answer;
};

static void decide(struct decided *d, const struct cedar_policies *policies,
                   const struct cedar_request *request)
{
        if (!d->program) {
                assert_int_equal(cedar_program_new(policies, &d->program, NULL), 0);
                assert_int_equal(cedar_bench_new(d->program, &d->bench), 0);
        }
        cedar_decide(d->program, world.entities, request, d->bench, &d->answer);
}

static void decided_done(struct decided *d)
{
        cedar_bench_free(d->bench);
        cedar_program_free(d->program);
}

/* "policy0 policy2!": reasons, and those that erred. */
static void answer_print(const struct cedar_answer *a, struct buf *out)
{
        buf_put_str(out, a->decision == CEDAR_PERMIT ? "permit" : "forbid");
        for (uint32_t i = 0; i < a->n_reasons; i++) {
                buf_put_byte(out, ' ');
                buf_put(out, a->reasons[i]->id);
        }
        for (uint32_t i = 0; i < a->n_faults; i++) {
                buf_put_byte(out, ' ');
                buf_put(out, a->faults[i].policy->id);
                buf_put_byte(out, '!');
        }
}

#define P "permit(principal,action,resource)"
#define X "forbid(principal,action,resource)"

static void decisions_with_their_reasons(void **state)
{
        static const struct {
                const char *text, *want;
        } table[] = {
                { "", "forbid" },
                { P ";", "permit policy0" },
                { X ";", "forbid policy0" },
                { P ";" X ";" P ";" X ";", "forbid policy1 policy3" },
                { P ";" P ";", "permit policy0 policy1" },
                { P ";" X " when {false};", "permit policy0" },
                { P " when {context.none};" P ";", "permit policy1 policy0!" },
                { P ";" X " when {context.none};", "permit policy0 policy1!" },
                { X " unless {1 == 1 + \"\"};", "forbid policy0!" },
                { X ";" P " when {1};" P " when {2};", "forbid policy0 policy1! policy2!" },
                { P " when {true} unless {false};", "permit policy0" },
                { P " when {true} unless {true};", "forbid" },
                { P " when {context.yes} when {context.yes} unless {context.no};",
                  "permit policy0" },
                { P " when {context.yes} when {context.no} unless {context.none};", "forbid" },
                { P " when {context.no} when {context.none};", "forbid" },
                { P " unless {context.none} when {false};", "forbid policy0!" },
                { P " when {false} unless {context.none};", "forbid" },
                { P " unless {context.n};", "forbid policy0!" },
                { P " when {context.n};", "forbid policy0!" },
                { P " when {context.yes && context.n};", "forbid policy0!" },
                { P " when {if context.yes then context.n else true};", "forbid policy0!" },
                { P " when {if context.no then context.n else context.yes};", "permit policy0" },
                { "permit(principal == ?principal,action,resource);" P ";", "permit policy1" },
                { "permit(principal == User::\"gone\",action,resource) when {context.none};"
                  "permit(principal,action in [],resource) when {context.none};"
                  "permit(principal,action,resource is Album) when {context.none};",
                  "forbid" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct buf out = BUF_INIT(10000);
                struct decided d = { 0 };

                decide(&d, world_parse(&world, table[i].text), &world.request);
                answer_print(&d.answer, &out);
                if (strcmp(buf_cstr(&out), table[i].want) != 0)
                        fail_msg("%s: %s", table[i].text, buf_cstr(&out));
                buf_done(&out);
                decided_done(&d);
        }
}

static void faults_are_told_with_their_policy(void **state)
{
        struct buf out = BUF_INIT(1000);
        struct decided d = { 0 };

        (void)state;
        decide(&d,
               world_parse(&world,
                           P ";\n" X "\nwhen { context.n == 1 }\nunless { context.n < \"\" };"),
               &world.request);
        assert_int_equal(d.answer.n_faults, 1);
        cedar_fault_print(&d.answer.faults[0], &out);
        assert_string_equal(
                buf_cstr(&out),
                "policy1: line 4, column 20: an operand of `<` is of a kind that it does not take");
        buf_done(&out);
        decided_done(&d);
}

static const char *const principals[] = {
        "principal",
        "principal == User::\"alice\"",
        "principal == User::\"gone\"",
        "principal in Group::\"eng\"",
        "principal in Org::\"acme\"",
        "principal in User::\"bob\"",
        "principal is User",
        "principal is Photo",
        "principal is User in Group::\"ops\"",
        "principal is Group in Org::\"acme\"",
};
static const char *const actions[] = {
        "action",
        "action == Action::\"view\"",
        "action in Action::\"any\"",
        "action in [Action::\"write\", Action::\"read\", Action::\"read\"]",
        "action in []",
        "action in [Action::\"view\"]",
};
static const char *const resources[] = {
        "resource",
        "resource == Photo::\"p\"",
        "resource in Album::\"a\"",
        "resource is Photo",
        "resource is Photo in Album::\"a\"",
        "resource is Album",
        "resource in Photo::\"p\"",
};
static const char *const conditions[] = {
        "",
        "when {context.yes}",
        "when {context.none}",
        "unless {principal has age}",
        "when {resource.owner == principal}",
};
static const char *const uids[][3] = {
        { "User::\"alice\"", "User::\"bob\"", "User::\"gone\"" },
        { "Action::\"view\"", "Action::\"read\"", "Action::\"write\"" },
        { "Photo::\"p\"", "Album::\"a\"", "Group::\"eng\"" },
};

static bool scope_holds(const struct cedar_scope *s, const struct cedar_uid *uid)
{
        bool in = s->kind != SCOPE_IN_LIST;

        if ((s->kind == SCOPE_IS || s->kind == SCOPE_IS_IN) && !span_eq(s->type, uid->type))
                return false;
        if (s->kind == SCOPE_EQ)
                return cedar_uid_eq(uid, &s->uids[0]);
        if (s->kind == SCOPE_IN || s->kind == SCOPE_IS_IN)
                return cedar_entities_in(world.entities, uid, &s->uids[0]);
        for (uint32_t i = 0; s->kind == SCOPE_IN_LIST && !in && i < s->n; i++)
                in = cedar_entities_in(world.entities, uid, &s->uids[i]);
        return in;
}

/* 1 holds, 0 holds not, -1 errs: without any index or compiled condition. */
static int policy_holds(const struct cedar_policy *p, const struct cedar_request *r)
{
        if (!scope_holds(&p->principal, &r->principal) || !scope_holds(&p->action, &r->action) ||
            !scope_holds(&p->resource, &r->resource))
                return 0;
        for (uint32_t i = 0; i < p->n_conditions; i++) {
                struct cedar_fault_at fault;
                struct cedar_value v;

                if (cedar_evaluate(p->conditions[i].expr, world.entities, r, &world.arena, &v,
                                   &fault))
                        return -1;
                if (v.kind != CEDAR_BOOL)
                        return -1;
                if (v.boolean == p->conditions[i].unless)
                        return 0;
        }
        return 1;
}

static void check_by_each_policy(const struct cedar_policies *policies,
                                 const struct cedar_request *request, const struct cedar_answer *a)
{
        enum cedar_effect reason = CEDAR_PERMIT;
        uint32_t reasons = 0, faults = 0;

        for (uint32_t i = 0; i < policies->n; i++)
                if (policies->policies[i].effect == CEDAR_FORBID &&
                    policy_holds(&policies->policies[i], request) == 1)
                        reason = CEDAR_FORBID;
        for (uint32_t i = 0; i < policies->n; i++) {
                const struct cedar_policy *p = &policies->policies[i];
                int holds = policy_holds(p, request);

                if (holds == 1 && p->effect == reason)
                        assert_ptr_equal(a->reasons[reasons++], p);
                if (holds < 0)
                        assert_ptr_equal(a->faults[faults++].policy, p);
        }
        assert_int_equal(a->n_reasons, reasons);
        assert_int_equal(a->n_faults, faults);
        assert_int_equal(a->decision,
                         reasons && reason == CEDAR_PERMIT ? CEDAR_PERMIT : CEDAR_FORBID);
}

/* All scopes by all scopes, first as permits only, so that reasons are many. */
static const struct cedar_policies *all_scopes(bool forbids)
{
        struct buf text = BUF_INIT(4 << 20);
        const struct cedar_policies *policies;
        size_t n = 0;

        for (size_t p = 0; p < ARRAY_LEN(principals); p++)
                for (size_t a = 0; a < ARRAY_LEN(actions); a++)
                        for (size_t r = 0; r < ARRAY_LEN(resources); r++, n++)
                                buf_printf(&text, "%s(%s,%s,%s) %s;\n",
                                           forbids && n % 7 == 3 ? "forbid" : "permit",
                                           principals[p], actions[a], resources[r],
                                           conditions[n % ARRAY_LEN(conditions)]);
        policies = world_parse(&world, buf_cstr(&text));
        assert_int_equal(policies->n, n);
        buf_done(&text);
        return policies;
}

/* ... and none of that allocates. */
static void the_index_finds_what_each_policy_says(void **state)
{
        (void)state;
        for (int forbids = 0; forbids < 2; forbids++) {
                const struct cedar_policies *policies = all_scopes(forbids);
                struct decided d = { 0 };

                decide(&d, policies, &world.request);
                for (int i = 0; i < 27; i++) {
                        struct cedar_request request = world.request;

                        request.principal = world_uid(&world, uids[0][i % 3]);
                        request.action = world_uid(&world, uids[1][i / 3 % 3]);
                        request.resource = world_uid(&world, uids[2][i / 9]);
                        alloc_fail_nth = 1;
                        decide(&d, policies, &request);
                        assert_int_equal(alloc_fail_nth, 1); /* else one was asked for */
                        alloc_fail_nth = 0;
                        check_by_each_policy(policies, &request, &d.answer);
                }
                decided_done(&d);
        }
}

/* Everything that needs room, twice over: what the compiler said is enough. */
static void sets_records_and_addresses_have_room(void **state)
{
        static const char text[] =
                P " when { [context.n, [context.n, {a: context.s, b: [context, principal]}]]"
                  ".contains([{b: [principal, context], a: \"text\"}, 1]) };" P
                  " when { ip(if context.yes then \"10.0.0.7\" else \"\") == context.ip &&"
                  " [ip(if context.yes then \"1::\" else \"\"), ip(\"1::\")] == [ip(\"1::\")] };" P
                  " when { {a: {b: {c: [context.n]}}}.a.b.c.contains(1) };";
        const struct cedar_policies *policies = world_parse(&world, text);
        struct decided d = { 0 };

        (void)state;
        decide(&d, policies, &world.request);
        alloc_fail_nth = 1;
        for (int i = 0; i < 3; i++)
                decide(&d, policies, &world.request);
        assert_int_equal(alloc_fail_nth, 1);
        alloc_fail_nth = 0;
        assert_int_equal(d.answer.n_reasons, 3);
        assert_int_equal(d.answer.n_faults, 0);
        decided_done(&d);
}

/* Attributes are looked up once a decision: not once for all of them. */
static void each_request_has_attributes_of_its_own(void **state)
{
        enum { N = 300 };
        struct buf text = BUF_INIT(1 << 20), context = BUF_INIT(1 << 20);
        struct cedar_request full = world.request, half = world.request;
        const struct cedar_policies *policies;
        struct decided d = { 0 };

        (void)state;
        for (int i = 0; i < N; i++)
                buf_printf(&text, P " when { context.f%d == %d && context has f%d };", i, i, i);
        for (int i = 0; i < N; i++)
                buf_printf(&context, "%s f%d: %d", i ? "," : "{", i, i);
        buf_put_str(&context, "}");
        full.context = world_value(&world, buf_cstr(&context));
        half.context = (struct cedar_value){ .kind = CEDAR_RECORD,
                                             .n = N / 2,
                                             .fields = full.context.fields };
        policies = world_parse(&world, buf_cstr(&text));
        for (int round = 0; round < 2; round++) {
                decide(&d, policies, &full);
                assert_int_equal(d.answer.n_reasons, N);
                assert_int_equal(d.answer.n_faults, 0);
                decide(&d, policies, &half);
                assert_int_equal(d.answer.n_reasons, N / 2);
                assert_int_equal(d.answer.n_faults, N - N / 2);
                for (uint32_t i = 0; i < d.answer.n_faults; i++)
                        assert_int_equal(d.answer.faults[i].fault, FAULT_NO_ATTRIBUTE);
        }
        decided_done(&d);
        buf_done(&text);
        buf_done(&context);
}

static void memory_may_end(const struct cedar_policies *policies)
{
        int r = -ENOMEM;

        for (size_t nth = 1; r; nth++) {
                struct cedar_program *program = NULL;
                struct cedar_bench *bench = NULL;
                struct err err = { 0 };

                alloc_fail_nth = nth;
                r = cedar_program_new(policies, &program, &err);
                assert_int_equal(err.code, r);
                if (r == 0)
                        r = cedar_bench_new(program, &bench);
                alloc_fail_nth = 0;
                assert_true(r == 0 ? nth > 20 : r == -ENOMEM);
                cedar_bench_free(bench);
                cedar_program_free(program);
        }
}

/* The second has constants of each kind to fold, and steps that make the list of them grow. */
static void memory_may_end_anywhere(void **state)
{
        struct buf text = BUF_INIT(1 << 20);

        (void)state;
        memory_may_end(all_scopes(true));
        for (int i = 0; i < 20; i++)
                buf_printf(&text,
                           P " when { [%d, [1, {a: [ip(\"::%d\")], b: !(1 + 1 < 2)}]].contains("
                             "context.n) } unless { {a: context.s, b: decimal(\"1.%d\")} == context"
                             " && (if true then ip(context.s).isIpv6() else false) };",
                           i, i, i);
        memory_may_end(world_parse(&world, buf_cstr(&text)));
        buf_done(&text);
}

static int begin(void **state)
{
        (void)state;
        world_init(&world);
        return 0;
}

static int end(void **state)
{
        (void)state;
        world_done(&world);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(decisions_with_their_reasons),
                cmocka_unit_test(faults_are_told_with_their_policy),
                cmocka_unit_test(the_index_finds_what_each_policy_says),
                cmocka_unit_test(sets_records_and_addresses_have_room),
                cmocka_unit_test(each_request_has_attributes_of_its_own),
                cmocka_unit_test(memory_may_end_anywhere),
        };
        return cmocka_run_group_tests(tests, begin, end);
}
