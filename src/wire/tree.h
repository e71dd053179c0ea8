/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - JSON text as a tree of values.  Floor 1, pure.
 *
 * RFC 8259, narrowed: no key twice in one object, UTF-8 without lone surrogates; whole numbers of
 * 64 bits with sign (but -0), others only where they are asked for.  Strings and keys may hold any
 * character, U+0000 too, since attributes of Cedar may, and so may bodies of requests: that is why
 * neither wire/json.h nor a C library for JSON serves here. SECURITY: reads hostile bytes;
 * recursion is bounded by TREE_DEPTH_MAX. */
#ifndef WIRE_TREE_H
#define WIRE_TREE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum {
        TREE_DEPTH_MAX = 128,
        TREE_SOURCE_MAX = 64 * 1024 * 1024,
        TREE_REAL_MAX = 64, /* characters of a number that is no 64-bit integer */
};

enum tree_kind {
        TREE_NULL,
        TREE_BOOL,
        TREE_NUMBER,
        TREE_REAL, /* any other number */
        TREE_STRING,
        TREE_ARRAY,
        TREE_OBJECT,
};

struct tree {
        enum tree_kind kind;
        uint32_t n; /* items or members */
        union {
                bool boolean;
                int64_t number;
                struct span text; /* of a string, unescaped; of a real as it was spelled */
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

/* The same of any JSON: what is no whole number of 64 bits becomes TREE_REAL, as it is spelled; one
 * of more than TREE_REAL_MAX characters is -EINVAL.  depth_max: TREE_DEPTH_MAX at most.  Nothing of
 * the text is in the error: it is what callers send, and may be personal. */
MUST_USE int tree_read_real(struct span text, unsigned depth_max, struct arena *arena,
                            struct tree *ret, struct err *err);

/* Appends it as JSON without blanks, members ascending, in strings only what must be escaped is.
 * tree_read_real() makes the same tree of it: a real stays as it was spelled, -0 was read as 0.  At
 * most TREE_DEPTH_MAX deep (asserted); failures of the buf stick there. */
void tree_print(const struct tree *t, struct buf *out);

/* The member's value; NULL when it has none of this name or is no object. */
const struct tree *tree_get(const struct tree *object, const char *key);

/* "a string", "null", ... for messages. */
const char *tree_kind_name(enum tree_kind kind);

#endif
