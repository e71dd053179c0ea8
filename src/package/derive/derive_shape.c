/* SPDX-License-Identifier: Apache-2.0 */
/* derive_shape.c - the shape of each schema.  Floor 2, pure. */
#include "package/derive/derive_shape.h"

#include <stdlib.h>

#include "package/derive/derive_join.h"

const char *shape_lack_text(enum shape_lack lack)
{
        static const char *const texts[] = {
                [SHAPE_TYPED] = "of one type",
                [SHAPE_ANY] = "anything may stand there",
                [SHAPE_UNSAID] = "it has properties, and `type: object` is not said",
                [SHAPE_FREE] = "an object without named properties that have a type",
                [SHAPE_SUM] = "values of different types",
                [SHAPE_NULLS] = "null may be in the array",
                [SHAPE_LOOP] = "its schema leads back to itself",
                [SHAPE_DEEP] = "it nests too deep",
                [SHAPE_NOTHING] = "no value fits",
        };

        return texts[lack];
}

static const struct shape anything = { .kinds = API_ANY, .lack = SHAPE_ANY };
static const struct shape loop = { .kinds = API_ANY, .why = SHAPE_LOOP, .lack = SHAPE_LOOP };

const struct shape *shape_at(const struct shapes *s, uint32_t place)
{
        return place == API_NONE ? &anything : s->at[place];
}

/* The shape that `from` is made of at `to`. */
static const struct shape *part_at(const struct shapes *s, uint32_t from, uint32_t to)
{
        if (to == API_NONE)
                return &anything;
        return shapes_loop(s, from, to) ? &loop : s->at[to];
}

/* ---- enum and const ---- */

static uint32_t kind_of(const struct tree *value)
{
        static const uint32_t kinds[] = {
                [TREE_NULL] = API_NULL,      [TREE_BOOL] = API_BOOL,
                [TREE_NUMBER] = API_INTEGER, [TREE_REAL] = API_NUMBER | API_INTEGER,
                [TREE_STRING] = API_STRING,  [TREE_ARRAY] = API_ARRAY,
                [TREE_OBJECT] = API_OBJECT,
        };

        return kinds[value->kind];
}

