/* SPDX-License-Identifier: Apache-2.0 */
/* validate.c - every policy in every kind of request its scope lets through; see validate.h. */
#include "policy/validate/validate.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/validate/validate_check.h"

enum { SCRATCH_MAX = 256 * 1024 * 1024 };
static const uint64_t STEPS_MAX = 1000ull * 1000 * 1000;

/* ---- one kind of request ---- */

static struct cedar_type entity_type(struct span name)
{
        return (struct cedar_type){ .kind = CEDAR_ENTITY, .entity = name };
}

/* Whether the conditions may hold, as one conjunction: what an earlier one tells, a later one
 * knows. */
static bool check_conditions(struct check *c, const struct check_env *env)
{
        struct typed all = typed_as(&cedar_type_true);

        c->env = env;
        arena_reset(&c->scratch);
        cap_table_clear(&c->table);
        for (uint32_t i = 0; i < c->policy->n_conditions; i++) {
                const struct cedar_condition *cond = &c->policy->conditions[i];
                struct cedar_expr not = { .op = OP_NOT, .pos = cond->pos, .a = cond->expr };

                all = check_and(
                        c, all,
                        check_kind(c, cond->unless ? &not : cond->expr, CEDAR_BOOL, all.caps));
                if (all.type == &cedar_type_false)
                        break;
        }
        c->env = NULL;
        return all.type != &cedar_type_false;
}

/* ---- all of them ---- */

/* Which variables the conditions look at: the others need not be tried in all their types. */
static void mark_vars(const struct cedar_expr *e, bool used[])
{
        const struct cedar_expr *const part[] = { e->a, e->b, e->c };

        if (e->op == OP_VAR)
                used[e->var] = true;
        for (size_t i = 0; i < ARRAY_LEN(part); i++)
                if (part[i])
                        mark_vars(part[i], used);
        if (e->op == OP_SET || e->op == OP_RECORD || e->op == OP_FN)
                for (uint32_t i = 0; i < e->n; i++)
                        mark_vars(e->items[i], used);
}

struct reach {
        bool used[VAR_CONTEXT + 1];
        bool applies; /* the scope lets some kind of request through */
        bool holds;   /* and the conditions may hold for one of them */
};

static void check_action(struct check *c, const struct cedar_action *a, struct reach *r)
{
        const struct cedar_policy *p = c->policy;
        struct check_env env = { .action = a,
                                 .act = entity_type(a->uid.type),
                                 .context = a->context };

        for (uint32_t i = 0; i < a->n_principals; i++) {
                bool tried = false;

                if (!check_steps(c, 1))
                        return;
                if (!scope_may_hold(c->schema, &p->principal, a->principals[i]))
                        continue;
                env.principal = entity_type(a->principals[i]);
                for (uint32_t j = 0; j < a->n_resources; j++) {
                        if (!check_steps(c, 1))
                                return;
                        if (!scope_may_hold(c->schema, &p->resource, a->resources[j]))
                                continue;
                        tried = r->applies = true;
                        if (p->of.n) /* its template was looked at */
                                return;
                        env.resource = entity_type(a->resources[j]);
                        r->holds |= check_conditions(c, &env);
                        if (!r->used[VAR_RESOURCE])
                                break;
                }
                if (tried && !r->used[VAR_PRINCIPAL])
                        break;
        }
}

static void check_actions(struct check *c, struct reach *r)
{
        const struct cedar_scope *scope = &c->policy->action;
        const struct cedar_action *a;

        if (scope->kind == SCOPE_EQ) {
                a = cedar_schema_action(c->schema, &scope->uids[0]);
                if (a)
                        check_action(c, a, r);
                return;
        }
        for (uint32_t i = 0; i < c->schema->n_actions && check_steps(c, 1ull + scope->n); i++) {
                a = &c->schema->actions[i];
                if (scope_may_hold_action(c->schema, scope, &a->uid))
                        check_action(c, a, r);
        }
}

static void check_policy(struct check *c, const struct cedar_policy *p)
{
        struct reach reach = { 0 };

        c->policy = p;
        c->n_before = c->n_found;
        arena_reset(&c->scratch);
        check_names(c);
        check_scope_actions(c);
        for (uint32_t i = 0; i < p->n_conditions; i++)
                mark_vars(p->conditions[i].expr, reach.used);
        check_actions(c, &reach);
        if (!reach.applies)
                check_find(c, p->pos,
                           "the schema has no action that applies to such a principal and "
                           "resource: this policy never decides anything");
        else if (!reach.holds && p->of.n == 0)
                check_warn(c, p->pos,
                           "the conditions are false for every request the schema allows: this "
                           "policy never decides anything");
}

/* ---- findings ---- */

static int by_place(const void *a, const void *b)
{
        const struct check_found *x = a, *y = b;

        if (x->f.policy != y->f.policy)
                return x->f.policy < y->f.policy ? -1 : 1;
        if (x->f.pos.at != y->f.pos.at)
                return x->f.pos.at < y->f.pos.at ? -1 : 1;
        return strcmp(x->f.text, y->f.text);
}

/* The last of too many stays last. */
static int hand_over(struct check *c, struct cedar_findings *ret)
{
        struct cedar_finding *list = arena_alloc(c->arena, (c->n_found + 1ul) * sizeof(*list));
        uint32_t n_errors = 0;

        if (!list)
                return -ENOMEM;
        qsort(c->found, MIN_OF(c->n_found, (uint32_t)CEDAR_FINDINGS_MAX), sizeof(*c->found),
              by_place);
        for (uint32_t i = 0; i < c->n_found; i++) {
                list[i] = c->found[i].f;
                n_errors += !list[i].warning;
        }
        *ret = (struct cedar_findings){ list, c->n_found, n_errors };
        return 0;
}

/* What there is too much of, when it failed. */
static int explain(const struct check *c, struct err *err)
{
        char what[64];
        int r = c->failed;

        if (r == -E2BIG)
                return err_set(err, r, "the policies take too many steps to validate");
        if (r == -ENOMEM)
                r = err_set(err, r, "no memory to validate the policies");
        (void)snprintf(what, sizeof(what), "validating %.*s",
                       c->policy ? (int)MIN_OF(c->policy->id.n, 48u) : 0,
                       c->policy ? (const char *)c->policy->id.p : "");
        r = arena_explain(&c->scratch, r, what, err);
        return arena_explain(c->arena, r, "what is found in the policies", err);
}

int cedar_validate(const struct cedar_policies *p, const struct cedar_schema *s,
                   struct arena *arena, struct cedar_findings *ret, struct err *err)
{
        struct check c = { .schema = s,
                           .scratch = ARENA_INIT(SCRATCH_MAX),
                           .work = { .steps = STEPS_MAX },
                           .table = CAP_TABLE_INIT,
                           .arena = arena };
        int r;

        c.work.arena = &c.scratch;
        c.found = calloc(CEDAR_FINDINGS_MAX + 1, sizeof(*c.found));
        if (!c.found)
                return err_set(err, -ENOMEM, "no memory to validate the policies");
        for (uint32_t i = 0; i < p->n && check_may_find(&c); i++)
                check_policy(&c, &p->policies[i]);
        if (c.failed == 0)
                c.failed = hand_over(&c, ret);
        r = c.failed ? explain(&c, err) : 0;
        cap_table_done(&c.table);
        arena_done(&c.scratch);
        free(c.found);
        return r;
}
