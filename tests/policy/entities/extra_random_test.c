/* SPDX-License-Identifier: Apache-2.0 */
/* Stores, requests and entities of requests made by chance: each is decided as by a store that was
 * made anew with those entities inside. */
#include "policy/entities/extra.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../chance.h"
#include "policy/parse/parse.h"

enum { CASES = 20000, IDS = 9, PARENTS = 3, KEYS = 3 };

static const char *const ids[IDS] = { "0", "1", "2", "3", "4", "5", "6", "7", "8" };
static const char *const keys[KEYS] = { "a", "b", "c" };

/* All are actions, so that scopes can ask for each.  One as it is given, to a store or a request.
 */
struct given {
        struct cedar_uid parents[PARENTS];
        struct cedar_field attrs[KEYS], tags[KEYS];
        struct cedar_entity entity;
};

struct random_case {
        struct given store[IDS], extra[CEDAR_EXTRA_MAX];
        bool there[IDS];
        uint32_t n_extra;
        struct cedar_uid uids[IDS]; /* what attributes point at */
        struct cedar_field context;
        struct cedar_request request;
};

static struct cedar_uid uid_of(uint32_t i)
{
        return cedar_uid(SPAN("Action"), span_str(ids[i]));
}

static void make_record(struct chance *c, const struct random_case *x, struct cedar_field *fields,
                        struct cedar_value *ret)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < KEYS; i++)
                if (chance_below(c, 2))
                        fields[n++] = (struct cedar_field){
                                span_str(keys[i]),
                                chance_below(c, 3) ? cedar_number(CEDAR_LONG, chance_below(c, 3))
                                                   : cedar_entity_of(&x->uids[chance_below(c, IDS)])
                        };
        *ret = (struct cedar_value){ .kind = CEDAR_RECORD, .n = n, .fields = fields };
}

/* Mostly parents of greater numbers: else most would descend from themselves. */
static void make_given(struct chance *c, const struct random_case *x, uint32_t id, struct given *g)
{
        g->entity = (struct cedar_entity){ .uid = uid_of(id), .parents = g->parents };
        g->entity.n_parents = chance_below(c, PARENTS + 1);
        for (uint32_t i = 0; i < g->entity.n_parents; i++) {
                uint32_t above = id + 1 < IDS ? id + 1 + chance_below(c, IDS - id - 1) : id;

                if (chance_below(c, 40) == 0 || above == id)
                        above = chance_below(c, IDS);
                g->parents[i] = uid_of(above);
        }
        if (id + 1 == IDS && chance_below(c, 4))
                g->entity.n_parents = 0;
        make_record(c, x, g->attrs, &g->entity.attrs);
        make_record(c, x, g->tags, &g->entity.tags);
}

static bool is_extra(const struct random_case *x, uint32_t id)
{
        for (uint32_t i = 0; i < x->n_extra; i++)
                if (span_eq_str(x->extra[i].entity.uid.id, ids[id]))
                        return true;
        return false;
}

static void make_case(struct chance *c, struct random_case *x)
{
        uint32_t many = chance_below(c, 3) ? 1 : 1 + chance_below(c, CEDAR_EXTRA_MAX);

        *x = (struct random_case){ 0 };
        for (uint32_t i = 0; i < IDS; i++)
                x->uids[i] = uid_of(i);
        for (uint32_t i = 0; i < IDS; i++) {
                x->there[i] = chance_below(c, 4) > 0;
                make_given(c, x, i, &x->store[i]);
        }
        for (uint32_t id = chance_below(c, IDS); x->n_extra < many; id = chance_below(c, IDS))
                if (!is_extra(x, id)) {
                        make_given(c, x, id, &x->extra[x->n_extra]);
                        x->n_extra++;
                }
        x->request.principal =
                chance_below(c, 3) ? x->extra[0].entity.uid : uid_of(chance_below(c, IDS));
        x->request.action = uid_of(chance_below(c, IDS));
        x->request.resource = uid_of(chance_below(c, IDS));
        x->context = (struct cedar_field){ SPAN("who"),
                                           cedar_entity_of(&x->uids[chance_below(c, IDS)]) };
        x->request.context =
                (struct cedar_value){ .kind = CEDAR_RECORD, .n = 1, .fields = &x->context };
}

/* ---- the store made anew ---- */

