/* SPDX-License-Identifier: Apache-2.0 */
/* extra.h - entities of one request, beside the sealed ones.  Floor 2, pure.
 *
 * Who calls is said by a token or a certificate: an id, groups, claims.  The store is shared and
 * never written, so the request carries such an entity itself (cedar_request.extra), and a decision
 * comes to what it would if the store had been sealed with it inside: also where something in the
 * store descends from it.
 *
 * One that the store has as well is both:
 *
 *   parents           those that the store says, and those that are given;
 *   attributes, tags  likewise, and where both have one of the same name the store's holds.
 *
 * SECURITY: so whoever fills in tokens may say more of a caller than the store does, never
 * something else, and takes no group away: a forbid that names the group holds whatever the token
 * says. */
#ifndef POLICY_EXTRA_H
#define POLICY_EXTRA_H

#include "policy/entities/entities.h"
#include "policy/evaluate/program.h"

enum {
        /* What one of them may descend from, each ancestor of each parent counted as often as it is
         * met.  So many take about half a millisecond to complete, and 60 microseconds of each
         * decision, which looks them up. */
        CEDAR_EXTRA_DESCENTS_MAX = 16384,
};

/* Completes the n entities of a request, CEDAR_EXTRA_MAX at most (asserted), in place: uid, attrs,
 * tags and parents are given, as for cedar_entities_add(); attrs and tags become what holds, and
 * ancestors what cedar_entities_seal() would make of them.  They may be parents of each other.
 * e is sealed and outlives them, as does what they point at.  All else lies in arena, whose ceiling
 * bounds it: some 40 bytes a parent, 16 a descent and 32 an attribute.
 *
 * -EEXIST: two have the same uid; -ELOOP: one would descend from itself; -E2BIG: one descends from
 * too many, or the arena is full; each named; -ENOMEM.  Then they are good for nothing. */
MUST_USE int cedar_extra_complete(const struct cedar_entities *e, struct cedar_entity *list,
                                  uint32_t n, struct arena *arena, struct err *err);

/* The one of this name among those of a request; NULL: it is none of them. */
static inline const struct cedar_entity *cedar_extra_find(const struct cedar_request *r,
                                                          const struct cedar_uid *uid)
{
        for (uint32_t i = 0; i < r->n_extra; i++)
                if (cedar_uid_eq(&r->extra[i].uid, uid))
                        return &r->extra[i];
        return NULL;
}

/* The next after *at of those which entity, one of the store, descends from: it descends from all
 * that they descend from.  NULL: no more.  *at is 0 at first. */
static inline const struct cedar_entity *cedar_extra_above(const struct cedar_request *r,
                                                           const struct cedar_entity *entity,
                                                           uint32_t *at)
{
        while (*at < r->n_extra) {
                const struct cedar_entity *x = &r->extra[(*at)++];

                if (cedar_entity_descends(entity, &x->uid))
                        return x;
        }
        return NULL;
}

#endif
