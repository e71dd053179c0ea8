/* SPDX-License-Identifier: Apache-2.0 */
/* validate_type.c - see validate_type.h. */
#include "policy/validate/validate_type.h"

const struct cedar_type cedar_type_true = { .kind = CEDAR_BOOL };
const struct cedar_type cedar_type_false = { .kind = CEDAR_BOOL };

const struct cedar_type *cedar_type_truth(bool known)
{
        return known ? &cedar_type_true : &cedar_type_false;
}

static int join_sets(struct type_work *w, const struct cedar_type *a, const struct cedar_type *b,
                     const struct cedar_type **ret)
{
        const struct cedar_type *item = NULL;
        struct cedar_type *made;
        int r = cedar_type_join(w, a->item, b->item, &item);

        if (r < 0)
                return r;
        if (item == a->item || item == b->item) {
                *ret = item == a->item ? a : b;
                return 0;
        }
        made = arena_alloc(w->arena, sizeof(*made));
        if (!made)
                return -ENOMEM;
        *made = (struct cedar_type){ .kind = CEDAR_SET, .item = item };
        *ret = made;
        return 0;
}

/* Fills attrs, as many as a has; *ret_same: all are a's own. */
static int join_attrs(struct type_work *w, const struct cedar_type *a, const struct cedar_type *b,
                      struct cedar_attr *attrs, bool *ret_same)
{
        bool same = true;

        for (uint32_t i = 0; i < a->n; i++) {
                int r;

                if (a->attrs[i].required != b->attrs[i].required ||
                    !span_eq(a->attrs[i].name, b->attrs[i].name))
                        return -EINVAL;
                attrs[i] = a->attrs[i];
                r = cedar_type_join(w, a->attrs[i].type, b->attrs[i].type, &attrs[i].type);
                if (r < 0)
                        return r;
                same = same && attrs[i].type == a->attrs[i].type;
        }
        *ret_same = same;
        return 0;
}

static int join_records(struct type_work *w, const struct cedar_type *a, const struct cedar_type *b,
                        const struct cedar_type **ret)
{
        struct cedar_type *made;
        struct cedar_attr *attrs;
        bool same = false;
        int r;

        if (a->n != b->n)
                return -EINVAL;
        made = arena_alloc(w->arena, sizeof(*made));
        attrs = arena_alloc(w->arena, MAX_OF(a->n, 1u) * sizeof(*attrs));
        if (!made || !attrs)
                return -ENOMEM;
        r = join_attrs(w, a, b, attrs, &same);
        if (r < 0)
                return r;
        *made = (struct cedar_type){ .kind = CEDAR_RECORD, .attrs = attrs, .n = a->n };
        *ret = same ? a : made;
        return 0;
}

int cedar_type_join(struct type_work *w, const struct cedar_type *a, const struct cedar_type *b,
                    const struct cedar_type **ret)
{
        if (w->steps == 0)
                return -E2BIG;
        w->steps--;
        if (a->kind != b->kind)
                return -EINVAL;
        if (a == b) {
                *ret = a;
                return 0;
        }
        switch (a->kind) {
        case CEDAR_SET:
                return join_sets(w, a, b, ret);
        case CEDAR_RECORD:
                return join_records(w, a, b, ret);
        case CEDAR_ENTITY:
                if (!span_eq(a->entity, b->entity))
                        return -EINVAL;
                *ret = a;
                return 0;
        default: /* of two Bools no more is known than that */
                *ret = cedar_type_basic(a->kind);
                return 0;
        }
}

const struct cedar_attr *cedar_type_attr(const struct cedar_type *record, struct span name)
{
        uint32_t lo = 0, hi = record->n;

        while (lo < hi) {
                uint32_t mid = lo + (hi - lo) / 2;
                int c = span_cmp(name, record->attrs[mid].name);

                if (c == 0)
                        return &record->attrs[mid];
                if (c < 0)
                        hi = mid;
                else
                        lo = mid + 1;
        }
        return NULL;
}

bool cedar_type_is_action(struct span entity)
{
        static const struct span last = SPAN_INIT("::Action");

        return span_eq_str(entity, "Action") ||
               (entity.n > last.n && span_eq(span_from(entity, entity.n - last.n), last));
}
