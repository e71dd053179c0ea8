/* SPDX-License-Identifier: Apache-2.0 */
/* access_priv.h - what the parts of access.h share.  Floor 2, pure. */
#ifndef PACKAGE_ACCESS_PRIV_H
#define PACKAGE_ACCESS_PRIV_H

#include "package/call/caller.h"
#include "package/policies/access.h"
#include "package/policies/question.h"

/* A span of a package within a message, for "%.*s". */
#define SHOWN(s) (int)MIN_OF((s).n, (size_t)100), (const char *)(s).p

/* How an operation lets callers in: what they may be, and may say of themselves. */
struct ways {
        bool verified, groups, unverified, nobody;
        bool users; /* whom nobody verifies may have any name */
        struct span claims[API_SECURITY_MAX * CONFIG_CLAIMS_MAX];
        uint32_t n_claims;
};

struct asking {
        const struct package *p;
        const struct access_asked *asked;
        struct api_questions questions;
        struct access_who *who;
        uint32_t n_who;
        struct ways *ways;
        struct span stranger; /* an id that entities.yaml does not have */
        char stranger_text[16];
        const struct cedar_uid *unsaid; /* a group that no token leads to; NULL: some may */
        struct cedar_uid unsaid_room;
        struct arena arena, scratch; /* of one row; of another beside it */
        struct arena *at;            /* the one of these for answers */
        access_take_fn *take;
        void *ctx;
        struct err *err;
};

/* Is it one, by id, that nobody verified? */
static inline bool access_is_user(const struct access_who *who)
{
        return who->id.p && span_starts(who->id, SPAN(CALLER_UNVERIFIED));
}

/* May such a caller come to an operation that lets callers in as a->ways? */
bool access_comes(const struct asking *a, const struct access_who *who);

/* A row of such a caller, but for ->implied; answers lie in *a->at.  -ENOMEM. */
MUST_USE int access_ask(struct asking *a, const struct access_who *who,
                        const struct api_operation *o, uint32_t class, struct access_row *ret);

/* ->implied of a row of ACCESS_SEVERAL, and of ACCESS_NAMED with any groups, which is in a->arena.
 * a->scratch is written over.  -ENOMEM. */
MUST_USE int access_several_implied(struct asking *a, struct access_row *several);
MUST_USE int access_named_implied(struct asking *a, struct access_row *with);

/* All kinds of callers of a package, or the one asked for, in arena.  -E2BIG, -ENOMEM. */
MUST_USE int access_find_who(const struct package *p, const struct access_who *asked,
                             struct arena *arena, struct access_who **ret, uint32_t *ret_n);

#endif
