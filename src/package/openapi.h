/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.h - an OpenAPI 3.1 document as the model of an API.  Floor 2, pure.
 *
 * Source: OpenAPI Specification 3.1.1; extensions of ours:
 *
 *   x-data-class: pii.ssn     on a schema: what its values are.  [a-z][a-z0-9-]* between dots.  On
 *                             an object or an array it holds for all within that has none itself
 *   x-object: {type: Account, id: path.accountId}
 *                             on an operation or a path: the object it is about
 *
 * What would be passed over silently elsewhere is refused here: keywords that are not understood,
 * styles, callbacks, servers with variables, parameters that are a part of a segment, two paths
 * that fit the same request, bodies that are no JSON in requests.  Refused with its place, so that
 * one run of lint tells all. `$ref` stays within the document.
 *
 * SECURITY: in the job "package", which reads sources without rights. */
#ifndef PACKAGE_OPENAPI_H
#define PACKAGE_OPENAPI_H

#include "package/lint.h"
#include "package/model.h"

enum {
        OPENAPI_DEPTH_MAX = 64,         /* of nested schemas */
        OPENAPI_MEMORY_MAX = 256 << 20, /* of the model */
};

/* *ret also when there were faults that are warnings only.  -EINVAL: there were errors (in l);
 * -E2BIG, -ENOMEM. */
MUST_USE int openapi_read(const struct source_node *document, struct lint *l, struct api **ret,
                          struct err *err);

#endif
