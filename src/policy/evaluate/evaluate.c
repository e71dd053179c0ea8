/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate.c - what each operator does, and the machine that runs their steps.  Floor 2, pure.
 *
 * Source: the Cedar language reference, "Operators and functions". */
#include "policy/entities/extra.h"
#include "policy/evaluate/code.h"

static bool fault(struct cedar_machine *m, enum cedar_fault f)
{
        m->fault = f;
        return false;
}

/* Replaces the n values on top by one. */
static bool give(struct cedar_machine *m, uint32_t n, struct cedar_value v)
{
        m->top -= n;
        *m->top++ = v;
        return true;
}

static bool give_bool(struct cedar_machine *m, uint32_t n, bool b)
{
        return give(m, n, cedar_bool(b));
}

const struct cedar_entity *cedar_machine_entity(const struct cedar_machine *m,
                                                const struct cedar_uid *uid)
{
        const struct cedar_entity *extra = cedar_extra_find(m->request, uid);

        return extra ? extra : cedar_entities_find(m->entities, uid);
}

static const struct cedar_entity *entity_of(const struct cedar_machine *m,
                                            const struct cedar_uid *uid)
{
        if (uid == &m->request->principal)
                return m->known[VAR_PRINCIPAL];
        if (uid == &m->request->resource)
                return m->known[VAR_RESOURCE];
        if (uid == &m->request->action)
                return m->known[VAR_ACTION];
        return cedar_machine_entity(m, uid);
}

bool cedar_machine_descends(const struct cedar_machine *m, const struct cedar_entity *entity,
                            const struct cedar_uid *from)
{
        const struct cedar_entity *extra;
        uint32_t at = 0;

        if (cedar_entity_descends(entity, from))
                return true;
        while ((extra = cedar_extra_above(m->request, entity, &at)))
                if (cedar_entity_descends(extra, from))
                        return true;
        return false;
}

static struct cedar_value variable(const struct cedar_request *r, enum cedar_var which)
{
        switch (which) {
        case VAR_PRINCIPAL:
                return cedar_entity_of(&r->principal);
        case VAR_ACTION:
                return cedar_entity_of(&r->action);
        case VAR_RESOURCE:
                return cedar_entity_of(&r->resource);
        case VAR_CONTEXT:
                break;
        }
        return r->context;
}

static bool step_not(struct cedar_machine *m, const struct cedar_code *c)
{
        struct cedar_value *a = m->top - 1;

        if (a->kind != CEDAR_BOOL)
                return fault(m, FAULT_NOT_BOOL);
        a->boolean = !a->boolean;
        return true;
}

static bool step_neg(struct cedar_machine *m, const struct cedar_code *c)
{
        struct cedar_value *a = m->top - 1;

        if (a->kind != CEDAR_LONG)
                return fault(m, FAULT_TYPE);
        if (__builtin_sub_overflow(0, a->number, &a->number))
                return fault(m, FAULT_OVERFLOW);
        return true;
}

static bool step_equal(struct cedar_machine *m, const struct cedar_code *c)
{
        return give_bool(m, 2, cedar_value_eq(m->top - 2, m->top - 1) == (c->op == CODE_EQ));
}

static bool step_order(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *a = m->top - 2, *b = m->top - 1;

        if (a->kind != b->kind ||
            (a->kind != CEDAR_LONG && a->kind != CEDAR_DATETIME && a->kind != CEDAR_DURATION))
                return fault(m, FAULT_TYPE);
        return give_bool(m, 2,
                         c->op == CODE_LT   ? a->number < b->number
                         : c->op == CODE_LE ? a->number <= b->number
                         : c->op == CODE_GT ? a->number > b->number
                                            : a->number >= b->number);
}

static bool step_reckon(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *a = m->top - 2, *b = m->top - 1;
        int64_t v;

        if (a->kind != CEDAR_LONG || b->kind != CEDAR_LONG)
                return fault(m, FAULT_TYPE);
        if (c->op == CODE_ADD   ? __builtin_add_overflow(a->number, b->number, &v)
            : c->op == CODE_SUB ? __builtin_sub_overflow(a->number, b->number, &v)
                                : __builtin_mul_overflow(a->number, b->number, &v))
                return fault(m, FAULT_OVERFLOW);
        return give(m, 2, cedar_number(CEDAR_LONG, v));
}

/* Every item must be an entity, those behind the one that decides as well. */
static bool step_in(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *a = m->top - 2, *b = m->top - 1, *items = b;
        const struct cedar_entity *entity;
        uint32_t n = 1;
        bool in = false;

        if (b->kind == CEDAR_SET) {
                items = b->items;
                n = b->n;
        }
        if (a->kind != CEDAR_ENTITY)
                return fault(m, FAULT_TYPE);
        for (uint32_t i = 0; i < n; i++)
                if (items[i].kind != CEDAR_ENTITY)
                        return fault(m, FAULT_TYPE);
        entity = n > 0 ? entity_of(m, a->uid) : NULL;
        for (uint32_t i = 0; !in && i < n; i++)
                in = cedar_uid_eq(a->uid, items[i].uid) ||
                     (entity && cedar_machine_descends(m, entity, items[i].uid));
        return give_bool(m, 2, in);
}

