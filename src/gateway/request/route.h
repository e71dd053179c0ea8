/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - which operation a request is, by an allow-list.  Floor 3, pure.
 *
 * Made once for a generation.  An API has all that is below its base, and of several bases that a
 * path is below the longest: with /bank and /bank/v1, /bank/v1/x is asked of the second only, found
 * there or not.  (A path is below a base when it has one more segment at least, maybe an empty one:
 * /bank is not below /bank, /bank/ is.)  Below it the rule of package/model/model.h holds.
 *
 * Many servers do not look at the case of letters.  Of /a/{x} and /a/admin a request /a/ADMIN has
 * the first, and they would take it for the second: it is refused, as every path that another one
 * of the document fits but for the case, which has a word where the one that is meant has a
 * parameter.
 *
 * A tree of segments for each API: time is the number of segments times the logarithm of the widest
 * branching.  Where a word and a parameter both lead on from a place and the word leads nowhere,
 * the parameter is tried as well: at worst all of a document's paths are looked at once. */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "gateway/request/target.h"
#include "package/registry/live.h"

struct router;

/* -EEXIST: two APIs have the same base, or one has an operation that no request reaches since it is
 * below the longer base of another, each named; -ENOMEM.  Borrows from the generation. */
MUST_USE int router_new(const struct generation *g, struct router **ret, struct err *err);
struct router *router_free(struct router *r);
DEFINE_CLEANUP(struct router, router_free)

struct route {
        struct package *package;
        const struct api_operation *operation;
        struct span values[API_SEGMENTS_MAX]; /* of path parameters, in the order of the path */
        uint32_t n_values;
        unsigned allowed; /* with REFUSED_METHOD: 1u << enum api_method of each it has */
};

/* -EACCES with REFUSED_PATH, or with REFUSED_METHOD: allowed is set, and package where it is known
 * (the path is below its base) with both; operation is NULL.  HEAD is a GET where the document has
 * no HEAD, and is allowed where GET is. */
MUST_USE int router_find(const struct router *r, enum api_method method, const struct target *t,
                         struct route *ret, struct refusal *refusal);

#endif
