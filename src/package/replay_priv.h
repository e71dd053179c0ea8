/* SPDX-License-Identifier: Apache-2.0 */
/* replay_priv.h - what the files of replay.h share.  Floor 2, pure. */
#ifndef PACKAGE_REPLAY_PRIV_H
#define PACKAGE_REPLAY_PRIV_H

#include "package/call_value.h"
#include "package/replay.h"
#include "policy/partial.h"

enum { REPLAY_UNKNOWN_MAX = 1024 }; /* places of one request */

/* A request in the making. */
struct replay_request {
        const struct package *p;
        const struct replay_call *c;
        const struct api_operation *o;
        struct arena *arena;
        struct err err; /* of what the package refuses */

        struct cedar_entity caller;
        struct cedar_uid object;
        struct cedar_value context;

        bool no_caller, no_object; /* which they are is not known */
        struct cedar_place_name *places;
        struct replay_unknown *unknown; /* the same places as text, then principal and resource */
        uint32_t n_places, n_unknown;
};

/* Who calls, what it is about, the context: what is known of them, and what is not.
 * -EINVAL: the package refuses it, r->err says why; -EAGAIN: it cannot be told, r->err says why;
 * -E2BIG, -ENOMEM. */
MUST_USE int replay_make_caller(struct replay_request *r);
MUST_USE int replay_make_context(struct replay_request *r);

/* One more place that is not known. */
MUST_USE int replay_add_unknown(struct replay_request *r, const struct span *names, uint32_t n,
                                enum replay_known known);
/* The same of a variable, "principal". */
MUST_USE int replay_add_variable(struct replay_request *r, const char *name,
                                 enum replay_known known);

#endif
