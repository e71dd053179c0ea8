/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - asking a schema, and its types as text.  Floor 2, pure. */
#include "policy/schema/schema.h"

#include <stdlib.h>

#include "base/text.h"

struct cedar_schema *cedar_schema_free(struct cedar_schema *s)
{
        if (s)
                arena_done(&s->arena);
        free(s);
        return NULL;
}

const struct cedar_type *cedar_type_basic(enum cedar_kind kind)
{
        static const struct cedar_type basic[CEDAR_KINDS] = {
                [CEDAR_BOOL] = { .kind = CEDAR_BOOL },
                [CEDAR_LONG] = { .kind = CEDAR_LONG },
                [CEDAR_STRING] = { .kind = CEDAR_STRING },
                [CEDAR_DECIMAL] = { .kind = CEDAR_DECIMAL },
                [CEDAR_IP] = { .kind = CEDAR_IP },
                [CEDAR_DATETIME] = { .kind = CEDAR_DATETIME },
                [CEDAR_DURATION] = { .kind = CEDAR_DURATION },
        };

        assert(kind != CEDAR_ENTITY && kind != CEDAR_SET && kind != CEDAR_RECORD);
        return &basic[kind];
}

static int by_name(const void *name, const void *entry)
{
        const struct cedar_entity_type *e = entry;

        return span_cmp(*(const struct span *)name, e->name);
}

static int by_uid(const void *uid, const void *entry)
{
        const struct cedar_action *a = entry;

        return cedar_uid_cmp(uid, &a->uid);
}

const struct cedar_entity_type *cedar_schema_entity(const struct cedar_schema *s, struct span name)
{
        return s->n_entities
                       ? bsearch(&name, s->entities, s->n_entities, sizeof *s->entities, by_name)
                       : NULL;
}

const struct cedar_action *cedar_schema_action(const struct cedar_schema *s,
                                               const struct cedar_uid *uid)
{
        return s->n_actions ? bsearch(uid, s->actions, s->n_actions, sizeof *s->actions, by_uid)
                            : NULL;
}

static int by_bytes(const void *x, const void *y)
{
        return span_cmp(*(const struct span *)x, *(const struct span *)y);
}

bool cedar_entity_type_has(const struct cedar_entity_type *t, struct span id)
{
        return t->n_ids == 0 || bsearch(&id, t->ids, t->n_ids, sizeof *t->ids, by_bytes);
}

static int by_number(const void *x, const void *y)
{
        const uint32_t *a = x, *b = y;

        return (*a > *b) - (*a < *b);
}

static bool holds(const uint32_t *list, uint32_t n, ptrdiff_t place)
{
        uint32_t want = (uint32_t)place;

        return n && bsearch(&want, list, n, sizeof *list, by_number);
}

bool cedar_schema_type_in(const struct cedar_schema *s, struct span a, struct span b)
{
        const struct cedar_entity_type *below, *above;

        if (span_eq(a, b))
                return true;
        below = cedar_schema_entity(s, a);
        above = cedar_schema_entity(s, b);
        return below && above && holds(below->above, below->n_above, above - s->entities);
}

bool cedar_schema_action_in(const struct cedar_schema *s, const struct cedar_uid *a,
                            const struct cedar_uid *b)
{
        const struct cedar_action *below, *above;

        if (cedar_uid_eq(a, b))
                return true;
        below = cedar_schema_action(s, a);
        above = cedar_schema_action(s, b);
        return below && above && holds(below->above, below->n_above, above - s->actions);
}

/* An attribute's name as the schema spells it: bare where it can be. */
static void put_name(struct span name, struct buf *out)
{
        bool bare = name.n > 0 && !(name.p[0] >= '0' && name.p[0] <= '9');

        for (size_t i = 0; i < name.n && bare; i++)
                bare = name.p[i] == '_' || (name.p[i] >= '0' && name.p[i] <= '9') ||
                       (name.p[i] >= 'A' && name.p[i] <= 'Z') ||
                       (name.p[i] >= 'a' && name.p[i] <= 'z');
        if (!bare)
                buf_put_byte(out, '"');
        text_put_safe(out, name);
        if (!bare)
                buf_put_byte(out, '"');
}

static void put_record(const struct cedar_type *t, struct buf *out)
{
        buf_put_byte(out, '{');
        for (uint32_t i = 0; i < t->n && buf_status(out) == 0; i++) {
                buf_put_str(out, i ? ", " : " ");
                put_name(t->attrs[i].name, out);
                buf_put_str(out, t->attrs[i].required ? ": " : "?: ");
                cedar_type_print(t->attrs[i].type, out);
        }
        buf_put_str(out, t->n ? " }" : "}");
}

void cedar_type_print(const struct cedar_type *t, struct buf *out)
{
        switch (t->kind) {
        case CEDAR_ENTITY:
                buf_put(out, t->entity);
                break;
        case CEDAR_SET:
                buf_put_str(out, "Set<");
                cedar_type_print(t->item, out);
                buf_put_byte(out, '>');
                break;
        case CEDAR_RECORD:
                put_record(t, out);
                break;
        default:
                buf_put_str(out, cedar_kind_name(t->kind));
        }
}
