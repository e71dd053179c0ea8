/* SPDX-License-Identifier: Apache-2.0 */
/* schema_same.c - do two schemas say the same?  Floor 2, pure. */
#include "policy/schema/schema.h"

enum {
        STEPS_MAX = 16 << 20
}; /* types that are named in two places are met twice, and so on down */

static bool same_names(const struct span *a, uint32_t n, const struct span *b, uint32_t m)
{
        bool same = n == m;

        for (uint32_t i = 0; same && i < n; i++)
                same = span_eq(a[i], b[i]);
        return same;
}

static bool same_uids(const struct cedar_uid *a, uint32_t n, const struct cedar_uid *b, uint32_t m)
{
        bool same = n == m;

        for (uint32_t i = 0; same && i < n; i++)
                same = cedar_uid_eq(&a[i], &b[i]);
        return same;
}

/* As deep as types nest: CEDAR_SCHEMA_DEPTH_MAX.  NULL: there is none. */
static bool same_type(const struct cedar_type *a, const struct cedar_type *b, uint32_t *left)
{
        if (!a || !b)
                return a == b;
        if ((*left)-- == 0) {
                *left = 0;
                return false;
        }
        if (a->kind != b->kind || a->n != b->n || !span_eq(a->entity, b->entity))
                return false;
        if (!same_type(a->item, b->item, left))
                return false;
        for (uint32_t i = 0; i < a->n; i++)
                if (a->attrs[i].required != b->attrs[i].required ||
                    !span_eq(a->attrs[i].name, b->attrs[i].name) ||
                    !same_type(a->attrs[i].type, b->attrs[i].type, left))
                        return false;
        return true;
}

static bool same_entity(const struct cedar_entity_type *a, const struct cedar_entity_type *b,
                        uint32_t *left)
{
        return span_eq(a->name, b->name) &&
               same_names(a->member_of, a->n_member_of, b->member_of, b->n_member_of) &&
               same_names(a->ids, a->n_ids, b->ids, b->n_ids) &&
               same_type(a->attrs, b->attrs, left) && same_type(a->tags, b->tags, left);
}

static bool same_action(const struct cedar_action *a, const struct cedar_action *b, uint32_t *left)
{
        return cedar_uid_eq(&a->uid, &b->uid) &&
               same_uids(a->member_of, a->n_member_of, b->member_of, b->n_member_of) &&
               same_names(a->principals, a->n_principals, b->principals, b->n_principals) &&
               same_names(a->resources, a->n_resources, b->resources, b->n_resources) &&
               same_type(a->context, b->context, left);
}

bool cedar_schema_same(const struct cedar_schema *a, const struct cedar_schema *b)
{
        bool same = a->n_entities == b->n_entities && a->n_actions == b->n_actions;
        uint32_t left = STEPS_MAX;

        for (uint32_t i = 0; same && i < a->n_entities; i++)
                same = same_entity(&a->entities[i], &b->entities[i], &left);
        for (uint32_t i = 0; same && i < a->n_actions; i++)
                same = same_action(&a->actions[i], &b->actions[i], &left);
        return same;
}
