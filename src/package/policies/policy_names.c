/* SPDX-License-Identifier: Apache-2.0 */
/* policy_names.c - entities that policies name; see policy_names.h. */
#include "package/policies/policy_names.h"

#include <stdio.h>
#include <stdlib.h>

#include "package/call/caller.h"
#include "package/policies/policy_entities.h"
#include "package/source/nearest.h"

struct names {
        const struct policy_reach *r;
        bool groups; /* all groups are known: those of entities.yaml */
        int status;
};

/* ---- one entity ---- */

static void tell(const struct names *n, bool warning, const struct cedar_pos *pos, const char *what,
                 struct span id, const char *meant, struct span near)
{
        char text[LINT_TEXT_MAX + 1];

        if (near.n)
                snprintf(text, sizeof text, "%s\"%.*s\"%s: is \"%.*s\" meant?", what,
                         (int)MIN_OF(id.n, 100u), (const char *)id.p, meant, (int)near.n,
                         (const char *)near.p);
        else
                snprintf(text, sizeof text, "%s\"%.*s\"%s", what, (int)MIN_OF(id.n, 100u),
                         (const char *)id.p, meant);
        policy_tell(n->r, warning, pos, text);
}

static bool is_class_of_values(const struct api *api, struct span id)
{
        for (uint32_t i = 0; i < api->n_classes; i++)
                if (span_eq(api->classes[i], id))
                        return true;
        return false;
}

/* within: it stands where what is in it counts as well. */
static void check_class(const struct names *n, const struct cedar_pos *pos, struct span id,
                        bool within)
{
        const struct api *api = n->r->api;
        size_t near;

        if (policy_is_class(api, id)) {
                if (!within && !is_class_of_values(api, id))
                        tell(n, true, pos, "no value has the data class ", id,
                             " itself, only classes in it: this never holds; ask with `in`",
                             SPAN_NONE);
                return;
        }
        near = nearest_of(id, api->classes, api->n_classes);
        tell(n, false, pos, "openapi.yaml has no data class ", id, "",
             near < api->n_classes ? api->classes[near] : SPAN_NONE);
}

static void check_action(struct names *n, const struct cedar_pos *pos, const struct cedar_uid *uid)
{
        const struct cedar_schema *schema = n->r->schema;
        struct span *ids;
        size_t near;

        if (cedar_schema_action(schema, uid))
                return;
        ids = calloc(schema->n_actions, sizeof *ids);
        if (!ids) {
                n->status = -ENOMEM;
                return;
        }
        for (uint32_t i = 0; i < schema->n_actions; i++)
                ids[i] = schema->actions[i].uid.id;
        near = nearest_of(uid->id, ids, schema->n_actions);
        tell(n, false, pos, "openapi.yaml has no operation and no tag ", uid->id, "",
             near < schema->n_actions ? ids[near] : SPAN_NONE);
        free(ids);
}

static bool is_group_known(const struct cedar_entities *e, const struct cedar_uid *uid)
{
        if (cedar_entities_find(e, uid))
                return true;
        for (uint32_t i = 0; i < cedar_entities_count(e); i++)
                if (cedar_entity_descends(cedar_entities_at(e, i), uid))
                        return true;
        return false;
}

/* Whom nobody verified is there where a credential is passed through. */
static bool is_anybody_unverified(const struct config *c)
{
        for (uint32_t i = 0; i < c->n_identities; i++)
                if (config_passes(&c->identities[i]))
                        return true;
        return false;
}

static void check_group(const struct names *n, const struct cedar_pos *pos,
                        const struct cedar_uid *uid)
{
        if (span_eq_str(uid->id, CALLER_UNVERIFIED_GROUP)) {
                if (!is_anybody_unverified(n->r->config))
                        tell(n, true, pos, "nobody can be in Group::", uid->id,
                             ": gateway.yaml has no identity that is passed through, and no token "
                             "may say it",
                             SPAN_NONE);
        } else if (n->groups && !is_group_known(n->r->entities, uid)) {
                tell(n, true, pos, "nobody can be in Group::", uid->id,
                     ": it is not in entities.yaml, and gateway.yaml takes no groups of any identity",
                     SPAN_NONE);
        }
}

