/* SPDX-License-Identifier: Apache-2.0 */
/* decl.h - a schema as it was written, its names not yet resolved.  Floor 2, pure.
 *
 * Both forms are read into this; schema_resolve.c makes the schema of it.  Everything lies in one
 * arena and is given back with it. */
#ifndef POLICY_DECL_H
#define POLICY_DECL_H

#include "policy/schema/schema.h"

/* Where something was written: a place in Cedar text, or a step of a path in JSON. */
struct decl_at {
        uint32_t line, column;    /* Cedar text; 0 in JSON */
        const struct decl_at *up; /* JSON: the step before, NULL at the top */
        struct span key;
};

enum decl_kind {
        DECL_BUILTIN, /* by a keyword of the JSON form, which nothing shadows */
        DECL_SET,
        DECL_RECORD,
        DECL_ENTITY, /* the name of an entity type */
        DECL_COMMON, /* ... of a common type, a primitive or an extension type */
        DECL_EITHER, /* ... of any of them, in this order: common, entity */
};

/* What a type came to, kept where it is referred to from many places. */
struct decl_resolved {
        const struct cedar_type *type; /* NULL: not yet */
        uint32_t height;               /* of its nesting, common types counted */
};

struct decl_type {
        enum decl_kind kind;
        enum cedar_kind builtin;
        const struct decl_at *at;
        struct span name;
        struct decl_type *item;
        struct decl_attr *attrs;
        uint32_t n_attrs;
        struct decl_resolved resolved;
};

struct decl_attr {
        struct decl_attr *next;
        const struct decl_at *at;
        struct span name;
        struct decl_type *type;
        bool required;
};

/* A list of names of types, or of ids. */
struct decl_name {
        struct decl_name *next;
        const struct decl_at *at;
        struct span name;
};

/* The parent of an action; without a type it is `Action`. */
struct decl_ref {
        struct decl_ref *next;
        const struct decl_at *at;
        struct span type, id;
};

struct decl_entity {
        struct decl_entity *next;
        const struct decl_at *at;
        struct span ns, id;
        struct decl_name *parents;
        struct decl_type *shape; /* NULL: no attributes */
        struct decl_type *tags;  /* NULL: none */
        struct decl_name *ids;   /* enumerated when there are any */
        /* For schema_resolve.c. */
        uint32_t order;
        struct span name;
};

struct decl_common {
        struct decl_common *next;
        const struct decl_at *at;
        struct span ns, id;
        struct decl_type *type;
        /* For schema_resolve.c. */
        uint32_t order;
        struct span name;
        bool busy;
};

struct decl_action {
        struct decl_action *next;
        const struct decl_at *at;
        struct span ns, id;
        struct decl_ref *parents;
        struct decl_name *principals, *resources;
        struct decl_type *context; /* NULL: {} */
        /* For schema_resolve.c. */
        uint32_t order;
        struct cedar_uid uid;
};

enum { DECL_MEMORY_MAX = 1u << 30 }; /* what a text of CEDAR_SOURCE_MAX can come to */

/* ns is "" for the empty namespace in all of them. */
struct decl_schema {
        struct arena arena;
        struct decl_name *namespaces;
        struct decl_entity *entities;
        struct decl_common *commons;
        struct decl_action *actions;
        uint32_t n_namespaces, n_entities, n_commons, n_actions;
};

/* Adds to the front; resolving does not mind the order, and errors go by `order`. */
void decl_add_namespace(struct decl_schema *d, struct decl_name *n);
void decl_add_entity(struct decl_schema *d, struct decl_entity *e);
void decl_add_common(struct decl_schema *d, struct decl_common *c);
void decl_add_action(struct decl_schema *d, struct decl_action *a);

/* Sets *err to "<where>: <text>"; returns -EINVAL. */
int decl_fail(struct err *err, const struct decl_at *at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The value of a call said here too, as err.h does it. */
#define decl_fail(...)                                                                             \
        ({                                                                                         \
                (void)(decl_fail)(__VA_ARGS__);                                                    \
                -EINVAL;                                                                           \
        })

/* Whether it is `A::B` in its one spelling, without blanks; its parts may be `__cedar`. */
bool decl_is_path(struct span s);

/* Whether one of the parts of a path is `__cedar`, where only the language declares. */
bool decl_is_reserved(struct span path);

/* Whether a common type may not have this name: it is a word of the JSON form. */
bool decl_is_type_word(struct span id);

/* The kind a primitive or extension type has; false for any other name. */
bool decl_builtin(struct span id, enum cedar_kind *ret);

/* What a text in Cedar's form declares, all of it in ret's arena, which the caller gives and ends;
 * names need not mean anything.  -EINVAL: "line 3, column 14: ..."; -E2BIG, -ENOMEM. */
MUST_USE int decl_read(struct span text, struct decl_schema *ret, struct err *err);

/* Makes the schema.  Its spans are copies.  -EINVAL, -ENOMEM. */
MUST_USE int schema_resolve(struct decl_schema *d, struct cedar_schema **ret, struct err *err);

#endif
