/* SPDX-License-Identifier: Apache-2.0 */
/* ast.h - Cedar policies as they were written.  Floor 2, pure.
 *
 * Source: the Cedar grammar specification ("Grammar specification for Cedar policy syntax").  The
 * tree keeps what its author wrote (`!=`, `has a.b.c`, the order of things), so that the printer
 * can say it again; only parentheses and blanks are gone.  Nodes lie in the arena of their
 * cedar_policies and are never written after the parser returned. */
#ifndef POLICY_AST_H
#define POLICY_AST_H

#include "base/arena.h"
#include "base/base.h"
#include "policy/value/fn.h"
#include "policy/value/slots.h"
#include "policy/value/uid.h"

/* Ceilings; past them the parser refuses with a place. */
enum {
        CEDAR_SOURCE_MAX = 16 * 1024 * 1024,
        CEDAR_DEPTH_MAX = 500, /* of one expression; each operator of `a + b + c` is a level */
        CEDAR_POLICIES_MAX = 100000,
        CEDAR_ITEMS_MAX = 65535, /* in one set, record, list */
};

/* Where in the source: bytes from 0, lines and columns (in code points) from 1. */
struct cedar_pos {
        uint32_t at, line, column;
};

enum cedar_op {
        OP_BOOL,   /* boolean */
        OP_LONG,   /* number */
        OP_STRING, /* text */
        OP_UID,    /* uid */
        OP_VAR,    /* var */
        OP_IF,     /* a ? b : c */
        OP_OR,     /* a, b */
        OP_AND,
        OP_EQ,
        OP_NE,
        OP_LT,
        OP_LE,
        OP_GT,
        OP_GE,
        OP_IN,
        OP_ADD,
        OP_SUB,
        OP_MUL,
        OP_NOT, /* a */
        OP_NEG,
        OP_HAS,          /* a has path[0].path[1]...; n of them */
        OP_LIKE,         /* a like pattern */
        OP_IS,           /* a is text (a type) [in b] */
        OP_GET,          /* a.text, a["text"] */
        OP_SET,          /* items, n */
        OP_RECORD,       /* keys, items, n; no key twice */
        OP_FN,           /* fn(items, n); a method's receiver is items[0]; any n: who calls wrongly
                            errs when evaluated and does not validate */
        OP_CONTAINS,     /* a.contains(b) */
        OP_CONTAINS_ALL, /* a.containsAll(b) */
        OP_CONTAINS_ANY, /* a.containsAny(b) */
        OP_IS_EMPTY,     /* a.isEmpty() */
        OP_GET_TAG,      /* a.getTag(b) */
        OP_HAS_TAG,      /* a.hasTag(b) */
};

enum cedar_var { VAR_PRINCIPAL, VAR_ACTION, VAR_RESOURCE, VAR_CONTEXT };

/* `like`: pieces[0] * pieces[1] * ... pieces[n-1], unescaped; n >= 1.  Without a star n is 1. */
struct cedar_pattern {
        const struct span *pieces;
        uint32_t n;
};

struct cedar_expr {
        enum cedar_op op;
        uint32_t n; /* of items, keys, path */
        struct cedar_pos
                pos;    /* of the operator, the dot, the method's name; else of its beginning */
        uint32_t depth; /* 1, or one more than its deepest operand; at most CEDAR_DEPTH_MAX */
        const struct cedar_expr *a, *b, *c;
        union {
                bool boolean;
                int64_t number;
                struct span text;
                struct cedar_uid uid;
                enum cedar_var var;
                struct cedar_pattern pattern;
                const struct span *path;
                struct {
                        const struct span *keys; /* as written, unescaped; NULL for sets */
                        const struct cedar_expr *const *items;
                        enum cedar_fn fn;
                };
        };
};

enum cedar_effect { CEDAR_FORBID, CEDAR_PERMIT };

enum cedar_scope_kind {
        SCOPE_ANY,
        SCOPE_EQ,      /* == uid */
        SCOPE_IN,      /* in uid */
        SCOPE_IN_LIST, /* in [uids], actions only; n may be 0 */
        SCOPE_IS,      /* is type */
        SCOPE_IS_IN,   /* is type in uid */
};

struct cedar_scope {
        enum cedar_scope_kind kind;
        bool slot; /* ?principal or ?resource stands where uids[0] would; uids is NULL then */
        struct cedar_pos pos;
        struct span type;
        const struct cedar_uid *uids; /* one, or n of a list */
        uint32_t n;
};

struct cedar_annotation {
        struct span key, value;
        bool has_value; /* `@key` alone reads as an empty value */
        struct cedar_pos pos;
};

struct cedar_condition {
        bool unless;
        struct cedar_pos pos;
        const struct cedar_expr *expr;
};

struct cedar_policy {
        struct span id; /* "policy0", "policy1", ... in the order of the source, or a link's own */
        enum cedar_effect effect;
        bool template;             /* has a slot: decides nothing by itself */
        struct span of;            /* a link: the id of its template; else empty */
        struct cedar_pos pos, end; /* of its first token, behind its semicolon */
        const struct cedar_annotation *annotations;
        uint32_t n_annotations;
        struct cedar_scope principal, action, resource;
        const struct cedar_condition *conditions;
        uint32_t n_conditions;
};

/* `// ...`, for the printer. */
struct cedar_comment {
        struct cedar_pos pos;
        struct span text; /* from the slashes to the end of line, trailing blanks gone */
        bool alone;       /* nothing else before it on its line */
};

struct cedar_policies {
        struct arena arena; /* holds all that is below */
        struct span source; /* a copy */
        struct cedar_policy *policies;
        uint32_t n, cap;
        struct slots ids;                     /* of policies, by their ids: see ids.c */
        const struct cedar_comment *comments; /* by place */
        uint32_t n_comments;
};

/* NULL is fine; returns NULL. */
struct cedar_policies *cedar_policies_free(struct cedar_policies *p);
DEFINE_CLEANUP(struct cedar_policies, cedar_policies_free)

/* By id, NULL when there is none. */
const struct cedar_policy *cedar_policies_find(const struct cedar_policies *p, struct span id);

/* The value of an annotation; false when it has none of this key. */
bool cedar_policy_annotation(const struct cedar_policy *p, const char *key, struct span *ret);

#endif
