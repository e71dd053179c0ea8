/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_shape.h - what holds for every schema that was read. */
#ifndef FUZZ_CEDAR_SHAPE_H
#define FUZZ_CEDAR_SHAPE_H

#include "policy/entities/data.h"

/* Records ascend; what is printed ends, whatever is shared. */
static inline void cedar_shape_type(const struct cedar_type *t)
{
        struct buf text = BUF_INIT(10000);

        cedar_type_print(t, &text);
        assert(text.n > 0);
        buf_done(&text);
        for (uint32_t i = 1; t->kind == CEDAR_RECORD && i < t->n; i++)
                assert(span_cmp(t->attrs[i - 1].name, t->attrs[i].name) < 0);
}

static inline void cedar_shape_entity(const struct cedar_schema *s, uint32_t i)
{
        const struct cedar_entity_type *e = &s->entities[i];

        assert(cedar_schema_entity(s, e->name) == e && e->attrs->kind == CEDAR_RECORD);
        assert(!e->n_ids || (e->attrs->n == 0 && !e->tags && !e->n_member_of));
        cedar_shape_type(e->attrs);
        if (e->tags)
                cedar_shape_type(e->tags);
        for (uint32_t k = 0; k < e->n_member_of; k++)
                assert(cedar_schema_type_in(s, e->name, e->member_of[k]));
        for (uint32_t k = 0; k < e->n_above; k++)
                assert(cedar_schema_type_in(s, e->name, s->entities[e->above[k]].name));
}

static inline void cedar_shape_action(const struct cedar_schema *s, uint32_t i)
{
        const struct cedar_action *a = &s->actions[i];

        assert(cedar_schema_action(s, &a->uid) == a && a->context->kind == CEDAR_RECORD);
        cedar_shape_type(a->context);
        for (uint32_t k = 0; k < a->n_member_of; k++)
                assert(cedar_schema_action_in(s, &a->uid, &a->member_of[k]) &&
                       !cedar_schema_action_in(s, &a->member_of[k], &a->uid));
        for (uint32_t k = 0; k < a->n_principals; k++)
                assert(cedar_schema_entity(s, a->principals[k]));
}

static inline void cedar_shape(const struct cedar_schema *s)
{
        for (uint32_t i = 0; i < s->n_entities; i++)
                cedar_shape_entity(s, i);
        for (uint32_t i = 0; i < s->n_actions; i++)
                cedar_shape_action(s, i);
}

/* Everything that was read has the type that the schema gives it. */
static inline void cedar_shape_data(const struct cedar_schema *s, const struct cedar_entities *e)
{
        for (uint32_t i = 0; i < cedar_entities_count(e); i++) {
                const struct cedar_entity *one = cedar_entities_at(e, i);
                const struct cedar_entity_type *type = cedar_schema_entity(s, one->uid.type);

                assert(type || cedar_schema_action(s, &one->uid));
                assert(!type || cedar_schema_check_value(s, type->attrs, &one->attrs, NULL) == 0);
        }
}

#endif