/* The attribute of a record or an entity.  NULL: it has none, and m->fault says why. */
static const struct cedar_value *attribute(struct cedar_machine *m, const struct cedar_value *of,
                                           struct span key)
{
        const struct cedar_value *record = of, *found;

        if (of->kind == CEDAR_ENTITY) {
                const struct cedar_entity *entity = entity_of(m, of->uid);

                m->fault = FAULT_NO_ENTITY;
                if (!entity)
                        return NULL;
                record = &entity->attrs;
        }
        m->fault = FAULT_TYPE;
        if (record->kind != CEDAR_RECORD)
                return NULL;
        found = cedar_record_get(record, key);
        m->fault = FAULT_NO_ATTRIBUTE;
        return found;
}

static bool step_get(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *found = attribute(m, m->top - 1, c->expr->text);

        return found && give(m, 1, *found);
}

/* The attribute of the request's variable, NULL when it has none. */
static const struct cedar_value *attribute_of(struct cedar_machine *m, const struct cedar_code *c,
                                              struct span key)
{
        struct cedar_place *place = &m->places[c->n];
        struct cedar_value of;

        if (place->turn != m->turn) {
                of = variable(m->request, (enum cedar_var)c->which);
                place->value = attribute(m, &of, key);
                place->turn = m->turn;
        }
        return place->value;
}

static bool step_get_of(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *found = attribute_of(m, c, c->expr->text);

        if (!found)
                return fault(m, c->which == VAR_CONTEXT || m->known[c->which] ? FAULT_NO_ATTRIBUTE
                                                                              : FAULT_NO_ENTITY);
        return give(m, 0, *found);
}

static bool step_has_of(struct cedar_machine *m, const struct cedar_code *c)
{
        return give_bool(m, 0, attribute_of(m, c, c->expr->path[0]) != NULL);
}

/* `a has b.c` is `a has b && a.b has c`. */
static bool step_has(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *at = m->top - 1;

        for (uint32_t i = 0; i < c->expr->n; i++) {
                at = attribute(m, at, c->expr->path[i]);
                if (!at)
                        return m->fault != FAULT_TYPE && give_bool(m, 1, false);
        }
        return give_bool(m, 1, true);
}

/* The first and the last piece lie at the ends; the others are looked for one behind the other, the
 * earliest place first: where that fails no other choice helps.  So no byte is passed twice, and
 * this costs what memmem() costs: the length of s times at most a constant. */
static bool matches(const struct cedar_pattern *pattern, struct span s)
{
        struct span first = pattern->pieces[0], last = pattern->pieces[pattern->n - 1];

        if (pattern->n == 1)
                return span_eq(first, s);
        if (!span_starts(s, first) || s.n - first.n < last.n)
                return false;
        if (!span_eq(span_from(s, s.n - last.n), last))
                return false;
        s = span_of(s.p + first.n, s.n - first.n - last.n);
        for (uint32_t i = 1; i + 1 < pattern->n; i++) {
                struct span piece = pattern->pieces[i];
                const uint8_t *at = s.p;

                if (piece.n == 0)
                        continue;
                at = s.n >= piece.n ? memmem(s.p, s.n, piece.p, piece.n) : NULL;
                if (!at)
                        return false;
                s = span_from(s, (size_t)(at - s.p) + piece.n);
        }
        return true;
}

static bool step_like(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *a = m->top - 1;

        if (a->kind != CEDAR_STRING)
                return fault(m, FAULT_TYPE);
        return give_bool(m, 1, matches(&c->expr->pattern, cedar_string_span(a)));
}

static bool step_is(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *a = m->top - 1;

        if (a->kind != CEDAR_ENTITY)
                return fault(m, FAULT_TYPE);
        return give_bool(m, 1, span_eq(a->uid->type, c->expr->text));
}

/* The values are copied to the room: the stack is used again. */
static bool step_set(struct cedar_machine *m, const struct cedar_code *c)
{
        struct cedar_value *items = (struct cedar_value *)(void *)m->room;

        if (c->n > 0)
                memcpy(items, m->top - c->n, c->n * sizeof *items);
        m->room += c->n * sizeof *items;
        return give(m, c->n, cedar_set_of(items, c->n));
}

static bool step_record(struct cedar_machine *m, const struct cedar_code *c)
{
        struct cedar_field *fields = (struct cedar_field *)(void *)m->room;

        for (uint32_t i = 0; i < c->n; i++)
                fields[i] = (struct cedar_field){ c->keys[i], m->top[(int64_t)i - c->n] };
        m->room += c->n * sizeof *fields;
        return give(m, c->n,
                    (struct cedar_value){ .kind = CEDAR_RECORD, .n = c->n, .fields = fields });
}