/* What both say, the first one first. */
static void both(const struct cedar_value *first, const struct cedar_value *more,
                 struct cedar_field *room, struct cedar_value *ret)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < first->n; i++)
                room[n++] = first->fields[i];
        for (uint32_t i = 0; i < more->n; i++)
                if (!cedar_record_get(first, more->fields[i].key))
                        room[n++] = more->fields[i];
        assert_true(cedar_record_of(room, n, ret));
}

static void add_both(struct cedar_entities *e, const struct cedar_entity *a,
                     const struct cedar_entity *b)
{
        struct cedar_field *room =
                arena_alloc(cedar_entities_arena(e), (size_t)2 * KEYS * sizeof *room);
        struct cedar_uid parents[2 * PARENTS];
        struct cedar_entity all = { .uid = a->uid, .parents = parents };

        for (uint32_t i = 0; i < a->n_parents; i++)
                parents[all.n_parents++] = a->parents[i];
        for (uint32_t i = 0; i < b->n_parents; i++)
                parents[all.n_parents++] = b->parents[i];
        both(&a->attrs, &b->attrs, room, &all.attrs);
        both(&a->tags, &b->tags, room + KEYS, &all.tags);
        assert_int_equal(cedar_entities_add(e, &all, NULL), 0);
}

/* rebuilt: with the entities of the request.  What sealing says. */
static int fill(const struct random_case *x, bool rebuilt, struct cedar_entities *e)
{
        for (uint32_t i = 0; i < IDS; i++) {
                if (x->there[i] && !(rebuilt && is_extra(x, i)))
                        assert_int_equal(cedar_entities_add(e, &x->store[i].entity, NULL), 0);
        }
        for (uint32_t i = 0; rebuilt && i < x->n_extra; i++) {
                const struct cedar_entity *extra = &x->extra[i].entity;
                uint32_t id = extra->uid.id.p[0] - (uint32_t)'0';

                if (x->there[id])
                        add_both(e, &x->store[id].entity, extra);
                else
                        assert_int_equal(cedar_entities_add(e, extra, NULL), 0);
        }
        return cedar_entities_seal(e, NULL);
}

/* ---- policies ---- */

/* All that can be asked, of each entity and each two of them. */
static void put_policies(struct buf *out)
{
        static const char *const of_one[] = {
                "permit(principal in Action::\"%s\",action,resource);",
                "permit(principal,action in Action::\"%s\",resource);",
                "permit(principal,action,resource in Action::\"%s\");",
                "permit(principal is Action in Action::\"%s\",action,resource);",
                "permit(principal == Action::\"%s\",action,resource);",
                "permit(principal,action,resource) when {principal in Action::\"%s\"};",
                "permit(principal,action,resource) when {resource is Action in Action::\"%s\"};",
                "permit(principal,action,resource) when {context.who in [Action::\"%s\", action]};",
                "permit(principal,action,resource) when {Action::\"%s\".a == principal.a};",
                "permit(principal,action,resource) when {Action::\"%s\" has b};",
                "permit(principal,action,resource) when {Action::\"%s\".c == 1};",
                "permit(principal,action,resource) when {Action::\"%s\".hasTag(\"a\")};",
                "permit(principal,action,resource) when {Action::\"%s\".getTag(\"b\") == 1};",
        };
        static const char more[] =
                "permit(principal,action,resource) when {principal.a == 1};"
                "permit(principal,action,resource) when {principal has b && principal.b == 2};"
                "permit(principal,action,resource) when {principal.a.b == 1};"
                "permit(principal,action,resource) when {principal.a in resource};"
                "permit(principal,action,resource) when {resource.c in principal};"
                "permit(principal,action,resource) when {context.who.a in context.who};"
                "permit(principal,action,resource) when {context.who has a.b};"
                "permit(principal,action,resource) when {action.getTag(\"c\") == 1};"
                "forbid(principal in Action::\"7\",action,resource) when {principal.b == 2};"
                "forbid(principal,action,resource in Action::\"8\") when {principal.c == 1};";

        for (size_t i = 0; i < ARRAY_LEN(of_one); i++)
                for (uint32_t id = 0; id < IDS; id++) {
                        const char *at = strstr(of_one[i], "%s");

                        buf_put(out, span_of(of_one[i], (size_t)(at - of_one[i])));
                        buf_put_str(out, ids[id]);
                        buf_put_str(out, at + 2);
                }
        for (uint32_t a = 0; a < IDS; a++)
                for (uint32_t b = 0; b < IDS; b++)
                        buf_printf(out,
                                   "permit(principal,action,resource) when"
                                   " {Action::\"%s\" in Action::\"%s\"};",
                                   ids[a], ids[b]);
        buf_put_str(out, more);
}

