/* SPDX-License-Identifier: Apache-2.0 */
/* uid.h - the name of one entity: a type and an id.  Floor 2, pure. */
#ifndef POLICY_UID_H
#define POLICY_UID_H

#include "base/base.h"

/* `Album::"jane"`.  type is a path in its one spelling, "A::B" without blanks; id is any UTF-8,
 * unescaped.  hash covers both; only cedar_uid() makes it. */
struct cedar_uid {
        struct span type, id;
        uint64_t hash;
};

/* h with the bytes of s worked in: a hash without a key, and none of its bits is well mixed yet. */
uint64_t cedar_hash(uint64_t h, struct span s);

/* Borrows both spans. */
struct cedar_uid cedar_uid(struct span type, struct span id);

static inline bool cedar_uid_eq(const struct cedar_uid *a, const struct cedar_uid *b)
{
        return a == b || (a->hash == b->hash && span_eq(a->id, b->id) && span_eq(a->type, b->type));
}

/* Any order that is the same everywhere: by type, then by id, by bytes. */
int cedar_uid_cmp(const struct cedar_uid *a, const struct cedar_uid *b);

/* A quicker one, for searching: by hash, and where that is the same by cedar_uid_cmp(). */
static inline int cedar_uid_order(const struct cedar_uid *a, const struct cedar_uid *b)
{
        if (a->hash != b->hash)
                return a->hash < b->hash ? -1 : 1;
        return a == b ? 0 : cedar_uid_cmp(a, b);
}

#endif
