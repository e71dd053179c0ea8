/* SPDX-License-Identifier: Apache-2.0 */
/* small_package.h - the sources of a package with one operation, for tests. */
#ifndef TESTS_PACKAGE_SMALL_PACKAGE_H
#define TESTS_PACKAGE_SMALL_PACKAGE_H

#include "base/base.h"

#define SMALL_BACKEND "unix: /run/x.sock\n"
#define SMALL_GATEWAY "name: small\nidentity: { token: { opaque: true } }\n"
#define SMALL_OPENAPI                                                                              \
        "openapi: 3.1.0\n"                                                                         \
        "info: { title: Small, version: 0.1.0 }\n"                                                 \
        "security: [{ token: [] }]\n"                                                              \
        "paths:\n"                                                                                 \
        "  /thing:\n"                                                                              \
        "    get:\n"                                                                               \
        "      operationId: getThing\n"                                                            \
        "      responses:\n"                                                                       \
        "        200: { description: it }\n"                                                       \
        "components:\n"                                                                            \
        "  securitySchemes:\n"                                                                     \
        "    token: { type: http, scheme: bearer }\n"
#define SMALL_POLICY "permit (principal, action == Action::\"getThing\", resource);\n"

#endif
