/* SPDX-License-Identifier: Apache-2.0 */
/* classes_priv.h - what is worked out of schemas once.  Floor 2, pure. */
#ifndef PACKAGE_CLASSES_PRIV_H
#define PACKAGE_CLASSES_PRIV_H

#include "package/schema/classes.h"
#include "package/schema/schema_checker.h"

/* Of a schema. */
enum {
        CLASSES_LEADS = 1u << 0,    /* it gives a class, or some schema that it leads to does */
        CLASSES_PLACES = 1u << 1,   /* what stands in place of it leads to one */
        CLASSES_WITHIN = 1u << 2,   /* what it says of members and items does */
        CLASSES_PATTERNS = 1u << 3, /* its patternProperties do */
};

/* A schema that describes the value the walk is at. */
struct classes_entry {
        uint32_t schema;
        uint32_t next; /* of its properties: those before come before the member asked for last */
};

struct classes_space {
        struct classes_entry *stack;
        uint32_t n, cap;
        uint32_t *seen; /* by schema: the number of the list it was put into last */
        uint32_t list;
};

struct api_classes {
        struct api_schemas schemas;
        const struct api_checker *checker;
        struct arena arena;
        struct class_set *own; /* by schema: rule 1 */
        uint8_t *flags;        /* by schema */
        struct classes_space *space;
};

static inline bool classes_leads(const struct api_classes *c, uint32_t schema)
{
        return schema != API_NONE && (c->flags[schema] & CLASSES_LEADS);
}

#endif