/* ---- and both asked ---- */

struct asked {
        const struct cedar_program *program;
        struct cedar_bench *bench, *other;
        uint32_t cases, loops, permits, forbids, changed;
};

static bool same(const struct cedar_answer *a, const struct cedar_answer *b)
{
        if (a->decision != b->decision || a->n_reasons != b->n_reasons ||
            a->n_faults != b->n_faults)
                return false;
        for (uint32_t i = 0; i < a->n_reasons; i++)
                if (a->reasons[i] != b->reasons[i])
                        return false;
        for (uint32_t i = 0; i < a->n_faults; i++)
                if (a->faults[i].policy != b->faults[i].policy ||
                    a->faults[i].fault != b->faults[i].fault ||
                    a->faults[i].expr != b->faults[i].expr)
                        return false;
        return true;
}

static void ask(struct asked *k, const struct random_case *x, const struct cedar_entities *e,
                const struct cedar_entities *rebuilt, const struct cedar_entity *extra,
                uint64_t seed)
{
        struct cedar_request with = x->request;
        struct cedar_answer a, b;

        with.extra = extra;
        with.n_extra = x->n_extra;
        cedar_decide(k->program, rebuilt, &x->request, k->other, &b);
        cedar_decide(k->program, e, &with, k->bench, &a);
        if (!same(&a, &b))
                fail_msg("case %llu: %u and %u reasons, %u and %u faults", (unsigned long long)seed,
                         a.n_reasons, b.n_reasons, a.n_faults, b.n_faults);
        k->permits += b.decision == CEDAR_PERMIT;
        k->forbids += b.decision == CEDAR_FORBID;
        cedar_decide(k->program, e, &x->request, k->bench, &a);
        k->changed += !same(&a, &b);
}

static void check_case(struct asked *k, uint64_t seed)
{
        CLEANUP(cedar_entities_freep) struct cedar_entities *e = NULL, *rebuilt = NULL;
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct cedar_entity extra[CEDAR_EXTRA_MAX];
        struct chance c = chance_of(seed);
        struct random_case x;
        int want, got;

        make_case(&c, &x);
        assert_int_equal(cedar_entities_new(&e), 0);
        assert_int_equal(cedar_entities_new(&rebuilt), 0);
        if (fill(&x, false, e) < 0)
                return;
        want = fill(&x, true, rebuilt);
        for (uint32_t i = 0; i < x.n_extra; i++)
                extra[i] = x.extra[i].entity;
        got = cedar_extra_complete(e, extra, x.n_extra, &arena, NULL);
        if (got != want)
                fail_msg("case %llu: %d, not %d", (unsigned long long)seed, got, want);
        k->loops += want == -ELOOP;
        k->cases += want == 0;
        if (want == 0)
                ask(k, &x, e, rebuilt, extra, seed);
}

static void as_a_store_made_anew(void **state)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *policies = NULL;
        CLEANUP(cedar_program_freep) struct cedar_program *program = NULL;
        CLEANUP(cedar_bench_freep) struct cedar_bench *bench = NULL, *other = NULL;
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
        struct asked k = { 0 };

        (void)state;
        put_policies(&text);
        assert_int_equal(cedar_parse(buf_span(&text), &policies, NULL), 0);
        assert_int_equal(cedar_program_new(policies, &program, NULL), 0);
        assert_int_equal(cedar_bench_new(program, &bench), 0);
        assert_int_equal(cedar_bench_new(program, &other), 0);
        k.program = program;
        k.bench = bench;
        k.other = other;
        for (uint64_t seed = 1; seed <= CASES; seed++)
                check_case(&k, seed);
        print_message("%u cases: %u permitted, %u not, %u otherwise without; %u refused\n", k.cases,
                      k.permits, k.forbids, k.changed, k.loops);
        /* of all kinds there are many, else this shows little */
        assert_true(k.cases > CASES / 2 && k.loops > CASES / 50);
        assert_true(k.permits > CASES / 10 && k.forbids > CASES / 50 && k.changed > CASES / 10);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(as_a_store_made_anew),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
