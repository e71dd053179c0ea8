/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - compiled policies, and decisions by them.  Floor 2, pure. */
#include "policy/evaluate/program.h"

#include <stdlib.h>

#include "policy/evaluate/code.h"
#include "policy/evaluate/scope_index.h"

/* The steps of its conditions; none: they always hold. */
struct compiled {
        const struct cedar_policy *policy;
        uint32_t from, to;
};

struct cedar_program {
        struct arena arena; /* constants */
        struct compiled *list;
        uint32_t n;
        struct cedar_coder coder;
        struct cedar_scope_index *index;
};

enum { ARENA_MAX = 1024 * 1024 * 1024 };

struct cedar_bench {
        const struct cedar_program *program; /* whose sizes all that follows has */
        uint64_t *sets;                      /* for the index */
        struct cedar_value *stack;
        uint8_t *room;
        struct cedar_place *places;
        uint64_t turn;
        const struct cedar_policy **permits, **forbids; /* that hold */
        struct cedar_fault_at *faults;
};

/* All that is no template, in their order. */
static int take_policies(struct cedar_program *p, const struct cedar_policies *policies)
{
        const struct cedar_policy **list =
                calloc((size_t)policies->n + 1, sizeof(struct cedar_policy *));
        int r;

        p->list = calloc((size_t)policies->n + 1, sizeof *p->list);
        if (!list || !p->list) {
                free(list);
                return -ENOMEM;
        }
        for (uint32_t i = 0; i < policies->n; i++) {
                if (policies->policies[i].template)
                        continue;
                list[p->n] = &policies->policies[i];
                p->list[p->n++].policy = &policies->policies[i];
        }
        r = cedar_scope_index_new(list, p->n, &p->index);
        free(list);
        return r;
}

static int compile(struct cedar_program *p)
{
        struct cedar_coder *c = &p->coder;

        for (uint32_t i = 0; c->status == 0 && i < p->n; i++) {
                struct compiled *one = &p->list[i];

                one->from = c->n;
                cedar_code_policy(c, one->policy);
                if (c->status == 0 && cedar_code_is_bool(c, one->from, true))
                        c->n = one->from;
                one->to = c->n;
        }
        return c->status;
}

int cedar_program_new(const struct cedar_policies *policies, struct cedar_program **ret,
                      struct err *err)
{
        struct cedar_program *p = calloc(1, sizeof *p);
        int r = -ENOMEM;

        if (p) {
                p->arena = ARENA_INIT(ARENA_MAX);
                p->coder.arena = &p->arena;
                r = take_policies(p, policies);
        }
        if (r == 0)
                r = compile(p);
        if (r) {
                cedar_program_free(p);
                return err_set(err, r,
                               r == -E2BIG ? "too many operators in all policies"
                                           : "no memory to compile the policies");
        }
        *ret = p;
        return 0;
}

struct cedar_program *cedar_program_free(struct cedar_program *p)
{
        if (p) {
                cedar_scope_index_free(p->index);
                cedar_coder_done(&p->coder);
                arena_done(&p->arena);
                free(p->list);
                free(p);
        }
        return NULL;
}

int cedar_bench_new(const struct cedar_program *p, struct cedar_bench **ret)
{
        struct cedar_bench *b = calloc(1, sizeof *b);

        if (!b)
                return -ENOMEM;
        b->program = p;
        b->sets = calloc(2 * (size_t)cedar_scope_index_words(p->index) + 1, sizeof *b->sets);
        b->stack = calloc((size_t)p->coder.max_depth + 1, sizeof *b->stack);
        b->room = calloc(p->coder.max_room + 1, 1);
        b->places = calloc((size_t)p->coder.places.n + 1, sizeof *b->places);
        b->permits = calloc((size_t)p->n + 1, sizeof(struct cedar_policy *));
        b->forbids = calloc((size_t)p->n + 1, sizeof(struct cedar_policy *));
        b->faults = calloc((size_t)p->n + 1, sizeof *b->faults);
        if (!b->sets || !b->stack || !b->room || !b->places || !b->permits || !b->forbids ||
            !b->faults) {
                cedar_bench_free(b);
                return -ENOMEM;
        }
        *ret = b;
        return 0;
}

