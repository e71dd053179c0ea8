/* SPDX-License-Identifier: Apache-2.0 */
/* schema_maker.h - a JSON Schema as a table of schemas, for tests.
 *
 * The keywords of package/schema/schema.h in their plain form, `$ref` within the document by JSON
 * Pointer, x-data-class; any keyword that is neither one of them nor an annotation is refused. */
#ifndef TESTS_PACKAGE_SCHEMA_MAKER_H
#define TESTS_PACKAGE_SCHEMA_MAKER_H

#include "package/schema/schema.h"

/* The document's own is the first.  All lies in arena and borrows from document.  -EINVAL and why:
 * "keyword $dynamicRef"; -ENOMEM. */
MUST_USE int schema_make(const struct tree *document, struct arena *arena, struct api_schemas *ret,
                         struct err *err);

#endif