static int by_text(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static int narrow_to_values(struct shapes *s, const struct api_schema *schema, struct shape *shape)
{
        struct span *list = arena_alloc(s->arena, schema->n_values * sizeof *list);
        uint32_t kinds = 0, n = 0, kept = 0;

        if (!list)
                return -ENOMEM;
        for (uint32_t i = 0; i < schema->n_values; i++) {
                kinds |= kind_of(&schema->values[i]);
                if (schema->values[i].kind == TREE_STRING)
                        list[n++] = schema->values[i].text;
        }
        shape->kinds &= kinds;
        if (n == 0)
                return 0;
        qsort(list, n, sizeof *list, by_text);
        for (uint32_t i = 0; i < n; i++)
                if (kept == 0 || !span_eq(list[i], list[kept - 1]))
                        list[kept++] = list[i];
        shape->values = list;
        shape->n_values = kept;
        return 0;
}

/* ---- what a schema says itself ---- */

static int add_record(struct shapes *s, uint32_t place, struct shape *shape)
{
        const struct api_schema *schema = &s->schemas->at[place];
        struct shape_attr *attrs;

        if (schema->n_properties == 0)
                return 0;
        s->n_attrs += schema->n_properties;
        if (s->n_attrs > SHAPE_ATTRS_MAX)
                return -E2BIG;
        attrs = arena_alloc(s->arena, schema->n_properties * sizeof *attrs);
        if (!attrs)
                return -ENOMEM;
        for (uint32_t i = 0; i < schema->n_properties; i++) {
                const struct api_property *p = &schema->properties[i];

                attrs[i] = (struct shape_attr){ .name = p->name,
                                                .shape = part_at(s, place, p->schema),
                                                .required = p->required };
        }
        shape->record = shape_record_of(s, attrs, schema->n_properties);
        return shape->record ? 0 : -ENOMEM;
}

static int add_item(struct shapes *s, uint32_t place, struct shape *shape)
{
        const struct api_schema *schema = &s->schemas->at[place];
        const struct shape *item = part_at(s, place, schema->items);

        for (uint32_t i = 0; i < schema->prefix_items.n; i++) {
                item = shape_join(s, item, part_at(s, place, schema->prefix_items.at[i]));
                if (!item)
                        return -ENOMEM;
        }
        if (schema->items != API_NONE || schema->prefix_items.n)
                shape->item = item;
        return 0;
}

static enum shape_text text_of(enum api_format format)
{
        switch (format) {
        case API_FORMAT_DATE_TIME:
                return SHAPE_DATETIME;
        case API_FORMAT_IPV4:
        case API_FORMAT_IPV6:
                return SHAPE_IPADDR;
        default:
                return SHAPE_STRING;
        }
}

static struct shape *own_shape(struct shapes *s, uint32_t place, int *rc)
{
        const struct api_schema *schema = &s->schemas->at[place];
        struct shape *shape = arena_alloc(s->arena, sizeof *shape);

        *rc = -ENOMEM;
        if (!shape)
                return NULL;
        shape->kinds = schema->never ? 0 : schema->types;
        if (shape->kinds & API_NUMBER)
                shape->kinds |= API_INTEGER;
        shape->text = text_of(schema->format);
        shape->fine = shape_is_fine(schema);
        *rc = schema->values ? narrow_to_values(s, schema, shape) : 0;
        if (*rc == 0)
                *rc = add_record(s, place, shape);
        if (*rc == 0)
                *rc = add_item(s, place, shape);
        shape_settle(shape);
        return *rc == 0 ? shape : NULL;
}

/* ---- and what those say that it is made of ---- */

static struct shape *either(struct shapes *s, uint32_t place, const struct api_places *list)
{
        const struct shape *all = part_at(s, place, list->at[0]);
        struct shape *copy;

        for (uint32_t i = 1; i < list->n && all; i++)
                all = shape_join(s, all, part_at(s, place, list->at[i]));
        copy = all ? arena_alloc(s->arena, sizeof *copy) : NULL;
        if (copy)
                *copy = *all;
        return copy;
}

static struct shape *narrow(struct shapes *s, struct shape *shape, const struct shape *by)
{
        return shape && by ? shape_meet(s, shape, by) : NULL;
}

static struct shape *whole_shape(struct shapes *s, uint32_t place, int *rc)
{
        const struct api_schema *schema = &s->schemas->at[place];
        struct shape *shape = own_shape(s, place, rc);

        if (!shape)
                return NULL;
        if (schema->ref != API_NONE)
                shape = narrow(s, shape, part_at(s, place, schema->ref));
        for (uint32_t i = 0; i < schema->all_of.n; i++)
                shape = narrow(s, shape, part_at(s, place, schema->all_of.at[i]));
        if (schema->any_of.n)
                shape = narrow(s, shape, either(s, place, &schema->any_of));
        if (schema->one_of.n)
                shape = narrow(s, shape, either(s, place, &schema->one_of));
        if (!shape)
                *rc = s->n_attrs > SHAPE_ATTRS_MAX ? -E2BIG : -ENOMEM;
        return shape;
}

/* Values and records are called after the component that they were first met in. */
static void name_shape(struct shape *shape, struct span name)
{
        if (name.n == 0)
                return;
        if (shape->values && shape->name.n == 0)
                shape->name = name;
        if (shape->record && shape->record->name.n == 0)
                shape->record->name = name;
}

int shapes_make(const struct api_schemas *schemas, const uint32_t *roots, uint32_t n,
                struct arena *arena, struct shapes *ret, struct err *err)
{
        int rc;

        *ret = (struct shapes){ .schemas = schemas, .arena = arena };
        ret->at = arena_alloc(arena, schemas->n * sizeof(struct shape *));
        rc = ret->at ? shapes_order(ret, roots, n) : -ENOMEM;
        for (uint32_t i = 0; i < ret->n_order && rc == 0; i++) {
                uint32_t place = ret->order[i];

                ret->at[place] = whole_shape(ret, place, &rc);
                if (rc == 0)
                        name_shape(ret->at[place], schemas->at[place].name);
        }
        if (rc < 0)
                return err_set(err, rc, "the schemas of requests: %s",
                               rc == -E2BIG ? "too many properties" : "no memory");
        return 0;
}
