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
 * What would be passed over silently elsewhere is refused here, each with its place, so that one
 * run of lint tells all of it:
 *
 *   - versions but 3.1; members that OpenAPI does not have, but for those that begin with "x-"
 *   - keywords of schemas that are not understood (schema.h); `nullable` and others of 3.0
 *   - references out of the document, and those that lead in a circle: of schemas those that come
 *     back to themselves about the same value, of anything else all
 *   - parameters that are a part of a segment, `content` of parameters, styles but simple (paths,
 *     headers) and form (query, cookies), parameters that are objects or of more than one type
 *   - two paths that differ in names of parameters only; TRACE; servers of a path or an operation
 *   - requests that are no JSON, bodies of GET and HEAD, ranges of media types
 *   - answers that are no JSON and have a data class within
 *   - apiKey, and schemes of HTTP but bearer and basic
 *   - operations without an operationId or with one that is taken: by another, by a tag, by what
 *     derive.h makes of them
 *
 * Warned of is what has no effect:
 *
 *   - servers of the document: backend.yaml and gateway.yaml say them; callbacks and webhooks:
 *     nothing serves them
 *   - readOnly and writeOnly, which OpenAPI 3.1 has as annotations: a member that is readOnly may
 * be sent, must be if it is required, and the back-end may ignore it; an API that wants it refused
 *     has a schema of its own for requests
 *   - discriminator, which must not change what fits; formats that are not known; scopes, since
 *     policies decide; parameters and headers that OpenAPI says are none (Accept, Content-Type,
 *     Authorization)
 *   - operations that say no security and have none from the document: anybody may call them
 *
 * And of two paths with a method that both have, of which a request can fit each and neither is the
 * narrower one: /a/{x}/b and /a/c/{y}.
 *
 * oauth2 and openIdConnect are bearer tokens to a gateway.  Documentation, links, examples and
 * extensions are passed over.  All components are read; what no operation leads to is not in the
 * model, but for data classes.
 *
 * SECURITY: in the job "package", which reads sources without rights. */
#ifndef PACKAGE_OPENAPI_H
#define PACKAGE_OPENAPI_H

#include "package/model/model.h"
#include "package/source/lint.h"

enum {
        OPENAPI_DEPTH_MAX = 64,         /* of nested schemas */
        OPENAPI_MEMORY_MAX = 256 << 20, /* of the model */
};

/* *ret also when there were faults that are warnings only.  -EINVAL: there were errors (in l);
 * -E2BIG, -ENOMEM. */
MUST_USE int openapi_read(const struct source_node *document, struct lint *l, struct api **ret,
                          struct err *err);

#endif
