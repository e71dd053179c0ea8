/* SPDX-License-Identifier: Apache-2.0 */
/* schema_resolver.h - what the files that resolve a schema share.  Floor 2, pure. */
#ifndef POLICY_SCHEMA_RESOLVER_H
#define POLICY_SCHEMA_RESOLVER_H

#include "policy/schema/decl.h"

struct resolver {
        struct decl_schema *d;
        struct cedar_schema *s;
        struct err *err;
        /* The declarations, ascending by name. */
        struct decl_entity **entities;
        struct decl_common **commons;
        struct decl_action **actions;
};

/* Sets r's error; returns -ENOMEM. */
int resolver_no_memory(struct resolver *r);
/* n items of this size, for the time of resolving or for as long as the schema lives; NULL: none.
 */
void *resolver_scratch(struct resolver *r, size_t n, size_t size);
void *resolver_keep(struct resolver *r, size_t n, size_t size);
/* A copy that lives as long as the schema. */
MUST_USE int resolver_keep_span(struct resolver *r, struct span from, struct span *ret);

/* Sorts what is declared into r's lists, with full names.  -EINVAL: something is declared twice, or
 * in the empty namespace and in another one; -ENOMEM. */
MUST_USE int resolver_list(struct resolver *r);

/* What a name of a type means: one of the three is set. */
struct meaning {
        struct decl_common *common;
        struct span entity;
        const struct cedar_type *builtin;
};

/* Of a name that stands in namespace ns.  want: DECL_ENTITY, DECL_COMMON or DECL_EITHER. */
bool resolver_find_type(struct resolver *r, struct span ns, struct span name, enum decl_kind want,
                        struct meaning *ret);

/* An entity type that entities may have: not that of actions. */
const struct decl_entity *resolver_find_entity(struct resolver *r, struct span ns,
                                               struct span name);

/* An action by its type (`Action` where it is empty) and id. */
const struct decl_action *resolver_find_action(struct resolver *r, struct span ns, struct span type,
                                               struct span id);

#endif
