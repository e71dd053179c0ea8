/* SPDX-License-Identifier: Apache-2.0 */
/* replay_priv.h - what the files of replay.h share.  Floor 2, pure. */
#ifndef PACKAGE_REPLAY_PRIV_H
#define PACKAGE_REPLAY_PRIV_H

#include "package/call/call_value.h"
#include "package/replay/replay.h"
#include "policy/partial/partial.h"

enum {
        REPLAY_UNKNOWN_MAX = 1024, /* places of one context */
        /* and the object, the caller, his groups and claims */
        REPLAY_UNKNOWN_ALL = REPLAY_UNKNOWN_MAX + 3 + CONFIG_CLAIMS_MAX,
};

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
        enum replay_known object_known;
        bool is_stranger; /* the caller is not known, and none that entities.yaml has */
        struct cedar_brings
                brings; /* of one who is known, or a stranger: what is not known of him */
        struct cedar_place_name *places;
        struct replay_unknown *unknown; /* the same places as text, then principal and resource */
        uint32_t n_places, n_unknown;
};

/* Who calls, what it is about, the context: what is known of them, and what is not.
 * -EINVAL: the package refuses it, r->err says why; -EAGAIN: it cannot be told, r->err says why;
 * -E2BIG, -ENOMEM. */
MUST_USE int replay_make_caller(struct replay_request *r);
MUST_USE int replay_make_object(struct replay_request *r);
MUST_USE int replay_make_context(struct replay_request *r);

/* What was recorded of a parameter that is no list, as it stood in the request.  1, 0: nothing was;
 * -ENOMEM. */
MUST_USE int replay_recorded_text(struct replay_request *r, const struct api_parameter *p,
                                  struct span *ret);

/* Appends `.name` or `["na-me"]`. */
void replay_spell(struct buf *out, struct span name);
/* One more place that is not known. */
MUST_USE int replay_add_unknown(struct replay_request *r, const struct span *names, uint32_t n,
                                enum replay_known known);
/* The same of what is spelled "principal" or so; kept as it is. */
MUST_USE int replay_add_spelled(struct replay_request *r, struct span place,
                                enum replay_known known);

#endif
