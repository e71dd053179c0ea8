/* SPDX-License-Identifier: Apache-2.0 */
/* policy_reach.c - operations and data classes that no policy lets through; see policy_reach.h.
 *
 * By scopes: a permit is taken to hold wherever its scope does. */
#include "package/policies/policy_reach.h"

#include <stdio.h>

#include "package/openapi/openapi_place.h"
#include "package/policies/policy_entities.h"
#include "package/policies/question.h"

static const struct policy_place_of *file_of(const struct policy_reach *r,
                                             const struct cedar_pos *pos)
{
        const struct policy_place_of *f = r->files + r->n_files - 1;

        while (f > r->files && pos->line <= f->lines)
                f--;
        return f;
}

void policy_tell(const struct policy_reach *r, bool warning, const struct cedar_pos *pos,
                 const char *text)
{
        const struct policy_place_of *f = file_of(r, pos);
        struct source_mark mark = { pos->line - f->lines, pos->column };

        r->l->file = f->file;
        if (warning)
                lint_warning(r->l, &mark, "%s", text);
        else
                lint_error(r->l, &mark, "%s", text);
}

bool policy_told(const struct policy_reach *r, uint32_t from, const struct cedar_finding *f)
{
        const struct policy_place_of *file = file_of(r, &f->pos);
        const struct cedar_policy *p = f->policy;
        bool whole = f->pos.at == p->pos.at;

        for (uint32_t i = from; i < r->l->n; i++) {
                const struct lint_fault *t = &r->l->at[i];
                uint32_t line = t->mark.line + file->lines;

                if (t->level != LINT_ERROR || !span_eq(t->file, file->file))
                        continue;
                if (whole ? line >= p->pos.line && line <= p->end.line
                          : line == f->pos.line && t->mark.column == f->pos.column)
                        return true;
        }
        return false;
}

/* ---- scopes ---- */

static bool type_may_hold(const struct cedar_schema *s, const struct cedar_scope *scope,
                          struct span type)
{
        switch (scope->kind) {
        case SCOPE_EQ:
                return span_eq(type, scope->uids[0].type);
        case SCOPE_IN:
                return cedar_schema_type_in(s, type, scope->uids[0].type);
        case SCOPE_IS:
                return span_eq(type, scope->type);
        case SCOPE_IS_IN:
                return span_eq(type, scope->type) &&
                       cedar_schema_type_in(s, type, scope->uids[0].type);
        default:
                return true;
        }
}

static bool action_may_hold(const struct cedar_schema *s, const struct cedar_scope *scope,
                            const struct cedar_uid *action)
{
        if (scope->kind == SCOPE_EQ)
                return cedar_uid_eq(action, &scope->uids[0]);
        for (uint32_t i = 0; i < scope->n; i++)
                if (cedar_schema_action_in(s, action, &scope->uids[i]))
                        return true;
        return scope->kind == SCOPE_ANY;
}

static bool may_hold(const struct policy_reach *r, const struct cedar_policy *p,
                     const struct cedar_action *a)
{
        if (p->effect != CEDAR_PERMIT || p->template ||
            !action_may_hold(r->schema, &p->action, &a->uid))
                return false;
        return type_may_hold(r->schema, &p->principal, a->principals[0]) &&
               type_may_hold(r->schema, &p->resource, a->resources[0]);
}

static const struct cedar_action *find_action(const struct policy_reach *r, struct span id,
                                              enum api_question which)
{
        const struct span suffix = api_question_suffix(which);
        char name[2 * API_NAME_MAX];
        int n = snprintf(name, sizeof name, "%.*s%.*s", (int)id.n, (const char *)id.p,
                         (int)suffix.n, (const char *)suffix.p);
        const struct cedar_uid uid = cedar_uid(SPAN("Action"), span_of(name, (size_t)n));

        return n < (int)sizeof name ? cedar_schema_action(r->schema, &uid) : NULL;
}

/* ---- forbids that may err ---- */

static bool is_of_context(const struct cedar_expr *e)
{
        while (e->op == OP_GET || e->op == OP_GET_TAG)
                e = e->a;
        return e->op == OP_VAR && e->var == VAR_CONTEXT;
}

static bool is_sum(const struct cedar_expr *e)
{
        return e->op == OP_ADD || e->op == OP_SUB || e->op == OP_MUL || e->op == OP_NEG;
}

/* Arithmetic with a number of the request, the first of it; NULL.  CEDAR_DEPTH_MAX bounds the
 * recursion. */