static bool step_contains(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *a = m->top - 2, *b = m->top - 1;

        if (a->kind != CEDAR_SET || (c->op != CODE_CONTAINS && b->kind != CEDAR_SET))
                return fault(m, FAULT_TYPE);
        return give_bool(m, 2,
                         c->op == CODE_CONTAINS       ? cedar_set_has(a, b)
                         : c->op == CODE_CONTAINS_ALL ? cedar_set_has_all(a, b)
                                                      : cedar_set_has_any(a, b));
}

static bool step_is_empty(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *a = m->top - 1;

        if (a->kind != CEDAR_SET)
                return fault(m, FAULT_TYPE);
        return give_bool(m, 1, a->n == 0);
}

static bool step_tag(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_value *a = m->top - 2, *b = m->top - 1, *tag = NULL;
        const struct cedar_entity *entity;

        if (a->kind != CEDAR_ENTITY || b->kind != CEDAR_STRING)
                return fault(m, FAULT_TYPE);
        entity = entity_of(m, a->uid);
        if (entity)
                tag = cedar_record_get(&entity->tags, cedar_string_span(b));
        if (c->op == CODE_HAS_TAG)
                return give_bool(m, 2, tag != NULL);
        if (!tag)
                return fault(m, entity ? FAULT_NO_TAG : FAULT_NO_ENTITY);
        return give(m, 2, *tag);
}

static cedar_step *const steps[CODE_OPS] = {
        [CODE_NOT] = step_not,
        [CODE_NEG] = step_neg,
        [CODE_EQ] = step_equal,
        [CODE_NE] = step_equal,
        [CODE_LT] = step_order,
        [CODE_LE] = step_order,
        [CODE_GT] = step_order,
        [CODE_GE] = step_order,
        [CODE_ADD] = step_reckon,
        [CODE_SUB] = step_reckon,
        [CODE_MUL] = step_reckon,
        [CODE_IN] = step_in,
        [CODE_HAS] = step_has,
        [CODE_GET] = step_get,
        [CODE_HAS_OF] = step_has_of,
        [CODE_GET_OF] = step_get_of,
        [CODE_LIKE] = step_like,
        [CODE_IS] = step_is,
        [CODE_SET] = step_set,
        [CODE_RECORD] = step_record,
        [CODE_FN] = cedar_step_fn,
        [CODE_CONTAINS] = step_contains,
        [CODE_CONTAINS_ALL] = step_contains,
        [CODE_CONTAINS_ANY] = step_contains,
        [CODE_IS_EMPTY] = step_is_empty,
        [CODE_GET_TAG] = step_tag,
        [CODE_HAS_TAG] = step_tag,
};

void cedar_machine_meet(struct cedar_machine *m, const struct cedar_entities *entities,
                        const struct cedar_request *request)
{
        m->entities = entities;
        m->request = request;
        m->known[VAR_PRINCIPAL] = cedar_machine_entity(m, &request->principal);
        m->known[VAR_ACTION] = cedar_machine_entity(m, &request->action);
        m->known[VAR_RESOURCE] = cedar_machine_entity(m, &request->resource);
}

/* Where the run goes on behind a Bool that decides; NULL: the value is none. */
static const struct cedar_code *decide(struct cedar_machine *m, const struct cedar_code *code,
                                       const struct cedar_code *c)
{
        const struct cedar_value *a = m->top - 1;

        if (a->kind != CEDAR_BOOL) {
                m->fault = FAULT_NOT_BOOL;
                return NULL;
        }
        if (c->op == CODE_BOOL)
                return c + 1;
        if (c->op == CODE_BRANCH) {
                m->top--;
                return a->boolean ? c + 1 : code + c->n;
        }
        if (a->boolean == (c->op == CODE_OR))
                return code + c->n;
        m->top--;
        return c + 1;
}

/* The entity stays for the `in` that follows, or false takes its place. */
static const struct cedar_code *is_then(struct cedar_machine *m, const struct cedar_code *code,
                                        const struct cedar_code *c)
{
        struct cedar_value *a = m->top - 1;

        if (a->kind != CEDAR_ENTITY) {
                m->fault = FAULT_TYPE;
                return NULL;
        }
        if (span_eq(a->uid->type, c->expr->text))
                return c + 1;
        *a = cedar_bool(false);
        return code + c->n;
}

const struct cedar_code *cedar_machine_run(struct cedar_machine *m, const struct cedar_code *code,
                                           uint32_t from, uint32_t to)
{
        const struct cedar_code *c = code + from, *next;

        for (; c < code + to; c = next) {
                switch ((enum cedar_code_op)c->op) {
                case CODE_CONST:
                        *m->top++ = *c->value;
                        next = c + 1;
                        break;
                case CODE_VAR:
                        *m->top++ = variable(m->request, (enum cedar_var)c->which);
                        next = c + 1;
                        break;
                case CODE_BOOL:
                case CODE_AND:
                case CODE_OR:
                case CODE_BRANCH:
                        next = decide(m, code, c);
                        break;
                case CODE_JUMP:
                        next = code + c->n;
                        break;
                case CODE_IS_THEN:
                        next = is_then(m, code, c);
                        break;
                default:
                        next = steps[c->op](m, c) ? c + 1 : NULL;
                }
                if (!next)
                        return c;
        }
        return NULL;
}
