/* SPDX-License-Identifier: Apache-2.0 */
/* part_bring.c - what the real request may bring; see part.h.  Floor 2, pure.
 *
 * The request of a principal that is not known may bring that entity with it (extra.h): so what the
 * store does not say of an entity of its type, or of what descends from one, is not known either.
 * Less is open where it is said what the request brings (struct cedar_brings). */
#include "policy/partial/part.h"

#include "policy/entities/extra.h"

static const struct part_path roots[] = {
        [VAR_PRINCIPAL] = { .var = VAR_PRINCIPAL },
        [VAR_RESOURCE] = { .var = VAR_RESOURCE },
};

struct part part_variable(struct part_walk *w, enum cedar_var which)
{
        const struct cedar_request *r = w->machine.request;
        const struct cedar_uid *uid = which == VAR_PRINCIPAL ? &r->principal
                                      : which == VAR_ACTION  ? &r->action
                                                             : &r->resource;

        if (which == VAR_CONTEXT) {
                if (w->context.sort == PART_ANY)
                        part_touch(w, w->context.path);
                return w->context;
        }
        if (!(which == VAR_PRINCIPAL ? w->unknown->principal
                                     : which == VAR_RESOURCE && w->unknown->resource))
                return part_value(cedar_entity_of(uid));
        part_touch(w, &roots[which]);
        return (struct part){ .sort = PART_ENTITY,
                              .kinds = PART_KIND(CEDAR_ENTITY),
                              .entity = uid->type,
                              .path = &roots[which] };
}

/* ---- what the request may bring ---- */

bool part_may_be_principal(const struct part_walk *w, const struct cedar_uid *uid)
{
        return w->unknown->principal && span_eq(uid->type, w->machine.request->principal.type) &&
               !(w->unknown->brings && cedar_entities_find(w->machine.entities, uid));
}

const struct part_path *part_may_be(const struct part_walk *w, const struct cedar_uid *uid)
{
        const struct cedar_request *r = w->machine.request;

        if (part_may_be_principal(w, uid) ||
            (!w->unknown->principal && w->unknown->brings && cedar_uid_eq(uid, &r->principal)))
                return &roots[VAR_PRINCIPAL];
        if (w->unknown->resource && span_eq(uid->type, r->resource.type))
                return &roots[VAR_RESOURCE];
        return NULL;
}

bool part_brings(const struct part_walk *w, const struct part *p)
{
        if (!w->unknown->brings)
                return false;
        if (w->unknown->principal)
                return p->sort == PART_ENTITY && p->path == &roots[VAR_PRINCIPAL];
        return p->sort == PART_VALUE && p->value.kind == CEDAR_ENTITY &&
               cedar_uid_eq(p->value.uid, &w->machine.request->principal);
}

bool part_brings_attribute(const struct part_walk *w, struct span key)
{
        const struct cedar_brings *b = w->unknown->brings;

        for (uint32_t i = 0; i < b->n_attributes; i++)
                if (span_eq(b->attributes[i], key))
                        return true;
        return false;
}

/* One that is known is in no more groups than its request says. */
static const struct part_path *may_have_groups(const struct part_walk *w,
                                               const struct cedar_uid *uid)
{
        const struct part_path *of = part_may_be(w, uid);
        const struct cedar_unknown *u = w->unknown;

        if (of == &roots[VAR_PRINCIPAL] && u->brings && !u->principal && !u->brings->groups)
                return NULL;
        return of;
}

const struct part_path *part_may_grow(const struct part_walk *w, const struct cedar_uid *uid)
{
        const struct cedar_unknown *u = w->unknown;
        const struct part_path *of = may_have_groups(w, uid);
        const struct cedar_entity *e;
        uint32_t at = 0;

        if (of || (!u->principal && !u->resource && !u->brings))
                return of;
        for (e = cedar_machine_entity(&w->machine, uid); e;
             e = cedar_extra_above(w->machine.request, e, &at))
                for (uint32_t i = 0; i < e->n_ancestors; i++) {
                        of = may_have_groups(w, e->ancestors[i]);
                        if (of)
                                return of;
                }
        return NULL;
}

/* May an entity of this type, whichever it is, be in that one? */
bool part_type_may_be_in(const struct part_walk *w, struct span type, struct span above)
{
        return span_eq(type, above) || !w->unknown->schema ||
               cedar_schema_type_in(w->unknown->schema, type, above);
}

/* What is asked of an entity that is not known hangs on what its request brings, too: it may be
 * that one, or (groups) descend from it. */
void part_touch_bringers(struct part_walk *w, const struct part *p, bool groups)
{
        const struct cedar_request *r = w->machine.request;
        const struct cedar_uid *const uids[] = { &r->principal, &r->resource };
        const bool unknown[] = { w->unknown->principal || w->unknown->brings,
                                 w->unknown->resource };
        struct span type;

        if (p->sort != PART_ANY || !(p->kinds & PART_KIND(CEDAR_ENTITY)))
                return;
        for (size_t i = 0; i < ARRAY_LEN(uids); i++)
                if (unknown[i] && (!part_entity_type(p, &type) || span_eq(type, uids[i]->type) ||
                                   (groups && part_type_may_be_in(w, type, uids[i]->type))))
                        part_touch(w, &roots[i ? VAR_RESOURCE : VAR_PRINCIPAL]);
}
