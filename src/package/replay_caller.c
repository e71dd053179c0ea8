/* SPDX-License-Identifier: Apache-2.0 */
/* replay_caller.c - a recorded call as another package's policies see it: who calls, and what it is
 * about.  Floor 2, pure. */
#include "package/replay_priv.h"

#include "package/caller.h"

#include <stdio.h>

/* ---- the scheme ---- */

static const struct config_identity *identity_of(const struct config *c, struct span scheme)
{
        for (uint32_t i = 0; i < c->n_identities; i++)
                if (span_eq(c->identities[i].scheme, scheme))
                        return &c->identities[i];
        return NULL;
}

/* Is this scheme by itself enough?  scheme empty: is nothing? */
static bool is_enough(const struct replay_request *r, struct span scheme)
{
        const struct api_operation *o = r->o;

        for (uint32_t i = 0; i < o->n_security; i++) {
                const struct api_security *s = &o->security[i];

                if (s->n == (scheme.n ? 1 : 0) &&
                    (s->n == 0 || span_eq(r->p->api->identities[s->schemes[0]].name, scheme)))
                        return true;
        }
        return o->n_security == 0 && scheme.n == 0;
}

/* Is it one of several that must be shown together, among them? */
static bool is_part(const struct replay_request *r, struct span scheme)
{
        for (uint32_t i = 0; i < r->o->n_security; i++)
                for (uint32_t k = 0; k < r->o->security[i].n; k++)
                        if (span_eq(r->p->api->identities[r->o->security[i].schemes[k]].name,
                                    scheme))
                                return true;
        return false;
}

static int open_scheme(struct replay_request *r, const struct config_identity **ret)
{
        const struct span scheme = r->c->scheme;

        *ret = NULL;
        if (r->o->n_security == 0) /* whoever it is, nobody asks */
                return 0;
        if (scheme.n == 0) {
                if (is_enough(r, scheme))
                        return 0;
                return err_set(&r->err, -EAGAIN,
                               "callers must show who they are now, and what this one could have "
                               "shown is not known");
        }
        if (!(r->c->same_package ? is_part(r, scheme) : is_enough(r, scheme)))
                return err_set(
                        &r->err, -EAGAIN,
                        "\"%.*s\" alone is not enough for the operation, and what else the caller "
                        "has shown is not known",
                        (int)MIN_OF(scheme.n, (size_t)60), (const char *)scheme.p);
        *ret = identity_of(&r->p->config, scheme);
        return 0;
}

/* ---- claims ---- */

/* NULL: it was not recorded. */
static const struct tree *find_claim(const struct tree *list, struct span name)
{
        for (uint32_t i = 0; list && list->kind == TREE_ARRAY && i < list->n; i++) {
                const struct tree *pair = &list->items[i];

                if (pair->kind == TREE_ARRAY && pair->n >= 1 && pair->n <= 2 &&
                    pair->items[0].kind == TREE_STRING && span_eq(pair->items[0].text, name) &&
                    (pair->n == 1 || pair->items[1].kind == TREE_STRING))
                        return pair;
        }
        return NULL;
}

/* A place of the context, which has no claims in it. */
static bool is_of_context(const struct cedar_expr *e)
{
        const struct cedar_expr *last = e;

        for (; e->op == OP_GET || e->op == OP_HAS; e = e->a)
                last = e;
        return e->op == OP_VAR && e->var == VAR_CONTEXT && last->op == OP_GET &&
               !span_eq(last->text, SPAN("object"));
}

static bool names_claim(const struct cedar_expr *e, struct span name)
{
        const struct cedar_expr *const part[] = { e->a, e->b, e->c };
        bool found = e->op == OP_GET && span_eq(e->text, name);

        if (is_of_context(e))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(part) && !found; i++)
                found = part[i] && names_claim(part[i], name);
        if (e->op == OP_HAS)
                for (uint32_t i = 0; i < e->n && !found; i++)
                        found = span_eq(e->path[i], name);
        if (e->op == OP_SET || e->op == OP_RECORD || e->op == OP_FN)
                for (uint32_t i = 0; i < e->n && !found; i++)
                        found = names_claim(e->items[i], name);
        return found;
}

