/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h - what a package decides about a call that was judged before, by what was recorded of
 * it.  Floor 2, pure.
 *
 * The call is the one that its entry names: the operation by its id and method, the caller as he
 * was known then, by the same security scheme, the object by its type and id.  Whether his
 * credential would be taken, and whether the path is still this one, is not judged again.
 *
 * What is known of the request is held against the package's document and made into a context by
 * it; what is not known may be anything (policy/partial/partial.h).  So ALLOWED and DENIED hold
 * whatever the rest was, as far as policies go: what the document would say of the rest nobody
 * knows.
 *
 * SECURITY: what is recorded are other people's bytes. */
#ifndef PACKAGE_REPLAY_H
#define PACKAGE_REPLAY_H

#include "package/package.h"

/* Is it known, or why not? */
enum replay_known {
        REPLAY_KNOWN,
        REPLAY_UNRECORDED,
        REPLAY_LEFT_OUT, /* there was no room for it, or it was too long */
        REPLAY_SEALED,   /* the vault is not open to who asks */
        REPLAY_ERASED,
        REPLAY_LOST,      /* it should be in the vault and is not */
        REPLAY_ANOTHER,   /* of another type than the package has it of */
        REPLAY_ELSEWHERE, /* an object's id, that is of another parameter than the package has */
        REPLAY_UNJUDGED,  /* the same, of whatever parameter: who had judged it is not at hand */
        REPLAY_KNOWNS,
};
/* "was not recorded" */
const char *replay_known_text(enum replay_known k);

struct replay_call {
        struct span operation, method;              /* method empty: not known */
        struct span scheme;                         /* empty: nobody was asked for */
        bool same_package;                          /* the one that judged it */
        const struct api *judged;                   /* that one's document; NULL: not at hand */
        struct span caller, object_type, object_id; /* object_type empty: it is about the API */
        const struct span *groups;
        uint32_t n_groups;
        struct span address, tls_version;
        int64_t time_ms;
        const struct tree *asked;  /* what.asked of gateway/record/record.h */
        const struct tree *claims; /* of who.asked: [[name, text] or [name], ...] */
        bool has_client;           /* tls_client is known */
        struct span tls_client;
        struct { /* of each of these; where it is not known the above is not looked at */
                enum replay_known caller, groups, object, address, asked, claims;
        } known;
};

enum replay_decision {
        REPLAY_ALLOWED,
        REPLAY_DENIED,  /* by policies */
        REPLAY_REFUSED, /* by what is known, before policies are asked: ->why */
        REPLAY_GONE,    /* the package has no such operation: ->why */
        REPLAY_OPEN,    /* it hangs on what is not known: ->on, or ->why */
};

/* What is not known, where it stands in Cedar, and why. */
struct replay_unknown {
        struct span place; /* "context.body.amount", "principal", "principal.branch", "resource",
                              "principal in" any group */
        enum replay_known known;
};

struct replay_policies {
        const struct cedar_policy **at; /* that do for sure, in the order of the package */
        uint32_t n;
        bool sure; /* false: others may besides, depending on what is not known */
};

enum replay_read { REPLAY_CLEAR, REPLAY_MASKED, REPLAY_WITHHELD, REPLAY_READ_OPEN };

struct replay_class {
        uint32_t class; /* place in api.classes */
        enum replay_read read;
};

struct replay_result {
        enum replay_decision decision;
        const char *why;                 /* one line; NULL */
        struct replay_policies decide;   /* of ALLOWED, DENIED: those that decide */
        struct replay_policies err;      /* policies that err */
        const struct replay_unknown *on; /* of OPEN: what of the unknown it hangs on */
        uint32_t n_on;
        const struct replay_unknown *policies_on; /* of ->decide or ->err that is not sure */
        uint32_t n_policies_on;
        const struct replay_class *reads; /* of ALLOWED, by place; those the operation can answer */
        uint32_t n_reads;
        const struct replay_unknown *reads_on; /* of READ_OPEN ones */
        uint32_t n_reads_on;
};

/* All of ret lies in arena, or is borrowed from p and c.  -E2BIG: more than arena may hold;
 * -ENOMEM. bench: of p->program. */
MUST_USE int replay_decide(const struct package *p, struct cedar_bench *bench,
                           const struct replay_call *c, struct arena *arena,
                           struct replay_result *ret, struct err *err);

#endif
