/* SPDX-License-Identifier: Apache-2.0 */
/* derive_join.c - what fits one of two shapes, or both.  Floor 2, pure.
 *
 * Recursion is bounded by SHAPE_HEIGHT_MAX. */
#include "package/derive/derive_join.h"

#include "package/schema/number.h"

/* ---- one shape ---- */

struct shape_record *shape_record_of(struct shapes *s, const struct shape_attr *attrs, uint32_t n)
{
        struct shape_record *r = arena_alloc(s->arena, sizeof *r);

        if (!r)
                return NULL;
        *r = (struct shape_record){ .attrs = attrs, .n = n };
        for (uint32_t i = 0; i < n; i++) {
                r->typed += shape_typed(attrs[i].shape);
                r->height = MAX_OF(r->height, attrs[i].shape->height);
        }
        r->height += 2;
        return r;
}

static void drop_what_cannot_be(struct shape *s)
{
        if (s->values && s->n_values == 0)
                s->kinds &= ~(uint32_t)API_STRING;
        if (!(s->kinds & API_STRING)) {
                s->values = NULL;
                s->text = SHAPE_STRING;
                s->name = SPAN_NONE;
        }
        if (!(s->kinds & API_OBJECT))
                s->record = NULL;
        if (!(s->kinds & API_ARRAY))
                s->item = NULL;
}

static enum shape_lack lack_of_item(const struct shape *item)
{
        if (!item)
                return SHAPE_ANY;
        return shape_typed(item) && shape_nullable(item) ? SHAPE_NULLS : item->lack;
}

static enum shape_lack lack_of(const struct shape *s)
{
        enum shape_lack why = s->why == SHAPE_TYPED ? SHAPE_FREE : s->why;

        switch (s->kinds & ~(uint32_t)API_NULL) {
        case 0:
                return SHAPE_NOTHING;
        case API_BOOL:
        case API_INTEGER:
        case API_INTEGER | API_NUMBER:
        case API_STRING:
                return SHAPE_TYPED;
        case API_ARRAY:
                return s->item || s->why == SHAPE_TYPED ? lack_of_item(s->item) : s->why;
        case API_OBJECT:
                return s->record && s->record->typed ? SHAPE_TYPED : why;
        case API_ANY & ~API_NULL:
                return s->record ? SHAPE_UNSAID : s->why == SHAPE_TYPED ? SHAPE_ANY : s->why;
        default:
                return SHAPE_SUM;
        }
}

void shape_settle(struct shape *s)
{
        drop_what_cannot_be(s);
        s->height = s->record ? s->record->height : 0;
        if (s->item)
                s->height = MAX_OF(s->height, s->item->height + 1);
        if (s->height > SHAPE_HEIGHT_MAX) {
                s->record = NULL;
                s->item = NULL;
                s->why = SHAPE_DEEP;
                s->height = 0;
        }
        s->lack = lack_of(s);
}

static bool number_is_fine(struct span text)
{
        struct number n;
        int64_t v;

        return number_of(text, &n) && (number_is_integer(&n) || number_to_int(&n, 4, &v));
}

bool shape_is_fine(const struct api_schema *schema)
{
        bool fine = schema->values != NULL;

        for (uint32_t i = 0; i < schema->n_values && fine; i++)
                fine = schema->values[i].kind != TREE_REAL ||
                       number_is_fine(schema->values[i].text);
        return fine || (schema->multiple_of.n && number_is_fine(schema->multiple_of));
}

/* ---- the same ---- */

struct compare {
        uint32_t steps;
};

static bool same(struct compare *c, const struct shape *a, const struct shape *b);

static bool same_record(struct compare *c, const struct shape_record *a,
                        const struct shape_record *b)
{
        if (a == b)
                return true;
        if (!a || !b || a->n != b->n)
                return false;
        for (uint32_t i = 0; i < a->n; i++)
                if (!span_eq(a->attrs[i].name, b->attrs[i].name) ||
                    a->attrs[i].required != b->attrs[i].required ||
                    !same(c, a->attrs[i].shape, b->attrs[i].shape))
                        return false;
        return true;
}

static bool same_values(const struct shape *a, const struct shape *b)
{
        if (a->values == b->values)
                return true;
        if (!a->values || !b->values || a->n_values != b->n_values)
                return false;
        for (uint32_t i = 0; i < a->n_values; i++)
                if (!span_eq(a->values[i], b->values[i]))
                        return false;
        return true;
}

/* Who compares too long gives up: they are not the same then. */
static bool same(struct compare *c, const struct shape *a, const struct shape *b)
{
        enum { STEPS_MAX = 100000 };

        if (a == b)
                return true;
        if (!a || !b || ++c->steps > STEPS_MAX || a->kinds != b->kinds)
                return false;
        return a->text == b->text && same_values(a, b) && same_record(c, a->record, b->record) &&
               same(c, a->item, b->item);
}

/* ---- strings that may be ---- */

static const struct span *merge_values(struct shapes *s, const struct shape *a,
                                       const struct shape *b, bool both, uint32_t *ret_n)
{
        struct span *list =
                arena_alloc(s->arena, ((size_t)a->n_values + b->n_values) * sizeof *list);
        uint32_t i = 0, j = 0, n = 0;

        while (list && (i < a->n_values || j < b->n_values)) {
                int c = i == a->n_values   ? 1
                        : j == b->n_values ? -1
                                           : span_cmp(a->values[i], b->values[j]);

                if (c == 0 || !both)
                        list[n++] = c <= 0 ? a->values[i] : b->values[j];
                i += c <= 0;
                j += c >= 0;
        }
        *ret_n = n;
        return list;
}

