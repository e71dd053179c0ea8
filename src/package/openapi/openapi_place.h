/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_place.h - where in a document something of its model was written, for faults that are
 * found later than it is read.  Floor 2, pure.
 *
 * The place is the nearest that is found; line 0 where the document is NULL or has nothing of it.
 */
#ifndef PACKAGE_OPENAPI_PLACE_H
#define PACKAGE_OPENAPI_PLACE_H

#include "package/source/source.h"

/* Of the operation with this operationId.  names lead on from there: "body" and properties, or
 * "query" (path, header, cookie) and a parameter. */
struct source_mark openapi_place_operation(const struct source_node *document, struct span id,
                                           const struct span *names, uint32_t n);

/* Of the component of this name, and properties from there on. */
struct source_mark openapi_place_schema(const struct source_node *document, struct span name,
                                        const struct span *names, uint32_t n);

/* The first `x-data-class` that says this class. */
struct source_mark openapi_place_class(const struct source_node *document, struct span name);

#endif
