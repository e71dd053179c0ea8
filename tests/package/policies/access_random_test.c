/* SPDX-License-Identifier: Apache-2.0 */
/* Policies and groups made by chance: what access.h says of kinds of callers is held against every
 * set of groups, each with what a call and a token may bring, decided as the gateway does. */
#include "package/policies/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../chance.h"
#include "../model_package.h"
#include "package/call/caller.h"
#include "package/policies/question.h"

/* GROUPS: the last one is none of the package's. */
enum { CASES = 1500, POLICIES = 6, GROUPS = 5, SETS = 1 << GROUPS, BRANCHES = 3, CONTEXTS = 12 };

static const char model[] =
        "{\"name\":\"bank\",\"groups\":true,\"claims\":[\"branch\"],\"classes\":[\"pii\"],"
        "\"operations\":[{\"id\":\"look\",\"reads\":[\"pii\"]}]}";

static const struct span groups[GROUPS] = { SPAN_INIT("a"), SPAN_INIT("b"), SPAN_INIT("c"),
                                            SPAN_INIT("d"), SPAN_INIT("x") };
static const struct span claim[] = { SPAN_INIT("branch") };
static const struct config_identity identity = { .scheme = SPAN_INIT("a"),
                                                 .kind = CONFIG_JWT,
                                                 .groups = SPAN_INIT("groups"),
                                                 .claims = claim,
                                                 .n_claims = 1 };
static const uint32_t scheme[] = { 0 };
static const struct api_security security[] = { { scheme, 1 } };

struct case_of {
        struct chance c;
        struct buf policies, entities;
        struct model_package x;
        struct arena arena;
        struct api_questions questions;
        struct cedar_bench *bench;
        unsigned saw[SETS][CONTEXTS]; /* enum access_sees */
        bool implied;
        unsigned rows;
};

static uint32_t below(struct case_of *k, uint32_t n)
{
        return chance_below(&k->c, n);
}

/* ---- made by chance ---- */

static char any_group(struct case_of *k)
{
        return (char)groups[below(k, GROUPS - 1)].p[0];
}

static void put_expr(struct case_of *k, unsigned depth)
{
        struct buf *out = &k->policies;
        char a = any_group(k), b = any_group(k);

        switch (below(k, depth ? 8 : 5)) {
        case 0:
                buf_printf(out, "principal in Group::\"%c\"", a);
                break;
        case 1:
                buf_put_str(out, "context.address.isIpv4()");
                break;
        case 2:
                buf_put_str(out, "context.time > datetime(\"2026-01-01\")");
                break;
        case 3:
                buf_put_str(out, "(principal has branch && principal.branch == \"north\")");
                break;
        case 4:
                buf_printf(out, "principal in [Group::\"%c\", Group::\"%c\"]", a, b);
                break;
        case 5:
                buf_put_str(out, "!(");
                put_expr(k, depth - 1);
                buf_put_str(out, ")");
                break;
        default:
                buf_put_str(out, "(");
                put_expr(k, depth - 1);
                buf_put_str(out, below(k, 2) ? " && " : " || ");
                put_expr(k, depth - 1);
                buf_put_str(out, ")");
        }
}

static void put_policy(struct case_of *k)
{
        static const char *const actions[] = { "== Action::\"look\"", "in Action::\"read\"",
                                               "in Action::\"readMasked\"", "in Action::\"read\"" };
        struct buf *out = &k->policies;
        uint32_t action = below(k, ARRAY_LEN(actions) + 1);

        buf_put_str(out, below(k, 4) ? "permit (principal" : "forbid (principal");
        if (below(k, 2))
                buf_printf(out, " in Group::\"%c\"", any_group(k));
        buf_put_str(out, ", action ");
        buf_put_str(out, action < ARRAY_LEN(actions) ? actions[action] : "");
        buf_put_str(out, ", resource)");
        for (uint32_t n = below(k, 3); n > 0; n--) {
                buf_put_str(out, below(k, 3) ? " when { " : " unless { ");
                put_expr(k, 2);
                buf_put_str(out, " }");
        }
        buf_put_str(out, ";\n");
}

