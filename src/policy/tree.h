/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - JSON text as a tree of values.  Floor 2, pure.
 *
 * RFC 8259, narrowed: no key twice in one object, whole numbers of 64 bits with sign, UTF-8 without
 * lone surrogates.  Strings and keys may hold any character, U+0000 too, since attributes of Cedar
 * may: that is why neither wire/json.h nor a C library for JSON serves here.
 * SECURITY: reads hostile bytes; recursion is bounded by TREE_DEPTH_MAX. */
#ifndef POLICY_TREE_H
#define POLICY_TREE_H

#include "base/arena.h"
#include "base/err.h"

enum {
        TREE_DEPTH_MAX = 128,
        TREE_SOURCE_MAX = 64 * 1024 * 1024,
};

enum tree_kind { TREE_NULL, TREE_BOOL, TREE_NUMBER, TREE_STRING, TREE_ARRAY, TREE_OBJECT };

struct tree {
        enum tree_kind kind;
        uint32_t n; /* items or members */
        union {
                bool boolean;
                int64_t number;
                struct span text; /* unescaped */
                const struct tree *items;
                const struct tree_member *members; /* ascending by key (span_cmp) */
        };
};

struct tree_member {
        struct span key;
        struct tree value;
};

/* One value and nothing behind it.  Borrows from text where no escape is, the rest lies in arena.
 * -EINVAL: "line 3, column 14: ..."; -E2BIG: longer than TREE_SOURCE_MAX; -ENOMEM. */
MUST_USE int tree_read(struct span text, struct arena *arena, struct tree *ret, struct err *err);

/* The member's value; NULL when it has none of this name or is no object. */
const struct tree *tree_get(const struct tree *object, const char *key);

/* "a string", "null", ... for messages. */
const char *tree_kind_name(enum tree_kind kind);

#endif
