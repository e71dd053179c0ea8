/* SPDX-License-Identifier: Apache-2.0 */
/* validate_check.h - between the files of the validator: one policy, one kind of request at a time.
 * Floor 2, pure.
 *
 * Every rule says what type an expression has and what it tells when it is true, and puts what is
 * wrong with it into the findings.  An expression without a type has been complained about; the
 * rules go on around it in silence, to find what else there is. */
#ifndef POLICY_VALIDATE_CHECK_H
#define POLICY_VALIDATE_CHECK_H

#include "policy/validate/validate.h"
#include "policy/validate/validate_caps.h"
#include "policy/validate/validate_same.h"
#include "policy/validate/validate_type.h"

/* The requests looked at: all of these types, of this action. */
struct check_env {
        const struct cedar_action *action;
        struct cedar_type principal, resource, act; /* entity types */
        const struct cedar_type *context;
};

struct check {
        const struct cedar_schema *schema;
        const struct cedar_policy *policy;
        const struct check_env *env; /* NULL: what is found holds for all of them */
        struct arena scratch;        /* of one environment */
        struct type_work work;
        struct cap_table table;

        struct arena *arena; /* the caller's: texts of findings */
        struct check_found *found;
        uint32_t n_found, n_before; /* all, those of earlier policies */
        int failed;                 /* -ENOMEM, -E2BIG: what is said no longer counts */
};

/* type NULL: none, and that was said. */
struct typed {
        const struct cedar_type *type;
        struct caps caps;
};

/* ---- validate_find.c ---- */

struct check_found {
        struct cedar_finding f;
        size_t said; /* bytes of its text before the kind of request */
};

void check_find(struct check *c, struct cedar_pos pos, const char *fmt, ...) PRINTF_LIKE(3, 4);
void check_warn(struct check *c, struct cedar_pos pos, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool check_may_find(const struct check *c);
void check_fail(struct check *c, int code);

/* A type, a uid, an expression in few words, for findings: text lies in scratch. */
const char *check_type_text(struct check *c, const struct cedar_type *t);
const char *check_uid_text(struct check *c, const struct cedar_uid *uid);
const char *check_expr_text(struct check *c, const struct cedar_expr *e);
const char *check_text(struct check *c, struct span s); /* quoted */

/* ---- validate_expr.c ---- */

/* n of the steps that all may take together; false: there are no more, or it failed before. */
bool check_steps(struct check *c, uint64_t n);

/* prior: what is known where e is evaluated. */
struct typed check_expr(struct check *c, const struct cedar_expr *e, struct caps prior);

/* The same; a type of another kind is complained about and none is given. */
struct typed check_kind(struct check *c, const struct cedar_expr *e, enum cedar_kind kind,
                        struct caps prior);

/* What `l && r` is. */
struct typed check_and(struct check *c, struct typed l, struct typed r);

/* The common type; NULL with a finding at pos: "<what>: Long and String". */
const struct cedar_type *check_join(struct check *c, struct cedar_pos pos, const char *what,
                                    const struct cedar_type *a, const struct cedar_type *b);

struct caps check_caps_union(struct check *c, struct caps a, struct caps b);

static inline struct typed typed_as(const struct cedar_type *type)
{
        return (struct typed){ .type = type };
}

static inline struct typed typed_none(void)
{
        return typed_as(NULL);
}

static inline struct typed typed_bool(void)
{
        return typed_as(cedar_type_basic(CEDAR_BOOL));
}

/* ---- rules, one file each ---- */

typedef struct typed check_rule(struct check *c, const struct cedar_expr *e, struct caps prior);

check_rule check_has, check_get, check_has_tag, check_get_tag; /* validate_attr.c */
check_rule check_eq, check_ne, check_in, check_is;             /* validate_entity.c */
check_rule check_set, check_record, check_fn, check_contains;  /* validate_data.c */
check_rule check_contains_set, check_is_empty, check_like;     /* validate_data.c */

/* ---- validate_names.c ---- */

/* Entity types, ids of enumerated types and actions that the schema does not have, wherever in the
 * policy they stand. */
void check_names(struct check *c);

/* ---- validate_scope.c ---- */

/* May the scope hold for entities of this type? */
bool scope_may_hold(const struct cedar_schema *s, const struct cedar_scope *scope,
                    struct span type);
bool scope_may_hold_action(const struct cedar_schema *s, const struct cedar_scope *scope,
                           const struct cedar_uid *action);

/* A list of actions is a set, and the elements of a set are of one type. */
void check_scope_actions(struct check *c);

#endif