static const struct cedar_expr *find_sum(const struct cedar_expr *e)
{
        const struct cedar_expr *const part[] = { e->a, e->b, e->c };
        const struct cedar_expr *found = NULL;

        for (size_t i = 0; i < ARRAY_LEN(part) && !found; i++)
                if (part[i])
                        found = is_sum(e) && is_of_context(part[i]) ? e : find_sum(part[i]);
        if (e->op == OP_SET || e->op == OP_RECORD || e->op == OP_FN)
                for (uint32_t i = 0; i < e->n && !found; i++)
                        found = find_sum(e->items[i]);
        return found;
}

/* Who calls chooses the number, and with it that the forbid errs. */
static void check_forbid(const struct policy_reach *r, const struct cedar_policy *p)
{
        const struct cedar_expr *e = NULL;

        for (uint32_t i = 0; p->effect == CEDAR_FORBID && i < p->n_conditions && !e; i++)
                e = find_sum(p->conditions[i].expr);
        if (e)
                policy_tell(r, true, &e->pos,
                            "unless the document limits this number, one that leads out of 64 bits "
                            "makes the policy err, and then it forbids nothing: compare the number "
                            "itself");
}

/* ---- operations ---- */

static void check_operation(const struct policy_reach *r, const struct api_operation *o)
{
        const struct cedar_action *a = find_action(r, o->id, API_ASK_CALL);
        struct source_mark mark;

        for (uint32_t i = 0; i < r->policies->n && a; i++)
                if (may_hold(r, &r->policies->policies[i], a))
                        return;
        mark = openapi_place_operation(r->document, o->id, NULL, 0);
        r->l->file = SPAN("openapi.yaml");
        lint_warning(r->l, &mark,
                     "operation %.*s: no policy permits it to anybody: every call will be denied",
                     (int)o->id.n, (const char *)o->id.p);
}

/* ---- data classes ---- */

/* "pii.ssn" is in "pii.ssn" and in "pii". */
static bool is_in(struct span class, struct span above)
{
        return span_starts(class, above) && (class.n == above.n || class.p[above.n] == '.');
}

static bool scope_has_class(const struct cedar_scope *s, struct span class)
{
        if (s->n == 0)
                return true;
        return s->kind == SCOPE_EQ ? span_eq(s->uids[0].id, class) : is_in(class, s->uids[0].id);
}

static bool may_read(const struct policy_reach *r, const struct api_operation *o, struct span class)
{
        for (enum api_question k = API_ASK_READ; k <= API_ASK_MASKED; k++) {
                const struct cedar_action *a = find_action(r, o->id, k);

                for (uint32_t i = 0; i < r->policies->n && a; i++) {
                        const struct cedar_policy *p = &r->policies->policies[i];

                        if (may_hold(r, p, a) && scope_has_class(&p->resource, class))
                                return true;
                }
        }
        return false;
}

static void check_class(const struct policy_reach *r, uint32_t class)
{
        const struct span name = r->api->classes[class];
        struct source_mark mark;
        bool read = false;

        for (uint32_t i = 0; i < r->api->n_operations; i++) {
                const struct api_operation *o = &r->api->operations[i];

                for (uint32_t k = 0; k < o->n_reads; k++) {
                        if (o->reads[k] != class)
                                continue;
                        if (may_read(r, o, name))
                                return;
                        read = true;
                }
        }
        if (!read) /* only ever written */
                return;
        r->l->file = SPAN("openapi.yaml");
        mark = openapi_place_class(r->document, name);
        lint_warning(r->l, &mark,
                     "data class %.*s: no policy lets anybody read it, masked or clear: it will be "
                     "left out of every answer",
                     (int)name.n, (const char *)name.p);
}

/* ---- policies ---- */

static void check_templates(const struct policy_reach *r)
{
        for (uint32_t i = 0; i < r->policies->n; i++)
                if (r->policies->policies[i].template)
                        policy_tell(r, true, &r->policies->policies[i].pos,
                                    "a template decides nothing: a package has no links for it");
}

void policy_reach(const struct policy_reach *r)
{
        struct span file = r->l->file;

        check_templates(r);
        for (uint32_t i = 0; i < r->policies->n; i++)
                check_forbid(r, &r->policies->policies[i]);
        for (uint32_t i = 0; i < r->api->n_operations; i++)
                check_operation(r, &r->api->operations[i]);
        for (uint32_t i = 0; i < r->api->n_classes; i++)
                check_class(r, i);
        r->l->file = file;
}