struct cedar_bench *cedar_bench_free(struct cedar_bench *b)
{
        if (b) {
                free(b->sets);
                free(b->stack);
                free(b->room);
                free(b->places);
                free(b->permits);
                free(b->forbids);
                free(b->faults);
                free(b);
        }
        return NULL;
}

enum outcome { HOLDS, HOLDS_NOT, ERRS };

static enum outcome evaluate(const struct cedar_program *p, const struct compiled *one,
                             struct cedar_bench *bench, struct cedar_machine *m,
                             struct cedar_fault_at *fault)
{
        const struct cedar_code *erred;

        if (one->from == one->to)
                return HOLDS;
        m->top = bench->stack;
        m->room = bench->room;
        erred = cedar_machine_run(m, p->coder.code, one->from, one->to);
        if (!erred)
                return bench->stack->boolean ? HOLDS : HOLDS_NOT;
        *fault = (struct cedar_fault_at){ .policy = one->policy,
                                          .fault = m->fault,
                                          .expr = p->coder.exprs[erred - p->coder.code] };
        return ERRS;
}

void cedar_decide(const struct cedar_program *p, const struct cedar_entities *entities,
                  const struct cedar_request *request, struct cedar_bench *bench,
                  struct cedar_answer *ret)
{
        uint32_t words = cedar_scope_index_words(p->index), n_permits = 0, n_forbids = 0, n = 0;
        struct cedar_machine m;

        assert(bench->program == p && cedar_entities_sealed(entities) &&
               request->context.kind == CEDAR_RECORD && request->n_extra <= CEDAR_EXTRA_MAX);
        cedar_machine_meet(&m, entities, request);
        m.places = bench->places;
        m.turn = ++bench->turn;
        cedar_scope_index_find(p->index, request, m.known, bench->sets);
        for (uint32_t w = 0; w < words; w++)
                for (uint64_t set = bench->sets[w]; set; set &= set - 1) {
                        const struct compiled *one =
                                &p->list[w * 64 + (uint32_t)__builtin_ctzll(set)];
                        enum outcome o = evaluate(p, one, bench, &m, &bench->faults[n]);

                        n += o == ERRS;
                        if (o == HOLDS && one->policy->effect == CEDAR_PERMIT)
                                bench->permits[n_permits++] = one->policy;
                        else if (o == HOLDS)
                                bench->forbids[n_forbids++] = one->policy;
                }
        *ret = (struct cedar_answer){
                .decision = n_forbids == 0 && n_permits > 0 ? CEDAR_PERMIT : CEDAR_FORBID,
                .reasons = n_forbids ? bench->forbids : bench->permits,
                .n_reasons = n_forbids ? n_forbids : n_permits,
                .faults = bench->faults,
                .n_faults = n,
        };
}

int cedar_evaluate(const struct cedar_expr *e, const struct cedar_entities *entities,
                   const struct cedar_request *request, struct arena *arena,
                   struct cedar_value *ret, struct cedar_fault_at *ret_fault)
{
        struct cedar_coder c = { .arena = arena };
        const struct cedar_code *erred;
        struct cedar_machine m;
        struct cedar_value *stack;
        int r;

        cedar_code_expr(&c, e);
        stack = arena_alloc(arena, (c.max_depth + 1) * sizeof *stack + c.room);
        m.places = arena_alloc(arena, (c.places.n + 1) * sizeof *m.places);
        m.turn = 1;
        r = c.status ? c.status : stack && m.places ? 0 : -ENOMEM;
        if (r == 0) {
                cedar_machine_meet(&m, entities, request);
                m.top = stack;
                m.room = (uint8_t *)(stack + c.max_depth + 1);
                erred = cedar_machine_run(&m, c.code, 0, c.n);
                if (erred) {
                        *ret_fault = (struct cedar_fault_at){ .fault = m.fault,
                                                              .expr = c.exprs[erred - c.code] };
                        r = -EINVAL;
                } else {
                        *ret = *stack;
                }
        }
        cedar_coder_done(&c);
        return r;
}
