/* SPDX-License-Identifier: Apache-2.0 */
/* compare_priv.h - what the parts of compare.h share.  Floor 2, pure. */
#ifndef PACKAGE_COMPARE_PRIV_H
#define PACKAGE_COMPARE_PRIV_H

#include "package/compare/compare.h"

enum compare_effect {
        COMPARE_NOTHING = 0,
        COMPARE_BREAKS = 1u << 0,
        COMPARE_WIDENS = 1u << 1,
        COMPARE_EITHER = COMPARE_BREAKS | COMPARE_WIDENS,
};

/* Where values go: what fits less breaks callers in requests, what fits more does in answers. */
enum compare_use { COMPARE_REQUEST = 1u << 0, COMPARE_ANSWER = 1u << 1 };

struct comparer {
        const struct compare_side *a, *b; /* before, after */
        struct compare *ret;
        bool silent; /* nothing is told: only uses of components are gathered */
        int rc;      /* -ENOMEM, for what gives none back */
        /* of each schema of a: its partner's place + 1 when both are components of one name, and
         * how it is used */
        uint32_t *partner;
        uint8_t *uses;
        bool grown; /* a use was new */
        /* pairs of others that were looked at, from a place (the root-th): open addressing, 0 is
         * free */
        uint32_t root;
        uint64_t *seen;
        size_t n_seen, seen_room;
};

void compare_add(struct comparer *c, enum compare_part part, enum compare_change change,
                 unsigned effect, struct span name, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* The same of what is now and what was before, either of which may be empty. */
void compare_add_was(struct comparer *c, enum compare_part part, enum compare_change change,
                     unsigned effect, struct span name, struct span text, struct span was);

/* A span of a package within a message, for "%.*s". */
#define SHOWN(s) (int)MIN_OF((s).n, (size_t)100), (const char *)(s).p

/* Two ascending lists side by side: of each name its place in both, SIZE_MAX where it has none. */
struct compare_pair {
        size_t a, b;
};
typedef struct span compare_name_fn(const void *list, size_t i);
/* false at the end; start with {0, 0} in *at. */
bool compare_next(const void *a, size_t n_a, const void *b, size_t n_b, compare_name_fn *name,
                  struct compare_pair *at, struct compare_pair *ret);

/* Schemas at these places, which may be API_NONE: any value.  where: "body", "query.limit" or
 * nothing within a component; items are of this part and name. */
struct compare_where {
        enum compare_part part;
        struct span name;
        const char *where;
        unsigned use; /* enum compare_use */
};
void compare_schemas(struct comparer *c, const struct compare_where *w, uint32_t a, uint32_t b);
/* Once the operations were compared silently: uses of components within components. */
void compare_gather(struct comparer *c);
/* All components that both sides use, by those uses. */
void compare_components(struct comparer *c);

void compare_operations(struct comparer *c);
void compare_who(struct comparer *c);     /* identities and classes */
void compare_serving(struct comparer *c); /* limits, cache, caps and back-end */
MUST_USE int compare_policies(struct comparer *c, struct err *err);
MUST_USE int compare_entities(struct comparer *c, struct err *err);

#endif
