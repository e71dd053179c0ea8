/* SPDX-License-Identifier: Apache-2.0 */
/* code.h - compiled expressions: a list of steps on a stack of values.  Floor 2, pure.
 *
 * An expression becomes its operands' steps, one behind the other, and its own.  Steps run forward
 * only, so each runs at most once; nothing recurses, nothing allocates.  What `&&`, `||`, `if` and
 * `is in` do not look at is jumped over.
 *
 *   context.a && !(1 < 2)      0 VAR context   1 GET a   2 AND ->5   3 CONST false   4 BOOL   5
 *
 * What does not depend on a request is computed when it is compiled, unless it errs: then its steps
 * stay and err each time they are reached. */
#ifndef POLICY_CODE_H
#define POLICY_CODE_H

#include "policy/evaluate/program.h"

enum cedar_code_op {
        CODE_CONST,  /* push *value */
        CODE_VAR,    /* push the request's `which` (enum cedar_var) */
        CODE_BOOL,   /* the top must be a Bool */
        CODE_AND,    /* ... and when it is false go to n, else drop it */
        CODE_OR,     /* ... and when it is true go to n, else drop it */
        CODE_BRANCH, /* ... and is dropped; when it was false go to n */
        CODE_JUMP,   /* go to n */
        CODE_NOT,
        CODE_NEG,
        CODE_EQ,
        CODE_NE,
        CODE_LT,
        CODE_LE,
        CODE_GT,
        CODE_GE,
        CODE_ADD,
        CODE_SUB,
        CODE_MUL,
        CODE_IN,
        CODE_HAS,     /* the path of expr */
        CODE_GET,     /* the text of expr */
        CODE_HAS_OF,  /* push whether the request's `which` has an attribute, place n */
        CODE_GET_OF,  /* push that attribute */
        CODE_LIKE,    /* the pattern of expr */
        CODE_IS,      /* the type of expr */
        CODE_IS_THEN, /* ... and when it is not, push false and go to n */
        CODE_SET,     /* of the n values on top */
        CODE_RECORD,  /* of the n values on top, by keys */
        CODE_FN,      /* the function `which` of the n values on top */
        CODE_CONTAINS,
        CODE_CONTAINS_ALL,
        CODE_CONTAINS_ANY,
        CODE_IS_EMPTY,
        CODE_GET_TAG,
        CODE_HAS_TAG,
};
enum { CODE_OPS = CODE_HAS_TAG + 1 };

struct cedar_code {
        uint8_t op;    /* enum cedar_code_op */
        uint8_t which; /* enum cedar_var, enum cedar_fn */
        uint32_t n;
        union {
                const struct cedar_value *value;
                const struct cedar_expr *expr;
                const struct span *keys; /* ascending */
        };
};

/* An attribute of the request's principal, action, resource or context: looked up once a turn, by
 * whichever policy is the first to ask. */
struct cedar_place {
        const struct cedar_value *value; /* NULL: it has none */
        uint64_t turn;
};

/* What runs: the request, the entities, and room as large as the compiler said. */
struct cedar_machine {
        const struct cedar_entities *entities;
        const struct cedar_request *request;
        const struct cedar_entity *known[3]; /* principal, action, resource: NULL when not there */
        struct cedar_value *top;             /* the next free place of the stack */
        uint8_t *room;                       /* the next free byte for sets, records, addresses */
        struct cedar_place *places;
        uint64_t turn; /* from 1; another for each request */
        enum cedar_fault fault;
};

/* Looks up the three entities of the request. */
void cedar_machine_meet(struct cedar_machine *m, const struct cedar_entities *entities,
                        const struct cedar_request *request);

/* The one of this name, of the request or the store; NULL: none. */
const struct cedar_entity *cedar_machine_entity(const struct cedar_machine *m,
                                                const struct cedar_uid *uid);
/* Does it descend from `from`, also by what the request brings? */
bool cedar_machine_descends(const struct cedar_machine *m, const struct cedar_entity *entity,
                            const struct cedar_uid *from);

/* Runs code[from] up to code[to], which end with one value more on the stack: NULL then, else the
 * step that erred (m->fault says how). */
const struct cedar_code *cedar_machine_run(struct cedar_machine *m, const struct cedar_code *code,
                                           uint32_t from, uint32_t to);

/* What step c does to its values, of which the last is just below m->top.  false: m->fault. */
typedef bool cedar_step(struct cedar_machine *m, const struct cedar_code *c);
cedar_step cedar_step_fn; /* CODE_FN */

/* Bytes of m->room that a step takes at most. */
size_t cedar_code_room(const struct cedar_code *c);

/* Which attribute has which place.  Zeroed. */
struct cedar_places {
        struct cedar_attribute_name {
                struct span key;
                enum cedar_var of;
        } * names;
        uint32_t n;
        struct slots slots; /* of names; half of them are room for names */
};

/* The place of an attribute, a new one when it has none.  -ENOMEM. */
MUST_USE int cedar_places_find(struct cedar_places *p, enum cedar_var of, struct span key,
                               uint32_t *ret);
void cedar_places_done(struct cedar_places *p);

/* What compiles.  Zeroed but for the arena, where constants go. */
struct cedar_coder {
        struct arena *arena;
        struct cedar_code *code;
        const struct cedar_expr **exprs; /* what each step is of */
        uint32_t n, cap;
        uint32_t depth, max_depth; /* of the stack */
        size_t room, max_room;     /* of the expression at hand, of the largest so far */
        struct cedar_value *stack; /* for constants */
        uint32_t stack_cap;
        struct cedar_places places;
        int status; /* 0, -ENOMEM, -E2BIG: sticks */
};

enum { CEDAR_CODE_MAX = 64 * 1024 * 1024 }; /* steps in all */

/* The step of an operator with operands a and maybe b. */
enum cedar_code_op cedar_code_op_of(enum cedar_op op);

/* Appends the steps of an expression, of the conditions of a policy (to a Bool, `true` without any
 * condition).  c->status tells failure. */
void cedar_code_expr(struct cedar_coder *c, const struct cedar_expr *e);
void cedar_code_policy(struct cedar_coder *c, const struct cedar_policy *p);

/* Is what was appended from `from` on the constant b? */
bool cedar_code_is_bool(const struct cedar_coder *c, uint32_t from, bool b);

void cedar_coder_done(struct cedar_coder *c);

#endif