/* Each may be in one that comes behind it. */
static void put_entities(struct case_of *k)
{
        for (unsigned i = 0; i < GROUPS - 1; i++) {
                unsigned in = i + 1 + below(k, GROUPS);

                buf_printf(&k->entities,
                           "%s{\"uid\":{\"type\":\"Group\",\"id\":\"%c\"},\"attrs\":{},"
                           "\"parents\":[",
                           i == 0 ? "[" : ",", groups[i].p[0]);
                if (in < GROUPS - 1 && below(k, 2))
                        buf_printf(&k->entities, "{\"type\":\"Group\",\"id\":\"%c\"}",
                                   groups[in].p[0]);
                buf_put_str(&k->entities, "]}");
        }
        buf_put_str(&k->entities, "]");
}

static void begin(struct case_of *k, uint64_t seed)
{
        struct api_operation *o;

        *k = (struct case_of){ .c = chance_of(seed),
                               .policies = BUF_INIT(1 << 16),
                               .entities = BUF_INIT(1 << 16),
                               .arena = ARENA_INIT(64 << 20) };
        buf_put_str(&k->policies, "permit (principal, action == Action::\"look\", resource)"
                                  " when { context.address.isIpv6() };\n");
        for (uint32_t n = 1 + below(k, POLICIES); n > 0; n--)
                put_policy(k);
        put_entities(k);
        model_package_init(&k->x, SPAN(model), "", buf_cstr(&k->policies), buf_cstr(&k->entities));
        k->x.p.config.identities = &identity;
        k->x.p.config.n_identities = 1;
        o = (struct api_operation *)(uintptr_t)&k->x.m.api.operations[0];
        o->security = security;
        o->n_security = 1;
        assert_int_equal(api_questions(&k->x.m.api, &k->arena, &k->questions), 0);
        assert_int_equal(cedar_bench_new(k->x.program, &k->bench), 0);
}

static void done(struct case_of *k)
{
        cedar_bench_free(k->bench);
        model_package_done(&k->x);
        arena_done(&k->arena);
        buf_done(&k->policies);
        buf_done(&k->entities);
}

/* ---- decided as the gateway does ---- */

static bool ask(struct case_of *k, const struct cedar_entity *caller,
                const struct cedar_value *context, const struct cedar_uid *action,
                const struct cedar_uid *resource)
{
        const struct cedar_request q = { .principal = caller->uid,
                                         .action = *action,
                                         .resource = *resource,
                                         .context = *context,
                                         .extra = caller,
                                         .n_extra = 1 };
        struct cedar_answer a;

        cedar_decide(k->x.program, k->x.entities, &q, k->bench, &a);
        for (uint32_t i = 0; i < a.n_faults; i++)
                if (a.faults[i].policy->effect == CEDAR_FORBID)
                        return false;
        return a.decision == CEDAR_PERMIT;
}

static unsigned sees(struct case_of *k, const struct cedar_entity *caller,
                     const struct cedar_value *context)
{
        const struct cedar_uid api = cedar_uid(SPAN("Api"), SPAN("bank"));
        const struct api_questions *q = &k->questions;

        if (!ask(k, caller, context, &q->actions[0], &api))
                return ACCESS_WITHHELD;
        if (ask(k, caller, context, &q->reads[0], &q->classes[0]))
                return ACCESS_CLEAR;
        return ask(k, caller, context, &q->masked[0], &q->classes[0]) ? ACCESS_MASKED
                                                                      : ACCESS_WITHHELD;
}

static void make_caller(struct case_of *k, unsigned set, unsigned branch, struct cedar_entity *ret)
{
        static const struct span branches[BRANCHES] = { { 0 },
                                                        SPAN_INIT("north"),
                                                        SPAN_INIT("south") };
        struct span *in = arena_alloc(&k->arena, sizeof groups);
        struct caller_proof proof = {
                .identity = &identity, .id = SPAN("zoe"), .groups = in, .claims = &branches[branch]
        };
        struct err err = { 0 };

        assert_non_null(in);
        for (unsigned i = 0; i < GROUPS; i++)
                if (set >> i & 1)
                        in[proof.n_groups++] = groups[i];
        if (package_caller(&k->x.p, &proof, &k->arena, ret, &err) < 0)
                fail_msg("%s", err_text(&err));
}

