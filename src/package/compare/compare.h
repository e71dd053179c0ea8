/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h - what one package changes for callers of another.  Floor 2, pure.
 *
 * What breaks callers: an operation, a parameter or a way to show who one is that goes; a request
 * that was taken and would be refused; an answer that may hold what it could not, or lacks what it
 * had; a permit that goes, a forbid that comes, a limit that is lower.  What widens access: an
 * operation or a permit that comes, a forbid that goes, a data class that an operation answers with
 * now, a mask that shows more.  Where it cannot be told, it is said to do either.
 *
 * Changes within a named component (components/schemas) are told once, not for each operation, and
 * break callers according to where the component is used, in requests or in answers. */
#ifndef PACKAGE_COMPARE_H
#define PACKAGE_COMPARE_H

#include "base/buf.h"
#include "package/config/config.h"

enum {
        COMPARE_ITEMS_MAX = 10000, /* kept; more are counted */
        COMPARE_DEPTH_MAX = 64,    /* of schemas within each other; deeper ones are not looked at */
        COMPARE_TEXT_MAX = 1000,
        COMPARE_MEMORY_MAX = 256 << 20,
};

enum compare_part {
        COMPARE_API, /* name, version, base */
        COMPARE_OPERATION,
        COMPARE_SCHEMA, /* a named component */
        COMPARE_IDENTITY,
        COMPARE_CLASS,
        COMPARE_POLICY,
        COMPARE_ENTITY,
        COMPARE_LIMIT,
        COMPARE_CACHE,
        COMPARE_CAPS,
        COMPARE_BACKEND,
        COMPARE_PARTS,
};
const char *compare_part_name(enum compare_part p); /* "operation" */

enum compare_change { COMPARE_ADDED, COMPARE_REMOVED, COMPARE_CHANGED };
const char *compare_change_name(enum compare_change c); /* "added" */

struct compare_item {
        enum compare_part part;
        enum compare_change change;
        bool breaks, widens;
        struct span name; /* of the operation, the policy, ...; may be empty */
        struct span text; /* one line, not made safe to show; may be empty */
        struct span was;  /* what stood for it before; may be empty */
};

struct compare {
        struct arena arena;
        struct compare_item *items; /* by part; within one as they are found */
        uint32_t n, room, more;
        uint32_t breaking, widening; /* of all, those not kept included */
};

/* One of the two packages. */
struct compare_side {
        const struct api *api;
        const struct config *config;
        struct span version;
        struct span policy, entities; /* sections of the package */
        struct span types;            /* of types.cedarschema; empty */
};

/* -EINVAL: a section of one of them that cannot be read, and where; -ENOMEM.  On failure *ret is
 * empty.  compare_done() in any case. */
MUST_USE int compare_packages(const struct compare_side *before, const struct compare_side *after,
                              struct compare *ret, struct err *err);
void compare_done(struct compare *c);

#endif
