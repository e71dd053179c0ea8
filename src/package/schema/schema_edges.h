/* SPDX-License-Identifier: Apache-2.0 */
/* schema_edges.h - the schemas that a schema leads to.  Floor 2, pure. */
#ifndef PACKAGE_SCHEMA_EDGES_H
#define PACKAGE_SCHEMA_EDGES_H

#include "package/schema/schema.h"

enum api_edge {
        API_EDGE_PLACE = 1u << 0,  /* what describes the same value */
        API_EDGE_TEST = 1u << 1,   /* the same value, without saying what it is: not, if */
        API_EDGE_WITHIN = 1u << 2, /* what describes members and items */
};

/* to: a place, or API_NONE where there is none. */
typedef void api_edge_fn(void *ctx, uint32_t to);

/* Calls fn for each edge of these sorts, one schema as often as it is named. */
void api_schema_edges(const struct api_schema *s, unsigned sorts, api_edge_fn *fn, void *ctx);

#endif