static void take_values(struct shape *to, const struct shape *from)
{
        to->values = from->values;
        to->n_values = from->n_values;
        to->name = from->name;
}

/* Both have values.  false: no memory. */
static bool put_values(struct shapes *s, struct shape *to, const struct shape *a,
                       const struct shape *b, bool both)
{
        if (same_values(a, b)) {
                take_values(to, a->name.n ? a : b);
                return true;
        }
        to->values = merge_values(s, a, b, both, &to->n_values);
        return to->values;
}

/* ---- either ---- */

static bool join_values(struct shapes *s, struct shape *to, const struct shape *a,
                        const struct shape *b)
{
        if (!(a->kinds & b->kinds & API_STRING)) {
                take_values(to, a->kinds & API_STRING ? a : b);
                return true;
        }
        return !a->values || !b->values || put_values(s, to, a, b, false);
}

/* Times and other strings together are strings. */
static enum shape_text join_texts(const struct shape *a, const struct shape *b)
{
        if (!(a->kinds & b->kinds & API_STRING))
                return a->kinds & API_STRING ? a->text : b->text;
        return a->text == b->text ? a->text : SHAPE_STRING;
}

static void join_records(struct shape *to, const struct shape *a, const struct shape *b)
{
        struct compare c = { 0 };

        if (!(a->kinds & b->kinds & API_OBJECT))
                to->record = a->kinds & API_OBJECT ? a->record : b->record;
        else if (a->record && b->record && same_record(&c, a->record, b->record))
                to->record = a->record->name.n ? a->record : b->record;
        else if (a->record && b->record)
                to->why = SHAPE_SUM;
}

static bool join_items(struct shapes *s, struct shape *to, const struct shape *a,
                       const struct shape *b)
{
        if (!(a->kinds & b->kinds & API_ARRAY))
                to->item = a->kinds & API_ARRAY ? a->item : b->item;
        else if (a->item && b->item)
                return (to->item = shape_join(s, a->item, b->item));
        return true;
}

struct shape *shape_join(struct shapes *s, const struct shape *a, const struct shape *b)
{
        struct shape *to = arena_alloc(s->arena, sizeof *to);

        if (!to)
                return NULL;
        to->kinds = a->kinds | b->kinds;
        to->fine = (a->fine || !(a->kinds & API_NUMBER)) && (b->fine || !(b->kinds & API_NUMBER));
        to->why = a->why != SHAPE_TYPED ? a->why : b->why;
        to->text = join_texts(a, b);
        join_records(to, a, b);
        if (!join_values(s, to, a, b) || !join_items(s, to, a, b))
                return NULL;
        shape_settle(to);
        return to;
}

/* ---- both ---- */

static bool meet_attr(struct shapes *s, struct shape_attr *to, const struct shape_attr *by)
{
        to->required |= by->required;
        if (to->shape == by->shape)
                return true;
        return (to->shape = shape_meet(s, to->shape, by->shape));
}

static struct shape_record *meet_records(struct shapes *s, const struct shape_record *a,
                                         const struct shape_record *b)
{
        struct shape_attr *attrs;
        uint32_t i = 0, j = 0, n = 0;

        s->n_attrs += a->n + b->n;
        if (s->n_attrs > SHAPE_ATTRS_MAX)
                return NULL;
        attrs = arena_alloc(s->arena, ((size_t)a->n + b->n) * sizeof *attrs);
        while (attrs && (i < a->n || j < b->n)) {
                int c = i == a->n   ? 1
                        : j == b->n ? -1
                                    : span_cmp(a->attrs[i].name, b->attrs[j].name);

                attrs[n] = c <= 0 ? a->attrs[i] : b->attrs[j];
                if (c == 0 && !meet_attr(s, &attrs[n], &b->attrs[j]))
                        return NULL;
                n++;
                i += c <= 0;
                j += c >= 0;
        }
        return attrs ? shape_record_of(s, attrs, n) : NULL;
}

static bool meet_parts(struct shapes *s, struct shape *to, const struct shape *a,
                       const struct shape *b)
{
        if (a->values && b->values) {
                if (!put_values(s, to, a, b, true))
                        return false;
        } else {
                take_values(to, a->values ? a : b);
        }
        to->record = a->record ? a->record : b->record;
        if (a->record && b->record && a->record != b->record)
                to->record = meet_records(s, a->record, b->record);
        to->item = a->item ? a->item : b->item;
        if (a->item && b->item && a->item != b->item)
                to->item = shape_meet(s, a->item, b->item);
        return (!a->record || to->record) && (!a->item || to->item);
}

struct shape *shape_meet(struct shapes *s, const struct shape *a, const struct shape *b)
{
        struct shape *to = arena_alloc(s->arena, sizeof *to);

        if (!to)
                return NULL;
        to->kinds = a->kinds & b->kinds;
        to->text = a->text != SHAPE_STRING ? a->text : b->text;
        to->fine = a->fine || b->fine;
        to->why = a->why != SHAPE_TYPED ? a->why : b->why;
        if (!meet_parts(s, to, a, b))
                return NULL;
        shape_settle(to);
        return to;
}
