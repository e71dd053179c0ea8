/* SPDX-License-Identifier: Apache-2.0 */
/* entities.h - the entities a decision may look at.  Floor 2, pure.
 *
 * Filled by cedar_entities_add(), then sealed, then only read: by any number of threads. */
#ifndef POLICY_ENTITIES_H
#define POLICY_ENTITIES_H

#include "policy/value/value.h"

enum {
        CEDAR_ENTITIES_MAX = 1000000,
        CEDAR_DESCENTS_MAX = 16 * 1024 * 1024, /* pairs of an entity and one of its ancestors */
        CEDAR_ENTITIES_BYTES_MAX = 1024 * 1024 * 1024, /* of the arena */
};

struct cedar_entity {
        struct cedar_uid uid;
        struct cedar_value attrs, tags;  /* records */
        const struct cedar_uid *parents; /* in any order, may repeat; kept as the ancestors are */
        uint32_t n_parents;
        /* Filled by cedar_entities_seal(): all it descends from, itself not among them, ascending
         * by cedar_uid_order(), none twice. */
        const struct cedar_uid *const *ancestors;
        uint32_t n_ancestors;
};

struct cedar_entities;

/* -ENOMEM. */
MUST_USE int cedar_entities_new(struct cedar_entities **ret);
struct cedar_entities *cedar_entities_free(struct cedar_entities *e);
DEFINE_CLEANUP(struct cedar_entities, cedar_entities_free)

/* Where to put what added entities point at; given back by cedar_entities_free(). */
struct arena *cedar_entities_arena(struct cedar_entities *e);

/* entity is copied, what it points at is borrowed.  -E2BIG, -ENOMEM.  Sets and records must be in
 * order (cedar_value_ordered, asserted). */
MUST_USE int cedar_entities_add(struct cedar_entities *e, const struct cedar_entity *entity,
                                struct err *err);

/* Works out who descends from whom; parents need not be there.  An entity that was added twice and
 * says the same is one.  -EEXIST: it says something else, named; -ELOOP: an entity descends from
 * itself, named; -E2BIG, -ENOMEM.  On failure e is good for cedar_entities_free() only. */
MUST_USE int cedar_entities_seal(struct cedar_entities *e, struct err *err);

bool cedar_entities_sealed(const struct cedar_entities *e);

/* NULL when there is none.  Until e is sealed the next cedar_entities_add() may move it. */
const struct cedar_entity *cedar_entities_find(const struct cedar_entities *e,
                                               const struct cedar_uid *uid);

/* `a in b`: the same, or a is there and descends from b. */
bool cedar_entities_in(const struct cedar_entities *e, const struct cedar_uid *a,
                       const struct cedar_uid *b);

/* Does it descend from b? */
bool cedar_entity_descends(const struct cedar_entity *entity, const struct cedar_uid *b);

/* In the order they were added. */
uint32_t cedar_entities_count(const struct cedar_entities *e);
const struct cedar_entity *cedar_entities_at(const struct cedar_entities *e, uint32_t i);

#endif