static void see_all(struct case_of *k)
{
        static const struct cedar_ip ips[] = { { .address = { 10 }, .prefix = 32 },
                                               { .address = { 0x20 }, .prefix = 128, .v6 = true } };
        static const int64_t times[] = { 0, INT64_C(1900000000000) };

        for (unsigned set = 0; set < SETS; set++)
                for (unsigned i = 0; i < CONTEXTS; i++) {
                        struct cedar_field fields[] = {
                                { SPAN("address"), { .kind = CEDAR_IP, .ip = &ips[i / 6] } },
                                { SPAN("time"), cedar_number(CEDAR_DATETIME, times[i / 3 % 2]) },
                        };
                        struct cedar_value context;
                        struct cedar_entity caller;

                        assert_true(cedar_record_of(fields, ARRAY_LEN(fields), &context));
                        make_caller(k, set, i % BRANCHES, &caller);
                        k->saw[set][i] = sees(k, &caller, &context);
                }
}

/* ---- held against what is said ---- */

static unsigned place_of(struct span group)
{
        unsigned i = 0;

        while (!span_eq(groups[i], group))
                i++;
        return i;
}

static void holds_of(struct case_of *k, const struct access_row *r, unsigned set)
{
        for (unsigned i = 0; i < CONTEXTS; i++)
                if (!(k->saw[set][i] & r->sees))
                        fail_msg("%s%s\n%s, groups %u, context %u: sees %u, said was %u",
                                 buf_cstr(&k->policies), buf_cstr(&k->entities),
                                 access_kind_name(r->who->kind), set, i, k->saw[set][i], r->sees);
}

static int take(void *ctx, const struct access_row *r, struct err *err)
{
        struct case_of *k = ctx;

        (void)err;
        k->rows++;
        if (r->who->kind == ACCESS_MEMBER)
                holds_of(k, r, 1u << place_of(r->who->groups[0]));
        else if (r->who->kind == ACCESS_OTHER)
                holds_of(k, r, 0);
        else if (r->who->kind == ACCESS_SEVERAL)
                for (unsigned set = 0; set < SETS; set++)
                        holds_of(k, r, set);
        if (r->who->kind == ACCESS_SEVERAL)
                k->implied = r->implied;
        return 0;
}

/* In clear is the least bit. */
static bool one_sees(const struct case_of *k, unsigned set, unsigned context)
{
        bool as_much = k->saw[0][context] <= k->saw[set][context];

        for (unsigned i = 0; i < GROUPS; i++)
                as_much = as_much ||
                          ((set >> i & 1) && k->saw[1u << i][context] <= k->saw[set][context]);
        return as_much;
}

/* Whether nobody sees more in several groups than in one of them. */
static bool nobody_gains(const struct case_of *k, unsigned *ret_set, unsigned *ret_context)
{
        for (unsigned set = 0; set < SETS; set++)
                for (unsigned i = 0; i < CONTEXTS; i++)
                        if (!one_sees(k, set, i)) {
                                *ret_set = set;
                                *ret_context = i;
                                return false;
                        }
        return true;
}

static void what_is_said_is_so(void **state)
{
        unsigned implied = 0, gains = 0;

        (void)state;
        for (uint64_t seed = 0; seed < CASES; seed++) {
                struct case_of k;
                struct err err = { 0 };
                unsigned set = 0, context = 0;
                bool none;

                begin(&k, seed);
                see_all(&k);
                if (package_access(&k.x.p, &(struct access_asked){ 0 }, take, &k, &err) < 0)
                        fail_msg("%s", err_text(&err));
                assert_true(k.rows >= GROUPS);
                none = nobody_gains(&k, &set, &context);
                if (k.implied && !none)
                        fail_msg("%s%s\nseed %u: groups %u see more in context %u",
                                 buf_cstr(&k.policies), buf_cstr(&k.entities), (unsigned)seed, set,
                                 context);
                implied += k.implied;
                gains += !none;
                done(&k);
        }
        assert_true(implied > CASES / 10); /* worth asking */
        assert_true(gains > CASES / 20);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_said_is_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
