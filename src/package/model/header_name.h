/* SPDX-License-Identifier: Apache-2.0 */
/* header_name.h - which headers of a request may be parameters of a document.  Floor 2, pure.
 *
 * Those of a connection, those that say who calls and those that ask a server for another method or
 * path than the request has are nobody's to send through a gateway: a back-end that believes them
 * would be told something that no policy has seen. */
#ifndef PACKAGE_HEADER_NAME_H
#define PACKAGE_HEADER_NAME_H

#include "base/base.h"

enum header_rule {
        HEADER_FREE,
        HEADER_NO_PARAMETER, /* OpenAPI says that it is none: it is passed over */
        HEADER_OWN,          /* the gateway sends its own, or none: passed over */
        HEADER_CONNECTION,   /* refused, as all below */
        HEADER_CALLER,
        HEADER_COOKIE,
};

/* A token: RFC 9110, 5.6.2. */
bool header_name_ok(struct span name);
/* name: in lower case.  "_" counts as "-", as it does for servers that make variables of both. */
enum header_rule header_name_rule(struct span name);

#endif
