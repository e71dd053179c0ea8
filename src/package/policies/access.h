/* SPDX-License-Identifier: Apache-2.0 */
/* access.h - who may read which data of an API, or send it, through which operations.  Floor 2,
 * pure.
 *
 * Of a package, for every kind of caller, the questions that the gateway asks about a call are
 * asked with everything unknown that only a call has: its object, what it brings, when and from
 * where it comes, what claims a token has beside groups (policy/partial/partial.h).  So an answer
 * is sure where every call of such a caller comes to it, and else says on what it hangs.
 *
 * Kinds of callers, each in the groups that are said and no others:
 *
 *   ACCESS_NAMED       Caller::"x" of entities.yaml, in the groups that this says; with any_groups
 *                      also in whatever groups a token says, where an identity of the operation
 *                      can say groups
 *   ACCESS_MEMBER      whom entities.yaml does not name, with one group (of entities.yaml or a
 *                      policy) in the token; likewise
 *   ACCESS_OTHER       ... with none
 *   ACCESS_SEVERAL     ... with any: what is left open by the above, which are told apart
 *   ACCESS_UNVERIFIED  of a credential that only the back-end judges, and not named
 *   ACCESS_NOBODY      without any credential
 *   ACCESS_ASKED       the one that was asked for; he may come without a credential as well, so
 *                      there are rows of ACCESS_NOBODY, too
 *
 * That a caller shows what the operation wants to see, that the call fits the document and the
 * limits, is taken for granted. */
#ifndef PACKAGE_ACCESS_H
#define PACKAGE_ACCESS_H

#include "package/package.h"
#include "policy/partial/partial.h"

enum access_kind {
        ACCESS_NAMED,
        ACCESS_MEMBER,
        ACCESS_OTHER,
        ACCESS_SEVERAL,
        ACCESS_UNVERIFIED,
        ACCESS_NOBODY,
        ACCESS_ASKED,
        ACCESS_KINDS,
};
const char *access_kind_name(enum access_kind k); /* "named" */

struct access_who {
        enum access_kind kind;
        struct span id;            /* ACCESS_NAMED; ACCESS_ASKED: p NULL where no id is known */
        const struct span *groups; /* that the token says */
        uint32_t n_groups;
        bool any_groups; /* and maybe others */
};

/* What a caller may see of a class, of which all but one are ruled out or not. */
enum access_sees {
        ACCESS_CLEAR = 1u << 0,
        ACCESS_MASKED = 1u << 1,
        ACCESS_WITHHELD = 1u << 2, /* or the call is refused */
};

struct access_row {
        const struct access_who *who;
        const struct api_operation *operation;
        uint32_t class; /* place in api.classes */
        bool writes;    /* it is about sending it: only `call` counts */
        struct cedar_partial_answer call, clear, masked;
        unsigned sees; /* enum access_sees; of a write: ACCESS_CLEAR (sent), ACCESS_WITHHELD */
        bool implied;  /* ACCESS_SEVERAL: whatever such a caller sees somebody sees, too, who is in
                          one of his groups or none.  ACCESS_NAMED with any_groups: these change
                          nothing */
};

/* Negative ends it, and is what package_access() returns. */
typedef int access_take_fn(void *ctx, const struct access_row *row, struct err *err);

struct access_asked {
        const struct span *classes; /* "pii" is all below it; n 0: all */
        uint32_t n_classes;
        const struct span *operations; /* n 0: all */
        uint32_t n_operations;
        const struct access_who *who; /* NULL: all kinds */
        bool writes;                  /* who may send; else who may read */
};

enum {
        ACCESS_WHO_MAX = 10000,
        ACCESS_MEMORY_MAX = 256 << 20, /* of the questions about one caller and operation */
};

/* Rows by class, kind of caller (in the order above, then by name), operation.  Rows borrow until
 * take returns.  -EINVAL: there is no class, no operation of this name, named; -E2BIG: more than
 * the above; -ENOMEM. */
MUST_USE int package_access(const struct package *p, const struct access_asked *asked,
                            access_take_fn *take, void *ctx, struct err *err);

/* The file of a package, and the line in it, that a line of its policies is from; false: sources
 * and policies are not the same text. */
bool package_policy_place(const struct package_file *f, uint32_t line, struct span *ret_file,
                          uint32_t *ret_line);

#endif
