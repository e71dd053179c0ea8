/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - compiled policies and the decisions they come to.  Floor 2, pure.
 *
 * A program is never written after it was compiled, so any number of threads may decide by it, each
 * with a bench of its own.
 *
 * A decision allocates nothing and does not recurse but to compare values (as deep as they nest):
 * every operator of every policy is evaluated at most once, so the room it can need is known when
 * it is compiled.  Policies whose scope the request is not in are not looked at.  With N operators
 * in the others and V bytes in the largest value of the request and the entities it takes
 * O(N log N * V) steps at most (the logarithm is of sets built from the request), and with A
 * ancestors of principal, action, resource and the request's own entities and P policies
 * O(A + A * P / 64) for the scopes.
 *
 * The answer is the same for the same policies, entities and request, errors included. */
#ifndef POLICY_PROGRAM_H
#define POLICY_PROGRAM_H

#include "base/err.h"
#include "policy/ast/ast.h"
#include "policy/entities/entities.h"

struct cedar_program;

/* Templates are left out.  The policies must outlive the program and not change.  -ENOMEM; -E2BIG.
 */
MUST_USE int cedar_program_new(const struct cedar_policies *policies, struct cedar_program **ret,
                               struct err *err);
struct cedar_program *cedar_program_free(struct cedar_program *p);
DEFINE_CLEANUP(struct cedar_program, cedar_program_free)

/* What a thread decides on, by this program and no other (asserted). */
struct cedar_bench;
MUST_USE int cedar_bench_new(const struct cedar_program *p, struct cedar_bench **ret);
struct cedar_bench *cedar_bench_free(struct cedar_bench *b);
DEFINE_CLEANUP(struct cedar_bench, cedar_bench_free)

enum { CEDAR_EXTRA_MAX = 4 };

struct cedar_request {
        struct cedar_uid principal, action, resource;
        struct cedar_value context; /* a record */
        /* Entities of this request alone, completed with the entities it is decided by (extra.h).
         */
        const struct cedar_entity *extra;
        uint32_t n_extra; /* CEDAR_EXTRA_MAX at most (asserted) */
};

enum cedar_fault {
        FAULT_TYPE,         /* an operand of the wrong kind */
        FAULT_NOT_BOOL,     /* what `!`, `&&`, `||`, `if`, `when` or `unless` asks is no Bool */
        FAULT_NO_ATTRIBUTE, /* no such attribute of a record or an entity */
        FAULT_NO_TAG,
        FAULT_NO_ENTITY, /* an attribute of an entity that is not there */
        FAULT_OVERFLOW,  /* integer, datetime, duration */
        FAULT_EXTENSION, /* a string that is no decimal, address, ... */
        FAULT_ARGUMENTS, /* a function with too few or too many of them */
};

struct cedar_fault_at {
        const struct cedar_policy *policy;
        enum cedar_fault fault;
        const struct cedar_expr *expr; /* whose operator erred; FAULT_NOT_BOOL: what was asked */
};

/* Lists lie in the bench until its next decision, in the order of the policies. */
struct cedar_answer {
        enum cedar_effect decision;
        const struct cedar_policy *const
                *reasons; /* the deciding ones: permits that hold, or forbids */
        uint32_t n_reasons;
        const struct cedar_fault_at *faults; /* policies that erred count as not holding */
        uint32_t n_faults;
};

/* Forbid wins, no permit denies.  entities must be sealed; those of the request are seen first. */
void cedar_decide(const struct cedar_program *p, const struct cedar_entities *entities,
                  const struct cedar_request *request, struct cedar_bench *bench,
                  struct cedar_answer *ret);

/* One line for a person: `policy3: line 7, column 12: no attribute "x"`. */
void cedar_fault_print(const struct cedar_fault_at *f, struct buf *out);

/* One expression by itself, without a program: for tests.  The value lies in arena or in what it
 * was made of.  -EINVAL: it errs, *ret_fault says how (its policy is NULL); -ENOMEM, -E2BIG. */
MUST_USE int cedar_evaluate(const struct cedar_expr *e, const struct cedar_entities *entities,
                            const struct cedar_request *request, struct arena *arena,
                            struct cedar_value *ret, struct cedar_fault_at *ret_fault);

#endif
