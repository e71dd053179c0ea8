/* SPDX-License-Identifier: Apache-2.0 */
/* schema_reach.h - what schemas lead to.  Floor 2, pure.
 *
 * Documents have tens of thousands of schemas and as many circles: nothing here goes along paths,
 * all of it takes time by the number of schemas and of the edges between them (and of classes). */
#ifndef PACKAGE_SCHEMA_REACH_H
#define PACKAGE_SCHEMA_REACH_H

#include "base/arena.h"
#include "package/model/model.h"
#include "package/schema/schema_edges.h"

/* n schemas, wherever they are kept: by their places. */
struct schema_places {
        const struct api_schema *(*at)(const void *ctx, uint32_t place);
        const void *ctx;
        uint32_t n;
};

/* Those of a list, by their places in it. */
struct schema_places schema_places_of(const struct api_schemas *list);

/* Targets of i are to[first[i]] up to to[first[i + 1]]; reversed: those that have an edge to i. */
struct schema_graph {
        uint32_t n;
        uint32_t *first, *to;
};

/* Edges of these sorts (enum api_edge).  -ENOMEM. */
MUST_USE int schema_graph(const struct schema_places *s, unsigned sorts, bool reversed,
                          struct arena *arena, struct schema_graph *ret);

/* Bits of the classes that can be met from a schema: in its value, in members, in items. */
enum { REACH_WORDS = API_CLASSES_MAX / 64 };
struct schema_reach {
        uint64_t (*classes)[REACH_WORDS]; /* by place */
};

/* own: by place, the class that the schema itself gives, of n_classes; API_NONE.  -ENOMEM. */
MUST_USE int schema_reach(const struct schema_places *s, const uint32_t *own, uint32_t n_classes,
                          struct arena *arena, struct schema_reach *ret);

/* Adds what is met in answers (reads), in requests (writes) of an operation. */
void schema_reach_operation(const struct schema_reach *reach, const struct api_operation *o,
                            uint64_t reads[REACH_WORDS], uint64_t writes[REACH_WORDS]);

#endif
