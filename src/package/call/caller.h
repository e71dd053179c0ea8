/* SPDX-License-Identifier: Apache-2.0 */
/* caller.h - who makes a request, as the entity that policies ask about.  Floor 2, pure.
 *
 *   Caller::"<id>" in Group::"<group>", ...   attributes: the claims that gateway.yaml passes on
 *
 * What entities.yaml says of the caller and of the groups is true as well, and holds where a claim
 * says otherwise: extra.h.
 *
 * SECURITY: made of a token or certificate that was verified.  All callers of a package are one
 * type: an id means the same caller whichever identity says it. */
#ifndef PACKAGE_CALLER_H
#define PACKAGE_CALLER_H

#include "package/package.h"

enum {
        CALLER_GROUPS_MAX = 256,
        CALLER_TEXT_MAX = 1024, /* bytes of an id, a group, a claim */
};

/* Whom nobody has verified is Caller::"unverified:<user>", in this group; no verified caller is. */
#define CALLER_UNVERIFIED       "unverified:"
#define CALLER_UNVERIFIED_GROUP "unverified"

/* What a token or certificate says. */
struct caller_proof {
        const struct config_identity *identity; /* of the package's: how it was verified; NULL:
                                                   nobody was asked for, and nothing else here is
                                                   looked at */
        struct span id;
        const struct span *groups;
        uint32_t n_groups;
        const struct span *claims; /* one for each of identity->claims, in their order; SPAN_NONE
                                      where it has none.  Not looked at when there are none */
};

/* Which of two identities that are shown together names the caller: JWT, opaque token, certificate,
 * then what nobody verified.  b may be NULL. */
bool caller_named_by(const struct config_identity *a, const struct config_identity *b);

/* Completed for requests that p->entities decide.  Nobody is Caller::"", which entities.yaml may
 * name like any other.  A group that an enumerated Group of
 * types.cedarschema does not have is left out: no policy can name it.  Borrows what proof points
 * at, and p; all else lies in arena, nothing else is allocated.
 *
 * -EINVAL: the id is empty or a text no UTF-8, or the Caller of types.cedarschema must have an
 * attribute that neither the claims nor entities.yaml say; -E2BIG: more than the above, or the
 * groups are in too many others; -ELOOP: a group is in this caller; each with which it is:
 * "caller: group 3: ..."; -ENOMEM. */
MUST_USE int package_caller(const struct package *p, const struct caller_proof *proof,
                            struct arena *arena, struct cedar_entity *ret, struct err *err);

/* What is known of a caller by his id and these groups alone, his claims not: likewise, but nothing
 * is missed that only claims could say. */
MUST_USE int package_caller_known(const struct package *p, struct span id,
                                  const struct span *groups, uint32_t n, struct arena *arena,
                                  struct cedar_entity *ret, struct err *err);

#endif
