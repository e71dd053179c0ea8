/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - policies made of templates, policies renamed.  Floor 2, pure. */
#include "policy/ast/ids.h"
#include "policy/parse/parse.h"

enum { ID_SHOWN_MAX = 64 };
#define SHOWN(id) (int)MIN_OF((id).n, (size_t)ID_SHOWN_MAX), (const char *)(id).p

bool cedar_policy_annotation(const struct cedar_policy *p, const char *key, struct span *ret)
{
        for (uint32_t i = 0; i < p->n_annotations; i++)
                if (span_eq_str(p->annotations[i].key, key)) {
                        *ret = p->annotations[i].value;
                        return true;
                }
        return false;
}

static bool copy_span(struct arena *arena, struct span s, struct span *ret)
{
        const char *p = arena_copy(arena, s);

        if (p)
                *ret = span_of(p, s.n);
        return p;
}

/* Fills the slot of a scope, where it has one. */
static int fill(struct arena *arena, struct cedar_scope *s, const char *slot,
                const struct cedar_uid *with, struct err *err)
{
        struct cedar_uid *uid;
        struct span type, id;

        if (s->slot != !!with)
                return err_set(err, -EINVAL,
                               with ? "the template has no slot %s"
                                    : "nothing is said for the slot %s",
                               slot);
        if (!with)
                return 0;
        uid = arena_alloc(arena, sizeof *uid);
        if (!uid || !copy_span(arena, with->type, &type) || !copy_span(arena, with->id, &id))
                return err_set(err, -ENOMEM, "no memory for a link");
        *uid = cedar_uid(type, id);
        s->slot = false;
        s->uids = uid;
        s->n = 1;
        return 0;
}

/* Room for one more.  What stood there stays good: it is the arena's. */
static bool grow(struct cedar_policies *p)
{
        uint32_t cap = p->cap < 8 ? 16 : p->cap * 2;
        struct cedar_policy *more;

        if (p->n < p->cap)
                return true;
        more = arena_alloc(&p->arena, cap * sizeof *more);
        if (!more)
                return false;
        if (p->n)
                memcpy(more, p->policies, p->n * sizeof *more);
        p->policies = more;
        p->cap = cap;
        return true;
}

int cedar_policies_link(struct cedar_policies *p, struct span template, struct span id,
                        const struct cedar_uid *principal, const struct cedar_uid *resource,
                        struct err *err)
{
        const struct cedar_policy *of = cedar_policies_find(p, template);
        struct cedar_policy link;
        int rc;

        if (!of || !of->template)
                return err_set(err, -ENOENT, of ? "policy %.*s is no template" : "no template %.*s",
                               SHOWN(template));
        if (cedar_policies_find(p, id))
                return err_set(err, -EEXIST, "there is a policy %.*s already", SHOWN(id));
        if (p->n >= CEDAR_POLICIES_MAX)
                return err_set(err, -E2BIG, "more than %u policies", CEDAR_POLICIES_MAX);
        link = *of;
        link.of = of->id;
        link.template = false;
        rc = fill(&p->arena, &link.principal, "?principal", principal, err);
        if (rc == 0)
                rc = fill(&p->arena, &link.resource, "?resource", resource, err);
        if (rc < 0)
                return rc;
        if (!copy_span(&p->arena, id, &link.id) || !grow(p) || !cedar_ids_reserve(p))
                return err_set(err, -ENOMEM, "no memory for a link");
        p->policies[p->n] = link;
        cedar_ids_add(p, p->n++);
        return 0;
}