static void check_uid(struct names *n, const struct cedar_pos *pos, const struct cedar_uid *uid,
                      bool within)
{
        if (span_eq_str(uid->type, "Action"))
                check_action(n, pos, uid);
        else if (span_eq_str(uid->type, "DataClass"))
                check_class(n, pos, uid->id, within);
        else if (span_eq_str(uid->type, "Api") && !span_eq(uid->id, n->r->config->name))
                tell(n, false, pos, "this API is not ", uid->id, "", n->r->config->name);
        else if (span_eq_str(uid->type, "Group"))
                check_group(n, pos, uid);
}

/* ---- all that a policy names ---- */

static void check_scope(struct names *n, const struct cedar_scope *s)
{
        for (uint32_t i = 0; s->uids && i < s->n; i++)
                check_uid(n, &s->pos, &s->uids[i], s->kind != SCOPE_EQ);
}

/* within: e, or what is in it as a set, stands to the right of `in`.  CEDAR_DEPTH_MAX bounds the
 * recursion. */
static void check_expr(struct names *n, const struct cedar_expr *e, bool within)
{
        const struct cedar_expr *const part[] = { e->a, e->b, e->c };
        bool in = e->op == OP_IN || e->op == OP_IS;

        if (e->op == OP_UID)
                check_uid(n, &e->pos, &e->uid, within);
        for (size_t i = 0; i < ARRAY_LEN(part); i++)
                if (part[i])
                        check_expr(n, part[i], (in && i == 1) || (e->op == OP_IF && within));
        if (e->op == OP_SET || e->op == OP_RECORD || e->op == OP_FN)
                for (uint32_t i = 0; i < e->n; i++)
                        check_expr(n, e->items[i], e->op == OP_SET && within);
}

/* Tokens of the hub may be in groups that only it knows. */
static bool groups_are_known(const struct policy_reach *r)
{
        if (!r->entities)
                return false;
        for (uint32_t i = 0; i < r->config->n_identities; i++)
                if (r->config->identities[i].groups.n ||
                    r->config->identities[i].kind == CONFIG_OPAQUE)
                        return false;
        return true;
}

/* ---- their own names ---- */

struct named {
        struct span id;
        const struct cedar_policy *policy;
};

static int by_id(const void *a, const void *b)
{
        const struct named *x = a, *y = b;
        int c = span_cmp(x->id, y->id);

        return c ? c : (x->policy > y->policy) - (x->policy < y->policy);
}

static int check_ids(const struct policy_reach *r)
{
        struct named *list = calloc(r->policies->n + 1, sizeof *list);
        char text[LINT_TEXT_MAX];
        uint32_t n = 0;

        if (!list)
                return -ENOMEM;
        for (uint32_t i = 0; i < r->policies->n; i++) {
                list[n].policy = &r->policies->policies[i];
                n += cedar_policy_annotation(list[n].policy, "id", &list[n].id);
        }
        qsort(list, n, sizeof *list, by_id);
        for (uint32_t i = 1; i < n; i++) {
                if (!span_eq(list[i].id, list[i - 1].id))
                        continue;
                snprintf(text, sizeof text, "another policy has the @id \"%.*s\", too",
                         (int)MIN_OF(list[i].id.n, 100u), (const char *)list[i].id.p);
                policy_tell(r, true, &list[i].policy->pos, text);
        }
        free(list);
        return 0;
}

int policy_check_names(const struct policy_reach *r)
{
        struct names n = { .r = r, .groups = groups_are_known(r) };

        for (uint32_t i = 0; i < r->policies->n; i++) {
                const struct cedar_policy *p = &r->policies->policies[i];

                check_scope(&n, &p->principal);
                check_scope(&n, &p->action);
                check_scope(&n, &p->resource);
                for (uint32_t k = 0; k < p->n_conditions; k++)
                        check_expr(&n, p->conditions[k].expr, false);
        }
        return n.status < 0 ? n.status : check_ids(r);
}
