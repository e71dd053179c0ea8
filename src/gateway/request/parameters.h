/* SPDX-License-Identifier: Apache-2.0 */
/* parameters.h - the parameters of a request, picked by what its operation says of them.  Floor 3,
 * pure.
 *
 * Source: OpenAPI 3.1.1, "Parameter Object" (styles simple and form); RFC 6265, 4.2.1.
 *
 *   path     by their place in it
 *   query    by name, unescaped; a name that the operation does not have is refused, and so is one
 *            that comes again and is no array with explode
 *   headers  by name; refused: a second one of the same name, and in a list an item with one quote
 *            (`"a,b"` is one item to some servers); others are not looked at
 *   cookies  of the one Cookie header: name=value; name=value.  One of the operation's that comes
 *            again or whose value is no cookie-octets is refused: no quotes, which some servers
 * take off; a comma in an array only.  Values are as they are sent, nothing is unescaped. Cookies
 * of others are passed over
 *
 * Whether a value fits its schema, and whether one that is required is there, call_check() says.
 *
 * SECURITY: hostile bytes. */
#ifndef GATEWAY_PARAMETERS_H
#define GATEWAY_PARAMETERS_H

#include "gateway/request/request.h"
#include "gateway/request/route.h"
#include "package/call/call.h"

/* *ret: one for each of operation's parameters, in arena, borrowing from route and q; for
 * call.parameters.  -EACCES with REFUSED_PARAMETER; -ENOMEM. */
MUST_USE int parameters_read(const struct package *p, const struct api_operation *operation,
                             const struct route *route, const struct request *q,
                             struct arena *arena, const struct call_value **ret,
                             struct refusal *refusal);

#endif