static bool may_decide(const struct replay_request *r, const struct cedar_policy *p)
{
        static const char *const suffixes[] = { "", ".read", ".readMasked" };

        if (p->action.kind == SCOPE_ANY)
                return true;
        for (size_t k = 0; k < ARRAY_LEN(suffixes); k++) {
                char name[2 * API_NAME_MAX];
                int n = snprintf(name, sizeof name, "%.*s%s", (int)r->o->id.n,
                                 (const char *)r->o->id.p, suffixes[k]);
                const struct cedar_uid uid = cedar_uid(
                        SPAN("Action"), span_of(name, MIN_OF((size_t)n, sizeof name - 1)));

                for (uint32_t i = 0; i < p->action.n; i++)
                        if (cedar_schema_action(r->p->schema, &uid) &&
                            cedar_schema_action_in(r->p->schema, &uid, &p->action.uids[i]))
                                return true;
        }
        return false;
}

/* Does any policy that may decide about this operation ask for an attribute of this name? */
static bool is_asked(const struct replay_request *r, struct span claim)
{
        for (uint32_t i = 0; i < r->p->policies->n; i++) {
                const struct cedar_policy *p = &r->p->policies->policies[i];

                if (p->template || !may_decide(r, p))
                        continue;
                for (uint32_t k = 0; k < p->n_conditions; k++)
                        if (names_claim(p->conditions[k].expr, claim))
                                return true;
        }
        return false;
}

/* *missing: one that is asked for was not recorded. */
static int take_claims(struct replay_request *r, struct caller_proof *proof, bool *missing)
{
        const struct config_identity *id = proof->identity;
        struct span *claims = arena_alloc(r->arena, id->n_claims * sizeof *claims);
        const bool known = r->c->known.claims == REPLAY_KNOWN;

        if (!claims)
                return -ENOMEM;
        for (uint32_t i = 0; i < id->n_claims; i++) {
                const struct tree *pair = known ? find_claim(r->c->claims, id->claims[i]) : NULL;

                if (pair && pair->n == 2)
                        claims[i] = pair->items[1].text;
                else if (!pair && is_asked(r, id->claims[i]))
                        *missing = true;
        }
        proof->claims = claims;
        return 0;
}

/* ---- the caller ---- */

static int forget_caller(struct replay_request *r, enum replay_known why)
{
        if (r->no_caller)
                return 0;
        r->no_caller = true;
        return replay_add_variable(r, "principal", why);
}

int replay_make_caller(struct replay_request *r)
{
        const struct replay_call *c = r->c;
        struct caller_proof proof = { .id = c->caller,
                                      .groups = c->groups,
                                      .n_groups = c->n_groups };
        bool missing = false;
        int rc = open_scheme(r, &proof.identity);

        r->caller.uid = cedar_uid(SPAN("Caller"), SPAN("?"));
        if (rc == 0 && proof.identity && c->known.caller != REPLAY_KNOWN)
                return forget_caller(r, c->known.caller);
        if (rc == 0 && proof.identity && c->known.groups != REPLAY_KNOWN)
                return forget_caller(r, c->known.groups);
        if (rc == 0 && proof.identity && proof.identity->n_claims)
                rc = take_claims(r, &proof, &missing);
        if (rc < 0)
                return rc;
        if (missing)
                return forget_caller(r, c->known.claims == REPLAY_KNOWN ? REPLAY_UNRECORDED
                                                                        : c->known.claims);
        rc = package_caller(r->p, &proof, r->arena, &r->caller, &r->err);
        if (rc == -ELOOP || (rc == -E2BIG && !r->arena->full))
                rc = -EINVAL;
        return rc;
}
