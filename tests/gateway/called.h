/* SPDX-License-Identifier: Apache-2.0 */
/* called.h - packages of YAML and calls of them, for tests. */
#ifndef TESTS_GATEWAY_CALLED_H
#define TESTS_GATEWAY_CALLED_H

#include "gateway/request/parameters.h"

enum { CALLED_HEADERS_MAX = 32 };

/* Built and opened; any fault fails the test.  Everybody may do everything. */
struct package *called_package(const char *openapi, const char *gateway, const char *backend);
void called_package_free(struct package *p);

/* "Name: value", each on a line of its own; how many were put into room. */
uint32_t called_headers(struct span lines, struct http_header *room, uint32_t max);

/* A request, as far as it came. */
struct called {
        struct arena arena;
        struct http_header headers[CALLED_HEADERS_MAX];
        struct request_raw raw;
        struct request q;
        struct route route;
        const struct call_value *values;
        struct refusal refusal;
        int rc;
};

/* HTTP/1.1, "Host: a" and these lines.  request_read(), router_find(), parameters_read(). */
void called_make(struct package *p, const char *method, const char *target, const char *lines,
                 struct called *ret);
void called_done(struct called *c);

#endif
