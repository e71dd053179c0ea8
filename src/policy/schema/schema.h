/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - what entities, actions and requests look like.  Floor 2, pure.
 *
 * Names are resolved: every type is spelled with its namespace, common types are replaced by what
 * they stand for.  A schema is never written after it was read. */
#ifndef POLICY_SCHEMA_H
#define POLICY_SCHEMA_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "policy/value/fn.h"
#include "policy/value/uid.h"

enum {
        CEDAR_SCHEMA_DEPTH_MAX = 100,        /* nesting of one type, each common type counted */
        CEDAR_SCHEMA_MEMORY_MAX = 256 << 20, /* bytes, beyond: -ENOMEM */
};

struct cedar_type {
        enum cedar_kind kind;
        struct span entity;             /* CEDAR_ENTITY: its type */
        const struct cedar_type *item;  /* CEDAR_SET */
        const struct cedar_attr *attrs; /* CEDAR_RECORD: ascending by name, no name twice */
        uint32_t n;
};

struct cedar_attr {
        struct span name;
        const struct cedar_type *type;
        bool required;
};

struct cedar_entity_type {
        struct span name;
        const struct span *member_of; /* entity types its entities may have as parents */
        uint32_t n_member_of;
        const struct cedar_type *attrs; /* a record */
        const struct cedar_type *tags;  /* NULL: none */
        const struct span *ids; /* enumerated: the only ids, ascending; it has no attributes */
        uint32_t n_ids;         /* 0: not enumerated */
        const uint32_t *above;  /* all it may be in: places in cedar_schema.entities, ascending */
        uint32_t n_above;
};

struct cedar_action {
        struct cedar_uid uid;              /* `NS::Action::"view"` */
        const struct cedar_uid *member_of; /* actions */
        uint32_t n_member_of;
        const struct span *principals,
                *resources; /* entity types; none of either: applies to none */
        uint32_t n_principals, n_resources;
        const struct cedar_type *context; /* a record */
        const uint32_t *above; /* all it is in: places in cedar_schema.actions, ascending */
        uint32_t n_above;
};

struct cedar_schema {
        struct arena arena;
        const struct cedar_entity_type *entities; /* ascending by name */
        uint32_t n_entities;
        const struct cedar_action *actions; /* ascending by cedar_uid_cmp */
        uint32_t n_actions;
};

struct cedar_schema *cedar_schema_free(struct cedar_schema *s);
DEFINE_CLEANUP(struct cedar_schema, cedar_schema_free)

/* The two forms.  -EINVAL: "line 3, column 14: ..." for Cedar text, "entityTypes.User.shape: ..."
 * for JSON; -E2BIG, -ENOMEM. Source: the Cedar documentation, "Human-readable schema format
 * grammar" and "JSON schema format". */
MUST_USE int cedar_schema_parse(struct span text, struct cedar_schema **ret, struct err *err);
MUST_USE int cedar_schema_parse_json(struct span json, struct cedar_schema **ret, struct err *err);

/* NULL when there is none. */
const struct cedar_entity_type *cedar_schema_entity(const struct cedar_schema *s, struct span name);
const struct cedar_action *cedar_schema_action(const struct cedar_schema *s,
                                               const struct cedar_uid *uid);

/* Whether an entity of this type may have this id: any, where ids are not enumerated. */
bool cedar_entity_type_has(const struct cedar_entity_type *t, struct span id);

/* May an entity of type a be `in` one of type b (a == b included)?  The same for actions. */
bool cedar_schema_type_in(const struct cedar_schema *s, struct span a, struct span b);
bool cedar_schema_action_in(const struct cedar_schema *s, const struct cedar_uid *a,
                            const struct cedar_uid *b);

/* Do they say the same, whatever their texts look like?  Parents, principals and resources in their
 * order.  false, too, where finding that out takes more than 16 million steps. */
bool cedar_schema_same(const struct cedar_schema *a, const struct cedar_schema *b);

/* Bool, Long, String, ipaddr, ...: the kinds that need no more words (asserted). */
const struct cedar_type *cedar_type_basic(enum cedar_kind kind);

/* `{ a: Long, b?: Set<User> }`, for messages. */
void cedar_type_print(const struct cedar_type *t, struct buf *out);

#endif
